"""Text and numbers on a page.

Whatever comes from data or from the URL is shown by the functions of this module, by `st.json` or by `st.dataframe`:
all other calls of Streamlit read Markdown, and would fetch an image that a text names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache, wraps
from itertools import count
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

import streamlit as st
from streamlit.errors import StreamlitDuplicateElementKey

from g2is.app import permits
from g2is.app.places import cache_folder
from g2is.errors import InputError
from g2is.instructions.snippet import LENGTH, beginning, snippet

P = ParamSpec("P")
T = TypeVar("T")
WHOLE = 20_000
"""Characters of a text that are sent to the browser unasked."""
LINES = 1000
"""Lines of it: each is an element of the page."""
PART, PART_LINES = 1_000_000, 10_000
"""Characters and lines that are sent at a time when all of a text is asked for."""
COLOURED = 5000
"""Characters of a text that is coloured by its language, at most."""


def number(value: float | None) -> str:
    """With thousands separators; three significant digits where it is not whole."""
    if value is None or value != value:
        return "–"
    if isinstance(value, int) or float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share as a percentage with three significant digits."""
    return "< 0.01 %" if 0 < share < 1e-4 else f"{number(100 * share)} %"


def duration(seconds: float) -> str:
    """Seconds in the units that a person would use."""
    if seconds < 60:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


# Control characters, marks that turn the direction of text, spaces without width, and halves of a surrogate pair
# (which cannot be sent). The joiners U+200C and U+200D stay: scripts and emoji are written with them.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with characters that show nothing, or that reorder others, written as ⟨U+XXXX⟩."""
    return _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def snippets(texts: Iterable[str], length: int = LENGTH) -> list[str]:
    """The beginning of each text on one line, as `visible`."""
    return [visible(snippet(text, length)) for text in texts]


def literal(value: object) -> str:
    """Any text as Markdown that shows just this text, on one line."""
    text = visible(str(value)).replace("\n", "⏎").replace("\t", " ")
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text or not text.strip() else f"{fence}{text}{fence}"


_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_END = r"(?=[,;:.)]*(?:\s|$))"
_COMMAND = r"g2is (?:target |pool )?[a-z]+(?: --[\w-]+(?: [^\s(;,]+)?| [^\s(;,]*[/…][^\s(;,]*)*"
_PIECES = re.compile(rf"{_COMMAND}|[\w.]+ = (?:{_QUOTED}|[^\s,;:]+){_END}|(?:{_QUOTED}){_END}|\S+|\s+")
"""A command, a setting with its value, a quoted text, any other word, or space."""
_WORD = re.compile(r"(\(?“?)(.*?)([”,;:.?!…)]*)")
"""A word between the marks before and after it."""
_PLAIN = re.compile(r"[^\W_]+(?:[-_’'][^\W_]+)*|\d+(?:[.,]\d+)+|[·–%=]?")
"""Words that Markdown shows as they are."""
WORD = 200
"""Characters from which on a piece is no word."""


def prose(message: object) -> str:
    """A message as Markdown that shows just this text, on one line: sentences as such; settings, names, paths, quoted
    texts and all that Markdown could take for something else as code."""
    pieces = _PIECES.findall(visible(said(message).strip()))
    return "".join(_piece(piece, first=not place) for place, piece in enumerate(pieces))


def _piece(piece: str, *, first: bool) -> str:
    if piece.isspace():
        return " "
    if " " in piece or piece[0] in "'\"" or len(piece) > WORD:
        return literal(piece)
    match = _WORD.fullmatch(piece)
    before, word, after = match.groups() if match else ("", piece, "")
    if "(" in word and ")" in after:
        inside = after.index(")") + 1
        word, after = word + after[:inside], after[inside:]
    begins_list = first and (word == "=" or (word.isdigit() and after[:1] in (".", ")")))
    if _PLAIN.fullmatch(word) and not begins_list:
        return piece
    return f"{before}{literal(word)}{after}"


