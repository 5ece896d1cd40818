"""A record of a megabyte, or of thousands of turns: pages send its beginning, and the rest once the reader asks."""

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect

from g2is.app.inspect.records import PIECES, shortened_pieces
from g2is.app.shared.conversation import TURNS, parts_of
from g2is.app.shared.text import LINES, WHOLE, end_of_part
from g2is.app.walk.parts import example_texts, texts, whole_part
from g2is.run.parts import record
from g2is.run.paths import EXAMPLES, INSTRUCTIONS, target_file
from g2is.run.run import Run
from g2is.storage.tables import read_frame, write_frame
from tests.app.serving import serving

LONG, EXAMPLE = 40, 3
MANY = 20_000
ROLES = ("user", "assistant")
TEXT = "many words " * 91_000
MOST = 250_000
"""Bytes of a page, without its own code."""


@pytest.fixture
def long_run(run, tmp_path) -> Run:
    """A run in which an instruction and a validation example are of a megabyte each, in every field."""
    turns = [{"role": "user", "content": TEXT}, {"role": "assistant", "content": TEXT[::-1]}]
    long = {"prompt": TEXT, "response": TEXT[::-1], "raw": TEXT.encode(), "tools": f'["{TEXT}"]'}
    return with_record(run, tmp_path, turns, long)


@pytest.fixture
def talkative_run(run, tmp_path) -> Run:
    """A run in which an instruction and a validation example have thousands of turns of a few letters each."""
    turns = [{"role": ROLES[place % 2], "content": f"hm {place}"} for place in range(MANY)]
    lines = "\n".join(turn["content"] for turn in turns)
    long = {"prompt": lines, "response": lines[::-1], "raw": json.dumps(turns).encode(), "tools": lines}
    return with_record(run, tmp_path, turns, long)


def with_record(run: Run, tmp_path: Path, turns: list[dict[str, str]], values: dict[str, Any]) -> Run:
    """A copy of a run in which an instruction and a validation example have these turns and values."""
    folder = shutil.copytree(run.folder, tmp_path / "tiny")
    (place,) = run.manifest.targets
    own = Run.open(folder)
    pool = read_frame(folder / INSTRUCTIONS)
    examples = read_frame(folder / target_file(place, EXAMPLES))
    for name, frame, row in ((INSTRUCTIONS, pool, LONG), (target_file(place, EXAMPLES), examples, EXAMPLE)):
        for column, value in {**values, "messages": json.dumps(turns)}.items():
            frame[column] = frame[column].astype(object)
            frame.at[row, column] = value
        write_frame(folder / name, frame)
    manifest = own.manifest
    manifest.stages["instructions"].files[INSTRUCTIONS] = record(folder / INSTRUCTIONS)
    name = target_file(place, EXAMPLES)
    manifest.parts[place].files[name] = record(folder / name)
    manifest.write(folder)
    return Run.open(folder)


def sizes(block) -> Iterator[tuple[int, str]]:
    """Bytes of every element of a page."""
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from sizes(child)
        else:
            proto = child.proto
            code = sum(
                len(getattr(proto, name, "")) for name in ("js_content", "css_content", "html_content")
            )
            yield proto.ByteSize() - code, child.type


PAGES = [
    (None, {}),
    ("1_Map", {"focus": str(LONG)}),
    ("1_Map", {"example": str(EXAMPLE)}),
    ("2_Neighbourhood", {"focus": str(LONG)}),
    ("3_Core_knowledge", {"facets_by": "example", "component": str(EXAMPLE)}),
    ("4_Walk", {"focus": str(LONG), "pins": str(LONG), "count": "20"}),
    ("5_Instructions", {"focus": str(LONG)}),
    ("6_Compare", {}),
    ("7_Export", {"basket": str(LONG), "selection": "basket"}),
]


