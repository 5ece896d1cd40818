"""What pages say of a run whose pool was extended."""

import json
import shutil

import pytest

from g2is.run.parts import POOL, Part, PoolFacts
from g2is.run.run import Run

CAME = 50


@pytest.fixture
def extended(run, tmp_path) -> Run:
    """The tiny run as if its last instructions had been added later."""
    folder = shutil.copytree(run.folder, tmp_path / "tiny")
    manifest = Run.open(folder).manifest
    facts = PoolFacts(first=len(run.valid) - CAME, count=CAME)
    manifest.parts["pool/2"] = Part(
        kind=POOL,
        name="![x](y).jsonl",
        added="2026-11-26T19:00:00+00:00",
        seconds=1,
        files={},
        found=facts.model_dump(),
    )
    manifest.content = run.hash
    manifest.write(folder)
    # Of an earlier version, which knew the pool as built alone.
    saved = folder / "selections" / "first-walk.json"
    saved.write_text(json.dumps({**json.loads(saved.read_text()), "made_on": None}))
    return Run.open(folder)


def test_selections_say_what_came_since_and_a_page_says_it_once(extended, open_app):
    app = open_app("7_Export", folder=extended.folder.parent, selection="first-walk")
    said = f"{CAME} instructions came since; it was made of the first {len(extended.valid) - CAME}"
    assert any(said in caption.value for caption in app.caption), [caption.value for caption in app.caption]
    assert not app.toast
    app.session_state[f"pool of {extended.folder}"] = len(extended.valid) - CAME
    app.run()
    assert f"{CAME} new instructions came to this run" in app.toast[0].value
    app.run()
    assert not app.toast


def test_home_lists_what_was_added(extended, open_app):
    app = open_app(folder=extended.folder.parent)
    app.session_state[f"pool of {extended.folder}"] = len(extended.valid) - CAME
    app.run()
    assert f"{CAME} new instructions came to this run" in app.toast[0].value
    facts = next(table.value for table in app.table if "Fact" in table.value)
    row = facts["Fact"].str.startswith("Added 2026-11-26 19:00")
    assert f"{CAME} instructions from" in " ".join(facts["Value"][row])
