"""The order of the list, in the URL, and what the current walk says of each instruction."""

from __future__ import annotations

import numpy as np
import streamlit as st

from g2is.analysis.map_values import Quantity, map_values
from g2is.analysis.ordering import ORDERS, WalkColumns, orders_of
from g2is.app import shared as ui
from g2is.app.shared.walked import Walked, last_walked, walked
from g2is.app.walk.parameters import parameters_in_url
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.walk import WalkTrace

SMALL = 50_000
"""In a larger pool than this no walk is computed for a line or a column: it must have been shown before."""


def walk_at_hand(run: Run) -> Walked | None:
    """The walk of the address; None where it would have to be computed in a large pool. Raises `InputError`."""
    parameters = parameters_in_url(run)
    last = last_walked(run)
    if last is not None and last.parameters == parameters:
        return last
    return walked(run, parameters) if len(run.instructions) <= SMALL else None


def walk_columns(run: Run) -> WalkColumns | None:
    """Step and alignment by the walk of the address; None where there is none, or not yet."""
    if "graph" not in run.manifest.stages or not len(run.validation):
        return None
    try:
        walk = walk_at_hand(run)
    except InputError:
        return None  # the Walk page says why
    return None if walk is None else columns_of(run, walk.trace)


def columns_of(run: Run, trace: WalkTrace) -> WalkColumns:
    """What a walk says of every instruction."""
    # A walk that was saved may differ from one with the same settings that is computed now.
    return _columns(
        run, f"{run.state} {trace.parameters.model_dump_json()} {hash(trace.samples.tobytes())}", trace
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _columns(_run: Run, key: str, _trace: WalkTrace) -> WalkColumns:
    parameters = _trace.parameters
    values = []
    for scheme in ("order", "alignment"):
        quantity = map_values(_run, scheme, parameters.regime, parameters, _trace)
        assert isinstance(quantity, Quantity)
        values.append(quantity.values.astype(np.float64))
    return WalkColumns(*values)


def choose_order(run: Run, walk: WalkColumns | None) -> str:
    """A box for the order of the list."""
    orders = orders_of(run.instructions, walk)
    order: str = st.selectbox(
        "Order",
        orders,
        format_func=ORDERS.__getitem__,
        **{
            **ui.in_url("order_by", "row", ui.one_of(orders)),
            "on_change": ui.set_url,
            "kwargs": {"page": None},
        },
    )
    return order
