"""Widgets for the settings of the walk: each bound to the URL, checked by the rules of `WalkParameters`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.app.shared import in_url, url_value
from g2is.app.shared.labels import FIELDS, VALUES
from g2is.app.walk.parameters import field_reader
from g2is.config import WalkParameters
from g2is.run.run import Run


class Asker:
    """Draws widgets and keeps what they hold.

    defaults: every field as the preset has it. values: what the widgets hold. messages: a place where a bad
    value of a link is reported, whichever subject is open. notes: a place below the widget of each field that can be
    changed, for what that would do.
    """

    def __init__(self, run: Run, defaults: dict[str, Any], messages: DeltaGenerator) -> None:
        self.run, self.defaults, self.messages = run, defaults, messages
        self.values: dict[str, Any] = {}
        self.notes: dict[str, DeltaGenerator] = {}

    def ask(self, widget: Callable[..., Any], name: str, *, label: str | None = None, **options: Any) -> Any:
        """A widget for one field; its value."""
        help = WalkParameters.model_fields[name].description or ""
        with st.container(gap="xxsmall"):
            self.values[name] = widget(
                label or FIELDS[name],
                help=help[0].upper() + help[1:] + ".",
                **options,
                **self.bind(name, self.defaults[name], field_reader(name)),
            )
            if not options.get("disabled"):
                self.notes[name] = st.empty()
        return self.values[name]

    def choose(self, name: str, options: Sequence[str] | None = None, **more: Any) -> Any:
        """A box over the values of a field, all of them unless `options` are given."""
        words = VALUES[name]
        return self.ask(
            st.selectbox, name, options=list(options or words), format_func=words.__getitem__, **more
        )

    def ask_whole(self, name: str, **options: Any) -> Any:
        """A whole number in the range of the field, or nothing where that is the default. The box tells of others, and
        they count for nothing."""
        if self.defaults[name] is None:
            options = {"value": None, **options}
        least, most = bounds(name)
        return self.ask(
            st.number_input, name, min_value=least, max_value=most, step=1, format="%d", **options
        )

    def ask_share(self, name: str, *, least: float = 0.0, **options: Any) -> Any:
        """A number up to 1 on a slider."""
        return self.ask(st.slider, name, min_value=least, max_value=1.0, step=0.01, **options)

    def keep(self, *names: str) -> None:
        """Fields without a widget at present, as the URL has them."""
        for name in names:
            self.values[name] = self.read(name, self.defaults[name], field_reader(name))

    def bind(self, name: str, default: Any, read: Callable[[str], Any] = str) -> dict[str, Any]:
        """As `in_url`, with the message of a bad value in its place."""
        with self.messages:
            return in_url(name, default, read)

    def read(self, name: str, default: Any, read: Callable[[str], Any] = str) -> Any:
        """As `url_value`, with the message of a bad value in its place."""
        with self.messages:
            return url_value(name, default, read)


def bounds(name: str) -> tuple[int, int]:
    """The least and the largest whole number that a field of `WalkParameters` can be."""
    limits = {type(one).__name__: one for one in WalkParameters.model_fields[name].metadata}
    least = limits["Ge"].ge if "Ge" in limits else limits["Gt"].gt + 1
    return int(least), int(limits["Le"].le if "Le" in limits else limits["Lt"].lt - 1)
