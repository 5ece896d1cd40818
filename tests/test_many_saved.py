"""Thousands of saved selections: pages list names without reading them."""

import os
import time

import pytest

from g2is.app.shared import samples
from g2is.app.shared.samples import saved_selections
from g2is.run.run import Run
from g2is.run.saved import KINDS, delete, rename
from g2is.run.selections import Selection, select
from tests.app.tiny_run import make_run


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    monkeypatch.setattr(samples, "_listed", {})
    make_run(tmp_path / "tiny")
    for path in (tmp_path / "tiny" / "selections").glob("*.json"):
        path.unlink()
    return Run.open(tmp_path / "tiny")


def put(run: Run, name: str) -> None:
    select(run, "random", count=2).write(run.inside(f"selections/{name}.json"))


def test_the_list_follows_every_change_at_once(run):
    assert saved_selections(run) == {}
    for name in ("a", "b", "c"):
        put(run, name)
        assert name in saved_selections(run)
    delete(run, KINDS["selection"], "a")
    rename(run, KINDS["selection"], "b", "d")
    assert set(saved_selections(run)) == {"c", "d"}


def test_a_list_that_is_kept_follows_a_change(run, monkeypatch):
    monkeypatch.setattr(samples, "SETTLED", 0)  # kept at once
    put(run, "a")
    saved_selections(run)
    assert samples._listed
    time.sleep(0.05)  # more than a tick of the clock of files
    put(run, "b")
    assert set(saved_selections(run)) == {"a", "b"}


def test_links_out_of_the_run_and_odd_names_are_left_out(run, tmp_path):
    put(run, "a")
    folder = run.folder / "selections"
    (tmp_path / "outside.json").write_text("{}")
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    (folder / ".hidden.json").write_text("{}")
    (folder / "note.txt").write_text("")
    os.close(os.open(os.fsencode(folder) + b"/\xff.json", os.O_CREAT | os.O_WRONLY))
    assert set(saved_selections(run)) == {"a"}


def test_home_reads_only_what_it_shows(run, monkeypatch):
    from streamlit.testing.v1 import AppTest

    from tests.app.serving import ROOT

    put(run, "a")
    data = (run.folder / "selections" / "a.json").read_bytes()
    for place in range(300):
        (run.folder / "selections" / f"copy-{place:03}.json").write_bytes(data)
    read: list[str] = []
    usual = Selection.read
    monkeypatch.setattr(Selection, "read", lambda path, run: read.append(path.stem) or usual(path, run))
    monkeypatch.setenv("G2IS_CACHE", str(run.folder.parent))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not app.exception and len(read) <= 60
    app.text_input(key="find selection").set_value("copy-29").run()
    assert any("1 to 10 of 10" in caption.value for caption in app.caption)
    shown = [table.value["name"].tolist() for table in app.dataframe if "name" in table.value]
    assert [f"copy-{place}" for place in range(290, 300)] in shown