def show_text(text: str, *, language: str | None = None, tallest: int = 480) -> None:
    """Text from data, literally, with a button that copies it; scrolls where it is long.

    Of a very long one the beginning: the rest is sent once the reader asks, since it keeps a browser busy for seconds;
    in parts, and without colours, which make an element of every word.
    """
    end = end_of_part(text, 0, WHOLE, LINES)
    if end < len(text):
        if _asked_for_all(text):
            text = _part(text)
        else:
            shown = beginning(text, WHOLE) if end == WHOLE else text[:end]
            text = f"{shown.rstrip()}\n… {len(text) - end:,} more characters"
    text = visible(text)
    lines = sum(1 + len(line) // 90 for line in text.split("\n"))
    height: Any = tallest if lines * 22 > tallest else "content"
    coloured = language if len(text) <= COLOURED else None
    st.code(text or "(empty)", language=coloured, wrap_lines=True, height=height)


def _asked_for_all(text: str) -> bool:
    """A switch for all of a text, and whether it is on."""
    label = f"Show all {len(text):,} characters"
    return own_key(f"all of {_own(text)}", lambda key: st.toggle(label, key=key))


def end_of_part(text: str, start: int, characters: int, lines: int) -> int:
    """Where a part of a text ends that has so many characters and lines, or fewer."""
    end = min(len(text), start + characters)
    for _ in range(lines):
        start = text.find("\n", start, end) + 1
        if not start:
            return end
    return start


def _part(text: str) -> str:
    """The part of a text that the reader turned to; all where it is one part."""
    ends = [0]
    while ends[-1] < len(text):
        ends.append(end_of_part(text, ends[-1], PART, PART_LINES))
    if len(ends) == 2:
        return text
    part = own_key(f"part of {_own(text)}", lambda key: st.pagination(len(ends) - 1, key=key))
    return text[ends[part - 1] : ends[part]]


def _own(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def own_key(key: str, draw: Callable[[str], T]) -> T:
    """A widget with a key of its own, where a page may show the same thing more than once."""
    for place in count():
        with suppress(StreamlitDuplicateElementKey):
            return draw(f"{key} {place}")
    raise AssertionError("unreachable")


def stop(error: InputError) -> NoReturn:
    """Show what is wrong and what to do about it; the rest of the page is not run."""
    show_error(error)
    st.stop()


def showing_errors(draw: Callable[P, None]) -> Callable[P, None]:
    """What draws a page or a fragment, with an error of its input shown in place of what is not drawn because of it."""

    @wraps(draw)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except InputError as error:
            stop(error)

    return guarded


def show_error(error: InputError) -> None:
    """Show what is wrong and what to do about it."""
    st.error(prose(error), icon=":material/error:")


def show_command(text: str) -> None:
    """A command to copy. Where others are served, what only this machine knows stands as a blank in it."""
    st.code(said(text) if _for_others() else text, language="bash", wrap_lines=True)


def show_output(lines: Iterable[str], *, tallest: int = 260) -> None:
    """What a command that the app started has printed."""
    show_text(said("\n".join(lines)) or "…", tallest=tallest)


_PATH = re.compile(
    r"(?<=')/(?:[^'/\n]+/)+(?=[^'/\n]+')"
    r"|(?<![\w.:/~…-])/(?:[^\s/'\"`:;,()]+/)+(?=[^\s/'\"`:;,()])"
)
"""The folders of an absolute path: in quotes, or between blanks."""


def said(message: object) -> str:
    """What the program says, as a visitor reads it: the one place where paths of this machine are shortened.

    Those in the folder of the runs begin with the name of the run. Where others are served, "…" stands for the folder
    itself, and for the folders before any other file.
    """
    text, others = str(message), _for_others()
    for folder in _spellings(cache_folder()):
        text = text.replace(f"{folder}{os.sep}", "")
        if others and Path(folder).is_absolute():
            text = re.sub(rf"{re.escape(folder)}(?![\w.-])", "…", text)
    return _PATH.sub("…/", text) if others else text


@lru_cache(maxsize=8)
def _spellings(folder: Path) -> list[str]:
    """A folder as paths may name it, the longest first."""
    return sorted({str(folder), str(folder.absolute()), str(folder.resolve())}, key=len, reverse=True)


def _for_others() -> bool:
    try:
        return permits.serving().for_others
    except InputError:  # which is said by this very module
        return True
