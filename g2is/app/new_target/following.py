"""A target that is being added: how far it is, and what became of it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from g2is.app.home.demo import progress_text
from g2is.app.new_target import job
from g2is.app.new_target.job import Asked
from g2is.app.shared import all_texts, link_to, literal, number, prose, show_error, visible
from g2is.app.shared.arrivals import expect, see
from g2is.app.shared.more_like import OF_OTHER_TARGETS
from g2is.app.shared.targets import TARGET
from g2is.app.shared.text import show_output
from g2is.errors import InputError
from g2is.run.run import Run


@st.fragment(run_every=1)
def follow(run: Run) -> None:
    """Progress, log and cancel; looks again every second."""
    running = job.job_of(run)
    if not running.running():
        st.rerun()
    asked = job.last(run)
    st.markdown(f"**Adding {literal(visible(asked.name)) if asked else 'a target'}**")
    if progress := job.progress(run):
        st.progress(progress.share, progress_text(progress).replace("in this stage", "in this part"))
    else:
        st.progress(0.0, "Starting: loading the libraries")
    st.caption("It continues if you close this page. Cancelled, it leaves the run as it was.")
    st.button("Cancel", icon=":material/stop:", on_click=running.cancel, key="cancel new target")
    show_output(running.log_lines()[-12:])


def show_last(run: Run, asked: Asked) -> bool:
    """What became of the last one; False where there is nothing to say any more."""
    if job.is_there(run, asked):
        _show_done(run, asked.name)
        return True
    if asked.done:  # and removed since
        job.forget(run)
        return False
    _show_failed(run, asked)
    return True


def _show_done(run: Run, name: str) -> None:
    see(run)
    target = next(one for one in run.targets if one.name == name)
    st.success(
        f"Target {literal(visible(name))} is there: {number(target.size)} examples, compared with all "
        f"{number(len(run.valid))} instructions.",
        icon=":material/check_circle:",
    )
    for line in notes_of(run, name):
        st.caption(prose(line))
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(key="first_action", width="content"):
            link_to("Walk", "Walk for it", **only(name))
        link_to("Core knowledge", "Its target directions", add=None, view="directions", **only(name))
        st.button("Add another", icon=":material/add:", key="another target", on_click=_forget, args=(run,))


def notes_of(run: Run, name: str) -> list[str]:
    """What was left out, cut or repaired when a target was taken, a line each."""
    part = next(part for part in run.manifest.targets.values() if part.name == name)
    left = part.found.get("left_out", [])
    lines = [
        *part.found.get("reading", []),
        *([f"left out: {len(left):,}, they have no gradient"] if left else []),
    ]
    return [*lines, *left[:3]]


def only(name: str) -> dict[str, Any]:
    """Parameters of a link that make the walk one for this target alone."""
    others: dict[str, Any] = {key: None for key in all_texts() if key.startswith(TARGET)}
    return {**others, **dict.fromkeys(OF_OTHER_TARGETS), f"{TARGET}{name}": 1}


def _show_failed(run: Run, asked: Asked) -> None:
    lines = job.job_of(run).log_lines()
    st.error(failure(asked.name, job.reason(lines)), icon=":material/error:")
    with st.container(horizontal=True):
        st.button(
            "Try again",
            icon=":material/play_arrow:",
            key="retry new target",
            on_click=_again,
            args=(run, asked),
        )
        st.button("Forget it", type="tertiary", key="forget new target", on_click=_forget, args=(run,))
    if lines:
        with st.expander("Output"):
            show_output(lines[-30:])


def failure(name: str, reason: str) -> str:
    """That a target was not added, in Markdown. reason: as the command printed it; empty where it did not."""
    what = f"Target {literal(visible(name))} was not added, and the run is as it was"
    return (
        f"{what}: {prose(reason)}"
        if reason
        else f"{what}: it was cancelled, or ended before it was complete."
    )


def _again(run: Run, asked: Asked) -> None:
    try:
        if job.start(run, asked):
            expect(run, asked.name)
    except InputError as error:
        show_error(error)


def _forget(run: Run) -> None:
    try:
        job.forget(run)
    except (InputError, OSError) as error:
        show_error(InputError(str(error)))
