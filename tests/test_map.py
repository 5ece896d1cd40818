"""What a map is made of: places, colours, terms; against plain implementations."""

import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from g2is.analysis.map_values import Categories, Quantity, conflict_shares
from g2is.app.shared.canvas.points import FULL, NOWHERE, MapPoints
from g2is.errors import InputError
from g2is.figures.colouring import COLOURED, LEVELS, MOST, NONE, Colouring, colouring
from g2is.instructions.words import Term, distinctive_terms

PLACES = arrays(np.float32, (40, 2), elements=st.floats(-1e3, 1e3, width=32))
CORNERS = arrays(np.int64, st.tuples(st.integers(3, 9), st.just(2)), elements=st.integers(0, FULL))


def by_category(numbers: np.ndarray, names: list[str], missing: str = "") -> Colouring:
    return colouring(Categories("source", "Source", numbers, names, missing))


def by_value(values: np.ndarray, unit: str = "nats", **options) -> Colouring:
    return colouring(Quantity("loss", "Loss", values, unit, **options))


def points(places: np.ndarray, validation: int = 0) -> MapPoints:
    return MapPoints.of(places, np.zeros((validation, 2), np.float32))


def winds_odd(x: float, y: float, corners: np.ndarray) -> bool:
    """Whether a point is inside, edge by edge as in a textbook."""
    odd = False
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            odd = not odd
    return odd


@given(PLACES)
def test_places_keep_their_shape(places):
    whole = points(places).samples.astype(float)
    assert whole.min() >= 0 and whole.max() <= FULL
    span = (places.max(axis=0) - places.min(axis=0)).max()
    if span > 1e-3:
        back = whole / FULL * span + places.min(axis=0)
        np.testing.assert_allclose(back, places, atol=span / FULL)


def test_a_sample_without_a_place_is_nowhere_and_in_no_polygon():
    places = np.array([[0, 0], [np.nan, np.nan], [1, 2]], np.float32)
    found = MapPoints.of(places, np.array([[0.5, 1]], np.float32))
    assert found.placed.tolist() == [True, False, True]
    assert found.samples[1].tolist() == [NOWHERE, NOWHERE]
    assert found.inside([[-1, -1], [-1, 70_000], [70_000, 70_000], [70_000, -1]]).tolist() == [0, 2]
    assert found.extent == (FULL // 2, FULL)
    nothing = MapPoints.of(np.full((3, 2), np.nan), np.empty((0, 2)))
    assert not nothing.placed.any() and nothing.densest(np.arange(3)) is None


@settings(max_examples=60)
@given(PLACES, CORNERS)
def test_a_lasso_takes_what_the_even_odd_rule_says(places, corners):
    found = points(places)
    expected = [row for row, (x, y) in enumerate(found.samples.astype(float)) if winds_odd(x, y, corners)]
    assert found.inside(corners).tolist() == expected


@pytest.mark.parametrize(
    "polygon", [[], [[0, 0], [1, 1]], [[0, 0, 0]] * 3, [[0, 0], [1, 1], [float("nan"), 2]]]
)
def test_what_is_no_polygon_is_refused(polygon):
    with pytest.raises(InputError, match="at least 3 corners"):
        points(np.eye(2, dtype=np.float32)).inside(polygon)


def test_a_name_is_placed_where_most_of_its_samples_are():
    random = np.random.default_rng(0)
    crowd = random.normal([8, 3], 0.1, (50, 2))
    few = random.uniform(0, 10, (30, 2))
    found = points(np.concatenate([crowd, few, [[0, 0], [10, 10]]]).astype(np.float32))
    x, y = found.densest(np.arange(80))
    assert abs(x / FULL * 10 - 8) < 0.5 and abs(y / FULL * 10 - 3) < 0.5


@given(arrays(np.int64, 60, elements=st.integers(-1, 14)))
def test_every_sample_has_the_colour_of_its_category(numbers):
    names = [f"n{number}" for number in range(15)]
    found = by_category(numbers, names)
    assert len(found.categories) <= MOST
    assert sum(entry.count for entry in found.categories) == (numbers >= 0).sum()
    members = [number for entry in found.categories for number in entry.members]
    assert sorted(members) == sorted(set(numbers[numbers >= 0].tolist())), "each belongs to one entry"
    for number, code in zip(numbers, found.codes, strict=True):
        assert (code == NONE) if number < 0 else number in found.categories[code].members
    shapes = [entry.shape for entry in found.categories[: COLOURED + 1]]
    assert len(set(shapes)) == len(shapes), "never told apart by colour alone"


def test_the_largest_categories_have_their_own_colour_and_all_have_an_entry():
    numbers = np.repeat(np.arange(12), np.arange(1, 13))
    found = by_category(numbers, [f"n{number}" for number in range(12)])
    assert [entry.name for entry in found.categories] == [f"n{n}" for n in range(11, -1, -1)]
    assert len(np.unique(found.light[: COLOURED + 1], axis=0)) == COLOURED + 1
    assert len(np.unique(found.light[COLOURED:12], axis=0)) == 1


def test_what_does_not_fit_into_a_legend_is_one_entry():
    numbers = np.repeat(np.arange(300), 2)
    found = by_category(numbers, [f"n{number}" for number in range(300)])
    assert len(found.categories) == MOST and found.categories[0].name == "n0"
    assert found.categories[-1].name == f"{300 - MOST + 1} smaller ones"
    assert found.categories[-1].count == 2 * (300 - MOST + 1) and found.codes.max() == MOST - 1 < NONE


def test_a_scale_puts_values_in_order_and_says_where_it_is_cut():
    values = np.concatenate([np.linspace(1, 3, 998), [1000, np.nan]])
    found = by_value(values, missing="not known")
    assert found.scale.high < 4 and found.scale.clipped == (True, True)
    assert found.codes[998] == LEVELS and found.codes[999] == NONE and found.none == "not known"
    assert np.all(np.diff(found.codes[:998].astype(int)) >= 0)
    middle = found.scale.value(found.codes[500] / LEVELS)
    assert middle == pytest.approx(values[500], abs=0.01)


def test_a_scale_of_ratios():
    values = np.array([1.0, 10, 100, 1000, 10000])
    found = by_value(values, "tokens", log=True, exact=True)
    np.testing.assert_allclose(np.diff(found.codes.astype(float)), LEVELS / 4, atol=1)
    assert [found.scale.value(share) for share in (0, 0.5, 1)] == [1, 100, 10000]
    assert found.scale.whole and not any(found.scale.clipped)


@pytest.mark.parametrize("values", [[2.0, 2.0], [np.nan, np.nan], [0.0, 0.0]])
def test_a_scale_of_one_value_is_a_scale(values):
    found = by_value(np.array(values))
    assert found.scale.low < found.scale.high and np.isfinite(found.scale.high)


def test_categories_have_the_colours_of_the_theme():
    theme = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text())["theme"]
    found = by_category(np.arange(COLOURED), [str(number) for number in range(COLOURED)])
    for page in ("light", "dark"):
        shown = ["#" + bytes(colour).hex().upper() for colour in getattr(found, page)[:COLOURED]]
        assert shown == theme[page]["chartCategoricalColors"][:COLOURED]


