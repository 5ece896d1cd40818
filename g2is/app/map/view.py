"""What the map shows, read from the address: layout, regime, colour, walk; and what the reader's gestures change."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from g2is.app import shared as ui
from g2is.app.map.canvas import CANVAS
from g2is.app.map.parts import CHANNEL, marks_part
from g2is.app.shared.aside import fill_basket
from g2is.app.shared.canvas.points import FULL, MapPoints
from g2is.app.shared.canvas.pool import Name, colours_part, layout_key, points_part
from g2is.app.shared.events import event
from g2is.config import RegimeName
from g2is.errors import InputError
from g2is.figures.colouring import Colouring
from g2is.run.paths import LayoutKind
from g2is.run.run import Run
from g2is.walk import WalkTrace

NAMES = 24
"""Names on the map, at most."""
ALL: tuple[tuple[int, ...], bool] = (), False
"""The legend without any category picked."""
NOWHERE = None, None, ALL
"""Focus, view and legend of a map that nobody has touched."""


@dataclass(frozen=True, eq=False)
class MapView:
    """A map as it is shown. walk: computes the walk to draw, if any. asked: whether the reader chose that one. named:
    whether names are written on it."""

    run: Run
    kind: LayoutKind
    regime: RegimeName
    points: MapPoints
    colouring: Colouring
    walk: Callable[[], WalkTrace] | None
    asked: bool
    named: bool

    @property
    def id(self) -> str:
        """Identifies the layout: the same as long as every sample stays in its place."""
        return layout_key(self.run, self.kind, self.regime)

    @property
    def categories(self) -> int:
        """How many categories the legend lists."""
        return len(self.colouring.categories) if self.colouring.scale is None else 0

    def parts(self) -> list[bytes]:
        """What the canvas shows, except the walk."""
        run, pool = self.run, self.run.instructions
        selected = np.array(ui.basket(run), np.int64)
        focus = in_focus(run)
        view = ui.url_value("view", None, read_view)
        legend = legend_in_url(self.categories)
        about = (
            f"{run.size:,} instructions as dots, {int((~self.points.placed & ~run.gone).sum()):,} of them without a "
            "place. "
            "Arrow keys go from one to the next, plus and minus zoom, 0 shows all, Escape clears. The instruction in "
            "focus is shown in full beside the map; the table of the basket and the Instructions page have the same "
            "instructions as text."
        )
        return [
            points_part(CHANNEL, self.id, self.points, about),
            colours_part(CHANNEL, self.id, self.colouring, self.names() if self.named else []),
            marks_part(self.id, len(pool), selected, focus, view, _order(focus, view, legend), *legend),
        ]

    def trace(self) -> WalkTrace | None:
        """The walk to draw, or None; settings that do not fit the run are reported on the page."""
        try:
            return self.walk() if self.walk else None
        except InputError as error:
            ui.show_error(error)
            return None

    def names(self) -> list[Name]:
        """The communities, or the target directions if they are what colours mean.

        Sources have no names on the map, as each is spread all over it.
        """
        components = self.colouring.scheme == "component"
        if not components and "communities" not in self.run.manifest.stages:
            return []
        key = f"{self.id} {id(self.colouring) if components else 'community'}"
        return _names(self.run, key, self.regime, self.points, self.colouring if components else None)


@st.cache_resource(max_entries=24, show_spinner=False)
def _names(
    _run: Run, key: str, regime: RegimeName, _points: MapPoints, _components: Colouring | None
) -> list[Name]:
    names: list[tuple[str, NDArray[np.integer]]]
    if _components is not None:
        entries = enumerate(_components.categories)
        names = [
            (e.name, np.flatnonzero(_components.codes == code)) for code, e in entries if len(e.members) == 1
        ]
    else:
        communities = _run.communities(regime)
        labels = [", ".join(label.split(", ")[:3]) for label in communities.labels[:NAMES]]
        names = [
            (label, np.flatnonzero(communities.membership == group)) for group, label in enumerate(labels)
        ]
    placed = [(name, samples, _points.densest(samples)) for name, samples in names]
    return [
        Name(ui.visible(name), at, _points.closest(samples, at))
        for name, samples, at in placed
        if at is not None
    ]


def in_focus(run: Run) -> int | None:
    """The sample in focus; validation examples count from -1 down."""
    sample = ui.focus(run)
    if sample is not None:
        return sample
    example = ui.url_value("example", None, ui.whole(0, len(run.validation) - 1))
    return None if example is None else -1 - example


def go_to(sample: int | None) -> None:
    """Put a sample, or a validation example, in focus; a callback."""
    example = None if sample is None or sample >= 0 else -1 - sample
    ui.set_url(focus=None if example is not None else sample, example=example)


def read_view(text: str) -> tuple[float, float, float]:
    """Read a view of the plane from a URL: x, y, zoom."""
    try:
        x, y, zoom = map(float, text.split(","))
    except ValueError:
        raise ValueError("expected three numbers: x, y and zoom") from None
    if not (abs(x) <= 4 * FULL and abs(y) <= 4 * FULL and 0.1 <= zoom <= 1000):
        raise ValueError("expected x and y on the map and a zoom from 0.1 to 1000")
    return x, y, zoom


def legend_in_url(categories: int) -> tuple[tuple[int, ...], bool]:
    """The categories picked in the legend, of so many, and whether all else is hidden."""
    return (
        ui.url_value("shown", None, read_categories(categories)) or (),
        ui.url_value("isolated", False, ui.flag),
    )


def read_categories(categories: int) -> Callable[[str], tuple[int, ...]]:
    """Reads the numbers of categories from a URL, such as 0.3."""

    def read(text: str) -> tuple[int, ...]:
        if (
            not re.fullmatch(r"\d{1,6}(\.\d{1,6})*", text, re.ASCII)
            or max(map(int, text.split("."))) >= categories
        ):
            raise ValueError(
                f"expected numbers of entries in the legend such as 0.3, 0 to {categories - 1:,}"
                if categories
                else "these colours have no entries in the legend to pick"
            )
        return tuple(dict.fromkeys(map(int, text.split("."))))

    return read


def _order(focus: int | None, view: Sequence[float] | None, legend: tuple[tuple[int, ...], bool]) -> int:
    """A new number whenever the URL differs from what the map reported: after a link or the browser's Back."""
    asked = (focus, None if view is None else tuple(view), legend)
    if st.session_state.get("map rests at") != asked:
        st.session_state["map rests at"] = asked
        st.session_state["map order"] = st.session_state.get("map order", 0) + 1
    return st.session_state["map order"]


