"""The controls of the map: colour, layout, regime and walk, each in the URL."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.analysis.map_values import MEANINGS, SCHEMES, scheme_title, schemes
from g2is.app import shared as ui
from g2is.app.instructions.filters import choose_filters, count_filters
from g2is.app.map.view import MapView
from g2is.app.shared.canvas.pool import colouring_of, points_of, read_scheme
from g2is.app.shared.labels import REGIME_NAMES
from g2is.app.shared.popover import inside, popover
from g2is.app.shared.walked import walked
from g2is.app.walk.parameters import parameters_in_url
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.selections import Selection, read_walk
from g2is.run.traces import trace_path
from g2is.walk import WalkTrace

SETTINGS = "settings"
NO_WALK = "none"
LOOKED_AT = 50
"""Saved selections of which only those with a walk are offered, the newest first; of more, it shows when chosen."""
LAYOUT_NAMES = {"umap": "UMAP", "pca": "PCA"}
LAYOUT_MEANINGS = {
    "umap": "**UMAP** keeps neighbours together: dots close to each other change the model's weights alike. The "
    "distance between groups, their size and their density mean little, and the axes nothing.",
    "pca": "**PCA** shows the two directions in which the gradients vary most. Dots far apart differ; dots close "
    "together may still differ in the hundreds of other directions.",
}
LAYOUT_CAVEATS = {
    "umap": "The distance between groups means little.",
    "pca": "Dots close together may still differ.",
}


def choose_view(run: Run, switches: DeltaGenerator) -> MapView:
    """Show the controls, and return the map that they describe.

    switches: the container of the less important ones.
    """
    known = schemes(run)
    with st.grid(5, min_column_width=140):
        scheme = st.selectbox(
            "Colour by",
            known,
            format_func=lambda name: f"Colour: {ui.visible(scheme_title(name))}",
            label_visibility="collapsed",
            **{**ui.in_url("colour", known[0], read_scheme(run)), "kwargs": {"shown": None}},
        )
        walk = _choose_walk(run)
        regime: Any = st.selectbox(
            "Gradients",
            list[str](run.regimes),
            format_func=REGIME_NAMES.__getitem__,
            label_visibility="collapsed",
            **_another_map("map_regime", walk.parameters.regime, run.regimes),
        )
        kind: Any = st.segmented_control(
            "Layout",
            list[str](run.layouts),
            required=True,
            format_func=LAYOUT_NAMES.__getitem__,
            label_visibility="collapsed",
            **_another_map("layout", run.layouts[0], run.layouts),
        )
        count = count_filters()
        label = f"Filters: {count}" if count else "Filters"
        with inside(
            popover(label, "map filters", icon=":material/filter_list:", width="stretch"), "map filters"
        ):
            choose_filters(run)
    with switches:
        named = st.toggle(
            "Names on the map",
            help="Communities, named by words that are frequent in them; or target directions if colours show those.",
            **ui.in_url("names", True, ui.flag),
        )
    points = points_of(run, kind, regime)
    try:
        colours = colouring_of(run, scheme, regime, walk.parameters, walk.trace)
    except InputError as error:
        ui.stop(error)
    drawn = walk.trace if walk.drawn else None
    return MapView(run, kind, regime, points, colours, drawn, walk.saved is not None, named)


def explain(view: MapView) -> None:
    """Explain what the map shows, what it does not mean, and the boxes above it."""
    known = "\n".join(
        f"- **{SCHEMES[name]}**: {MEANINGS[name]}" for name in schemes(view.run) if name in SCHEMES
    )
    st.caption(
        f"Dots close to each other have a similar effect on the model. {LAYOUT_CAVEATS[view.kind]}",
        help="Dots are close to each other if their gradients are similar, so that training on one has much the same "
        f"effect as training on the other.\n\n{LAYOUT_MEANINGS[view.kind]}{_rows_of_axes(view)}\n\n"
        "**Walk**: its path is drawn; Isolate leaves of it what belongs to the set, or all of a saved walk that is "
        "chosen here. The colours by target direction, walk order and alignment refer to it, or with none to the "
        "settings of the Walk page.\n\n"
        "**Gradients**: those behind layout, communities and conflicts; by default those of the walk.\n\n"
        f"**Colour**\n{known}",
    )


def _rows_of_axes(view: MapView) -> str:
    """What the directions of PCA were computed from, where not from all instructions."""
    rows = view.run.manifest.stages["layout"].found.get("rows_of_axes", view.run.size)
    if view.kind != "pca" or rows >= view.run.size:
        return ""
    return f" The two directions were computed from {rows:,} of the instructions."


@dataclass(frozen=True, eq=False)
class ChosenWalk:
    """The walk that the map refers to.

    drawn: whether its path is shown. saved: the name of a saved walk; None for the settings in the address.
    """

    run: Run
    parameters: WalkParameters
    drawn: bool
    saved: str | None

    def trace(self) -> WalkTrace:
        """The walk, computed or read if it is not cached. Raises `InputError` if its settings do not fit the run."""
        if self.saved is None:
            return walked(self.run, self.parameters).trace
        return _saved_trace(self.run, self.saved)


def _choose_walk(run: Run) -> ChosenWalk:
    saved = [
        name
        for place, (name, path) in enumerate(ui.saved_selections(run).items())
        if name not in (SETTINGS, NO_WALK)
        and (place >= LOOKED_AT or _is_walk(run, run.state, path, ui.stamp_of(path)))
    ]
    labels = {SETTINGS: "as on the Walk page", NO_WALK: "none"} | {name: ui.visible(name) for name in saved}
    choice = st.selectbox(
        "Walk shown",
        list(labels),
        format_func=lambda name: f"Walk: {labels[name]}",
        label_visibility="collapsed",
        **ui.in_url("path", SETTINGS, ui.one_of([SETTINGS, NO_WALK, *saved])),
    )
    try:
        if choice in saved:
            return ChosenWalk(run, _saved_trace(run, choice).parameters, True, choice)
        return ChosenWalk(run, parameters_in_url(run), choice != NO_WALK, None)
    except InputError as error:
        ui.stop(error)


def _saved_trace(run: Run, name: str) -> WalkTrace:
    ui.show_changes(run, {name: ui.read_selection(run, name)})  # raises for a selection of another run
    path = ui.saved_selections(run)[name]
    return _read_trace(run, run.state, path, ui.stamp_of(path))


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_trace(_run: Run, state: str, path: Path, stamp: tuple[int, ...]) -> WalkTrace:
    _, trace = read_walk(path, _run)
    if trace is None:
        raise InputError(f"{path}: has no walk to show; choose another, or save the walk again")
    return trace


@st.cache_data(max_entries=1000, show_spinner=False)
def _is_walk(_run: Run, state: str, path: Path, stamp: tuple[int, ...]) -> bool:
    """Whether a saved selection has a walk to show; one that cannot be read says so where it is chosen."""
    try:
        selection = Selection.recorded(path, _run)
    except InputError:
        return True
    with suppress(OSError):  # its name may be too long to have one
        return selection.trace is not None or trace_path(path).is_file()
    return False


def _another_map(name: str, default: Any, options: Any) -> dict[str, Any]:
    """`in_url` for a control that changes the layout, after which the view in the URL means nothing."""
    return {
        **ui.in_url(name, default, ui.one_of(options)),
        "on_change": ui.set_url,
        "kwargs": {"view": None, "shown": None},
    }
