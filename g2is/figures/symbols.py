"""What each symbol means, the same on every page: the table in symbols.json, which the canvases read too.

A symbol has a shape, a colour and a character that stands for it in text. Colours are those of Okabe and Ito; "ink"
is that of the page's text, "faint" that of what is not shown in colours. Shapes of
categories (`g2is.figures.colours.SHAPES`) are none of these, and those marks that lie on a dot are outlines.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Symbol:
    """A symbol.

    mark: a character. name: a word or two. meaning: a phrase. letter: of an origin, how a step of a walk came about.
    """

    shape: str
    colour: str
    mark: str
    name: str
    meaning: str
    letter: str = ""

    @property
    def label(self) -> str:
        """The character and the name, as in a table."""
        return f"{self.mark} {self.name}"


SYMBOLS = {
    name: Symbol(**fields)
    for name, fields in json.loads(Path(__file__).with_name("symbols.json").read_text()).items()
}
"""Origins of steps by their names in `g2is.walk.ORIGINS`, relations in a neighbourhood, and marks of the reader."""
