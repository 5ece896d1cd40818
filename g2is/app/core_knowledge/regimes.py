"""The kinds of gradients that a run keeps, side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.analysis.regimes import RegimeComparison, compare_regimes
from g2is.app.shared import number, percent
from g2is.app.shared.computed import computed
from g2is.app.shared.labels import REGIME_NAMES
from g2is.config import RegimeName
from g2is.figures.core import regimes_figure
from g2is.run.run import Run

SEED = 0


@st.cache_data(max_entries=8, show_spinner="Comparing the gradients…")
def _compare(_run: Run, run_hash: str) -> RegimeComparison:
    return compare_regimes(_run, seed=SEED)


def show_regimes(run: Run, used: RegimeName) -> None:
    """Pairwise cosines, conflicts, and common neighbours. used: the regime of the walk."""
    comparison = _compare(run, run.state)
    st.header("Kinds of gradients")
    st.markdown(
        "The same backward pass gives gradients in several versions: as the Adam optimizer would step, the same "
        "without the momentum that all instructions share, and plain. Whitened ones, where a run has them, are plain "
        "ones in which directions that many instructions share count less. They decide which count as alike. "
        "Two instructions with a cosine below 0 are in **conflict**: one undoes part of what the other teaches. If no "
        "pair conflicts, the walk's no-conflict rule has nothing to do; where all cosines are high, neighbours blur."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            computed(
                "regimes-figure",
                run.state,
                lambda: regimes_figure(comparison, {name: REGIME_NAMES[name] for name in run.regimes}),
            ),
            key="regimes",
            config={"displayModeBar": False},
            alt="Histogram of pairwise cosines of each kind of gradients",
        )
        st.caption(
            f"All {number(comparison.pairs)} pairs of {number(comparison.samples)} random instructions (seed {SEED}), "
            "the same for every kind."
        )
        with st.expander("The same as a table"):
            counts = pd.DataFrame(
                {
                    "from": comparison.edges[:-1],
                    "to": comparison.edges[1:],
                    **{REGIME_NAMES[name]: counts for name, counts in comparison.counts.items()},
                }
            )
            st.dataframe(
                counts[counts.drop(columns=["from", "to"]).any(axis=1)],
                hide_index=True,
                key="regimes table",
                height=300,
                column_config={
                    "from": st.column_config.NumberColumn(format="%.2f"),
                    "to": st.column_config.NumberColumn(format="%.2f"),
                },
                alt="Pairs by their cosine, of each kind of gradients",
            )
    with right:
        known = run.manifest.stages["graph"].found
        st.markdown("**Over all pairs of the pool**")
        st.table(
            pd.DataFrame(
                {
                    "Gradients": [
                        REGIME_NAMES[name] + (" · in use" if name == used else "") for name in run.regimes
                    ],
                    "Mean cosine": [number(known[name]["mean_cosine"]) for name in run.regimes],
                    "Conflicts": [percent(known[name]["conflict_share"]) for name in run.regimes],
                }
            ),
            hide_index=True,
            border="horizontal",
            alt="Mean cosine and share of conflicts of each kind of gradients",
        )
        if len(comparison.common):
            st.markdown(
                "**Nearest neighbours in common**",
                help=f"Of {number(comparison.samples)} random instructions: the share of an instruction's nearest "
                "neighbours by the first gradients that are also among its nearest by the second.",
            )
            st.table(
                pd.DataFrame(
                    {
                        "Gradients": [
                            f"{REGIME_NAMES[row.first]} and {REGIME_NAMES[row.second]}"
                            for row in comparison.common.itertuples(index=False)
                        ],
                        "Nearest": [number(int(count)) for count in comparison.common["neighbors"]],
                        "In common": [percent(share) for share in comparison.common["common"]],
                        "By chance": [percent(share) for share in comparison.common["by_chance"]],
                    }
                ),
                hide_index=True,
                border="horizontal",
                alt="Neighbours that kinds of gradients have in common",
            )
        else:
            st.caption("This run keeps one kind of gradients only, so there are no others to compare with.")
