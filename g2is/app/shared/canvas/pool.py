"""What a canvas shows of a pool: where the samples of a run lie, and their colours; as values, and as parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import streamlit as st

from g2is.analysis.map_values import map_values, scheme_of, schemes
from g2is.app.shared import number, one_of, visible
from g2is.app.shared.canvas.parts import pack
from g2is.app.shared.canvas.points import NOWHERE, MapPoints
from g2is.config import RegimeName, WalkParameters
from g2is.figures.colouring import COLOURED, LEVELS, NONE, Colouring, colouring
from g2is.run.paths import LayoutKind, array_file
from g2is.run.run import Run
from g2is.walk import WalkTrace

TICKS = 4
"""Intervals between the numbers along a scale."""


class Name(NamedTuple):
    """A text on the map. at: its place. sample: one of those that it is the name of, which lies there."""

    text: str
    at: tuple[int, int]
    sample: int


def read_scheme(run: Run, *more: str) -> Callable[[str], str]:
    """Reads from a URL what dots are coloured by, or one of `more`."""
    return lambda text: one_of((*more, *schemes(run)))(scheme_of(run, text))


@st.cache_resource(max_entries=8, show_spinner="Placing the instructions")
def open_points(_run: Run, key: str, kind: LayoutKind, regime: RegimeName) -> MapPoints:
    layout = _run.layout(kind, regime)
    return MapPoints.of(layout.samples, layout.validation)


def points_of(run: Run, kind: LayoutKind, regime: RegimeName) -> MapPoints:
    """The places of the samples in one layout."""
    return open_points(run, layout_key(run, kind, regime), kind, regime)


def layout_key(run: Run, kind: LayoutKind, regime: RegimeName) -> str:
    """Identifies a layout: the same as long as every sample stays in its place."""
    return f"{run.state} {kind} {regime} {run.manifest.files[array_file(regime, kind)].sha256[:12]}"


def colouring_of(
    run: Run, scheme: str, regime: RegimeName, parameters: WalkParameters, walk: Callable[[], WalkTrace]
) -> Colouring:
    """The colours of the samples, cached. walk: called only if the colours depend on it."""
    trace = walk() if scheme == "order" else None
    key = ""
    if scheme in ("component", "alignment"):
        key = parameters.knowledge_key
    elif trace is not None:
        key = trace.parameters.model_dump_json()
    elif scheme == "community":
        key = run.manifest.files[array_file(regime, "communities")].sha256
    elif scheme == "conflict":
        key = regime
    return _colouring(run, f"{run.state} {scheme} {key}", scheme, regime, parameters, trace)


@st.cache_resource(max_entries=24, show_spinner="Colouring")
def _colouring(
    _run: Run,
    key: str,
    scheme: str,
    regime: RegimeName,
    _parameters: WalkParameters,
    _trace: WalkTrace | None,
) -> Colouring:
    return colouring(map_values(_run, scheme, regime, _parameters, _trace))


def points_part(channel: str, map_id: str, points: MapPoints, about: str = "") -> bytes:
    """Where the samples and the validation examples lie. about: what a screen reader says of the map."""
    return pack(
        channel,
        "points",
        {"map": map_id, "extent": points.extent, "nowhere": NOWHERE, "about": about},
        x=points.samples[:, 0],
        y=points.samples[:, 1],
        vx=points.validation[:, 0],
        vy=points.validation[:, 1],
    )


def colours_part(channel: str, map_id: str, colouring: Colouring, names: Sequence[Name]) -> bytes:
    """The colours with their legend. names: the most important first."""
    header: dict[str, Any] = {
        "map": map_id,
        "scheme": colouring.scheme,
        "title": visible(colouring.title),
        "unit": colouring.unit,
        "missing": NONE,
        "levels": LEVELS,
        "none": colouring.none,
        "names": [name._asdict() for name in names],
    }
    scale = colouring.scale
    if scale is None:
        header["entries"] = [
            {"name": visible(entry.name), "count": entry.count, "shape": entry.shape}
            for entry in colouring.categories
        ]
        header |= {"shapes": [entry["shape"] for entry in header["entries"]], "coloured": COLOURED}
    else:
        header |= {
            "low": scale.low,
            "high": scale.high,
            "log": scale.log,
            "whole": scale.whole,
            "ticks": ticks_of(colouring),
        }
    return pack(channel, "colours", header, codes=colouring.codes, light=colouring.light, dark=colouring.dark)


def ticks_of(colouring: Colouring) -> list[tuple[float, str]]:
    """Places from 0 to 1 along the scale, and the text at each."""
    scale = colouring.scale
    assert scale is not None
    ticks = []
    for tick in range(TICKS + 1):
        text = number(float(f"{scale.value(tick / TICKS):.3g}"))
        if tick == 0 and scale.clipped[0]:
            text = f"≤ {text}"
        if tick == TICKS and scale.clipped[1]:
            text = f"≥ {text}"
        ticks.append((round(tick / TICKS * LEVELS) / LEVELS, text))
    return ticks
