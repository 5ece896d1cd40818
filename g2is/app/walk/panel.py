"""The panel of all settings of the walk: a preset, and what is changed of it."""

from __future__ import annotations

import streamlit as st

from g2is.analysis.regimes import regime_in_words
from g2is.app.shared.labels import MEASURED, PRESETS, label
from g2is.app.walk.asking import Asker
from g2is.app.walk.controls import ask_budget, ask_directions, ask_instructions, ask_rules
from g2is.app.walk.parameters import (
    PRESET_FIELDS,
    ROW_FIELDS,
    current_preset,
    preset_values,
    read_rows,
    use_preset,
)
from g2is.config import WALK_PRESETS, WalkParameters
from g2is.errors import InputError
from g2is.run.run import Run

TABS = ("Budget", "Target directions", "Rules", "Instructions and sources", "Budget per direction")


class ParameterPanel:
    """Draws the panel. `budget_table` is a place for what needs the walk first.

    tab: of TABS, the one that is open at first.
    """

    def __init__(self, run: Run, *, tab: str = TABS[0]) -> None:
        preset = current_preset()
        with st.container(horizontal=True, vertical_alignment="center"):
            for name, (title, meaning) in PRESETS.items():
                st.button(
                    title,
                    key=f"reset to {name}",
                    help=f"Sets every value to {meaning}; pins, bans, sources and targets stay as they are.",
                    icon=":material/tune:",
                    type="primary" if name == preset else "secondary",
                    on_click=use_preset,
                    args=(name,),
                )
            changes = st.empty()
        if preset == "official":
            st.caption(MEASURED)
        defaults = preset_values(run, preset)
        missing = WALK_PRESETS[preset]["regime"]
        if missing != defaults["regime"]:
            st.caption(
                f"This run has no {regime_in_words(missing)}; {regime_in_words(defaults['regime'])} take their place."
            )
        self._asker = Asker(run, defaults)
        budget, directions, rules, instructions, self.budget_table = st.tabs(TABS, default=tab)
        for place, ask in (
            (budget, ask_budget),
            (directions, ask_directions),
            (rules, ask_rules),
            (instructions, ask_instructions),
        ):
            with place:
                ask(self._asker)
        self._values = {**defaults, **self._asker.values}
        edited = [label(name) for name in PRESET_FIELDS if self._values[name] != defaults[name]]
        title, meaning = PRESETS[preset]
        changes.markdown(f"**{title}**, edited: {', '.join(edited)}" if edited else f"**{title}**: {meaning}")

    def parameters(self) -> WalkParameters:
        """The settings of the panel. Raises `InputError` for values that no walk can have."""
        values = dict(self._values)
        if values["count"] is not None:
            values["fraction"] = None
        for name in ROW_FIELDS:
            try:
                values[name] = read_rows(values[name])
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
        return WalkParameters(**values)