@pytest.mark.parametrize(("page", "query"), PAGES)
def test_no_page_sends_a_long_text_unasked(open_app, long_run, page, query):
    app = open_app(page, folder=long_run.folder.parent, **query)
    sent = sorted(sizes(app._tree.main), reverse=True)
    assert sum(size for size, _ in sent) < MOST, sent[:5]
    if page in ("1_Map", "2_Neighbourhood", "5_Instructions"):
        assert any(
            re.fullmatch("Show all [12],[0-9]{3},[0-9]{3} characters", toggle.label) for toggle in app.toggle
        )
        assert any("… " in code.value and "more characters" in code.value for code in app.code)


@pytest.mark.parametrize(("page", "query"), PAGES)
def test_no_page_sends_thousands_of_turns_or_lines(open_app, talkative_run, page, query):
    app = open_app(page, folder=talkative_run.folder.parent, **query)
    sent = sorted(sizes(app._tree.main), reverse=True)
    assert sum(size for size, _ in sent) < MOST, sent[:5]
    assert len(sent) < 500
    assert sum(code.value.count("\n") for code in app.code) < 8 * LINES
    if page in ("2_Neighbourhood", "5_Instructions"):
        assert f"Turns 1 to {TURNS} of {MANY:,}" in [caption.value for caption in app.caption]
        app.session_state[f"part of instruction {LONG} 0"] = MANY // TURNS
        app.run()
        assert f"Turns {MANY - TURNS + 1:,} to {MANY:,} of {MANY:,}" in [
            caption.value for caption in app.caption
        ]
        assert f"hm {MANY - 1}" in [code.value for code in app.code]


@pytest.mark.parametrize(
    ("lengths", "parts"),
    [
        ([], [range(0)]),
        ([5, 5], [range(2)]),
        ([WHOLE] * 4, [range(4)]),
        ([WHOLE] * 5, [range(4), range(4, 5)]),
        ([1] * (TURNS + 1), [range(TURNS), range(TURNS, TURNS + 1)]),
    ],
)
def test_turns_are_shown_in_parts_of_a_bounded_size(lengths, parts):
    assert parts_of(lengths) == parts


@given(st.text(alphabet="ab\n", max_size=60), st.integers(1, 9), st.integers(1, 5))
def test_parts_of_a_text_are_all_of_it_and_each_is_bounded(text, characters, lines):
    ends = [0]
    while ends[-1] < len(text):
        ends.append(end_of_part(text, ends[-1], characters, lines))
    parts = [text[start:end] for start, end in itertools.pairwise(ends)]
    assert "".join(parts) == text
    assert all(0 < len(part) <= characters and len(part.splitlines()) <= lines for part in parts)


def test_check_data_sends_a_bounded_number_of_pieces():
    sent = shortened_pieces([("hm", bool(place % 2)) for place in range(MANY)])
    assert len(sent) == PIECES + 1 and sent[-1] == [f" … and {2 * (MANY - PIECES):,} characters more", None]


def test_the_walk_sends_a_long_text_whole_when_it_is_asked_for(long_run):
    for kind, read, row in (("texts", texts, LONG), ("examples", example_texts, EXAMPLE)):
        short = read(long_run, [row])[str(row)]
        assert len(short["prompt"]) < 7000 and short["all"] == 2 * len(TEXT)
        whole = whole_part(long_run, "walk", kind, row)
        assert TEXT.encode() in whole and b'"all"' not in whole
    assert "all" not in texts(long_run, [LONG + 1])[str(LONG + 1)]


def test_in_a_browser_all_of_it_is_shown_on_demand(page, long_run):
    with serving(long_run.folder.parent) as server:
        page.goto(f"{server.url}/Walk?run=tiny&pins={LONG}&count=20&focus={LONG}")
        button = page.locator("article.taken button.whole")
        expect(button).to_have_text(f"Show all {2 * len(TEXT):,} characters", timeout=120_000)
        assert page.locator("article.taken .prompt").evaluate("node => node.textContent.length") < 7000
        button.click()
        expect(button).to_have_count(0, timeout=120_000)
        assert page.locator("article.taken .prompt").evaluate("node => node.textContent") == TEXT
