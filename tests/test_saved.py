"""What is saved with a run is renamed, deleted, restored and annotated as one, with all that belongs to it."""

import json
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from g2is.analysis.saved import saved_table
from g2is.cli import main
from g2is.errors import InputError
from g2is.export import export
from g2is.run.run import Run
from g2is.run.saved import (
    KEPT_DAYS,
    KINDS,
    annotate,
    delete,
    deleted,
    names,
    note,
    purge,
    rename,
    restore,
)
from g2is.run.selections import Selection, select_set
from g2is.run.traces import read_trace, trace_path
from tests.app.tiny_run import POOL, make_run

SELECTION, SET, EXPORT, EVALUATION = KINDS.values()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    run = make_run(tmp_path_factory.mktemp("saved") / "tiny")
    run.sets.write("first-walk", np.arange(3, 9), note="by hand", origin="lasso")
    selection = Selection.read(run.folder / "selections" / "first-walk.json", run)
    export(run, selection, "jsonl", run.folder / "exports" / "first-walk")
    place = run.folder / "evaluations" / "first-walk"
    place.mkdir(parents=True)
    (place / "evaluation.json").write_text("{}")
    return run.folder


@pytest.fixture
def run(made, tmp_path) -> Run:
    """A run in which there is one of each kind called `first-walk`."""
    return Run.open(shutil.copytree(made, tmp_path / "tiny"))


def state(run: Run) -> dict[str, bytes]:
    """Everything that people saved, apart from what is in the trash."""
    places = ("selections", "sets", "exports", "evaluations", "notes")
    return {
        str(path.relative_to(run.folder)): path.read_bytes()
        for place in places
        for path in sorted((run.folder / place).rglob("*"))
        if path.is_file()
    }


def refusal(do, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        do(*arguments)
    said = str(caught.value)
    assert said.isprintable() and len(said) < 1000, said
    return said


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.word)
def test_all_that_belongs_to_it_goes_along_and_comes_back(run, kind):
    annotate(run, kind, "first-walk", "why")
    others = names(run, kind)
    before = state(run)
    rename(run, kind, "first-walk", "other")
    assert set(names(run, kind)) == {*others, "other"} - {"first-walk"}
    assert note(run, kind, "other") == "why"
    rename(run, kind, "other", "first-walk")
    assert state(run) == before
    delete(run, kind, "first-walk")
    assert "first-walk" not in names(run, kind)
    assert [one.name for one in deleted(run, kind)] == ["first-walk"]
    assert not any(kind.folder in path and "first-walk" in path for path in state(run))
    restore(run, kind, "first-walk")
    assert state(run) == before and not deleted(run)


def test_a_selection_keeps_its_trace(run):
    rename(run, SELECTION, "first-walk", "renamed")
    path = SELECTION.path(run, "renamed")
    assert read_trace(trace_path(path)).samples.tolist() == Selection.read(path, run).samples
    assert not trace_path(SELECTION.path(run, "first-walk")).exists()


def test_what_is_taken_is_never_replaced(run):
    before = state(run)
    assert "there is one of that name" in refusal(rename, run, SELECTION, "first-walk", "second-walk")
    assert "has first-walk, second-walk" in refusal(rename, run, SELECTION, "none", "other")
    assert "none of that name was deleted" in refusal(restore, run, SELECTION, "first-walk")
    for name in ("", "..", "a/b", ".x", "a b", "\0"):
        refusal(rename, run, SELECTION, "first-walk", name)
    for name in ("", "..", "../manifest", "a/b", ".x", "\0"):
        refusal(rename, run, SELECTION, name, "new")
        refusal(delete, run, EXPORT, name)
        refusal(annotate, run, EVALUATION, name, "text")
    assert state(run) == before
    delete(run, SET, "first-walk")
    run.sets.write("first-walk", [1])
    assert "there is one of that name" in refusal(restore, run, SET, "first-walk")
    rename(run, SET, "first-walk", "new")
    restore(run, SET, "first-walk")
    assert run.sets["first-walk"].rows.tolist() == [*range(3, 9)] and run.sets["new"].rows.tolist() == [1]


def test_the_last_one_deleted_comes_back_first(run):
    for rows in ([1], [2]):
        run.sets.write("some", rows)
        delete(run, SET, "some")
    restore(run, SET, "some")
    assert run.sets["some"].rows.tolist() == [2]
    assert purge(run, SET) == 1 and not deleted(run)


def test_what_was_deleted_long_ago_goes_with_the_next(run):
    old = delete(run, SET, "first-walk")
    about = json.loads((old.folder / "about.json").read_text())
    about["deleted"] = (datetime.now(UTC) - timedelta(days=KEPT_DAYS + 1)).isoformat(timespec="microseconds")
    (old.folder / "about.json").write_text(json.dumps(about))
    delete(run, EXPORT, "first-walk")
    assert [one.kind for one in deleted(run)] == ["export"] and not old.folder.exists()


def test_links_and_a_trash_from_elsewhere_lead_nowhere(run, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "g2is.json").write_text("{}")
    (run.folder / "exports" / "link").symlink_to(outside)
    (run.folder / "sets" / "link.json").symlink_to(run.folder / "sets" / "first-walk.json")
    for do, arguments in ((rename, ("new",)), (delete, ()), (annotate, ("text",))):
        refusal(do, run, EXPORT, "link", *arguments)
    refusal(delete, run, SET, "link")
    trash = run.folder / "trash"
    for place, about in (
        ("a", {"kind": "set", "name": "../../secret", "deleted": "2030"}),
        ("b", {"kind": "other", "name": "x", "deleted": "2030"}),
        ("c", []),
        ("d", {"kind": ["set"], "name": "x", "deleted": "2030"}),
        ("e", {"kind": "set", "name": "x", "deleted": "2030"}),
    ):
        (trash / place).mkdir(parents=True)
        (trash / place / "about.json").write_text(json.dumps(about))
    (trash / "f").mkdir()
    os.mkfifo(trash / "f" / "about.json")
    (trash / "g").symlink_to(outside)
    assert not deleted(run)
    assert (outside / "g2is.json").exists()


