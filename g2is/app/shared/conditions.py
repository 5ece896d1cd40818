"""Boxes for conditions on columns of the pool and for shares by them: pick one of the commonest values, or type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from g2is.app.shared.text import visible
from g2is.run.run import Run

OFFERED = 20
"""Values of a column that a box offers; any other can be typed."""

HELP = (
    "`source=flan`, `source!=flan`, `difficulty=3..5`, `difficulty=3..`; `source=` are those without a value. Several "
    "values of one column: any of them; several columns: all of them. Pick one, or type it."
)
SHARE_HELP = (
    "`source=flan:0.3` gives 0.3 of the budget to instructions with that value, no more and no less, and the rest to "
    "all others. What a share cannot use is left unused. All shares are of one column; type a number after the colon."
)


def has_columns(run: Run) -> bool:
    """Whether the records of the run have columns that conditions can be about."""
    return bool(run.columns.of_records)


def choose_conditions(run: Run, name: str, bind: Callable[..., dict[str, Any]]) -> tuple[str, ...]:
    """A box of conditions, in the URL as `name`. bind: as `in_url`."""

    def read(text: str) -> str:
        run.columns.matching([text])
        return text

    bound = bind(name, [], read)
    return _box(
        "Columns", [option for pair in _offered(run, run.state) for option in pair], bound, HELP, "All"
    )


def choose_shares(run: Run, name: str, bind: Callable[..., dict[str, Any]]) -> tuple[str, ...]:
    """A box of shares of the budget, in the URL as `name`. bind: as `in_url`."""

    def read(text: str) -> str:
        run.columns.quotas([text])
        return text

    bound = bind(name, [], read)
    offered = [f"{condition}:0.5" for condition, _ in _offered(run, run.state)]
    return _box("Shares of the budget", offered, bound, SHARE_HELP, "None")


def _box(label: str, offered: list[str], bound: dict[str, Any], help: str, empty: str) -> tuple[str, ...]:
    chosen = st.session_state.get(bound["key"], [])
    return tuple(
        st.multiselect(
            label,
            list(dict.fromkeys([*chosen, *offered])),
            format_func=visible,
            accept_new_options=True,
            placeholder=empty,
            help=help,
            **bound,
        )
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _offered(_run: Run, run_hash: str) -> list[tuple[str, str]]:
    """For the commonest values of each column, the condition that asks for one and the one that excludes it."""
    return [
        (f"{column.name}={value}", f"{column.name}!={value}")
        for column in _run.columns.of_records
        for value, _ in column.kinds()[:OFFERED]
    ]
