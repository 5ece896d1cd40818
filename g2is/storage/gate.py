"""Who may write where: all that is written to a run by what visitors do asks here first.

A process that serves visitors guards the folder of its runs with a rule, which refuses by raising `InputError`. Other
processes guard nothing, and nothing is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Rule = Callable[[Path, int], None]
"""Called with the path that is to be written, beneath the folder that is guarded, and how many bytes, 0 where that is
not known; raises `InputError` to refuse."""

_rules: dict[Path, Rule] = {}


def guard(folder: Path, rule: Rule | None) -> None:
    """Ask `rule` before anything in a folder is written, renamed or removed by this process; None asks nobody."""
    place = folder.absolute()
    if rule is None:
        _rules.pop(place, None)
    else:
        _rules[place] = rule


def ask(path: Path, size: int = 0) -> None:
    """Raise `InputError` where `path` is not to be changed."""
    if _rules:
        place = path.absolute()
        for folder, rule in list(_rules.items()):
            for real in (folder, folder.resolve()):
                if place != real and place.is_relative_to(real):
                    rule(folder / place.relative_to(real), size)
                    break
