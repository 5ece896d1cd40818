"""What is found and listed on the map: the search and the filters of the address as bits, and a table in an order."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from g2is.analysis.ordering import DESCENDING, WalkColumns, in_order, orders_of
from g2is.app import shared as ui
from g2is.app.instructions.filters import carried, filtered, filters_in_words, link_to_walk, searched
from g2is.app.instructions.order import columns_of
from g2is.app.map.parts import CHANNEL, bits_of
from g2is.app.shared.canvas.parts import pack, show_part
from g2is.app.shared.events import event
from g2is.app.shared.text import showing_errors
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.walk import WalkTrace

MATCHES, ROWS = "map matches", "map rows"
LISTED = 100
"""Rows of the table, at most."""
LONGEST = 200
"""Characters of a search."""
ORDER_OF = {
    "sample": ("row",),
    "step": ("step",),
    "alignment": ("alignment",),
    "tokens": ("longest", "shortest"),
    "loss": ("loss",),
}
"""The orders that the head of a column goes through."""


@st.fragment
@showing_errors
def show_found(run: Run, map_id: str, trace: WalkTrace | None) -> None:
    """Highlight what the search and the filters find, and list it. Reruns alone when the reader searches or sorts.

    trace: the walk that is drawn, if any.
    """
    try:
        found = filtered(run)
    except InputError as error:
        ui.show_error(error)
        found = np.zeros(0, np.int64)
    show_part(matches_part(run, map_id, found), key=MATCHES, on_find_change=_find)
    columns = None if trace is None else columns_of(run, trace)
    title, rows = listed(run, found, columns)
    orders = orders_of(run.instructions, columns)
    order = ui.url_value("order_by", "row", ui.one_of(orders))
    part = rows_part(run, map_id, title, rows, order, columns)
    show_part(part, key=ROWS, on_sort_change=lambda: ui.set_url(order_by=_sorted(event(ROWS, "sort"))))
    if found is not None and len(found):
        with st.container(horizontal=True, vertical_alignment="center"):
            ui.link_to("Instructions", "List in Instructions", **carried())
            if not run.gone[found].all():
                link_to_walk(run, found)
                ui.more_like_these(run, found, about=filters_in_words(), key="found", suggestion=searched())
            ui.remove_button(run, found, about=filters_in_words(), key="found")


def _find() -> None:
    words = str(event(MATCHES, "find"))[:LONGEST]
    ui.set_url(search=words or None)


def _sorted(order: str) -> str | None:
    known = {name for names in ORDER_OF.values() for name in names}
    return order if order in known and order != "row" else None


def matches_part(run: Run, map_id: str, found: NDArray[np.int64] | None) -> bytes:
    """Which instructions are found, a bit each; none where nothing is searched or filtered for."""
    header: dict[str, Any] = {
        "map": map_id,
        "events": ["find"],
        "on": found is not None,
        "count": 0 if found is None else len(found),
        "words": ui.url_value("search", ""),
    }
    bits = np.zeros(0, np.uint8) if found is None else bits_of(found, len(run.instructions))
    return pack(CHANNEL, "matches", header, bits=bits)


def listed(
    run: Run, found: NDArray[np.int64] | None, walk: WalkColumns | None
) -> tuple[str, NDArray[np.int64]]:
    """What the table shows, and its rows in ascending order: what is found, else the basket, else the walk."""
    if found is not None:
        return "found", found
    basket = ui.basket(run)
    if basket:
        return "in the basket", np.sort(np.array(basket, np.int64))
    taken = np.zeros(0, np.int64) if walk is None else np.flatnonzero(np.isfinite(walk.step))
    return "taken by the walk", taken


def rows_part(
    run: Run,
    map_id: str,
    title: str,
    rows: NDArray[np.int64],
    order: str,
    walk: WalkColumns | None,
) -> bytes:
    """The table: the first LISTED of these rows in one of `orders_of`."""
    pool = run.instructions
    ordered = in_order(rows, order, pool, walk)[:LISTED]
    orders = orders_of(pool, walk)
    columns = [_head(name, label, orders, order) for name, label in _columns(orders).items()]
    count = f"{len(rows):,} {title}"
    header: dict[str, Any] = {
        "map": map_id,
        "events": ["sort"],
        "title": count if len(rows) <= LISTED else f"{count}; the first {LISTED} in this order",
        "columns": columns,
        "rows": [
            {
                "sample": sample,
                "values": [
                    text if column["name"] == "text" else _value(run, sample, column["name"], walk)
                    for column in columns
                ],
            }
            for sample, text in zip(ordered.tolist(), ui.snippets(run.prompts(ordered)), strict=True)
        ],
    }
    return pack(CHANNEL, "rows", header)


def _columns(orders: list[str]) -> dict[str, str]:
    known = {"sample": "#", "text": "Prompt"}
    known |= {"step": "Step", "alignment": "Alignment"} if "step" in orders else {}
    known |= {"tokens": "Tokens"} if "longest" in orders else {}
    known |= {"loss": "Loss"} if "loss" in orders else {}
    return {**known, "source": "Source"}


def _head(name: str, label: str, orders: list[str], order: str) -> dict[str, str]:
    """The head of a column. order: what a press on it asks for."""
    column = {"name": name, "label": label}
    own = [one for one in ORDER_OF.get(name, ()) if one in orders]
    if own:
        here = own.index(order) if order in own else -1
        column["order"] = own[(here + 1) % len(own)]
        if here >= 0:
            column["sorted"] = "descending" if order in DESCENDING else "ascending"
    return column


def _value(run: Run, sample: int, name: str, walk: WalkColumns | None) -> str | None:
    if name in ("step", "alignment"):
        assert walk is not None
        value = getattr(walk, name)[sample]
        if np.isnan(value):
            return None
        return f"{int(value):,}" if name == "step" else f"{value:.3f}"
    pool = run.instructions
    if name == "source":
        return ui.visible(pool["source"].iat[sample])
    if name == "sample":
        return None
    return ui.number(pool[name].iat[sample].item())
