"""Measures of selections: alignment, coverage and conflict, at their own budget and at others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from g2is.analysis.comparison import Profiler, budget_counts
from g2is.app.compare.choice import Compared
from g2is.app.compare.parts import COLUMNS, PLAIN, download, fingerprint, table
from g2is.app.compare.targets import Judged, choose_judged
from g2is.app.shared import in_url, number, one_of, show_error, url_value
from g2is.app.shared.computed import computed
from g2is.app.shared.labels import REGIME_NAMES
from g2is.config import RegimeName
from g2is.errors import InputError
from g2is.figures.compare import budget_figure
from g2is.run.run import Run

MEASURES = {
    "alignment": "Alignment to the target",
    "coverage_of_pool": "Coverage of the validation examples",
    "mean_cosine": "Similarity within the subset",
    "conflict_share": "Conflicting pairs within",
}
MEANINGS = """
- **Alignment**: the cosine of the sum of all gradients in the selection to the mean of the validation gradients.
  Near 1, training on the whole selection changes the model as the validation examples would.
- **Coverage**: for each validation example, how close the nearest instruction of the selection comes; the mean, as a
  share of what the whole pool could give. Low means that for some examples the selection has nothing similar.
- **Similarity within the subset**: mean cosine over all pairs. Near 1, all are nearly the same.
- **Conflicting pairs within**: pairs of instructions whose gradients point against each other (cosine below 0).

None of these measures what a model learns: only fine-tuning does.
"""


def show_gradients(run: Run, chosen: Sequence[Compared]) -> None:
    """Alignment, coverage and conflict of each selection."""
    regime, judged = _where(run)
    profiler = _profiler(run, regime, judged)
    frame = pd.DataFrame(
        [
            {"selection": one.label, **vars(_profile(run, profiler, regime, judged, one.samples))}
            for one in chosen
        ]
    )
    st.dataframe(
        frame,
        hide_index=True,
        alt="Measures of each selection",
        column_config=COLUMNS,
    )
    download(frame, "gradients")
    st.markdown(MEANINGS)


def show_budget(run: Run, chosen: Sequence[Compared]) -> None:
    """The same measures for other budgets: each method selects again."""
    regime, judged = _where(run)
    profiler = _profiler(run, regime, judged)
    largest = max((len(one.samples) for one in chosen), default=0)
    if not largest:
        st.info("Nothing was chosen, so there is no budget to vary.")
        return
    counts = budget_counts(int(run.valid.sum()), largest)
    st.markdown(
        f"Every method selects again for {len(counts)} budgets up to {number(largest)} instructions. A selection "
        "made by hand has no method: its first instructions are used for smaller budgets."
    )
    lines, bar = [], st.progress(0.0, "Choosing …")
    for place, one in enumerate(chosen):
        choose = one.with_budget(run)
        asked = fingerprint(run.state, one.selection.method, one.selection.parameters, one.samples)
        for step, count in enumerate(counts):
            bar.progress(
                (place * len(counts) + step) / (len(chosen) * len(counts)), f"{one.label}: {count:,}"
            )
            try:
                samples = computed("choices", fingerprint(asked, count), partial(choose, count), most=256)
            except InputError as error:
                show_error(error)
                break
            profile = _profile(run, profiler, regime, judged, samples)
            lines.append({"selection": one.label, "budget": count, **vars(profile)})
    bar.empty()
    frame = pd.DataFrame(lines)
    if frame.empty:
        return
    with st.grid(2, min_column_width=420):
        for measure, title in MEASURES.items():
            with st.container():
                st.markdown(f"**{title}**")
                st.plotly_chart(
                    budget_figure(frame, measure, title.lower()), key=f"budget {measure}", config=PLAIN
                )
    table(frame, "against-budget", COLUMNS)
    st.markdown(MEANINGS)


def _where(run: Run) -> tuple[RegimeName, Judged]:
    with st.container(horizontal=True):
        return choose_regime(run), choose_judged(run)


def choose_regime(run: Run) -> RegimeName:
    """The gradients that are compared, where a run keeps several kinds."""
    regimes = list(run.regimes)
    if len(regimes) == 1:
        return regimes[0]
    bound = in_url("in", _usual_regime(run), one_of(regimes))
    return st.selectbox(
        "Gradients",
        regimes,
        format_func=REGIME_NAMES.__getitem__,
        width=260,
        help="The gradients by which selections are measured. Plain gradients show conflicts; Adam gradients share a "
        "momentum, which makes them similar.",
        **bound,
    )


def regime_in_url(run: Run) -> RegimeName:
    """The same, where the box is drawn further down."""
    regime: RegimeName = url_value("in", _usual_regime(run), one_of(run.regimes))
    return regime


def _usual_regime(run: Run) -> RegimeName:
    return "sgd" if "sgd" in run.regimes else run.regimes[0]


def _profiler(run: Run, regime: RegimeName, judged: Judged) -> Profiler:
    key = fingerprint(run.state, regime, judged.targets)
    return computed("profilers", key, lambda: Profiler(run, regime, judged.rows), most=4)


def _profile(run: Run, profiler: Profiler, regime: RegimeName, judged: Judged, samples: Sequence[int]) -> Any:
    key = fingerprint(run.state, regime, judged.targets, list(samples))
    return computed("profiles", key, lambda: profiler(samples), most=512)
