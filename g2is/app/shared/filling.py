"""Changes of the basket that can be undone."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from g2is.app.shared.history import did
from g2is.app.shared.samples import basket
from g2is.app.shared.text import number
from g2is.run.run import Run


def fill_basket(run: Run, rows: Sequence[int]) -> None:
    """Put these instructions into the basket in place of what is there; a callback."""
    held = basket(run)
    before, after = list(held), list(rows)
    if before == after:
        return
    key = f"basket of {run.hash}"

    def fill(rows: list[int]) -> None:
        st.session_state[key] = list(rows)

    fill(after)
    did(basket_words(before, after), undo=lambda: fill(before), redo=lambda: fill(after))


def basket_words(before: Sequence[int], after: Sequence[int]) -> str:
    """What changed in the basket, such as "set #3 aside"."""
    added, removed = set(after) - set(before), set(before) - set(after)
    parts = [f"set {_some(added)} aside"] if added else []
    parts += [f"put {_some(removed)} back"] if removed else []
    return ", ".join(parts) or "sort the basket"


def _some(rows: set[int]) -> str:
    return f"#{number(next(iter(rows)))}" if len(rows) == 1 else f"{number(len(rows))} instructions"
