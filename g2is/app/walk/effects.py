"""Below each setting, what a change of it would do; or why it does nothing here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.analysis.effects import Effect, alternatives, effect
from g2is.analysis.idle import by_reason, idle_settings
from g2is.app.shared.labels import PRESETS, VALUES, in_labels, label
from g2is.app.shared.text import number, said
from g2is.app.shared.walked import Walked
from g2is.app.walk.parameters import PRESET_FIELDS, preset_values
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.run.run import Run


def show_idle(run: Run, walked: Walked, notes: Mapping[str, DeltaGenerator]) -> None:
    """Say which settings do nothing in this walk, and why: each reason once, below the first of them. notes: a place
    below each setting."""
    for reason, names in by_reason(idle_settings(run, walked.trace)).items():
        if here := [name for name in names if name in notes]:
            notes[here[0]].caption(f"No effect here: {idle_words(here, reason)}")


def idle_words(names: Sequence[str], reason: str) -> str:
    """Which settings do nothing, where these are several, and why."""
    said = ", ".join(map(label, names))
    return f"{said}. {reason[0].upper()}{reason[1:]}." if len(names) > 1 else f"{reason}."


def show_effects(run: Run, walked: Walked, notes: Mapping[str, DeltaGenerator]) -> None:
    """Say what other values of these settings would bring in and take out. notes: a place below each setting.

    Each is another walk, so that the figures come one after the other, where they are not known yet.
    """
    idle = idle_settings(run, walked.trace)
    others = {name: _others(run, walked.parameters, name) for name in notes if name not in idle}
    for name, known in others.items():
        if known:
            notes[name].caption("…")
    for name, known in others.items():
        if known:
            notes[name].caption(
                " · ".join(f"{said}: {_words(run, walked, one)}" for said, one in known.items())
            )


MEANING = (
    "Below a setting: what other values of it would change in this walk. −5 +5: five instructions go, five others "
    "come; no change: the same ones are chosen; coverage: how much closer they come to the validation examples."
)


def _others(run: Run, parameters: WalkParameters, name: str) -> dict[str, WalkParameters]:
    if name != "preset":
        words = {value: said.removesuffix(" (paper)") for value, said in VALUES.get(name, {}).items()}
        return alternatives(run, parameters, name, words)
    kept = parameters.model_dump(exclude=set(PRESET_FIELDS))
    presets = {
        title: WalkParameters(**{**preset_values(run, preset), **kept})
        for preset, (title, _) in PRESETS.items()
    }
    return {title: one for title, one in presets.items() if one != parameters}


def _words(run: Run, walked: Walked, changed: WalkParameters) -> str:
    found = _effect(
        run, f"{run.state} {walked.parameters.model_dump_json()}", changed.model_dump_json(), walked, changed
    )
    return found if isinstance(found, str) else effect_words(found)


@st.cache_data(max_entries=1000, show_spinner=False)
def _effect(_run: Run, before: str, after: str, _walked: Walked, _changed: WalkParameters) -> Effect | str:
    try:
        return effect(_run, _walked.parameters, _walked.trace.samples, _changed)
    except InputError as error:
        return f"not possible ({in_labels(said(error))})"


def effect_words(found: Effect) -> str:
    """An effect such as "−5 +5, coverage −0.012"."""
    if not found.added and not found.removed:
        return "no change"
    words = f"−{number(found.removed)} +{number(found.added)}"
    if found.coverage == found.coverage and abs(found.coverage) >= 0.0005:
        sign = "+" if found.coverage > 0 else "−"
        words += f", coverage {sign}{abs(found.coverage):.3f}"
    return words
