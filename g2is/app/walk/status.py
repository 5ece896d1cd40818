"""The line that says what a walk gives, in words and numbers, with the details on demand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from g2is.analysis.idle import by_reason, idle_settings
from g2is.analysis.pins import pinned, places_lost
from g2is.analysis.regimes import regime_in_words
from g2is.analysis.resemblance import Resemblance, choices, resemblances
from g2is.analysis.served import BADLY, NOT, WELL, Served, least_served, pool_service, served
from g2is.analysis.walks import choosable, examples_in_use
from g2is.app.shared import choose_row, number, set_url, snippets
from g2is.app.shared.labels import label
from g2is.app.shared.popover import popover
from g2is.app.shared.tables import HEADER, WRAPPED
from g2is.app.shared.walked import Walked, walked_before
from g2is.app.walk.change import show_change
from g2is.app.walk.targets import show_targets
from g2is.config import WalkParameters
from g2is.run.run import Run
from g2is.walk import WalkTrace

NAMED = 8
"""Directions named that pins take places from; of more, how many there are."""


def show_status(run: Run, walked: Walked) -> None:
    """How much was taken, whom it serves, what it resembles, what the last change did."""
    serving = service_of(run, walked)
    alike = resemblance_of(run, walked)
    with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center", key="walk status"):
        st.markdown(f"**{taken_text(walked.trace)}**")
        show_targets(run, walked.parameters)
        # Drawn only once it is open: a table would hold up the screen.
        detail = popover(served_text(serving), "status served", type="tertiary")
        if detail.open:
            with detail:
                show_least_served(run, serving, key="served in status")
        if alike:
            with st.popover(alike_text(alike), key="status alike", type="tertiary"):
                _show_alike(alike, regime_in_words(walked.parameters.regime))
        before = walked_before(run)
        if before is not None:
            said = change_text(before.trace, walked.trace)
            change = popover(said, "status change", type="tertiary")
            if change.open:
                with change:
                    show_change(run, walked)
        if count := pinned(walked.trace):
            lost = places_lost(run, walked.trace)
            with st.popover(
                pinned_text(count, len(lost), what_for(walked)), key="status pins", type="tertiary"
            ):
                st.markdown(places_text(walked, lost))
        idle = idle_settings(run, walked.trace)
        if idle:
            with st.popover(f"{len(idle)} settings without effect", key="status idle", type="tertiary"):
                for reason, names in by_reason(idle).items():
                    st.markdown(f"- **{', '.join(map(label, names))}**: {reason}.")


def taken_text(trace: WalkTrace) -> str:
    return f"{number(len(trace.steps))} of {number(trace.budget)} taken"


def served_text(serving: Served) -> str:
    """How many examples are served well, badly, not at all."""
    parts = [f"served {number(serving.count(WELL))} of {number(len(serving.own))} examples well"]
    parts += [f"{number(count)} badly" for count in [serving.count(BADLY)] if count]
    parts += [f"{number(count)} not at all" for count in [serving.count(NOT)] if count]
    return ", ".join(parts)


def alike_text(alike: list[Resemblance]) -> str:
    """The method that shares most."""
    first = alike[0]
    return f"like {first.name} {number(round(first.shared))}/{number(first.size)}"


def change_text(before: WalkTrace, after: WalkTrace) -> str:
    """How many instructions the last change brought in and took out."""
    added = len(np.setdiff1d(after.samples, before.samples))
    removed = len(np.setdiff1d(before.samples, after.samples))
    return f"since the last change: +{number(added)} −{number(removed)}"


def what_for(walked: Walked) -> str:
    """What each direction of a walk is called: an example where it is one."""
    return "example" if walked.parameters.facet_per_example else "direction"


def pinned_text(count: int, lost: int, what: str) -> str:
    """How many are pinned, and how many directions, called `what`, have fewer places for it."""
    loses = f"{what}s lose" if lost > 1 else f"{what} loses"
    return f"{number(count)} pinned" + (f": {number(lost)} {loses} a place" if lost else "")


def places_text(walked: Walked, lost: NDArray[np.intp]) -> str:
    """What pins do to the budget, and at whose cost."""
    trace, what = walked.trace, what_for(walked)
    text = (
        f"Pinned instructions come first and count for no {what}: the one that they are closest to takes as many of "
        "its own as the others."
    )
    if not len(lost):
        return f"{text} Here they take no place from another."
    named = [number(walked.examples[one] if what == "example" else one) for one in lost[:NAMED].tolist()]
    more = f" and {number(len(lost) - NAMED)} more" if len(lost) > NAMED else ""
    fewer = "no place" if not trace.budgets[lost].any() else "a place fewer"
    return (
        f"{text} They use up budget, so that {what}{'s' * (len(lost) > 1)} **{', '.join(named)}**{more} "
        f"{'have' if len(lost) > 1 else 'has'} {fewer}. A budget larger by {number(pinned(trace))} gives "
        f"{'them' if len(lost) > 1 else 'it'} back."
    )


def service_of(run: Run, walked: Walked) -> Served:
    """How a walk serves the examples of its targets."""
    parameters = walked.parameters
    pool = _pool_service(run, run.state, about(parameters), parameters)
    return served(pool, run.regime(parameters.regime), walked.trace.samples)


def about(parameters: WalkParameters) -> str:
    """The same for walks in the same gradients for the same targets."""
    return parameters.model_dump_json(include={"regime", "targets", "without_target_rows"})


@st.cache_resource(max_entries=16, show_spinner=False)
def _pool_service(_run: Run, run_state: str, about: str, _parameters: WalkParameters) -> Served:
    regime, examples = _run.regime(_parameters.regime), examples_in_use(_run, _parameters)
    return pool_service(regime, choosable(_run, _parameters), examples)


def resemblance_of(run: Run, walked: Walked) -> list[Resemblance]:
    """The known methods by what they share with a walk; empty where nothing was taken."""
    samples = walked.trace.samples
    if not len(samples):
        return []
    parameters = walked.parameters
    chosen = _choices(run, run.state, about(parameters), len(samples), parameters)
    return resemblances(samples, chosen, int(choosable(run, parameters).sum()))


@st.cache_resource(max_entries=16, show_spinner=False)
def _choices(
    _run: Run, run_state: str, about: str, budget: int, _parameters: WalkParameters
) -> dict[str, np.ndarray]:
    return choices(_run, _parameters, budget)


def _show_alike(alike: list[Resemblance], gradients: str) -> None:
    st.markdown(
        f"Instructions that other methods choose too, by **{gradients}** as this walk, with the same budget:"
    )
    for one in alike:
        expected = " (expected of a draw)" if one.method == "random" else ""
        st.markdown(f"- **{one.name}**: {number(one.shared)} of {number(one.size)}{expected}")
    st.caption(
        "By other gradients they choose otherwise: LESS has Adam gradients unless it is told to, as on Compare."
    )


def show_least_served(run: Run, serving: Served, *, key: str) -> None:
    """The examples, the worst served first, with the best that the pool has for each."""
    st.caption(
        f"Served well: a chosen instruction has a cosine of at least {number(serving.needed)} to the example, half of "
        "what the best of the pool usually has. Not at all: none is closer than the pool is on average. “The pool "
        "lacks it”: nothing in the whole pool would serve it well; more data of that kind would help."
        + at_best_text(serving)
    )
    frame = least_served(run, serving)
    lacking = frame["served"] + ", the pool lacks it"
    shown = pd.DataFrame(
        {
            "example": frame["example"],
            "asks": snippets(frame["text"]),
            "served": frame["served"].where(~frame["lacking"], lacking),
            "cosine": frame["cosine"],
            "best in pool": frame["best in pool"],
            "the pool's best": frame["best instruction"],
            "its text": snippets(run.prompts(frame["best instruction"])),
        }
    )
    choose_row(
        shown,
        key,
        lambda row: set_url(focus=None if row is None else int(frame["best instruction"].iat[row])),
        tallest=HEADER + 5 * WRAPPED,
        row=WRAPPED,
        columns={
            "example": st.column_config.NumberColumn("#", width=40),
            "asks": st.column_config.TextColumn("example asks", width=290),
            "served": st.column_config.TextColumn(width=110),
            "cosine": st.column_config.NumberColumn("walk has", format="%.3g", width=70),
            "best in pool": st.column_config.NumberColumn("pool has", format="%.3g", width=70),
            "the pool's best": st.column_config.NumberColumn("best", format="localized", width=60),
            "its text": st.column_config.TextColumn("best of the pool", width=290),
        },
        alt="Validation examples, the worst served first",
    )


def at_best_text(serving: Served) -> str:
    """For how many examples nothing in the pool is closer than what was chosen, as a further sentence."""
    if not (count := serving.at_best):
        return ""
    every = count == len(serving.own)
    return (
        f" For {'every example' if every else f'{number(count)} of {number(len(serving.own))} examples'} the walk "
        "already has the closest instruction of the pool: by this measure no walk serves "
        f"{'them' if every else 'these'} better."
    )
