"""What models learned from selections: the results of `evaluate`, per budget, target and subtask."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.app.compare.evaluated import results_of
from g2is.app.compare.grid_results import is_grid, show_grid_results
from g2is.app.compare.parts import INSTRUCTIONS, PERCENT, PLAIN, table
from g2is.app.compare.verdict import literal_words
from g2is.app.shared import THREE_DIGITS, in_url, literal, number, one_of, prose, visible
from g2is.evaluation.budgets import by_budget
from g2is.evaluation.differences import difference, sentence
from g2is.evaluation.results import Evaluation, read_left_out, summarise
from g2is.figures.results import results_figure
from g2is.run.paths import EVALUATIONS
from g2is.run.run import Run

REFERENCE = "random"


def show_results(run: Run) -> None:
    """A sentence, and dots of every seed with mean and spread, for each budget."""
    known, everything, _ = results_of(run)
    if not known:
        st.info("Nothing is fine-tuned yet.")
        return
    st.markdown(
        "The run's base model was fine-tuned on each selection, once for each seed, and tested on examples that it had "
        "not seen. **Loss** is the mean loss of the right answer: lower is better."
    )
    with st.container(horizontal=True):
        name = _choose("evaluation", "Evaluation", list(known))
        evaluation = known[name]
        results = everything[everything["evaluation"] == name]
        if not results.empty and not is_grid(evaluation):
            target = _choose("tested", "Target", list(dict.fromkeys(results["target"])))
            results = results[results["target"] == target]
            tasks = sorted(task for task in results["task"].dropna().unique() if task)
            task = _choose("subtask", "Subtask", ["", *tasks], {"": "all together"}) if len(tasks) > 1 else ""
    _overview(run, name, evaluation, results)
    if results.empty:
        st.info("None of its fine-tunings is done yet.")
        return
    if is_grid(evaluation):
        show_grid_results(evaluation, results)
        return
    budgets = by_budget(evaluation.fine_tunings)
    here = results[results["task"] == task] if task else results
    _dots(here, budgets)
    summary = pd.concat([_summary_of(results, names) for names in budgets.values()], ignore_index=True)
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


def _overview(run: Run, name: str, evaluation: Evaluation, results: pd.DataFrame) -> None:
    """How many fine-tunings the results are from, and warnings where they may mislead."""
    total = len(evaluation.fine_tunings)
    done = len(results[["selection", "seed"]].drop_duplicates())
    rows = [f"{number(done)} of {number(total)} fine-tunings are done"] if done < total else []
    budgets = by_budget(evaluation.fine_tunings)
    sizes = sorted({one.size for one in evaluation.fine_tunings})
    rows.append(counted(len({one.seed for one in evaluation.fine_tunings}), "seed"))
    config = evaluation.configuration
    if config.steps or config.epochs:
        rows.append(
            counted(config.steps, "step") if config.steps else counted(config.epochs or 1, "pass", "passes")
        )
    if not results.empty:
        rows.append(f"{number(results['example'].nunique())} test examples")
    if len(sizes) == 1:
        rows.append(f"{number(sizes[0])} instructions each")
    st.caption(" · ".join(rows))
    if len(sizes) > 1 and 0 in budgets and not is_grid(evaluation):
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
    for row in read_left_out(run.inside(EVALUATIONS, name)).itertuples(index=False):
        st.caption(
            f":material/block: {literal(row.what)}: {number(row.left_out)} of {number(row.of)} left out: "
            f"{prose(row.reason)}"
        )


def counted(count: int, one: str, many: str = "") -> str:
    """Such as 1 seed, 3 seeds."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def _dots(results: pd.DataFrame, budgets: dict[int, list[str]]) -> None:
    """A chart for each budget, on one scale, under the sentence that it shows."""
    means = results.groupby(["selection", "seed"], sort=False)["loss"].mean().reset_index()
    answered = results[results["correct"].notna()]
    exact = answered.assign(exact=answered["correct"].astype(float))
    exact = exact.groupby(["selection", "seed"], sort=False)["exact"].mean().reset_index()
    low, high = means["loss"].min(), means["loss"].max()
    pad = 0.06 * (high - low) or 0.1
    span = (float(low - pad), float(high + pad)) if len(budgets) > 1 else None
    with st.grid(2, min_column_width=420) if len(budgets) > 1 else st.container():
        for budget, names in budgets.items():
            some = means[means["selection"].isin(names)]
            if some.empty:
                continue
            with st.container():
                if len(budgets) > 1:
                    st.markdown(f"**{number(budget)} instructions**")
                if text := _differences(results, names):
                    st.markdown(text)
                st.plotly_chart(
                    results_figure(some, "loss", "held-out loss: lower is better", best="low", span=span),
                    key=f"results loss {budget}",
                    config=PLAIN,
                )
                right = exact[exact["selection"].isin(names)]
                if not right.empty:
                    st.plotly_chart(
                        results_figure(right, "exact", "exact answers: higher is better", best="high"),
                        key=f"results exact {budget}",
                        config=PLAIN,
                    )
    if not exact.empty:
        st.markdown("**Exact** is the share of short answers that are right.")
    st.caption(
        "○ one seed · ◆ the mean, with the standard deviation over seeds. In the sentence ± is a 95 % interval over "
        "test examples and seeds; *level*: it holds zero."
    )


def _differences(results: pd.DataFrame, names: list[str]) -> str:
    """How the first walk among some selections, or without one the best, compares with the others."""
    done = results[results["selection"].isin(names)]
    if done["selection"].nunique() < 2:
        return ""
    walked = [name for name in names if ((done["selection"] == name) & (done["method"] == "walk")).any()]
    subject = walked[0] if walked else str(done.groupby("selection")["loss"].mean().idxmin())
    others = [name for name in names if name != subject]
    found = [one for other in others if (one := difference(done, subject, other))]
    if not found:
        return ""
    alone = " One seed only: another training may order them otherwise." if found[0].seeds < 2 else ""
    return literal_words(f"{subject} {sentence(found)}.{alone}", [subject, *others])


def _summary_of(results: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The summary of one budget, beside the random draw of that budget."""
    here = results[results["selection"].isin(names)]
    drawn = here.loc[here["method"] == REFERENCE, "selection"]
    return summarise(here, drawn.iloc[0] if len(drawn) else REFERENCE)


def _summary(summary: pd.DataFrame) -> None:
    """The numbers behind the dots, beside random."""
    frame = summary.drop(columns="evaluation").dropna(axis=1, how="all")
    if (frame["task"] == "").all():
        frame = frame.drop(columns="task")
    if "difference" in frame:
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
    table(frame, "fine-tuning", columns)
