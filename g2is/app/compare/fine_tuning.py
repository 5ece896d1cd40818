"""Fine-tuning from the page: choose, see what it will do and cost, start, follow, cancel, resume."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from g2is.analysis.inspection import inspect_files
from g2is.app.compare import tuning_job
from g2is.app.compare.choice import THIS
from g2is.app.compare.evaluated import evaluation_stamp
from g2is.app.compare.parts import fingerprint
from g2is.app.compare.tuning_check import (
    budgets_of,
    check_lines,
    demo_test,
    sizes_of,
    suggested_evaluation,
    tests_of,
)
from g2is.app.compare.tuning_job import Asked
from g2is.app.home.demo import progress_text
from g2is.app.places import default_cache
from g2is.app.shared import (
    SET,
    all_texts,
    cache_folder,
    literal,
    prose,
    put_in_url,
    saved_selections,
    show_error,
    show_text,
    visible,
)
from g2is.app.shared.jobs import POSSIBLE
from g2is.app.shared.model import can_compute, model_here
from g2is.app.shared.naming import checked_name, name_box
from g2is.app.shared.text import said, show_command, show_output
from g2is.app.shared.visitor import may_name_files, may_write
from g2is.app.shared.walked import walked
from g2is.app.walk.parameters import parameters_in_url
from g2is.app.walk.saving import save, saved_as, suggested_name
from g2is.config import ReadingConfig
from g2is.config.commands import CACHE, command
from g2is.errors import InputError
from g2is.run.run import Run


def follow_fine_tuning(run: Run) -> bool:
    """The progress of what was started, or what became of it; returns whether it is running."""
    if not POSSIBLE:
        return False
    if tuning_job.job_of(run).running():
        st.session_state["tune seen"] = evaluation_stamp(run)
        _follow(run)
        return True
    if (words := tuning_job.last_words(run)) is not None:
        _show_last(run, words)
    return False


def offer_fine_tuning(run: Run) -> None:
    """The form that starts fine-tuning; where there is no model, the command to run elsewhere."""
    st.header("Fine-tune on selections", anchor=False)
    if not may_write() or not POSSIBLE or not can_compute() or model_here(run) is None:
        _explain_elsewhere(run)
    else:
        _choose(run)


def _explain_elsewhere(run: Run) -> None:
    st.markdown(
        "Fine-tuning needs the base model of this run, and torch, transformers and peft; not all of them are on this "
        "machine, or it is shown read-only. Where they are, with the run's folder copied there, this "
        "command fine-tunes on your selections and a random draw; copy the folder `evaluations` of the run back, and "
        "the results appear here. `--check` first says what it would do and how long it takes."
    )
    names = list(saved_selections(run))[:4] or ["SELECTION"]
    asked = Asked("test", tuple(names), (("test", Path("TEST.jsonl")),), seeds=3, answers=True)
    show_command(_shown_command(run, asked.words(run)))


def _shown_command(run: Run, words: list[str]) -> str:
    cache = CACHE if cache_folder() == default_cache() else run.folder.parent
    return command(*words, cache=cache)


@st.fragment(run_every=1)
def _follow(run: Run) -> None:
    """Progress, log and cancel; looks again every second."""
    job, words = tuning_job.job_of(run), tuning_job.last_words(run) or []
    name = words[3] if words else ""
    if not job.running():
        if name:
            put_in_url(evaluation=name)
        st.rerun()
    if evaluation_stamp(run) != st.session_state.get("tune seen"):
        st.rerun()  # one more is done: its dots join the others
    if name and (progress := tuning_job.progress(run, name)):
        st.progress(progress.share, progress_text(progress).replace("in this stage", "in all"))
    else:
        st.progress(0.0, "Starting: loading the libraries and the model")
    st.caption("It continues if you close this page or stop the app. Every result is shown once it is done.")
    if may_write():
        st.button("Cancel", icon=":material/stop:", on_click=job.cancel, key="cancel fine-tuning")
    show_output(job.log_lines()[-12:])


def _show_last(run: Run, words: list[str]) -> None:
    """What became of the last one, where it did not end well."""
    name = words[3]
    if not may_write() or tuning_job.is_complete(run, name):
        return
    st.warning(
        f"The fine-tuning {literal(name)} ended before it was complete. What is done stays; resuming does the rest.",
        icon=":material/pause:",
    )
    with st.container(horizontal=True):
        st.button(
            "Resume",
            icon=":material/play_arrow:",
            on_click=lambda: _start_again(run, words),
            key="resume tuning",
        )
        st.button("Forget it", type="tertiary", on_click=tuning_job.forget, args=(run,))
    with st.expander("Output", expanded=True):
        show_output(tuning_job.job_of(run).log_lines()[-30:])


def _choose(run: Run) -> None:
    """The form: selections, test file, seeds, budgets; then what it will do, and the button that starts it."""
    names = [THIS, *saved_selections(run), *(SET + name for name in run.sets.names())]
    labels = {THIS: "this walk"} | {name: visible(name) for name in names[1:]}
    with st.form("fine-tuning", border=True):
        selections = st.multiselect(
            "Selections and sets",
            names,
            default=_compared(names),
            format_func=labels.__getitem__,
            key="tune selections",
            help="Your walk is saved under a name of its own when fine-tuning starts.",
        )
        with st.container(horizontal=True):
            own, demo = may_name_files(), str(demo_test(run) or "")
            test = st.text_input(
                "Test files",
                value=demo if own else said(demo),
                key="tune test",
                disabled=not own,
                placeholder="/data/test.jsonl",
                help="Held-out examples of the target, on the machine that the app runs on; read as the pool is. "
                "Several: `gsm8k=/data/a.jsonl; bbh=/data/b.jsonl`.",
            )
            name = name_box("Name", key="tune name", placeholder="after the test file", width=200)
        with st.container(horizontal=True):
            seeds = st.number_input(
                "Seeds", 1, 20, 3, key="tune seeds", help="Fine-tunings of each selection."
            )
            budgets = st.text_input(
                "Budgets",
                key="tune budgets",
                placeholder="as they are",
                help="Such as 60, 150 or 1%, 5%: every selection is chosen again with each by its method.",
            )
            sizes = st.text_input(
                "Validation examples",
                key="tune sizes",
                placeholder="all",
                help="Such as 8, 32, all: every selection is chosen again with so many examples of each target, drawn "
                "anew for each seed. It shows whether more of them would help.",
            )
            epochs = st.number_input(
                "Passes", 1, 1000, 5 if run.manifest.is_demo else None, key="tune epochs", placeholder="usual"
            )
        with st.container(horizontal=True):
            drawn = st.checkbox("Beside a random draw, anew for each seed", value=True, key="tune drawn")
            by_target = len(run.targets) > 1 and st.checkbox(
                "For each test's target alone",
                key="tune by target",
                help="Every selection is chosen again for the target with the name of the test, and tested on that.",
            )
            answers = st.checkbox("Exact answers too (slower)", key="tune answers")
        st.form_submit_button("Check and estimate", icon=":material/fact_check:", key="tune check")
    if "tune checked" not in st.session_state and not st.session_state.get("tune check"):
        return
    try:
        # What a disabled box holds, a browser may still send.
        tests = tests_of(test if own else demo)
        asked = Asked(
            name=checked_name(name) if name else suggested_evaluation(run, tests[0][0]),
            selections=tuple(one for one in selections if not one.startswith(SET)),
            sets=tuple(one.removeprefix(SET) for one in selections if one.startswith(SET)),
            tests=tests,
            seeds=int(seeds),
            budgets=budgets_of(run, budgets),
            sizes=sizes_of(sizes),
            by_target=by_target,
            drawn=drawn,
            epochs=int(epochs) if epochs else None,
            answers=answers,
        )
        if not selections and not drawn:
            raise InputError("selections: none is chosen, expected at least one")
        _show_check(run, asked)
    except InputError as error:
        show_error(error)


def _compared(names: list[str]) -> list[str]:
    """What the page compares, without a draw that would be drawn again anyway."""
    asked = [
        name for name in all_texts().get("compare", []) if name in names and not name.startswith("random")
    ]
    return list(dict.fromkeys(asked))[:4] or [THIS]


def _show_check(run: Run, asked: Asked) -> None:
    """How the test file is read, what is left out, what it costs; and the button that starts it."""
    stamp = [(file.stat().st_mtime_ns, file.stat().st_size) for _, file in asked.tests]
    walk = walked(run, parameters_in_url(run)) if THIS in asked.selections else None
    key = fingerprint(run.state, asked, stamp, walk.parameters.model_dump() if walk else None)
    checked = st.session_state.get("tune checked")
    if checked is None or checked[0] != key:
        with st.spinner("Reading the test file and counting what there is to do"):
            checked = key, check_lines(run, asked)
        st.session_state["tune checked"] = checked
    found = inspect_files([str(file) for _, file in asked.tests], ReadingConfig())
    with st.container(border=True):
        for line in checked[1]:
            st.markdown(f"- {literal_line(said(line))}")
        for file in found.files:
            for shape in file.shapes:
                st.caption(f"Test file read as {prose(shape)}")
        if found.instructions:
            first = found.instructions[0]
            with st.expander("Its first example"):
                show_text(f"{first.prompt}\n→ {first.response}", tallest=200)
        st.button(
            "Start fine-tuning",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(run, asked),
        )
        show_command(_shown_command(run, asked.words(run)))


def literal_line(line: str) -> str:
    """A line of the program, of which nothing is markdown."""
    return re.sub(r"([\\`*_{}\[\]()#+.!|<>$~:-])", r"\\\1", visible(line))


def _start(run: Run, asked: Asked) -> None:
    """For callbacks: saves the walk if it is among the selections, and starts the command."""
    try:
        names = tuple(_saved_walk(run) if name == THIS else name for name in asked.selections)
        named = Asked(**{**vars(asked), "selections": tuple(dict.fromkeys(names))})
        tuning_job.start(run, named.words(run))
    except InputError as error:
        show_error(error)
    st.session_state.pop("tune checked", None)


def _saved_walk(run: Run) -> str:
    walk = walked(run, parameters_in_url(run))
    name = saved_as(run, walk)
    if name is None:
        name = suggested_name(run, walk)
        save(run, walk.trace, name)
    return name


def _start_again(run: Run, words: list[str]) -> None:
    """For callbacks."""
    try:
        tuning_job.start(run, words)
    except InputError as error:
        show_error(error)
