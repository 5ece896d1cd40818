"""Overlap and composition of selections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from g2is.analysis.comparison import column_kinds, length_quantiles, memberships, overlaps, shares
from g2is.app.compare.choice import Compared
from g2is.app.compare.measures import choose_regime
from g2is.app.compare.parts import INSTRUCTIONS, PERCENT, PLAIN, table
from g2is.app.shared import in_url, literal, one_of, visible
from g2is.figures.compare import lengths_figure, overlap_figure, shares_figure
from g2is.run.run import Run


def show_overlap(run: Run, chosen: Sequence[Compared]) -> None:
    """The overlap of the selections."""
    selections = {one.label: one.samples for one in chosen}
    if len(selections) < 2:
        st.info("Choose two or more selections to see what they share.")
        return
    st.markdown(
        "Each bar counts the instructions that are in all the selections marked below it **and in no other**. If two "
        "methods choose similarly, their highest bar is the one they share."
    )
    sets = memberships(selections)
    st.plotly_chart(overlap_figure(sets), key="overlap", config=PLAIN)
    table(sets, "intersections", {"samples": INSTRUCTIONS})
    st.markdown("**Pairwise overlap**: instructions in both, as a share of those in either")
    pairs = overlaps(selections)
    st.dataframe(
        pairs,
        hide_index=True,
        alt="Overlap of every pair",
        column_config={
            "first": "selection",
            "second": "other selection",
            "both": st.column_config.NumberColumn("in both", format="localized"),
            "overlap": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
    )


def _chosen_column(run: Run) -> dict[str, tuple[str, pd.Series, Any]]:
    """A column of the records to see the mix by: its key, title, values and names; numbers in four equal parts."""
    names = [column.name for column in run.columns.of_records if column.name != "task"]
    if not names:
        return {}
    name = st.selectbox(
        "Mix by column", names, format_func=visible, width=320, **in_url("mix", names[0], one_of(names))
    )
    return {"column": (f"Column {literal(name)}", column_kinds(run.columns[name]), visible)}


def show_mix(run: Run, chosen: Sequence[Compared]) -> None:
    """Composition of the selections by source, task, community and length."""
    selections = {one.label: one.samples for one in chosen}
    pool = run.instructions
    by: dict[str, tuple[str, pd.Series, Any]] = {"source": ("Source files", pool["source"], visible)}
    if pool["task"].notna().any():
        by["task"] = ("Tasks", pool["task"].fillna("(none)"), visible)
    by |= _chosen_column(run)
    if "communities" in run.manifest.stages:
        communities = run.communities(choose_regime(run))
        labels = {place: visible(f"{place}: {label}") for place, label in enumerate(communities.labels)}
        labels |= {-1: "(no gradient)"}
        what = "Communities: groups that the gradient graph falls into"
        by["community"] = (what, pd.Series(communities.membership), labels)
    for name, (title, values, names) in by.items():
        st.markdown(f"**{title}**")
        mix = shares(values.where(~run.gone), selections).rename(index=names)
        st.plotly_chart(shares_figure(mix), key=f"mix {name}", config=PLAIN)
        frame = mix.reset_index(names=name)
        table(
            frame,
            f"mix-by-{name}",
            dict.fromkeys(mix.columns, PERCENT),
        )
    st.markdown("**Lengths** in tokens")
    tokens = pool["tokens"].to_numpy()
    if not tokens.any():
        st.caption("The gradients of this run are imported, so its token counts are not known.")
        return
    lengths = {"pool": tokens[run.valid]} | {name: tokens[rows] for name, rows in selections.items()}
    st.plotly_chart(lengths_figure(lengths), key="lengths", config=PLAIN)
    table(
        length_quantiles(lengths), "tokens", {"sum": st.column_config.NumberColumn("sum", format="localized")}
    )
