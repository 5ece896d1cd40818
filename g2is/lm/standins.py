"""Which character of a rendered conversation comes from which turn.

Characters of the turns are replaced by private-use ones, each the mark of one owner and one original character.
If the template treats them alike, the rendering has the same length, gives the true one when they are replaced
back, and its private-use characters show where every owner stands, whatever the template moves, strips or drops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

_CODES = (*range(0xF0000, 0xFFFFE), *range(0x100000, 0x10FFFE))
_BASE, _SIZE = _CODES[0], _CODES[-1] - _CODES[0] + 1
_ESCAPED = frozenset('"\\\x7f').union(map(chr, range(32)))  # JSON writes them as several characters


class StandIns:
    """One assignment of private-use characters to owners.

    present: text whose characters are not to be used. keep: strings that stay as they are wherever they stand,
    and with them what JSON escapes.
    """

    def __init__(self, present: str, keep: Sequence[str] = ()) -> None:
        used = {ord(character) for character in set(present) if ord(character) >= _BASE}
        self._free = iter(_CODES if not used else [code for code in _CODES if code not in used])
        self._keep = keep
        self._tables: dict[int, dict[int, int]] = {}
        self._back: dict[int, int] = {}
        self._owners = np.full(_SIZE, -1, np.int32)

    def replace(self, text: str, owner: int) -> str:
        """The text with all but its white space replaced. Where stand-ins run out, the rest stays."""
        table = self._tables.setdefault(owner, {})
        for character in sorted(set(text)):
            code = ord(character)
            if code not in table and not character.isspace() and not (self._keep and character in _ESCAPED):
                stand_in = next(self._free, None)
                if stand_in is None:
                    break
                table[code] = stand_in
                self._back[stand_in] = code
                self._owners[stand_in - _BASE] = owner
        replaced = text.translate(table)
        if not self._keep:
            return replaced
        characters = list(replaced)
        for begin, end in self._kept(text):
            characters[begin:end] = text[begin:end]
        return "".join(characters)

    def _kept(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the strings to keep stand; they may overlap."""
        for string in self._keep:
            at = text.find(string)
            while at >= 0:
                yield at, at + len(string)
                at = text.find(string, at + 1)

    def replace_all(self, value: Any, owner: int, *, keys: bool = True) -> Any:
        """Every text of a JSON value, its keys too unless told otherwise."""
        if isinstance(value, str):
            return self.replace(value, owner)
        if isinstance(value, list):
            return [self.replace_all(item, owner, keys=keys) for item in value]
        if isinstance(value, dict):
            return {
                self.replace(name, owner) if keys else name: self.replace_all(item, owner, keys=keys)
                for name, item in value.items()
            }
        return value

    @property
    def exhausted(self) -> bool:
        """Whether some characters got no stand-in."""
        return next(self._free, None) is None

    def original(self, text: str) -> str:
        return text.translate(self._back)

    def owners(self, text: str) -> np.ndarray:
        """The owner of every character, -1 for the template and what was not replaced: (len(text),) int32."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64) - _BASE
        owners = np.full(len(codes), -1, np.int32)
        inside = (codes >= 0) & (codes < _SIZE)
        owners[inside] = self._owners[codes[inside]]
        return owners
