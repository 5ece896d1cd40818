"""All settings of the walk: a preset, and what is changed of it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.analysis.regimes import regime_in_words
from g2is.app.shared.labels import MEASURED, PRESETS, label
from g2is.app.shared.popover import inside
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

SUBJECTS = {
    "Budget": ask_budget,
    "Target directions": ask_directions,
    "Rules": ask_rules,
    "Instructions and sources": ask_instructions,
}
"""The widgets of each subject."""
BY_DIRECTION = "Budget per direction"
"""A subject that needs the walk first."""
TABS = (*SUBJECTS, BY_DIRECTION)
PRESETS_SUBJECT = "Presets"
"""What all subjects are set by at once."""


class ParameterPanel:
    """Draws the settings.

    presets: the place of the presets. subjects: a place for each of SUBJECTS. messages: where a bad value of a link is
    reported. notes: of each subject, the places for what a change of a setting would do.
    """

    def __init__(
        self,
        run: Run,
        presets: DeltaGenerator,
        subjects: Mapping[str, DeltaGenerator],
        messages: DeltaGenerator,
    ) -> None:
        preset = current_preset()
        with presets:
            self._draw_presets(preset)
            edited = st.empty()
            self._preset_notes = {"preset": st.empty()}
        defaults = preset_values(run, preset)
        missing = WALK_PRESETS[preset]["regime"]
        if missing != defaults["regime"]:
            messages.caption(
                f"This run has no {regime_in_words(missing)}; {regime_in_words(defaults['regime'])} take their place."
            )
        asker = Asker(run, defaults, messages)
        self.notes: dict[str, dict[str, DeltaGenerator]] = {PRESETS_SUBJECT: self._preset_notes}
        for subject, ask in SUBJECTS.items():
            with inside(subjects[subject], f"settings {subject}"):
                ask(asker)
            self.notes[subject], asker.notes = asker.notes, {}
        self._values = {**defaults, **asker.values}
        self.edited = [label(name) for name in PRESET_FIELDS if self._values[name] != defaults[name]]
        title, meaning = PRESETS[preset]
        edited.markdown(
            f"**{title}**, edited: {', '.join(self.edited)}" if self.edited else f"**{title}**: {meaning}"
        )

    @staticmethod
    def _draw_presets(preset: str) -> None:
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
        if preset == "official":
            st.caption(MEASURED)

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
