"""What the Compare page shows of selections side by side: overlap, mix, gradients, budget."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis.comparison import Profiler, budget_counts, memberships, overlaps, shares
from g2is.app.compare.choice import Compared, validation_rows
from g2is.app.shared import in_url, number, one_of, show_error, visible
from g2is.config import RegimeName
from g2is.errors import InputError
from g2is.figures.compare import budget_figure, lengths_figure, overlap_figure, shares_figure
from g2is.run.run import Run
from g2is.storage.csv import safe_csv

PLAIN = {"displayModeBar": False}

MEASURES = {
    "alignment": "Alignment to the target",
    "coverage_of_pool": "Coverage of the validation samples",
    "mean_cosine": "Mean cosine inside",
    "conflict_share": "Conflicting pairs inside",
}
MEANINGS = """
- **Alignment**: the cosine of the sum of all gradients in the selection to the mean of the validation gradients.
  Near 1, the selection as a whole pulls the model where the validation samples pull it.
- **Coverage**: for each validation sample, how close the nearest sample of the selection comes; the mean, as a share
  of what the whole pool could give. Low means that some validation samples have nothing like them in the selection.
- **Mean cosine inside**: how alike the samples are among each other. Near 1, they all teach the same.
- **Conflicting pairs inside**: pairs of samples whose gradients pull against each other.

None of these says what a model learns: only fine-tuning does.
"""


def kept(what: str, key: str, make: Callable[[], Any], most: int = 64) -> Any:
    """What `make` gives, kept in this session for the same key; the oldest is dropped."""
    found: dict[str, Any] = st.session_state.setdefault(f"kept {what}", {})
    if key not in found:
        made = make()
        while len(found) >= most:
            found.pop(next(iter(found)))
        found[key] = made
    return found[key]


def fingerprint(*parts: object) -> str:
    """The same for the same parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def table(
    frame: pd.DataFrame, name: str, columns: dict[str, Any] | None = None, *, expanded: bool = False
) -> None:
    """The numbers of a chart, with a button that downloads them as CSV. columns: how some are shown."""
    with st.expander("Table", expanded=expanded):
        st.dataframe(frame, hide_index=True, column_config=columns, alt=name, key=f"table {name}")
        st.download_button(
            "CSV",
            safe_csv(frame),
            file_name=f"{name}.csv",
            mime="text/csv",
            icon=":material/download:",
            key=f"csv {name}",
            on_click="ignore",
        )


