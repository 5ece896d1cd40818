"""The basket: instructions put aside by hand, in this session and in the link.

A link holds the basket by the name of its set, or as rows where these are few enough; `in_link` says whether it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from g2is.app.shared.history import did
from g2is.app.shared.text import number
from g2is.app.shared.url import carry, url_value
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.sets import NamedSet, ranges

PARAMETER = "basket"
SET = "set:"
"""Before the name of a set, where selections can be named too."""
LONGEST = 8000
"""Characters of the rows in a link."""


def basket(run: Run) -> list[int]:
    """Instructions put aside by hand, in order, without what was removed from the pool; those of the link in a new
    session. `fill_basket` changes it."""
    key = _key(run)
    if key not in st.session_state:
        st.session_state[key] = url_value(PARAMETER, None, read_basket(run)) or []
    if st.session_state.get("basket in link of") != run.hash:
        _carry(run)
    rows: list[int] = st.session_state[key]
    return [row for row in rows if not run.gone[row]] if run.removals else rows


def basket_set(run: Run) -> tuple[str, str] | None:
    """Name and checksum of the set that was loaded into the basket, or that it was saved as."""
    return st.session_state.get(f"{_key(run)} set")


def unchanged_set(run: Run) -> NamedSet | None:
    """The set that the basket is, if it is one."""
    loaded = basket_set(run)
    try:
        found = run.sets[loaded[0]] if loaded else None
    except InputError:
        return None
    return found if found is not None and np.array_equal(found.rows, np.unique(basket(run))) else None


def follow_set(run: Run, name: str, new: str) -> None:
    """The set in the basket, if it is called `name`, is called `new` now, or has another note."""
    if (loaded := basket_set(run)) and loaded[0] == name:
        st.session_state[f"{_key(run)} set"] = new, run.sets[new].checksum
        _carry(run)


def in_link(run: Run) -> bool:
    """Whether a copied link holds the basket."""
    return basket_text(run) is not None


def basket_text(run: Run) -> str | None:
    """The basket as a link holds it; None where it is empty or does not fit."""
    rows = st.session_state.get(_key(run), [])
    if not rows:
        return None
    if found := unchanged_set(run):
        return f"{SET}{found.name}"
    parts = ranges(np.unique(rows))
    text = ".".join(str(part) if isinstance(part, int) else f"{part[0]}-{part[1]}" for part in parts)
    return text if len(text) <= LONGEST else None


def read_basket(run: Run) -> Callable[[str], list[int]]:
    """Reads what `basket_text` wrote."""

    def read(text: str) -> list[int]:
        if text.startswith(SET):
            found = run.sets[text.removeprefix(SET)]
            st.session_state[f"{_key(run)} set"] = found.name, found.checksum
            return found.rows.tolist()
        rows: dict[int, None] = {}
        for part in text.split("."):
            found_range = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part, re.ASCII)
            first, last = (
                (int(found_range[1]), int(found_range[2] or found_range[1])) if found_range else (1, 0)
            )
            if not first <= last < run.sets.count:
                raise ValueError(f"expected rows of the pool such as 3-9.12, 0 to {run.sets.count - 1:,}")
            rows.update(dict.fromkeys(range(first, last + 1)))
        return list(rows)

    return read


def fill_basket(
    run: Run,
    rows: Sequence[int],
    of: NamedSet | None = None,
    *,
    label: str = "",
    undo: Callable[[], object] | None = None,
    redo: Callable[[], object] | None = None,
) -> None:
    """Put these instructions into the basket in place of what is there; a callback.

    of: the set that they are. label, undo, redo: what was done besides, see `did`.
    """
    before, after = list(basket(run)), list(rows)
    was = basket_set(run)
    now = (of.name, of.checksum) if of is not None else was if after else None
    if (before, was) == (after, now):
        return

    def fill(rows: list[int], loaded: tuple[str, str] | None) -> None:
        st.session_state[_key(run)] = list(rows)
        st.session_state[f"{_key(run)} set"] = loaded
        _carry(run)

    def go(besides: Callable[[], object] | None, rows: list[int], loaded: tuple[str, str] | None) -> None:
        if besides:
            besides()
        fill(rows, loaded)

    fill(after, now)
    did(
        label or basket_words(before, after),
        undo=lambda: go(undo, before, was),
        redo=lambda: go(redo, after, now),
    )


def _key(run: Run) -> str:
    return f"basket of {run.hash}"


def _carry(run: Run) -> None:
    st.session_state["basket in link of"] = run.hash
    carry(**{PARAMETER: basket_text(run)})


def basket_words(before: Sequence[int], after: Sequence[int]) -> str:
    """What changed in the basket, such as "set #3 aside"."""
    added, removed = set(after) - set(before), set(before) - set(after)
    parts = [f"set {_some(added)} aside"] if added else []
    parts += [f"put {_some(removed)} back"] if removed else []
    return ", ".join(parts) or "name the basket"


def _some(rows: set[int]) -> str:
    return f"#{number(next(iter(rows)))}" if len(rows) == 1 else f"{number(len(rows))} instructions"
