"""The basket: instructions put aside by hand, in this session and in the link.

A link holds the basket by the name of its set, or as rows where these are few enough; `in_link` says whether it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from g2is.app.shared.history import did
from g2is.app.shared.text import literal, number, prose
from g2is.app.shared.url import all_texts, carry
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.sets import NamedSet, ranges

PARAMETER = "basket"
SET = "set:"
"""Before the name of a set, where selections can be named too."""
LISTED = 5
"""Rows of a link that are named where it is wrong about them."""
LONGEST = 8000
"""Characters of the rows in a link."""


def basket(run: Run) -> list[int]:
    """Instructions put aside by hand, in order, without what was removed from the pool; those of the link in a new
    session. `fill_basket` changes it."""
    key = _key(run)
    if key not in st.session_state:
        st.session_state[key], problem = read_basket(run, all_texts().get(PARAMETER, [""])[-1])
        st.session_state[f"{key} problem"] = st.session_state.get("page"), problem
    if st.session_state.get("basket in link of") != run.hash:
        _carry(run)
    rows: list[int] = st.session_state[key]
    return [row for row in rows if not run.gone[row]] if run.removals else rows


def say_bad_basket(run: Run) -> None:
    """Say what of the basket in the link could not be put into it: on the page that the link opened, until the basket
    changes. A page may rerun by itself as soon as it is drawn, so that once would be too short to read."""
    basket(run)
    page, problem = st.session_state.get(f"{_key(run)} problem", (None, ""))
    if problem and page == st.session_state.get("page"):
        st.warning(f"The basket of this link: {problem}", icon=":material/link_off:")


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


def read_basket(run: Run, text: str) -> tuple[list[int], str]:
    """Reads what `basket_text` wrote: the rows, and in Markdown what could not be read, empty where all could."""
    if not text:
        return [], ""
    if text.startswith(SET):
        name = text.removeprefix(SET)
        if name not in run.sets:
            return [], f"this run has no set {literal(name)}."
        try:
            found = run.sets[name]
        except InputError as error:
            return [], f"{prose(error)}."
        st.session_state[f"{_key(run)} set"] = found.name, found.checksum
        return found.rows.tolist(), ""
    rows, missing, unreadable = read_ranges(text, run.sets.count)
    removed = [row for row in rows if run.gone[row]] if run.removals else []
    problems = []
    if missing:
        problems.append(
            f"there is no instruction {_listed(missing)}; they are numbered 0 to {run.sets.count - 1:,}"
        )
    if removed:
        were = "instruction {} was" if len(removed) == 1 else "instructions {} were"
        problems.append(f"{were.format(_listed([str(row) for row in removed]))} removed from the pool")
    if unreadable:
        problems.append(f"{_listed(unreadable)} cannot be read; rows are written as in 3-9.12")
    left = len(rows) - len(removed)
    rest = f"; the other {number(left)} {'is' if left == 1 else 'are'} in it" if left else ""
    return rows, f"{'; '.join(problems)}{rest}." if problems else ""


def read_ranges(text: str, count: int) -> tuple[list[int], list[str], list[str]]:
    """Rows as a link holds them, such as 3-9.12, of a pool of so many: the rows, the parts beyond the pool, and the
    parts that are no rows."""
    rows: dict[int, None] = {}
    missing, unreadable = [], []
    for part in text.split("."):
        found = re.fullmatch(r"(\d{1,15})(?:-(\d{1,15}))?", part, re.ASCII)
        if not found or int(found[1]) > int(found[2] or found[1]):
            unreadable.append(part)
            continue
        first, last = int(found[1]), int(found[2] or found[1])
        rows.update(dict.fromkeys(range(first, min(last + 1, count))))
        if last >= count:
            first = max(first, count)
            missing.append(f"{first}-{last}" if first < last else str(last))
    return list(rows), missing, unreadable


def _listed(parts: Sequence[str]) -> str:
    """Parts of a link in Markdown, the first few of many."""
    more = f" and {number(len(parts) - LISTED)} more" if len(parts) > LISTED else ""
    return ", ".join(literal(part[:40]) for part in parts[:LISTED]) + more


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
        st.session_state.pop(f"{_key(run)} problem", None)
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