@pytest.mark.parametrize("page", ["light", "dark"])
def test_high_values_stand_out_from_the_page(page):
    palette = getattr(by_value(np.arange(5.0)), page).astype(float)
    brightness = palette @ [0.2126, 0.7152, 0.0722]
    from_page = 255 - brightness if page == "light" else brightness
    assert np.all(np.diff(from_page[::16]) > 0)
    assert from_page[0] > 30, "the lowest can still be seen"


def test_conflict_shares_are_exact_where_all_are_compared():
    random = np.random.default_rng(1)
    rows = random.standard_normal((90, 6)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    valid = np.arange(90) % 9 > 0
    rows[~valid] = 0
    regime = SimpleNamespace(gradients=rows)
    found = conflict_shares(regime, valid, compared=1000)
    for sample in range(90):
        others = [other for other in range(90) if valid[other] and other != sample]
        expected = np.mean(rows[others] @ rows[sample] < 0) if valid[sample] else np.nan
        np.testing.assert_allclose(found[sample], expected, rtol=1e-6)
    estimate = conflict_shares(regime, valid, compared=40)
    assert np.nanmax(np.abs(estimate - found)) < 0.35 and np.array_equal(np.isnan(estimate), ~valid)


def terms(texts: list[str], inside: int) -> list[Term]:
    """What sets the first texts apart from all."""
    return distinctive_terms(
        lambda rows: [texts[row] for row in rows], np.arange(inside), np.arange(len(texts))
    )


def test_terms_mark_out_what_is_inside():
    texts = [f"the apple number {n} is red" for n in range(10)] + [
        f"the train {n} is late" for n in range(30)
    ]
    found = terms(texts, 10)
    words = [term.word for term in found]
    assert set(words) == {"apple", "number", "red"}, "not what all texts say"
    assert all(term.share == 1 and term.share_of_all == 0.25 for term in found)
    spoken = [f"{text} and you would like this too" if row < 10 else text for row, text in enumerate(texts)]
    assert {term.word for term in terms(spoken, 10)} == {*words, "like"}
    assert terms(texts, 40) == []
    assert terms(texts, 0) == []


def test_what_has_no_value_is_explained_only_if_there_is_such_a_sample():
    assert by_category(np.array([0, -1]), ["a"], "none").none == "none"
    assert by_category(np.array([0, 0]), ["a"], "none").none == ""
    assert by_value(np.array([1.0, 2.0]), missing="none").none == ""
