"""Is the target described well enough? The first thing on the page, for a reader who knows nothing of the method."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis.target_check import SHARE, TargetCheck, whole_percent
from g2is.analysis.targets import check_of, examples_of
from g2is.analysis.walks import targets_in_use
from g2is.app.core_knowledge.gaps import show_gaps
from g2is.app.shared import THREE_DIGITS, in_url, number, one_of, percent, snippets, table_height, visible
from g2is.config import WalkParameters
from g2is.figures.target_check import curve_figure, kinds_figure
from g2is.run.run import Run

BAR = {"displayModeBar": False}


def show_target_check(run: Run, parameters: WalkParameters) -> None:
    """The check of the target that a walk with these parameters is for; of several, of the one that is chosen."""
    names = targets_in_use(run, parameters)
    st.header("Is the target described well enough?", anchor=False)
    name = names[0]
    if len(names) > 1:
        name = st.selectbox(
            "Target", names, format_func=visible, **in_url("checked", names[0], one_of(names)), width=320
        )
    found = _checked(run, run.state, name)
    st.markdown(f"**{found.sentence[0].upper()}{found.sentence[1:]}**")
    _numbers(found)
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            kinds_figure(found.kinds),
            key="kinds of examples",
            config=BAR,
            alt="Number of validation examples of each kind",
        )
        st.caption(
            "A **kind** is a group of examples that move the model alike. Where it has one example, all that is chosen "
            "for it hangs on that one."
        )
    with right:
        _more(found)
    with st.expander("All examples by kind"):
        _table(run, found)
    show_gaps(run, found)


@st.cache_resource(max_entries=32, show_spinner="Comparing the validation examples")
def _checked(_run: Run, run_state: str, name: str) -> TargetCheck:
    return check_of(_run, name)


def _numbers(found: TargetCheck) -> None:
    kinds = found.kinds
    with st.grid(5, min_column_width=130):
        st.metric("Validation examples", number(len(found.best)))
        st.metric("Kinds", number(len(kinds)), help="Groups of examples whose gradients are alike.")
        st.metric("Kinds with one example", number(len(kinds.single)))
        st.metric(
            "Examples alone",
            number(len(kinds.alone)),
            help="No other example has a cosine of 0.25 or more to them. The table below lists them.",
        )
        st.metric(
            "Not served by the pool",
            number(len(found.lacking)),
            help="The closest instruction of the pool has less than half of the cosine that is usual for this target: "
            "no selection can help with these.",
        )


def _more(found: TargetCheck) -> None:
    """What fewer examples would have chosen, and what more would change."""
    if (curve := found.curve) is None:
        st.info(
            "With so few examples nothing can be said about what more of them would change.",
            icon=":material/info:",
        )
        return
    st.plotly_chart(
        curve_figure(curve),
        key="curve of examples",
        config=BAR,
        alt="What is chosen for some of the examples, by how many they are: "
        + "; ".join(
            f"{size} examples, {shared:.0%} as for all, held-back ones served {served:.0%}"
            for size, shared, served in zip(curve.sizes, curve.shared, curve.coverage, strict=True)
        ),
    )
    text = (
        f"What fewer examples would choose: {number(found.budget)} instructions ({percent(SHARE)} of the pool, at "
        "least two for each example and each of those to come), whatever the budget of the walk. **Same selection**: "
        "the share that all examples choose too. **Held-back examples served**: how close the choice comes to "
        f"{number(curve.held_back)} examples that were held back, as a share of the closest in the pool."
    )
    if step := found.forecast:
        text += (
            f" The last {number(len(found.best) - step.known)} examples changed {whole_percent(step.change)} of the "
            f"choice; the next {number(step.more)}, the same proportion, are taken to change as much. For the last "
            f"ones the same rule foretold {whole_percent(step.foretold)}. Whether a change is a gain, fine-tuning "
            "tells."
        )
    st.caption(text)


def _table(run: Run, found: TargetCheck) -> None:
    rows, kinds = examples_of(run, found.name), found.kinds
    order = np.lexsort((-kinds.nearest, -kinds.membership))
    prompts = run.validation["prompt"].to_numpy()[rows]
    st.dataframe(
        pd.DataFrame(
            {
                "kind": kinds.membership[order] + 1,
                "of the kind": kinds.sizes[kinds.membership[order]],
                "nearest other": kinds.nearest[order],
                "closest in the pool": found.best[order],
                "number": rows[order],
                "example": snippets(prompts[order]),
            }
        ),
        hide_index=True,
        key="examples by kind",
        height=table_height(len(order), 320),
        column_config={
            "nearest other": st.column_config.NumberColumn(
                format="%.3g", help="The highest cosine to another example of the target."
            ),
            "closest in the pool": THREE_DIGITS,
            "number": st.column_config.NumberColumn("#", format="localized", width=48),
            "example": st.column_config.TextColumn(width="large"),
        },
        alt="Validation examples by kind, those of the smallest kinds first",
    )
