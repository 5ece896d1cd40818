"""What models learned from selections: the results of `evaluate`, per target and subtask."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.app.compare.parts import INSTRUCTIONS, PERCENT, PLAIN, table
from g2is.app.shared import THREE_DIGITS, in_url, literal, number, one_of, saved_selections, visible
from g2is.config.commands import command
from g2is.evaluation.results import Evaluation, evaluations, read_evaluations, summarise
from g2is.figures.compare import results_figure
from g2is.run.run import Run

REFERENCE = "random"


def show_results(run: Run) -> None:
    """Dots of every seed with mean and spread; without results, the command that computes them."""
    st.markdown(
        "The run's base model was fine-tuned on each selection, once for each seed, and tested on examples that it had "
        "not seen. **Loss** is the mean loss of the right answer: lower is better. **Exact** is the share of short "
        "answers that are right."
    )
    known = evaluations(run)
    if not known:
        st.info(
            "Nothing is evaluated yet. This fine-tunes the base model on your selections and a random one:"
        )
        st.code(_command(run), language="bash", wrap_lines=True)
        return
    name = _choose("evaluation", "Evaluation", list(known))
    evaluation = known[name]
    results = read_evaluations(run)
    results = results[results["evaluation"] == name]
    _overview(evaluation, results)
    if results.empty:
        st.info("None of its fine-tunings is done yet.")
        return
    target = _choose("tested", "Target", list(dict.fromkeys(results["target"])))
    results = results[results["target"] == target]
    tasks = sorted(task for task in results["task"].dropna().unique() if task)
    task = _choose("subtask", "Subtask", ["", *tasks], {"": "all together"}) if len(tasks) > 1 else ""
    here = results[results["task"] == task] if task else results
    summary = summarise(results, REFERENCE)
    _dots(here)
    st.markdown(f"{literal(target)}, all together and by subtask" if len(tasks) > 1 else literal(target))
    _summary(summary[summary["task"] == task] if task else summary)


def _choose(parameter: str, label: str, options: list[str], words: dict[str, str] | None = None) -> str:
    if len(options) < 2:
        return options[0]
    return st.selectbox(
        label,
        options,
        format_func=lambda option: (words or {}).get(option, visible(option)),
        width=320,
        **in_url(parameter, options[0], one_of(options)),
    )


def _overview(evaluation: Evaluation, results: pd.DataFrame) -> None:
    """How many fine-tunings the results are from, and warnings where they may mislead."""
    total = len(evaluation.fine_tunings)
    done = len(results[["selection", "seed"]].drop_duplicates())
    rows = [f"{number(done)} of {number(total)} fine-tunings are done"] if done < total else []
    sizes = sorted({one.size for one in evaluation.fine_tunings})
    rows.append(f"{number(len({one.seed for one in evaluation.fine_tunings}))} seeds")
    if len(sizes) == 1:
        rows.append(f"{number(sizes[0])} instructions each")
    st.caption(" · ".join(rows))
    if len(sizes) > 1:
        st.warning(
            f"The selections differ in size, from {number(sizes[0])} to {number(sizes[-1])} instructions: part of what "
            "differs between them is the budget.",
            icon=":material/balance:",
        )
    if leaks := {what: count for what, count in evaluation.leaks.items() if count}:
        st.warning(
            "Near-copies were found, which flatter the methods that select them: "
            + ", ".join(f"{number(count)} × {literal(what)}" for what, count in leaks.items()),
            icon=":material/content_copy:",
        )


def _dots(results: pd.DataFrame) -> None:
    means = results.groupby(["selection", "seed"], sort=False)["loss"].mean().reset_index()
    st.plotly_chart(
        results_figure(means, "loss", "held-out loss: lower is better", best="low"),
        key="results loss",
        config=PLAIN,
    )
    answered = results[results["correct"].notna()]
    if answered.empty:
        st.caption("○ one seed · ◆ the mean, with the standard deviation over seeds")
        return
    exact = answered.assign(exact=answered["correct"].astype(float))
    exact = exact.groupby(["selection", "seed"], sort=False)["exact"].mean().reset_index()
    st.plotly_chart(
        results_figure(exact, "exact", "exact answers: higher is better", best="high"),
        key="results exact",
        config=PLAIN,
    )
    st.caption("○ one seed · ◆ the mean, with the standard deviation over seeds")


def _summary(summary: pd.DataFrame) -> None:
    """The numbers behind the dots, beside random."""
    frame = summary.drop(columns="evaluation").dropna(axis=1, how="all")
    if (frame["task"] == "").all():
        frame = frame.drop(columns="task")
    if REFERENCE in set(frame["selection"]):
        st.markdown(
            "**difference** is the loss minus that of random; **p value**: the probability of so large a difference by "
            "chance over test examples (a paired t-test); **apart**: the ranges over seeds do not overlap."
        )
    else:
        st.caption("Random was not evaluated, so there is no baseline: add `--method random`.")
    columns = {
        "task": "subtask",
        "size": INSTRUCTIONS,
        "examples": "test examples",
        "loss": st.column_config.NumberColumn(format="%.4g"),
        "loss_spread": st.column_config.NumberColumn("spread of the loss", format="%.3g"),
        "exact": PERCENT,
        "exact_spread": st.column_config.NumberColumn("spread of exact", format="percent"),
        "difference": THREE_DIGITS,
        "p_value": st.column_config.NumberColumn("p value", format="%.3g"),
    }
    table(frame, "fine-tuning", columns, expanded=True)


def _command(run: Run) -> str:
    names = list(saved_selections(run))[:4] or ["SELECTION"]
    selections = [part for name in names for part in ("--selection", name)]
    words = ["evaluate", run.name, "--test", "TEST.jsonl", *selections, "--method", REFERENCE, "--seeds", "3"]
    return command(*words, cache=run.folder.parent)