def show_overlap(run: Run, chosen: Sequence[Compared]) -> None:
    """Which samples are in which selections."""
    selections = {one.label: one.samples for one in chosen}
    if len(selections) < 2:
        st.info("Choose two or more selections to see what they share.")
        return
    st.markdown(
        "Each bar counts the samples that are in all the selections marked below it **and in no other**. Two methods "
        "that choose alike share their highest bar."
    )
    sets = memberships(selections)
    st.plotly_chart(overlap_figure(sets), key="overlap", config=PLAIN)
    table(sets, "intersections")
    st.markdown("**Two by two**: samples in both, as a share of those in either")
    pairs = overlaps(selections)
    st.dataframe(
        pairs,
        hide_index=True,
        alt="Overlap of every pair",
        column_config={
            "both": st.column_config.NumberColumn("in both", format="localized"),
            "overlap": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
    )


def show_mix(run: Run, chosen: Sequence[Compared]) -> None:
    """What the selections are made of."""
    selections = {one.label: one.samples for one in chosen}
    pool = run.instructions
    by: dict[str, tuple[str, pd.Series, Any]] = {"source": ("Source files", pool["source"], visible)}
    if pool["task"].notna().any():
        by["task"] = ("Tasks", pool["task"].fillna("(none)"), visible)
    if "communities" in run.manifest.stages:
        names = [f"{regime}" for regime in run.regimes]
        regime = _regime(run) if len(names) > 1 else run.regimes[0]
        found = run.communities(regime)
        labels = {place: visible(f"{place}: {label}") for place, label in enumerate(found.labels)}
        labels |= {-1: "(no gradient)"}
        what = "Communities: groups that the gradient graph falls into"
        by["community"] = (what, pd.Series(found.membership), labels)
    for name, (title, values, said) in by.items():
        st.markdown(f"**{title}**")
        mix = shares(values, selections).rename(index=said)
        st.plotly_chart(shares_figure(mix), key=f"mix {name}", config=PLAIN)
        frame = mix.reset_index(names=name)
        table(
            frame,
            f"mix-by-{name}",
            {column: st.column_config.NumberColumn(format="percent") for column in mix.columns},
        )
    st.markdown("**Lengths** in tokens")
    tokens = pool["tokens"].to_numpy()
    if not tokens.any():
        st.caption("This run was made from gradients computed elsewhere and knows no tokens.")
        return
    lengths = {"pool": tokens[run.valid]} | {name: tokens[rows] for name, rows in selections.items()}
    st.plotly_chart(lengths_figure(lengths), key="lengths", config=PLAIN)
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    table(
        pd.DataFrame(
            [
                {
                    "selection": name,
                    **{f"{q:.0%}": np.quantile(values, q) for q in quantiles},
                    "sum": values.sum(),
                }
                for name, values in lengths.items()
                if len(values)
            ]
        ),
        "tokens",
    )


def show_gradients(run: Run, chosen: Sequence[Compared]) -> None:
    """How each selection pulls: alignment, coverage, conflict."""
    regime, (target, rows) = _where(run)
    profiler = _profiler(run, regime, target, rows)
    frame = pd.DataFrame(
        [
            {"selection": one.label, **vars(_profile(run, profiler, regime, target, one.samples))}
            for one in chosen
        ]
    )
    three = st.column_config.NumberColumn(format="%.3g")
    st.dataframe(
        frame,
        hide_index=True,
        alt="How each selection pulls",
        column_config={
            "samples": st.column_config.NumberColumn(format="localized"),
            "alignment": st.column_config.ProgressColumn(format="%.3f", min_value=-1.0, max_value=1.0),
            "mean_cosine": st.column_config.NumberColumn("mean cosine inside", format="%.3g"),
            "conflict_share": st.column_config.NumberColumn("conflicting pairs inside", format="percent"),
            "coverage": three,
            "coverage_of_pool": st.column_config.ProgressColumn(
                "coverage, of what the pool gives", format="percent", min_value=0.0, max_value=1.0
            ),
        },
    )
    st.download_button(
        "CSV",
        safe_csv(frame),
        file_name="gradients.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    st.markdown(MEANINGS)


def show_budget(run: Run, chosen: Sequence[Compared]) -> None:
    """The same measures for other budgets: each method is asked again."""
    regime, (target, rows) = _where(run)
    profiler = _profiler(run, regime, target, rows)
    largest = max((len(one.samples) for one in chosen), default=0)
    if not largest:
        st.info("Nothing was taken, so there is no budget to vary.")
        return
    counts = budget_counts(int(run.valid.sum()), largest)
    st.markdown(
        f"Every method is asked again for {len(counts)} budgets up to {number(largest)} samples. Samples put together "
        "by hand have no method: their first ones in order stand in for a smaller budget."
    )
    lines, bar = [], st.progress(0.0, "Choosing …")
    for place, one in enumerate(chosen):
        choose = one.with_budget(run)
        asked = fingerprint(run.hash, one.selection.method, one.selection.parameters, one.samples)
        for step, count in enumerate(counts):
            bar.progress(
                (place * len(counts) + step) / (len(chosen) * len(counts)), f"{one.label}: {count:,}"
            )
            try:
                samples = kept("choices", fingerprint(asked, count), partial(choose, count), most=256)
            except InputError as error:
                show_error(error)
                break
            profile = _profile(run, profiler, regime, target, samples)
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
    table(frame, "against-budget")
    st.markdown(MEANINGS)


def _where(run: Run) -> tuple[RegimeName, tuple[str, np.ndarray | None]]:
    with st.container(horizontal=True):
        return _regime(run), validation_rows(run)


def _regime(run: Run) -> RegimeName:
    """The gradients that are compared, where a run keeps several kinds."""
    regimes = list(run.regimes)
    if len(regimes) == 1:
        return regimes[0]
    default = "sgd" if "sgd" in regimes else regimes[0]
    bound = in_url("in", default, one_of(regimes))
    return st.selectbox(
        "Gradients",
        regimes,
        width=260,
        help="The regime in which selections are measured: sgd are plain gradients, where conflicts show; in adam all "
        "gradients share a momentum and look alike.",
        **bound,
    )


def _profiler(run: Run, regime: RegimeName, target: str, rows: np.ndarray | None) -> Profiler:
    key = fingerprint(run.hash, regime, target)
    return kept("profilers", key, lambda: Profiler(run, regime, rows), most=4)


def _profile(run: Run, profiler: Profiler, regime: RegimeName, target: str, samples: Sequence[int]) -> Any:
    key = fingerprint(run.hash, regime, target, list(samples))
    return kept("profiles", key, lambda: profiler(samples), most=512)
