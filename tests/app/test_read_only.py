"""A server for colleagues who only look, and what visitors of any server may save."""

import threading
from pathlib import Path

import numpy as np
import pytest

from g2is.app import permits
from g2is.app.new_target import job
from g2is.app.places import SITE
from g2is.app.shared import building
from g2is.config.serving import ServingConfig
from g2is.errors import InputError
from g2is.export import export
from g2is.pipeline.adding import remove
from g2is.pipeline.removing import remove_instructions
from g2is.run.run import Run
from g2is.run.saved import KINDS, annotate, delete, rename
from g2is.run.selections import Selection, select
from g2is.storage import gate
from tests.app.tiny_run import make_run

PAGES = [None, *sorted(path.stem for path in (SITE / "pages").glob("*.py"))]
WRITES = {
    *(
        "Save",
        "Add",
        "Write the folder",
        "Start fine-tuning",
        "Build the demo run",
        "More like these",
        "Restore",
    ),
    *("Remove from the pool", "Restore to the pool", "Add the target"),
}
"""Buttons that change something."""


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file under a folder, locks and logs too, with its size and time."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(autouse=True)
def free(monkeypatch):
    """The process is as before after each test."""
    monkeypatch.setattr(gate, "_rules", {})


@pytest.fixture
def folder(cache: Path, tmp_path: Path) -> Path:
    """A folder of its own with the run `tiny`, a selection, a set and an export."""
    make_run(tmp_path / "tiny")
    run = Run.open(tmp_path / "tiny")
    select(run, "random", count=3).write(run.inside("selections/drawn.json"))
    run.sets.write("mine", [1, 2])
    export(run, select(run, "random", count=3), "jsonl", run.inside("exports", "given"))
    return tmp_path


@pytest.fixture
def guarded(folder: Path, monkeypatch) -> Run:
    """The run of a process that serves visitors."""
    monkeypatch.setenv("G2IS_CACHE", str(folder))
    return Run.open(folder / "tiny")


def limit(monkeypatch, **settings) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(permits.variable(name), str(value))
    permits.guard()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page))
def test_every_page_of_a_read_only_server_says_so_and_offers_nothing_that_writes(
    open_app, folder, monkeypatch, page
):
    monkeypatch.setenv("G2IS_READ_ONLY", "1")
    before = tree(folder)
    app = open_app(page, folder=folder, run="tiny", selection="drawn", focus="3", view="results")
    assert any("Read-only" in caption.value for caption in app.sidebar.caption)
    assert not WRITES & {button.label for button in app.button}
    for place in range(len(app.button)):
        if not app.button[place].disabled and app.button[place].label != "Sign out":
            pressed = open_app(page, folder=folder, run="tiny", selection="drawn", focus="3", view="results")
            pressed.button[place].click().run()
            assert not pressed.exception
    assert tree(folder) == before


WAYS = {
    "a selection": lambda run: select(run, "random", count=2).write(run.inside("selections/new.json")),
    "over a selection": lambda run: select(run, "random", count=2).write(run.inside("selections/drawn.json")),
    "a set": lambda run: run.sets.write("new", [1]),
    "an export": lambda run: export(
        run, select(run, "random", count=2), "jsonl", run.inside("exports", "new")
    ),
    "a note": lambda run: annotate(run, KINDS["selection"], "drawn", "why"),
    "another name": lambda run: rename(run, KINDS["set"], "mine", "ours"),
    "a deletion": lambda run: delete(run, KINDS["export"], "given"),
    "a target less": lambda run: remove(run.folder, "gsm8k"),
    "instructions less": lambda run: remove_instructions(run.folder, [1]),
    "examples of a target": lambda run: job.copy_examples(run, []),
    "a build": lambda run: building.start(run.folder.parent),
    "a build less": lambda run: building.cancel(run.folder.parent),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_write_is_left_on_a_read_only_server(guarded, folder, monkeypatch, way):
    limit(monkeypatch, read_only="on")
    before = tree(folder)
    with pytest.raises(InputError, match="read-only"):
        WAYS[way](guarded)
    assert tree(folder) == before


def test_a_download_works_on_a_read_only_server(guarded, tmp_path_factory, monkeypatch):
    limit(monkeypatch, read_only="on")
    elsewhere = tmp_path_factory.mktemp("download")
    assert export(guarded, select(guarded, "random", count=2), "jsonl", elsewhere / "subset").files


def test_visitors_save_so_many_things_and_no_more(guarded, monkeypatch):
    run = guarded
    now, _ = permits.saved(run.folder)
    limit(monkeypatch, most_saved=now + 1)
    run.sets.write("last", [3])
    for way in ("a selection", "a set", "an export"):
        with pytest.raises(InputError, match="--most-saved") as caught:
            WAYS[way](run)
        assert "\n" not in str(caught.value)
    # What is there can be changed and deleted; deleted, it still counts.
    WAYS["over a selection"](run)
    annotate(run, KINDS["selection"], "drawn", "why")
    rename(run, KINDS["set"], "mine", "ours")
    delete(run, KINDS["set"], "last")
    with pytest.raises(InputError, match="--most-saved"):
        WAYS["a set"](run)


def test_visitors_save_so_many_bytes_and_no_more(guarded, monkeypatch):
    limit(monkeypatch, most_saved_mb=1)
    large = Selection.of(guarded, [1], "walk", {"pad": "x" * 10**6})
    with pytest.raises(InputError, match="--most-saved-mb"):
        large.write(guarded.inside("selections/large.json"))
    WAYS["a selection"](guarded)


def test_the_command_line_is_not_limited(guarded, monkeypatch):
    monkeypatch.setenv("G2IS_READ_ONLY", "on")
    for way in ("a selection", "a set", "an export", "a note"):
        WAYS[way](guarded)


def test_a_setting_that_does_not_fit_is_one_line():
    for values in ({"url": "example.org"}, {"url": "https://a b/"}, {"most_saved": -1}, {"address": ""}):
        with pytest.raises(InputError) as caught:
            ServingConfig(**values)
        assert "\n" not in str(caught.value)
    assert ServingConfig(url="https://example.org/a/b/").base_path == "a/b"


def test_the_settings_go_through_the_environment(monkeypatch):
    settings = ServingConfig(read_only=True, most_saved=3, access=Path("/x"), url="https://example.org/g2is")
    for name in ServingConfig.model_fields:
        monkeypatch.delenv(permits.variable(name), raising=False)
        monkeypatch.setenv(permits.variable(name), "")  # so that all are as before afterwards
    assert permits.serving() == ServingConfig()
    permits.to_environment(settings)
    assert permits.serving() == settings


def test_two_who_save_at_once_are_both_limited(guarded, monkeypatch):
    now, _ = permits.saved(guarded.folder)
    limit(monkeypatch, most_saved=now + 2)
    refused: list[str] = []

    def save(name: str) -> None:
        try:
            guarded.sets.write(name, np.array([1]))
        except InputError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=save, args=(f"set-{place}",)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 4 and permits.saved(guarded.folder)[0] == now + 2