def _rests(**changes: Any) -> None:
    """Remember what the map itself reported, so that it is not ordered to go there."""
    kept = dict(zip(("focus", "view", "legend"), st.session_state.get("map rests at", NOWHERE), strict=True))
    st.session_state["map rests at"] = tuple({**kept, **changes}.values())


def keep_view(view: list[float] | None) -> None:
    """Write the view that the reader moved to to the URL; a callback."""
    text = None if view is None else ",".join(f"{value:g}" for value in view)
    _rests(view=None if text is None else read_view(text))
    ui.set_url(view=text)


def on_event(
    run: Run, points: MapPoints, name: str, seen: Callable[[], NDArray[np.bool_] | None] = lambda: None
) -> None:
    """Act on a click, a lasso, a box, the legend or Escape; a callback.

    seen: says which instructions (n,) are seen, where others are hidden: a lasso is about these.
    """
    if name == "focus":
        sample = int(event(CANVAS, "focus"))
        _rests(focus=sample)
        go_to(sample)
    elif name == "drawn":
        drawn = event(CANVAS, "drawn")
        rows, shown = points.inside(drawn["polygon"]), seen()
        change_basket(run, (rows if shown is None else rows[shown[rows]]).tolist(), drawn["how"])
    elif name == "legend":
        _keep_legend(event(CANVAS, "legend"))
    else:
        _rests(focus=None, legend=ALL)
        change_basket(run, [], "new")
        ui.set_url(shown=None, isolated=None)
        go_to(None)


def _keep_legend(legend: Any) -> None:
    """Write what the reader picked in the legend to the URL. The browser may send what it likes."""
    only = tuple(code for code in legend["only"] if isinstance(code, int) and 0 <= code < 10**6)
    alone = legend["alone"] is True
    _rests(legend=(only, alone))
    ui.set_url(shown=".".join(map(str, only)) or None, isolated=alone or None)


def change_basket(run: Run, samples: Sequence[int], how: str) -> None:
    """Replace the basket by these samples, add them, or remove them; it can be undone.

    how: "new", "add" or "remove".
    """
    before = list(ui.basket(run))
    gone = set(samples)
    kept = before if how == "add" else []
    after = [*kept, *samples] if how != "remove" else [sample for sample in before if sample not in gone]
    fill_basket(run, list(dict.fromkeys(after)))
