"""What the Export page opens with where its address names no selection: the walk at hand, and no baseline unasked."""

from __future__ import annotations

from collections.abc import Sequence

from g2is.app import shared as ui
from g2is.app.walk.parameters import parameters_in_url
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.selections import Selection

LOOKED_AT = 20
"""Selections that are read, the newest, to find the best of them."""
LAST = {"random", "full"}
"""Methods that choose nothing in particular."""
Rank = tuple[int, float]


def opens_with(run: Run, names: Sequence[str]) -> str:
    """The saved walk with the settings at hand, of the size nearest to theirs; else the newest walk, else what another
    method chose, what was put aside by hand, and only last a draw by chance. names: the choices, the newest first."""
    try:
        walk = parameters_in_url(run)
    except InputError:  # the Walk page says what is wrong
        walk = None
    by_hand = [name for name in names if name == ui.BASKET or name.startswith(ui.SET)]
    saved = [name for name in names if name not in by_hand]
    ranks = {name: _rank(run, name, walk) for name in saved[:LOOKED_AT]}
    ranks |= dict.fromkeys(by_hand[:1], (3, 0.0))
    return min(ranks, key=ranks.__getitem__)


def _rank(run: Run, name: str, walk: WalkParameters | None) -> Rank:
    """The least for what to open with."""
    try:
        selection = ui.read_selection(run, name)
    except InputError:
        return 5, 0.0
    if selection.method != "walk":
        return (4 if selection.method in LAST else 2), 0.0
    return (0, _distance(run, selection, walk)) if _same(selection, walk) else (1, 0.0)


def _same(selection: Selection, walk: WalkParameters | None) -> bool:
    """Whether it is of a walk with these settings, whatever its budget."""
    try:
        return walk is not None and _without_budget(
            WalkParameters(**selection.parameters)
        ) == _without_budget(walk)
    except InputError:  # settings of another version
        return False


def _without_budget(walk: WalkParameters) -> WalkParameters:
    return walk.replace(fraction=None, component_budgets=None, count=1)


def _distance(run: Run, selection: Selection, walk: WalkParameters | None) -> float:
    """How many instructions it has more or less than the walk at hand is to have."""
    if walk is None or walk.component_budgets:
        return 0.0
    return abs(len(selection.samples) - (walk.count or (walk.fraction or 0) * int(run.valid.sum())))
