"""Lists of instructions in an order, and the search that they share."""

import numpy as np
import pandas as pd
import pytest

from g2is.analysis.ordering import ORDERS, WalkColumns, in_order, orders_of
from g2is.analysis.search import Filter, matching, row_named
from tests.pools import pool_of

POOL = pd.DataFrame(
    {
        "prompt": ["#3 apples", "pears", "apples", "plums", "3"],
        "response": ["a", "b", "c", "d", "e"],
        "tokens": [5, 9, 5, 2, 7],
        "loss": [0.5, np.nan, 2.0, 1.0, 1.0],
    }
)
WALK = WalkColumns(np.array([np.nan, 2, np.nan, 1, 3]), np.array([0.1, 0.2, np.nan, 0.9, 0.2]))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("row", [0, 1, 2, 3, 4]),
        ("step", [3, 1, 4, 0, 2]),
        ("alignment", [3, 1, 4, 0, 2]),
        ("longest", [1, 4, 0, 2, 3]),
        ("shortest", [3, 0, 2, 4, 1]),
        ("loss", [2, 3, 4, 0, 1]),
    ],
)
def test_an_order_puts_what_has_no_value_last_and_ties_by_row(order, expected):
    assert in_order(np.arange(5), order, POOL, WALK).tolist() == expected
    some = np.array([1, 2, 4])
    assert in_order(some, order, POOL, WALK).tolist() == [row for row in expected if row in some]


def test_only_orders_that_have_values_are_offered():
    assert orders_of(POOL, WALK) == list(ORDERS)
    assert orders_of(POOL[["prompt", "response"]], None) == ["row"]
    assert orders_of(POOL.assign(tokens=0, loss=np.nan), None) == ["row"]


def test_a_number_sign_asks_for_a_row():
    assert matching(pool_of(POOL), Filter(text="#3")).tolist() == [3]
    assert matching(pool_of(POOL), Filter(text=" #1,204 ")).tolist() == []
    assert matching(pool_of(POOL), Filter(text="#3", regular_expression=True)).tolist() == [0]
    assert matching(pool_of(POOL), Filter(text="3")).tolist() == [0, 4]
    assert matching(pool_of(POOL), Filter(text="#3 apples")).tolist() == [0]
    assert [row_named(text) for text in ("#1,204", "# 5", "5", "#", "#x", "")] == [
        1204,
        None,
        None,
        None,
        None,
        None,
    ]
