"""What models learned from selections: the results of `evaluate`, per target and subtask."""

from __future__ import annotations

import shlex

import pandas as pd
import streamlit as st

from g2is.app.compare.parts import PLAIN, table
from g2is.app.shared import in_url, literal, number, one_of, saved_selections, visible
from g2is.evaluation.results import Evaluation, evaluations, read_evaluations, summarise
from g2is.figures.compare import results_figure
from g2is.run.run import Run

REFERENCE = "random"


def show_results(run: Run) -> None:
    """Dots of every seed with mean and spread; without results, the command that makes them."""
    st.markdown(
        "Each selection fine-tuned the run's base model, once for each seed, and the model was asked test examples "
        "that it had not seen. **Loss** is how surprised it is by the right answer: lower is better. **Exact** is the "
        "share of short answers that it gets right."
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
    _said(evaluation, results)
    if results.empty:
        st.info("No fine-tuning of it is done yet.")
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


def _said(evaluation: Evaluation, results: pd.DataFrame) -> None:
    """How the results came about, and what may spoil them."""
    wanted = len(evaluation.fine_tunings)
    done = len(results[["selection", "seed"]].drop_duplicates())
    rows = [f"{number(done)} of {number(wanted)} fine-tunings are done"] if done < wanted else []
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
            "**difference** is the loss less that of random; **p value**: how likely so large a difference would be by "
            "chance over test examples (a paired t-test); **apart**: no seed of one lies among the seeds of the other."
        )
    else:
        st.caption(
            "Random was not evaluated, so nothing says what chance would reach: add `--method random`."
        )
    four = st.column_config.NumberColumn(format="%.4g")
    three = st.column_config.NumberColumn(format="%.3g")
    share = st.column_config.NumberColumn(format="percent")
    columns = {
        "size": st.column_config.NumberColumn("instructions", format="localized"),
        "loss": four,
        "loss_spread": three,
        "exact": share,
        "exact_spread": share,
        "difference": three,
        "p_value": three,
    }
    table(frame, "fine-tuning", columns, expanded=True)


def _command(run: Run) -> str:
    names = list(saved_selections(run))[:4] or ["SELECTION"]
    selections = [part for name in names for part in ("--selection", name)]
    words = ["python", "-m", "g2is", "evaluate", run.name, "--test", "TEST.jsonl", *selections]
    return shlex.join([*words, "--method", REFERENCE, "--seeds", "3"])
