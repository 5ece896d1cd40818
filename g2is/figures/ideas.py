"""The three ideas of the walk as pictures of one run: SVG of our own, whose lines take the colour of the text."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from g2is.analysis.ideas import Ideas
from g2is.figures.colours import BLUE, GREEN
from g2is.figures.symbols import SYMBOLS
from g2is.walk.decimals import decimals

CONFLICT = SYMBOLS["conflict"].colour
"""Shape and colour of what conflicts are those of every other page."""

WIDE, HIGH = 300, 190
"""Units of a picture; it is as large as its place."""


def _svg(label: str, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{label}" width="100%" '
        f'font-size="13" fill="currentColor">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    # An outline in the colour of the page keeps numbers readable on lines and dots.
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight} paint-order="stroke" '
        f'style="stroke: var(--st-background-color)" stroke-width="3">{text}</text>'
    )


def _arrow(length: float, angle: float, colour: str, width: float, dash: str = "") -> str:
    """From the origin of the first picture, `angle` radians above the right."""
    x, y = _tip(length, angle)
    left, right = _tip(length - 9, angle + 0.07), _tip(length - 9, angle - 0.07)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path d="M{ORIGIN[0]} {ORIGIN[1]}L{x:.1f} {y:.1f}" stroke="{colour}" stroke-width="{width}"{dashes}/>'
        f'<path d="M{x:.1f} {y:.1f}L{left[0]:.1f} {left[1]:.1f}L{right[0]:.1f} {right[1]:.1f}Z" fill="{colour}"/>'
    )


ORIGIN = (125, 168)
ARROW = 118
UPRIGHT = 1.2
"""Radians above which words would lie across an arrow that they begin beside."""
LETTER = 7.2
"""Units that a letter is wide, at most."""


def _tip(length: float, angle: float) -> tuple[float, float]:
    return ORIGIN[0] + length * math.cos(angle), ORIGIN[1] - length * math.sin(angle)


def gradients_svg(ideas: Ideas) -> str:
    """Arrows: an example to the right, and instructions at the very angles that their cosines to it are of: the one
    taken, one in the middle of the pool, and the one that pulls against it most."""
    best = float(ideas.cosines[np.flatnonzero(ideas.rows == ideas.first)[0]])
    middle, worst = float(np.median(ideas.cosines)), float(ideas.cosines[0])
    shown = [
        (best, BLUE, "taken"),
        (middle, "currentColor", "middle of pool"),
        (worst, CONFLICT, "against"),
    ]
    parts = [
        _arrow(ARROW + 30, 0.0, GREEN, 3),
        _text(ORIGIN[0] + 60, ORIGIN[1] + 15, f"★ example {ideas.example}", bold=True),
    ]
    for cosine, colour, name in shown:
        angle = math.acos(max(-1.0, min(1.0, cosine)))
        parts.append(_arrow(ARROW, angle, colour, 2.5, "5 3" if cosine < 0 else ""))
        x, y = _tip(ARROW + 10, angle)
        words = f"{name} {_number(cosine)}"
        # What points least to the right has its words on the left of its tip, so that two that point up do not collide.
        anchor = "end" if name == "against" and angle > UPRIGHT else "start"
        if anchor == "end":
            x = max(x, LETTER * len(words))
        elif angle > UPRIGHT:
            x, y = x - LETTER / 2, y - 8
        parts.append(_text(x, y, words, anchor=anchor))
    label = (
        f"Three instructions as arrows, at the angle to example {ideas.example} that their cosine gives: taken "
        f"{decimals(best)}, middle of the pool {decimals(middle)}, most against it {decimals(worst)}"
    )
    return _svg(label, parts)


def graph_svg(ideas: Ideas) -> str:
    """The instruction taken first amid its nearest ones and those that conflict with it; nearer is closer."""
    centre = (WIDE / 2, HIGH / 2 + 2)
    nearest = int((ideas.around_cosines >= 0).sum())
    places = []
    for number, cosine in enumerate(ideas.around_cosines.tolist()):
        turn = 2 * math.pi * (number + 0.25) / len(ideas.around_cosines)
        reach = 0.55 + 0.45 * (1 - cosine) if cosine >= 0 else 1.0
        places.append((centre[0] + 122 * reach * math.cos(turn), centre[1] + 76 * reach * math.sin(turn)))
    parts = [
        f'<path d="M{places[one][0]:.1f} {places[one][1]:.1f}L{places[other][0]:.1f} {places[other][1]:.1f}" '
        'stroke="currentColor" stroke-opacity="0.25"/>'
        for one, other in ideas.links.tolist()
    ]
    for (x, y), cosine in zip(places, ideas.around_cosines.tolist(), strict=True):
        look = (
            f'stroke="{BLUE}" stroke-width="{1 + 5 * cosine:.1f}"'
            if cosine >= 0
            else (f'stroke="{CONFLICT}" stroke-width="2" stroke-dasharray="5 3"')
        )
        parts.append(f'<path d="M{centre[0]} {centre[1]}L{x:.1f} {y:.1f}" {look}/>')
    for (x, y), cosine in zip(places, ideas.around_cosines.tolist(), strict=True):
        if cosine >= 0:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{BLUE}"/>')
        else:
            parts.append(f'<path d="M{x - 6:.1f} {y - 6:.1f}l12 12v-12l-12 12z" fill="{CONFLICT}"/>')
        down = 18 if y >= centre[1] else -10
        parts.append(_text(x, y + down, _number(cosine), anchor="middle"))
    parts.append(
        f'<circle cx="{centre[0]}" cy="{centre[1]}" r="10" fill="{BLUE}" stroke="currentColor" stroke-width="2"/>'
    )
    label = (
        f"Instruction {ideas.first} with its {nearest} nearest instructions, cosines "
        f"{_span(ideas.around_cosines[:nearest])}, and {len(ideas.around) - nearest} that conflict with it"
    )
    return _svg(label, parts)


def walk_svg(ideas: Ideas) -> str:
    """The first steps on the map of the pool: numbered, each with the example that it was taken for."""
    # The part of the map where they are, with as much around them.
    marked = np.concatenate([ideas.path, ideas.stars])
    low, high = np.nanmin(marked, axis=0), np.nanmax(marked, axis=0)
    middle = (low + high) / 2
    scale = float(np.min(0.5 * np.array([WIDE, HIGH]) / np.maximum(high - low, 1e-9)))

    def place(point: np.ndarray) -> tuple[float, float]:
        x, y = (scale * (point - middle)).tolist()
        return WIDE / 2 + x, HIGH / 2 - y

    near = [place(dot) for dot in ideas.dots[np.isfinite(ideas.dots).all(axis=1)]]
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in near if 0 < x < WIDE and 0 < y < HIGH)
    steps = [place(point) for point in ideas.path]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in steps)
    parts = [
        f'<path d="{dots}" stroke="currentColor" stroke-opacity="0.3" stroke-width="2.4" stroke-linecap="round"/>',
        f'<path d="M{line}" fill="none" stroke="{BLUE}" stroke-width="1.6"/>',
    ]
    for star, (x, y) in zip(ideas.stars, steps, strict=True):
        if not np.isfinite(star).all():
            continue
        sx, sy = place(star)
        parts.append(
            f'<path d="M{sx:.1f} {sy:.1f}L{x:.1f} {y:.1f}" stroke="{GREEN}" stroke-dasharray="3 2"/>'
        )
        parts.append(
            f'<text x="{sx:.1f}" y="{sy + 5:.1f}" text-anchor="middle" font-size="15" fill="{GREEN}">★</text>'
        )
    badges = apart(np.array(steps), 2 * BADGE + 1).tolist()
    for (x, y), (left, top) in zip(steps, badges, strict=True):
        if math.hypot(x - left, y - top) > 1:
            parts.append(
                f'<path d="M{x:.1f} {y:.1f}L{left:.1f} {top:.1f}" stroke="{BLUE}" stroke-width="1"/>'
            )
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{BLUE}"/>')
    for number, (x, y) in enumerate(badges, 1):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{BADGE}" fill="{BLUE}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="#fff" font-weight="700">{number}</text>'
        )
    rows = ", ".join(f"{row:,}" for row in ideas.taken.tolist())
    return _svg(
        f"The first {len(steps)} steps of the walk on the map of the pool: instructions {rows}", parts
    )


BADGE = 8
"""Radius of a number."""
ROUNDS = 200
"""In which numbers part; a handful of them has done so after a few."""


def apart(points: np.ndarray, least: float) -> np.ndarray:
    """Places (n, 2) near these points, within the picture, of which no two are nearer to each other than `least`, as
    far as there is room. Points that are alone stay where they are."""
    places = np.array(points, float)
    for _ in range(ROUNDS):
        moved = False
        for one in range(len(places)):
            for other in range(one + 1, len(places)):
                way = places[other] - places[one]
                far = float(np.hypot(*way))
                if far >= least:
                    continue
                turn = 2.4 * other  # of two that are one each later one goes another way
                way = way / far if far > 1e-9 else np.array([math.cos(turn), math.sin(turn)])
                push = (least - far) / 2 + 1e-3
                places[one] -= push * way
                places[other] += push * way
                moved = True
        places = np.clip(places, [BADGE, BADGE], [WIDE - BADGE, HIGH - BADGE])
        if not moved:
            break
    return places


def _number(cosine: float) -> str:
    return f"{decimals(cosine)}".replace("-", "−")


def _span(values: np.ndarray) -> str:
    return f"{decimals(values.min())} to {decimals(values.max())}" if len(values) else "none"
