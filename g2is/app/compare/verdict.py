"""The verdict at the head of the Compare page: a sentence, and a row for each selection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from g2is.analysis.verdict import Measured, measured, verdict, verdict_table
from g2is.app.compare.choice import Compared
from g2is.app.compare.evaluated import evaluation_stamp, results_of
from g2is.app.compare.measures import regime_in_url
from g2is.app.compare.parts import download, fingerprint
from g2is.app.compare.targets import Judged, judged_in_url
from g2is.app.shared import literal, number, visible
from g2is.app.shared.computed import computed
from g2is.app.shared.labels import value_text
from g2is.run.run import Run
from g2is.run.selections import made_for

HELP = """
- **Made for**, where the run has several targets: those that the selection was made for, whichever it is judged by.
- **Served well**, then **badly** and **not at all**: validation examples for which the selection has an instruction at
  least half as close as the best of the pool usually is; less close; none closer than the pool is on average.
- **Trained tokens**: of one pass. **Shares most with**: the other selection with most of the same instructions.
- **Conflicts**: pairs of instructions whose gradients point against each other, first among those closest to the *same*
  validation example (within a direction), then among all *other* pairs (across directions). The walk's rule is about
  the same direction only.
- **Loss**: of models fine-tuned on exactly these instructions, on test examples; the mean over seeds ± their standard
  deviation. Lower is better. Differences are given with a 95 % interval over test examples and seeds together; *level*
  means that the interval holds zero.
"""


def show_verdict(run: Run, chosen: Sequence[Compared]) -> None:
    """What can be said in a sentence, and the numbers that it stands on."""
    selections = {one.label: one.samples for one in chosen if one.samples}
    if not selections:
        return
    judged = judged_in_url(run)
    as_made = {one.label: one.selection.as_made for one in chosen if one.samples}
    table, found, lines = _verdict(run, selections, as_made, judged)
    targets = {one.label: ", ".join(map(visible, made_for(run, one.selection))) for one in chosen}
    if any(targets.values()):
        table = table.copy()  # it is kept for others
        table.insert(1, "made_for", table["selection"].map(targets))
    for place, line in enumerate(lines):
        st.markdown(
            f"**{literal_words(line, selections)}**" if place == 0 else literal_words(line, selections)
        )
    st.dataframe(
        _shown(table),
        hide_index=True,
        alt="Verdict on each selection",
        key="verdict",
        column_config=_columns(len(judged.rows)),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        regime = value_text("regime", regime_in_url(run))
        st.caption(
            (f"By {judged.words}, in {regime.lower()}." if len(run.targets) > 1 else f"In {regime.lower()}.")
            + (f" Loss: evaluation {literal(found.evaluation)}." if found else " No loss is measured yet.")
        )
        download(table, "verdict")
        with st.popover("What the columns mean", type="tertiary"):
            st.markdown(HELP)


def _verdict(
    run: Run, selections: dict[str, list[int]], as_made: dict[str, list[int]], judged: Judged
) -> tuple[pd.DataFrame, Measured | None, list[str]]:
    regime = regime_in_url(run)
    key = fingerprint(run.state, regime, judged.targets, selections, as_made, evaluation_stamp(run))

    def make() -> tuple[pd.DataFrame, Measured | None, list[str]]:
        found = measured(run, selections, results_of(run).table, as_made)
        table = verdict_table(run, selections, regime, found, judged.rows)
        return table, found, verdict(table, found)

    return computed("verdicts", key, make)


def literal_words(line: str, names: Iterable[str]) -> str:
    """A sentence in which the names of selections are shown literally, the walk's excepted."""
    longest_first = sorted(set(names) - {"this walk"}, key=len, reverse=True)
    if not longest_first:
        return line
    pattern = "|".join(re.escape(name) for name in longest_first)
    return re.sub(rf"(?<![\w-])({pattern})(?![\w-])", lambda found: literal(found[0]), line)


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table as a person reads it, the best first; of several sizes without a loss, the largest first."""
    order = {"loss": True, "samples": False, "well": False}
    table = table.sort_values(list(order), ascending=list(order.values()), kind="stable", na_position="last")
    rows = list(table.itertuples())
    shown = pd.DataFrame(
        {
            "selection": table["selection"].to_numpy(),
            **({"made for": table["made_for"].replace("", "–").to_numpy()} if "made_for" in table else {}),
            "loss": [_with_spread(row.loss, row.loss_spread) for row in rows],
            "well": table["well"].to_numpy(),
            "badly": [
                f"{number(row.badly)}, {number(row[table.columns.get_loc('not') + 1])}" for row in rows
            ],
            "samples": table["samples"].to_numpy(),
            "trained_tokens": table["trained_tokens"].to_numpy(),
            "most like": [f"{row.most_like}: {number(row.shared)}" if row.most_like else "–" for row in rows],
            "conflicts": [f"{_share(row.within)}, {_share(row.across)}" for row in rows],
        }
    )
    gone = [
        *(["loss"] if table["loss"].isna().all() else []),
        *(["most like"] if (table["most_like"] == "").all() else []),
        *(["trained_tokens"] if table["trained_tokens"].isna().all() else []),
    ]
    return shown.drop(columns=gone)


def _share(value: float) -> str:
    return "–" if value != value else f"{100 * value:.0f} %"


def _with_spread(loss: float, spread: float) -> str:
    if loss != loss:
        return "–"
    return f"{loss:.3f}" + (f" ± {spread:.3f}" if spread == spread else "")


def _columns(examples: int) -> dict[str, Any]:
    return {
        "selection": st.column_config.TextColumn("selection", pinned=True),
        "made for": st.column_config.TextColumn("made for", width=108),
        "loss": st.column_config.TextColumn("measured loss", width=108),
        "well": st.column_config.ProgressColumn(
            f"served well, of {number(examples)}", format="%d", min_value=0, max_value=examples, width=112
        ),
        "badly": st.column_config.TextColumn("badly, not at all", width=108),
        "samples": st.column_config.NumberColumn("instructions", format="localized", width=85),
        "trained_tokens": st.column_config.NumberColumn("trained tokens", format="localized", width=100),
        "most like": st.column_config.TextColumn("shares most with", width=138),
        "conflicts": st.column_config.TextColumn("conflicts", width=84),
    }
