"""Thousands of saved selections: pages list names without reading them."""

import os
import time

import pytest

from g2is.app.home.runs import SHOWN as RUNS_SHOWN
from g2is.app.home.saved import MOST_DELETED
from g2is.app.map import controls
from g2is.app.shared import samples
from g2is.app.shared.samples import saved_selections
from g2is.run import saved
from g2is.run.run import Run
from g2is.run.saved import KINDS, delete, rename
from g2is.run.selections import Selection, read_walk, select
from g2is.run.sets import LOOKED_AT, Sets
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


def put_copies(run: Run) -> None:
    """One selection, and 300 files with the same."""
    put(run, "a")
    data = (run.folder / "selections" / "a.json").read_bytes()
    for place in range(300):
        (run.folder / "selections" / f"copy-{place:03}.json").write_bytes(data)


def test_home_reads_only_what_it_shows(run, monkeypatch):
    from streamlit.testing.v1 import AppTest

    from tests.app.serving import ROOT

    put_copies(run)
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


def page_of(run: Run, monkeypatch, page: str, **query: str):
    from streamlit.testing.v1 import AppTest

    from tests.app.serving import ROOT

    monkeypatch.setenv("G2IS_CACHE", str(run.folder.parent))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page(f"pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def counted(monkeypatch, owner, name: str) -> list[str]:
    """The names of files that a function reads from now on."""
    read: list[str] = []
    usual = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args: read.append(str(args[-1])) or usual(*args))
    return read


def test_the_map_reads_a_few_selections_and_the_one_that_is_chosen(run, monkeypatch):
    put_copies(run)
    read: list[str] = []
    usual = Selection.recorded
    monkeypatch.setattr(Selection, "recorded", lambda path, run: read.append(path.stem) or usual(path, run))
    app = page_of(run, monkeypatch, "1_Map")
    assert len(read) <= controls.LOOKED_AT + 5
    read.clear()
    app.run()
    assert not read, "nothing is read again"
    (box,) = [box for box in app.selectbox if box.label == "Walk shown"]
    oldest = list(saved_selections(run))[-1]
    app = page_of(run, monkeypatch, "1_Map", path=oldest)
    assert f"Walk: {oldest}" in box.options and set(read) == {oldest}
    assert "has no walk to show" in app.error[0].value


def test_instructions_looks_for_tags_in_the_newest_sets(run, monkeypatch):
    run.sets.write("a", [3])
    data = (run.folder / "sets" / "a.json").read_bytes()
    for place in range(300):
        path = run.folder / "sets" / f"copy-{place:03}.json"
        path.write_bytes(data)
        os.utime(path, (place, place))
    read = counted(monkeypatch, Sets, "_read")
    app = page_of(run, monkeypatch, "5_Instructions", focus="3")
    assert len(read) <= LOOKED_AT
    read.clear()
    app.run()
    assert not read, "nothing is read again"
    assert app.multiselect(key="tags of 3 " + str(run.sets.newest(LOOKED_AT))).value == run.sets.newest(
        LOOKED_AT
    )
    assert {"a", "copy-299"} <= set(run.sets.newest(LOOKED_AT)) and "copy-000" not in run.sets.newest(
        LOOKED_AT
    )
    assert any(f"the {LOOKED_AT} newest of 301 sets" in caption.value for caption in app.caption)
    assert len(run.sets.tags([3])[0]) == 301, "an export has all"


def test_home_reads_the_newest_of_what_was_deleted(run, monkeypatch):
    from streamlit.testing.v1 import AppTest

    from tests.app.serving import ROOT

    put(run, "a")
    entry = delete(run, KINDS["selection"], "a").folder
    for place in range(300):
        (copy := entry.with_name(f"selection-{place:012x}")).mkdir()
        for path in entry.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
    read = counted(monkeypatch, saved, "_about")
    monkeypatch.setenv("G2IS_CACHE", str(run.folder.parent))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception and 0 < len(read) <= MOST_DELETED
    assert any(f"the {MOST_DELETED} newest" in caption.value for caption in app.caption)


def test_a_selection_with_a_name_too_long_for_a_trace_has_none(run, monkeypatch):
    put(run, "a")
    name = "x" * 250
    (run.folder / "selections" / "a.json").rename(run.folder / "selections" / f"{name}.json")
    page_of(run, monkeypatch, "1_Map")
    app = page_of(run, monkeypatch, "1_Map", path=name)
    assert not app.error or "Internal" not in app.error[0].value
    assert read_walk(run.folder / "selections" / f"{name}.json", run)[1] is None


def test_home_reads_the_newest_runs_once(run, monkeypatch):
    from streamlit.testing.v1 import AppTest

    from tests.app.serving import ROOT

    manifest = (run.folder / "manifest.json").read_bytes()
    for place in range(150):
        (folder := run.folder.with_name(f"copy-{place:03}")).mkdir()
        (folder / "manifest.json").write_bytes(manifest)
        os.utime(folder / "manifest.json", (place, place))
    read = counted(monkeypatch, Run, "open")
    monkeypatch.setenv("G2IS_CACHE", str(run.folder.parent))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = "tiny"
    app.run()
    assert not app.exception and 0 < len(read) <= RUNS_SHOWN + 1
    assert any(f"The {RUNS_SHOWN} newest of 151" in caption.value for caption in app.caption)
    read.clear()
    app.run()
    assert len(read) <= 1, "what is said of the runs is not read again"
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = "copy-000"
    app.run()
    assert "copy-000" in next(table.value["run"].tolist() for table in app.dataframe if "run" in table.value)
