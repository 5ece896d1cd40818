"""What to show on the map: colour, layout, regime, walk; each in the URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.analysis.map_values import MEANINGS, SCHEMES, schemes
from g2is.app import shared as ui
from g2is.app.map.view import MapView, colouring_of, points_of
from g2is.app.shared.walked import walked
from g2is.app.walk.parameters import REGIME_MEANINGS, parameters_in_url
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.traces import read_trace, trace_path
from g2is.walk import WalkTrace

SETTINGS = "settings"
NO_WALK = "none"
LAYOUT_NAMES = {"umap": "UMAP", "pca": "PCA"}
LAYOUT_MEANINGS = {
    "umap": "**UMAP** keeps neighbours together: near dots pull the model's weights the same way. How far groups lie "
    "from each other, how large and how dense they look, and which way is up mean little; the axes mean nothing.",
    "pca": "**PCA** shows the two directions in which the gradients differ most. What lies apart differs; what lies "
    "together may still differ in the hundreds of directions that a plane cannot show.",
}
LAYOUT_CAVEATS = {
    "umap": "How far apart groups lie means little.",
    "pca": "What lies together may still differ.",
}
PLOTLY_MOST = 10_000
"""Samples that Plotly still draws at ease."""


def choose_view(run: Run, switches: DeltaGenerator) -> tuple[MapView, str]:
    """The controls, and the map that they ask for; whether it is drawn on the `canvas` or with `plotly`.

    switches: where those stand that matter less.
    """
    known = schemes(run)
    with st.grid(4, min_column_width=150):
        scheme = st.selectbox(
            "Colour by",
            known,
            format_func=lambda name: SCHEMES[name][0].upper() + SCHEMES[name][1:],
            help="\n".join(f"- **{SCHEMES[name]}**: {MEANINGS[name]}" for name in known),
            **ui.in_url("colour", known[0], ui.one_of(known)),
        )
        walk = _choose_walk(run)
        regime: Any = st.selectbox(
            "Gradients",
            list[str](run.regimes),
            format_func=REGIME_MEANINGS.__getitem__,
            help="The regime that the places, communities and conflicts are taken from; at first that of the walk.",
            **_another_map("map_regime", walk.parameters.regime, run.regimes),
        )
        kind: Any = st.segmented_control(
            "Layout",
            list[str](run.layouts),
            required=True,
            format_func=LAYOUT_NAMES.__getitem__,
            help="\n\n".join(LAYOUT_MEANINGS[name] for name in run.layouts),
            **_another_map("layout", run.layouts[0], run.layouts),
        )
    named, drawing = True, "canvas"
    with switches:
        named = st.toggle(
            "Names on the map",
            help="Communities by the words that mark them out; or components, where they are what colours mean.",
            **ui.in_url("names", True, ui.flag),
        )
        if len(run.instructions) <= PLOTLY_MOST:
            with_plotly = st.toggle(
                "Draw with Plotly",
                help="With its hover, legend and tools; without keys and without names in the picture. Whatever "
                "changes in it shows all of it again.",
                **ui.in_url("plotly", False, ui.flag),
            )
            drawing = "plotly" if with_plotly else drawing
    points = points_of(run, kind, regime)
    try:
        colours = colouring_of(run, scheme, regime, walk.parameters, walk.trace)
    except InputError as error:
        ui.stop(error)
    return MapView(run, kind, regime, points, colours, walk.trace if walk.drawn else None, named), drawing


def explain(view: MapView) -> None:
    """What the reader sees, and what it does not mean."""
    st.markdown(
        "Each dot is an instruction, near those that teach the model alike. Stars are the validation examples: what "
        f"it should learn. {LAYOUT_CAVEATS[view.kind]}",
        help="Dots lie near each other where their gradients are alike, so that training on one does what training on "
        f"the other does.\n\n{LAYOUT_MEANINGS[view.kind]}",
    )


@dataclass(frozen=True, eq=False)
class ChosenWalk:
    """The walk that the map is about. drawn: whether its path is. saved: its name, or the settings in the address."""

    run: Run
    parameters: WalkParameters
    drawn: bool
    saved: str | None

    def trace(self) -> WalkTrace:
        """Walks, where the walk is not there yet. Raises `InputError` for settings that do not fit the run."""
        if self.saved is None:
            return walked(self.run, self.parameters).trace
        return _saved_trace(self.run, self.saved)


def _choose_walk(run: Run) -> ChosenWalk:
    saved = [
        name
        for name, path in ui.saved_selections(run).items()
        if name not in (SETTINGS, NO_WALK) and trace_path(path).is_file()
    ]
    labels = {SETTINGS: "As the Walk page is set", NO_WALK: "None"} | {
        name: ui.visible(name) for name in saved
    }
    choice = st.selectbox(
        "Walk drawn",
        list(labels),
        format_func=lambda name: labels[name],
        help="The walk whose path is drawn. Component, walk order and alignment are those of this walk, or of the Walk "
        "page's settings where none is drawn.",
        **ui.in_url("path", SETTINGS, ui.one_of([SETTINGS, NO_WALK, *saved])),
    )
    try:
        if choice in saved:
            return ChosenWalk(run, _saved_trace(run, choice).parameters, True, choice)
        return ChosenWalk(run, parameters_in_url(run), choice != NO_WALK, None)
    except InputError as error:
        ui.stop(error)


def _saved_trace(run: Run, name: str) -> WalkTrace:
    ui.read_selection(run, name)  # raises where it was made on another run
    path = trace_path(ui.saved_selections(run)[name])
    return _read_trace(path, path.stat().st_mtime_ns)


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_trace(path: Path, stamp: int) -> WalkTrace:
    return read_trace(path)


def _another_map(name: str, default: Any, options: Any) -> dict[str, Any]:
    """On another map the part of the plane that was seen means nothing."""
    return {
        **ui.in_url(name, default, ui.one_of(options)),
        "on_change": ui.set_url,
        "kwargs": {"view": None},
    }
