"""Symbols and colours: one meaning each, and told apart with every kind of colour vision."""

import json
import re
import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from g2is.app.shared.labels import origin_meanings, origin_names
from g2is.config import walk_preset
from g2is.figures.colouring import COLOURED
from g2is.figures.colours import OKABE_ITO, OKABE_ITO_DARK, OTHERS, SHAPES
from g2is.figures.symbols import SYMBOLS
from g2is.walk import ORIGINS
from tests.vision import SIMULATED, distance, rgb

ROOT = Path(__file__).parents[1]
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
LEAST = 12
"""Distance in L*a*b* between colours that may stand beside each other; 2.3 is just noticeable."""
DRAWN = re.findall(
    r"^  (\w+): \(c, r\)", (ROOT / "g2is/app/shared/canvas/shapes.js").read_text(), re.MULTILINE
)


def page_colours(page: str) -> dict[str, list[float]]:
    """The colours that a page gives to symbols: of its text, what is faint, and its ground."""
    ink, paper = rgb(THEME[page]["textColor"]), rgb(THEME[page]["backgroundColor"])
    faint = paper + 0.3 * (ink - paper)  # as `faint` in canvas/colours.js
    colours = {"ink": ink, "paper": paper, "faint": faint}
    return {name: colour.tolist() for name, colour in colours.items()}


def test_every_symbol_has_a_shape_and_a_character_of_its_own():
    shapes = [symbol.shape for name, symbol in SYMBOLS.items() if name != "other"]
    assert len(set(shapes)) == len(shapes)
    assert len({symbol.mark for symbol in SYMBOLS.values()}) == len(SYMBOLS)
    assert len({symbol.meaning for symbol in SYMBOLS.values()}) == len(SYMBOLS)
    assert set(ORIGINS) <= set(SYMBOLS) and all(SYMBOLS[origin].letter for origin in ORIGINS)
    assert len({SYMBOLS[origin].letter for origin in ORIGINS}) == len(ORIGINS)
    # A circle is an instruction: plain, or with an edge where the walk took it.
    assert not set(SHAPES[1:]) & set(shapes), "a dot of a category is not taken for a symbol"
    assert {*shapes, *SHAPES} <= set(DRAWN)


def test_steps_are_called_by_what_happened():
    """Where a walk keeps to no neighbours nothing jumps."""
    by_turns, paper = (walk_preset(name, count=9) for name in ("recommended", "official"))
    assert not by_turns.knowledge_coherence and paper.knowledge_coherence
    assert origin_meanings(by_turns)["fallback"] == "next best for its example"
    assert origin_meanings(paper)["fallback"] == "best in pool, reached by a jump"
    assert origin_meanings(paper)["anchor"] == "anchor: closest to its direction"
    assert origin_names(by_turns)["fallback"] == "▲ next best"
    assert set(origin_meanings(paper)) == set(origin_names(paper)) == set(ORIGINS)


@pytest.mark.parametrize("page", ["light", "dark"])
@pytest.mark.parametrize("vision", SIMULATED)
def test_symbols_are_told_apart_by_colour_too(page, vision):
    own = page_colours(page)
    colours = {name: own.get(symbol.colour, symbol.colour) for name, symbol in SYMBOLS.items()}
    for (one, first), (other, second) in combinations(colours.items(), 2):
        if first == second:  # two in the colour of the text: the shape alone tells
            continue
        assert distance(first, second, vision) > LEAST, f"{one} and {other}"
    for name, colour in colours.items():
        assert distance(colour, own["paper"], vision) > LEAST, f"{name} on the page"


@pytest.mark.parametrize(("page", "palette"), [("light", OKABE_ITO), ("dark", OKABE_ITO_DARK)])
@pytest.mark.parametrize("vision", SIMULATED)
def test_categories_are_told_apart_and_from_what_is_pale(page, palette, vision):
    own = page_colours(page)
    colours = [*palette[:COLOURED], OTHERS, own["faint"], own["paper"]]
    for one, other in combinations(colours, 2):
        assert distance(one, other, vision) > LEAST, (one, other)


def test_the_simulation_is_the_published_one():
    """Greys stay as they are; the green of the palette and a light brown are alike without the middle cone."""
    for vision, matrix in SIMULATED.items():
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5, err_msg=vision)
    assert distance("#009E73", "#A08D7D", "full colour vision") > 30
    assert distance("#009E73", "#A08D7D", "deuteranopia") < 6
    assert distance("#0000FF", "#FFFF00", "deuteranopia") > 100


def test_every_shape_that_a_canvas_asks_for_can_be_drawn():
    asked = re.compile(r'(?:shape: |\.shape\(|framed\(|outline\(|stamps\()"(\w+)"')
    scripts = (ROOT / "g2is" / "app").rglob("*.js")
    named = {shape for path in scripts for shape in asked.findall(path.read_text())}
    assert len(named) > 1 and named <= set(DRAWN)


def test_python_and_the_browser_read_one_table():
    table = json.loads((ROOT / "g2is/figures/symbols.json").read_text())
    assert set(table) == set(SYMBOLS)
    for path in (ROOT / "g2is" / "app").rglob("*.js"):
        for mark in re.findall(r'mark: "(.)"', path.read_text()):
            assert mark not in {symbol.mark for symbol in SYMBOLS.values()}, (
                f"{path.name} has a table of its own"
            )
