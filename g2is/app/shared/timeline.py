"""The changes of a session in order, with a place among them. No Streamlit.

A state is what shapes the result, as the URL holds it: the settings of the walk, and the number of the last thing done
that the URL has no room for. The browser's Back, which shows an older URL, goes to a place of this same list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from g2is.config import WalkParameters

Texts = Mapping[str, Sequence[str]]
"""Parameters as a URL has them."""

DONE = "done"
"""The parameter with the number of the last thing done that is not in the URL itself."""
SETTINGS = {"preset", *WalkParameters.model_fields}
TICKED = sorted(
    name
    for name, field in WalkParameters.model_fields.items()
    if any(kind in str(field.annotation) for kind in ("int", "float"))
    and not any(kind in str(field.annotation) for kind in ("tuple", "dict", "list"))
)
"""Settings on sliders and in boxes with steps: ticks without a pause between them are one change."""
PAUSE_SECONDS = 1.5
"""Without any input: what comes then is a change of its own. The browser measures it (walk/undo.js), since a slow
server sees ticks late, and counts the pauses."""
KEPT = 200
"""Changes that are remembered."""


def is_setting(name: str) -> bool:
    """Whether a parameter shapes the walk. Shares of validation targets do too."""
    return name in SETTINGS or name.startswith("target.")


def shaping(texts: Texts) -> dict[str, list[str]]:
    """The part of a URL that shapes the result."""
    return {name: list(values) for name, values in texts.items() if is_setting(name) or name == DONE}


def _nothing() -> None:
    """Settings are restored by the URL alone."""


@dataclass(frozen=True)
class Change:
    """From one state to the next.

    label: what was done, or None where the difference of the settings says it. undo, redo: what restores whatever the
    URL does not hold. beside: what the URL said before and after that shapes no result, such as a name. step: where
    the reader was, as in `Timeline`.
    """

    before: dict[str, list[str]]
    after: dict[str, list[str]]
    label: str | None = None
    undo: Callable[[], object] = _nothing
    redo: Callable[[], object] = _nothing
    beside: Mapping[str, tuple[list[str] | None, list[str] | None]] = field(default_factory=dict)
    step: list[str] | None = None

    @property
    def changed(self) -> set[str]:
        """The parameters that differ."""
        names = {*self.before, *self.after}
        return {name for name in names if self.before.get(name) != self.after.get(name)}

    def goes_on(self, later: Change) -> bool:
        """Whether a later change is another tick of this one, unless there was a pause."""
        ticks = all(name in TICKED or name.startswith("target.") for name in self.changed | later.changed)
        return ticks and later.changed <= self.changed


@dataclass
class Timeline:
    """now: the present state. place: how many of `changes` are done. step: where the reader is, as the URL has it,
    empty for the first step; None on a page without steps. pauses: of the reader before the last change; None where
    what follows is a change of its own."""

    now: dict[str, list[str]]
    step: list[str] | None = None
    changes: list[Change] = field(default_factory=list)
    place: int = 0
    numbers: int = 0
    pauses: int | None = None

    @property
    def last(self) -> Change | None:
        """What Undo takes back."""
        return self.changes[self.place - 1] if self.place else None

    @property
    def next(self) -> Change | None:
        """What Redo does again."""
        return self.changes[self.place] if self.place < len(self.changes) else None

    def note(
        self, texts: Texts, *, step: list[str] | None = None, back: bool = False, pauses: int = 0
    ) -> None:
        """The URL of the page, after so many pauses of the reader. Another state than the present one is a change;
        `back`: or, where the reader went back or forward in the browser, a place of this list."""
        state = shaping(texts)
        if state != self.now and not (back and self._go(state)):
            self._add(Change(self.now, state, step=self.step), pauses)
        self.step = step

    def did(
        self,
        label: str,
        undo: Callable[[], object],
        redo: Callable[[], object],
        *,
        url: Mapping[str, list[str] | None] = MappingProxyType({}),
        was: Texts = MappingProxyType({}),
    ) -> str:
        """Something was done that the URL does not hold; the number that stands for it there.

        url: what it changes in the URL besides, None for what is gone; was: the URL before.
        """
        self.numbers = 1 + max(
            self.numbers, *(int(text) for text in self.now.get(DONE, []) if text.isdigit()), 0
        )
        number = str(self.numbers)
        after = {
            name: texts
            for name, texts in {**self.now, **url}.items()
            if texts is not None and is_setting(name)
        }
        before = {name: list(was[name]) if name in was else None for name in url if not is_setting(name)}
        beside = {name: (texts, url[name]) for name, texts in before.items()}
        self._add(Change(self.now, {**after, DONE: [number]}, label, undo, redo, beside, step=self.step))
        return number

    def undo(self) -> Change | None:
        """Take the last change back, but for the URL."""
        change = self.last
        if change is not None:
            self._go_to(self.place - 1)
        return change

    def redo(self) -> Change | None:
        """Do the next change again, but for the URL."""
        change = self.next
        if change is not None:
            self._go_to(self.place + 1)
        return change

    def _add(self, change: Change, pauses: int | None = None) -> None:
        del self.changes[self.place :]
        last = self.last
        if last is not None and pauses == self.pauses and last.goes_on(change):
            change = Change(last.before, change.after, step=last.step)
            self.changes.pop()
        self.pauses = pauses
        if change.before != change.after:
            self.changes.append(change)
        del self.changes[:-KEPT]
        self.place, self.now = len(self.changes), change.after

    def _go(self, state: dict[str, list[str]]) -> bool:
        """Go to the nearest place with this state, if there is one."""
        states = [change.before for change in self.changes[:1]] + [change.after for change in self.changes]
        places = [place for place, known in enumerate(states) if known == state]
        if not places:
            return False
        self._go_to(min(places, key=lambda place: abs(place - self.place)))
        return True

    def _go_to(self, place: int) -> None:
        self.pauses = None
        while self.place > place:
            self.place -= 1
            change = self.changes[self.place]
            self.now = change.before
            change.undo()
        while self.place < place:
            change = self.changes[self.place]
            self.place += 1
            self.now = change.after
            change.redo()
