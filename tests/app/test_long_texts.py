"""A record of a megabyte: pages send its beginning, and all of it once the reader asks."""

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from g2is.app.walk.parts import example_texts, texts, whole_part
from g2is.run.parts import record
from g2is.run.paths import EXAMPLES, INSTRUCTIONS, target_file
from g2is.run.run import Run
from g2is.storage.tables import read_frame, write_frame
from tests.app.serving import serving

LONG, EXAMPLE = 40, 3
TEXT = "many words " * 91_000
MOST = 250_000
"""Bytes of a page, without its own code."""


@pytest.fixture
def long_run(run, tmp_path) -> Run:
    """A run in which an instruction and a validation example are of a megabyte each, in every field."""
    folder = shutil.copytree(run.folder, tmp_path / "tiny")
    (place,) = run.manifest.targets
    own = Run.open(folder)
    pool = read_frame(folder / INSTRUCTIONS)
    examples = read_frame(folder / target_file(place, EXAMPLES))
    for name, frame, row in ((INSTRUCTIONS, pool, LONG), (target_file(place, EXAMPLES), examples, EXAMPLE)):
        long = {"prompt": TEXT, "response": TEXT[::-1], "raw": TEXT.encode(), "tools": f'["{TEXT}"]'}
        for column, value in long.items():
            frame[column] = frame[column].astype(object)
            frame.at[row, column] = value
        turns = [{"role": "user", "content": TEXT}, {"role": "assistant", "content": TEXT[::-1]}]
        frame.at[row, "messages"] = json.dumps(turns)
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


@pytest.mark.parametrize(
    ("page", "query"),
    [
        (None, {}),
        ("1_Map", {"focus": str(LONG)}),
        ("1_Map", {"example": str(EXAMPLE)}),
        ("2_Neighbourhood", {"focus": str(LONG)}),
        ("3_Core_knowledge", {"facets_by": "example", "component": str(EXAMPLE)}),
        ("4_Walk", {"focus": str(LONG), "pins": str(LONG), "count": "20"}),
        ("5_Instructions", {"focus": str(LONG)}),
        ("6_Compare", {}),
        ("7_Export", {"basket": str(LONG), "selection": "basket"}),
    ],
)
def test_no_page_sends_a_long_text_unasked(open_app, long_run, page, query):
    app = open_app(page, folder=long_run.folder.parent, **query)
    sent = sorted(sizes(app._tree.main), reverse=True)
    assert sum(size for size, _ in sent) < MOST, sent[:5]
    if page in ("1_Map", "2_Neighbourhood", "5_Instructions"):
        assert any(
            re.fullmatch("Show all [12],[0-9]{3},[0-9]{3} characters", toggle.label) for toggle in app.toggle
        )
        assert any("… " in code.value and "more characters" in code.value for code in app.code)


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