def test_two_who_rename_one_thing_do_not_lose_it(run):
    start, done = threading.Barrier(4), []

    def work(number: int) -> None:
        mine = Run.open(run.folder)
        start.wait(30)
        try:
            rename(mine, SELECTION, "first-walk", f"new-{number}")
            done.append(number)
        except InputError:
            pass

    visitors = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert len(done) == 1
    assert names(run, SELECTION) == [f"new-{done[0]}", "second-walk"]


def test_the_table_tells_of_each_what_it_is(run):
    (run.folder / "sets" / "broken.json").write_text("{")
    table = saved_table(run, SET).set_index("name")
    assert table.loc["first-walk"].tolist() == [6, "lasso", "by hand"]
    assert table.loc["broken", "what"].startswith("cannot be read")
    assert saved_table(run, SELECTION)["instructions"].tolist() == [12, 5]
    assert saved_table(run, EXPORT).iloc[0].tolist() == ["first-walk", 12, "jsonl, walk", ""]
    assert "not an evaluation" in saved_table(run, EVALUATION)["what"][0]


# The command line


def command(run: Run, *words: str) -> int:
    return main([words[0], *words[1:2], str(run.folder), *words[2:]])


def test_sets_are_made_of_rows_sets_selections_and_conditions(run, capsys):
    for words, rows in (
        (("one", "--rows", "3", "7-9", "8"), [3, 7, 8, 9]),
        (("two", "--rows", "8-12"), [*range(8, 13)]),
        (("union", "--sets", "one", "two"), [3, *range(7, 13)]),
        (("both", "--sets", "one", "--both", "two"), [8, 9]),
        (("less", "--sets", "union", "--without", "two"), [3, 7]),
        (("tasks", "--where", "task=adding", "--both", "one"), [3, 7, 9]),
    ):
        assert command(run, "set", "make", *words) == 0
        assert run.sets[words[0]].rows.tolist() == rows
    assert command(run, "set", "make", "taken", "--selections", "first-walk", "--note", "the walk's") == 0
    assert run.sets["taken"].note == "the walk's" and len(run.sets["taken"]) == 12
    assert command(run, "set", "make", "one", "--rows", "1") == 2
    assert command(run, "set", "make", "one", "--rows", "1", "--overwrite") == 0
    assert run.sets["one"].rows.tolist() == [1]
    capsys.readouterr()
    assert command(run, "set", "list") == 0
    assert "the walk's" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("set", "make"),
        ("set", "make", "x"),
        ("set", "make", "x", "--rows", str(POOL)),
        ("set", "make", "x", "--rows", "5-3"),
        ("set", "make", "x", "--rows", "1-999999999999"),
        ("set", "make", "x", "--rows", "1", "--without", "first-walk", "--both", "none"),
        ("set", "make", "x", "--sets", "first-walk", "--without", "first-walk"),
        ("set", "list", "x"),
        ("set", "list", "--rows", "1"),
        ("set", "rename", "first-walk"),
        ("set", "other"),
        ("selection", "make", "x"),
        ("selection", "delete"),
        ("exported", "rename", "first-walk", "a/b"),
        ("evaluation", "note", "none", "text"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_changes_nothing(run, words, capsys):
    before = state(run)
    assert command(run, *words) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert state(run) == before


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.word)
def test_every_kind_has_the_same_commands(run, kind, capsys):
    name = "exported" if kind is EXPORT else kind.word
    assert command(run, name, "note", "first-walk", "why not") == 0
    assert command(run, name, "rename", "first-walk", "other") == 0
    capsys.readouterr()
    assert command(run, name, "note", "other") == 0
    assert capsys.readouterr().out == "why not\n"
    assert command(run, name, "delete", "other") == 0
    assert command(run, name, "list") == 0
    assert "can be restored: other" in capsys.readouterr().err
    assert command(run, name, "restore", "other") == 0
    assert "other" in names(run, kind)
    assert command(run, name, "delete", "other") == command(run, name, "purge") == 0
    assert not deleted(run)


def test_a_set_is_exported_like_a_selection_and_tags_are_a_column(run, tmp_path, capsys):
    run.sets.write("good-really", [4, 5])
    folder = tmp_path / "out"
    words = ["export", str(run.folder), "--set", "first-walk", "--format", "parquet", "--output", str(folder)]
    assert main([*words, "--tags"]) == 0
    assert pq.read_table(folder / "train.parquet")["tags"].to_pylist() == [
        "first-walk",
        *["first-walk, good-really"] * 2,
        *["first-walk"] * 3,
    ]
    content = json.loads((folder / "g2is.json").read_text())
    assert content["commands"] == [
        "g2is export tiny --set first-walk --format parquet --output out --tags",
    ]
    assert content["parameters"] == select_set(run, "first-walk").parameters
    assert main([*words, "--overwrite"]) == 0
    assert "tags" not in pq.read_table(folder / "train.parquet").column_names
    capsys.readouterr()
    assert main(["export", str(run.folder), "--set", "first-walk", "--output", str(folder), "--tags"]) == 2
    assert "choose parquet, csv" in capsys.readouterr().err
    assert main(["export", str(run.folder), "--set", "none", "--output", str(folder)]) == 2
