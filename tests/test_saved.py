"""What is saved with a run is renamed, deleted, restored and annotated as one, with all that belongs to it."""

import errno
import json
import os
import shutil
import threading
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from g2is.analysis.saved import saved_table
from g2is.app.compare import tuning_job
from g2is.app.map.controls import _is_walk
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
    ignored,
    names,
    note,
    purge,
    rename,
    restore,
)
from g2is.run.saving import saving
from g2is.run.selections import Selection, read_walk, save_walk, select_set
from g2is.run.traces import trace_bytes, trace_of, trace_path
from g2is.storage.files import check_writable, not_written
from g2is.walk import Rejections, WalkTrace
from g2is.walk.trace import NEIGHBOR, PIN
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
    selection, trace = read_walk(SELECTION.path(run, "renamed"), run)
    assert trace is not None and trace.samples.tolist() == selection.samples


def split(path: Path) -> dict:
    """The two files of which a saved walk consisted in earlier versions; returns the content of the first."""
    values = json.loads(path.read_bytes())
    trace_path(path).write_bytes(b64decode(values.pop("trace")))
    path.write_text(json.dumps(values))
    return values


def test_a_walk_saved_by_an_earlier_version_keeps_its_trace(run):
    one, other = (SELECTION.path(run, name) for name in ("first-walk", "second-walk"))
    before = read_walk(one, run)[1]
    split(one)
    assert read_walk(one, run)[1].samples.tolist() == before.samples.tolist()
    rename(run, SELECTION, "first-walk", "renamed")
    renamed = SELECTION.path(run, "renamed")
    assert read_walk(renamed, run)[1].parameters == before.parameters
    assert not trace_path(one).exists() and trace_path(renamed).is_file()
    # Of a kill between the two files: a new trace beside an old selection.
    trace_path(renamed).write_bytes(b64decode(json.loads(other.read_bytes())["trace"]))
    with pytest.raises(InputError, match=r"renamed\.trace\.parquet: the trace of another walk; walk again"):
        read_walk(renamed, run)
    save_walk(renamed, run, before)
    assert read_walk(renamed, run)[1].samples.tolist() == before.samples.tolist()
    assert not trace_path(renamed).exists()


def test_a_trace_of_another_walk_is_refused(run):
    one, other = (SELECTION.path(run, name) for name in ("first-walk", "second-walk"))
    trace = json.loads(other.read_bytes())["trace"]
    one.write_text(json.dumps({**json.loads(one.read_bytes()), "trace": trace}))
    with pytest.raises(InputError, match=r"first-walk\.json: the trace of another walk"):
        read_walk(one, run)
    for wrong in ("no base64!", 3, ""):
        one.write_text(json.dumps({**json.loads(one.read_bytes()), "trace": wrong}))
        with pytest.raises(InputError, match="first-walk"):
            read_walk(one, run)


@pytest.mark.parametrize("old", [False, True], ids=["one file", "two files"])
def test_whoever_reads_a_selection_sees_that_its_trace_is_of_another_walk(run, old, capsys):
    path = SELECTION.path(run, "first-walk")
    values = split(path) if old else json.loads(path.read_bytes())
    path.write_text(json.dumps({**values, "samples": values["samples"][::-1]}))
    for words in (
        ("export", "--selection", "first-walk", "--output", str(run.folder / "exports" / "other")),
        ("explain", "--selection", "first-walk", "--sample", "0"),
        ("scores", "--selection", "first-walk", "--output", str(run.folder / "scores.csv")),
    ):
        assert main([words[0], str(run.folder), *words[1:]]) == 2
        assert "the trace of another walk; walk again" in capsys.readouterr().err
    assert not EXPORT.path(run, "other").exists()
    with pytest.raises(InputError, match="the trace of another walk"):
        Selection.read(path, run)
    # Nor is it the trace of a method that walks nowhere.
    path.write_text(
        json.dumps({**json.loads(path.read_bytes()), "method": "less", "parameters": {"count": 3}})
    )
    if old:  # of a walk that had this name before
        assert read_walk(path, run)[1] is None
    else:
        with pytest.raises(InputError, match="the trace of another walk"):
            Selection.read(path, run)


def test_the_longest_name_that_a_file_can_have_is_one_of_a_selection(run, capsys):
    """Others that belong to it, such as a trace of an earlier version, would have longer ones, and are not there."""
    name = "x" * 250
    SELECTION.path(run, "first-walk").rename(SELECTION.path(run, name))
    path = SELECTION.path(run, name)
    values = {**json.loads(path.read_bytes())}
    del values["trace"]
    path.write_text(json.dumps(values))
    assert read_walk(path, run)[1] is None and not _is_walk.__wrapped__(run, "", path, ())
    assert name in names(run, SELECTION)
    delete(run, SELECTION, name)
    restore(run, SELECTION, name)
    rename(run, SELECTION, name, "short")
    assert "short" in names(run, SELECTION)


def test_names_control_no_terminal(run, capsys):
    path = SELECTION.path(run, "first-walk")
    path.rename(path.with_name("a\x1b[2Jb.json"))
    run.sets.write("one", [1], note="a\x1b]0;title\x07\nb")
    for words in (["selection", "list"], ["selection", "delete"], ["selection", "list"], ["set", "note"]):
        given = {"delete": ["a\x1b[2Jb"], "note": ["one"]}.get(words[1], [])
        assert main([*words, str(run.folder), *given]) == 0
        said = capsys.readouterr()
        assert "\x1b" not in said.out + said.err and "\\x1b" in said.out + said.err


def changed_steps(trace: WalkTrace, **changes: object) -> WalkTrace:
    steps = {
        name: np.where(np.arange(len(trace.steps)) == 2, value, getattr(trace.steps, name))
        for name, value in changes.items()
    }
    return replace(trace, steps=replace(trace.steps, **steps))


@pytest.mark.parametrize(
    "damage",
    [
        {"component": 10**6},
        {"component": -2},
        {"sample": POOL},
        {"sample": -1},
        {"previous": POOL},
        {"sample": 0.5},
        {"component": -1},
        {"previous": 1},
        {"origin": NEIGHBOR},
        {"origin": NEIGHBOR, "previous": 1},
        {"origin": PIN},
        {"affinity": "close"},
        {"affinity": 3e9},
        {"affinity": np.nan},
        {"cosine": -3e9},
        {"before": np.inf},
        {"after": -np.inf},
        {"rows": "all"},
        {"rows": True},
        {"rows": 10**400},
        {"rows": 3},
        {"targets": 7},
        {"targets": [None, 1]},
        {"budgets": [1]},
        {"budgets": [-1] * 4},
        {"stopped": [9] * 4},
        {"weights": "heavy"},
        {"parameters": {"delta": "much"}},
        {"parameters": []},
        {"more": 1},
    ],
    ids=str,
)
def test_a_damaged_trace_is_one_line(run, damage):
    path = SELECTION.path(run, "first-walk")
    _, trace = read_walk(path, run)
    of_steps = {name: value for name, value in damage.items() if hasattr(trace.steps, name)}
    table = pq.read_table(BytesIO(trace_bytes(changed_steps(trace, **of_steps))))
    about = json.loads(table.schema.metadata[b"g2is"]) | {
        k: v for k, v in damage.items() if k not in of_steps
    }
    written = BytesIO()
    pq.write_table(table.replace_schema_metadata({b"g2is": json.dumps(about)}), written)
    with pytest.raises(
        InputError, match=r"^[^\n]{1,400}not the trace of a walk [^\n]{1,300}; walk again[^\n]*$"
    ):
        trace_of(written.getvalue(), path)


@pytest.mark.parametrize(
    ("column", "value"), [("step", 2**31 - 1), ("step", 0), ("value", 3e9), ("value", np.inf)]
)
def test_steps_are_numbered_and_cosines_are_cosines(run, column, value):
    path = SELECTION.path(run, "first-walk")
    _, trace = read_walk(path, run)
    table = pq.read_table(BytesIO(trace_bytes(trace)))
    values = table[column].to_pylist()
    values[2 if column == "step" else -1] = value  # of a step; of the last neighbour that was rejected
    place = table.schema.get_field_index(column)
    changed = table.set_column(place, table.field(place), pa.array(values, table.field(place).type))
    written = BytesIO()
    pq.write_table(changed, written)
    with pytest.raises(InputError, match=r"not the trace of a walk [^\n]{1,300}; walk again[^\n]*$"):
        trace_of(written.getvalue(), path)


def test_a_trace_of_more_events_than_a_walk_has_is_refused_before_it_is_read(run, monkeypatch):
    """Columns of one value take next to nothing in a file, however many rows they have."""
    path = SELECTION.path(run, "first-walk")
    selection, trace = read_walk(path, run)
    many = len(selection.samples) * (1 + run.manifest.configuration.graph.neighbors)
    same = {name: np.resize(getattr(trace.rejections, name)[:1], many) for name in vars(trace.rejections)}
    long = replace(trace, rejections=Rejections(**same))
    replace_trace = {"trace": b64encode(trace_bytes(long)).decode()}
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **replace_trace}))
    with pytest.raises(InputError, match=rf"rows, expected at most {many:,}\); walk again"):
        read_walk(path, run)
    monkeypatch.setattr("g2is.storage.parquet.MOST_BYTES", 100)
    with pytest.raises(InputError, match="without compression, expected at most 100"):
        trace_of(trace_bytes(trace), path)


DEEP = b"[" * 60_000


def test_json_that_is_nested_without_end_is_a_damaged_file(run, capsys):
    """Neither a traceback nor a reason that nothing can be deleted."""
    folder = run.folder / "trash" / "selection-abcdefabcdef"
    folder.mkdir(parents=True)
    (folder / "about.json").write_bytes(DEEP)
    SELECTION.path(run, "deep").write_bytes(DEEP)
    SET.path(run, "deep").write_bytes(DEEP)
    for kind, name in ((EXPORT, "g2is.json"), (EVALUATION, "evaluation.json")):
        place = kind.path(run, "deep")
        place.mkdir()
        (place / name).write_bytes(DEEP)
    selection = Selection.read(SELECTION.path(run, "first-walk"), run)
    with pytest.raises(InputError, match="not part of an earlier export"):
        export(run, selection, "jsonl", EXPORT.path(run, "deep"), overwrite=True)
    tuning_job._words_file(run).write_bytes(DEEP)
    assert tuning_job.last_words(run) is None
    for kind in KINDS.values():
        assert "cannot be read" in saved_table(run, kind).set_index("name").loc["deep", "what"]
        delete(run, kind, "deep")
        restore(run, kind, "deep")
        delete(run, kind, "deep")
        assert purge(run, kind) == 1
    for path in run.folder.glob("*manifest*"):
        path.write_bytes(DEEP)
    with pytest.raises(InputError, match=r"manifest.json: not readable \([^\n]*\); build again"):
        Run.open(run.folder)


@pytest.mark.parametrize(
    "samples", [[True], [1.0], ["1"], [10**400], [-(10**30)], [None]], ids=lambda s: str(s)[:9]
)
def test_samples_are_rows_of_the_pool(run, samples):
    path = SELECTION.path(run, "first-walk")
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "samples": samples}))
    with pytest.raises(InputError, match=r"^[^\n]{1,400}$"):
        Selection.read(path, run)


def test_a_file_that_is_no_selection_is_refused_before_it_is_read(run):
    path = SELECTION.path(run, "large")
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(
        InputError, match=r"large\.json: 209,715,200 bytes, expected at most [0-9,]+; remove it"
    ):
        Selection.read(path, run)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="is a device, a pipe or a folder, expected a file"):
        Selection.read(path, run)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(InputError):
        Selection.read(path, run)


def test_on_a_full_disk_things_can_be_deleted_renamed_and_restored(run, monkeypatch):
    for kind in KINDS.values():
        annotate(run, kind, "first-walk", "mine")
    before = state(run)

    def full(path: Path, *arguments: object, **options: object) -> None:
        raise not_written(path, OSError(errno.ENOSPC, "No space left on device"))

    for module in ("saved.write_bytes", "saved.write_file"):
        monkeypatch.setattr(f"g2is.run.{module}", full)
    for kind in KINDS.values():
        delete(run, kind, "first-walk")
        assert [one.name for one in deleted(run, kind)] == ["first-walk"]
        restore(run, kind, "first-walk")
        rename(run, kind, "first-walk", "other")
        assert note(run, kind, "other") == "mine"
        rename(run, kind, "other", "first-walk")
    assert state(run) == before
    monkeypatch.setattr(Path, "rename", lambda path, target: full(path))
    assert "free some space" in refusal(delete, run, SELECTION, "first-walk")
    assert state(run) == before and not list((run.folder / "trash").iterdir())


def test_what_was_begun_to_be_deleted_goes_with_the_next(run):
    """Where a program was killed before it moved anything; what it cannot know of stays."""
    trash = run.folder / "trash"
    for name in ("selection-0123456789ab", "selection-abcdefabcdef", "set-0123456789ab"):
        (trash / name).mkdir(parents=True)
    (trash / "selection-0123456789ab" / "note.txt").write_text("mine")
    (trash / "selection-abcdefabcdef" / "of another version").write_text("mine")
    for path in trash.iterdir():
        os.utime(path, (1, 1))
    delete(run, SET, "first-walk")
    assert {path.name for path in trash.iterdir() if not (path / "about.json").exists()} == {
        "selection-abcdefabcdef"
    }


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


WRITES = {
    "walk --name": ("walk", "--name", "late", "--count", "5"),
    "select --name": ("select", "--method", "random", "--count", "5", "--name", "late"),
    "walk": ("walk", "--count", "5", "--output", "late.json"),
    "select": ("select", "--method", "random", "--count", "5", "--output", "late.json"),
    "scores": ("scores", "--count", "5", "--output", "late.csv"),
    "graph": ("graph", "--output", "late.graphml"),
}


@pytest.mark.parametrize("words", WRITES.values(), ids=WRITES)
def test_a_name_that_was_free_at_the_beginning_is_not_replaced_at_the_end(
    run, words, tmp_path, monkeypatch, capsys
):
    """Of two who save under one name at once, the second is told what it would be told if it came later."""
    monkeypatch.chdir(tmp_path)
    command = [words[0], str(run.folder), *words[1:]]
    path = SELECTION.path(run, "late") if "--name" in words else tmp_path / words[-1]

    def check(place: Path) -> None:
        check_writable(place)
        path.write_bytes(b"theirs")

    for module in ("runs", "saving"):
        monkeypatch.setattr(f"g2is.cli.{module}.check_writable", check)
    assert main(command) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert path.read_bytes() == b"theirs"
    assert main(command) == 2  # checked before anything is computed
    assert said == capsys.readouterr().err.strip() and "replace it with --overwrite" in said
    assert main([*command, "--overwrite"]) == 0 and path.read_bytes() != b"theirs"


def test_a_usual_name_that_someone_takes_meanwhile_is_left_to_them(run, monkeypatch, capsys):
    """Nobody chose it: the next one that is free will do."""
    once = Selection.save

    def late(selection: Selection, *arguments: object, **options: object) -> Path:
        monkeypatch.setattr(Selection, "save", once)
        SELECTION.path(run, "random-5").write_bytes(b"theirs")
        return once(selection, *arguments, **options)

    monkeypatch.setattr(Selection, "save", late)
    assert main(["select", str(run.folder), "--method", "random", "--count", "5"]) == 0
    assert "saved as random-5-2" in capsys.readouterr().err
    assert SELECTION.path(run, "random-5").read_bytes() == b"theirs"


def test_who_saves_waits_for_who_renames(run):
    """Neither replaces what the other has just written."""
    selection = Selection.read(SELECTION.path(run, "first-walk"), run)
    with saving(run.folder):
        thread = threading.Thread(target=selection.save, args=(run, "new"))
        thread.start()
        thread.join(0.3)
        assert not SELECTION.path(run, "new").exists()
    thread.join()
    assert SELECTION.path(run, "new").exists()


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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["set", "make"], "make: no name after the run, expected g2is set make tiny NAME --rows ROW"),
        (["set", "rename", "a"], "rename: 1 name after the run, expected g2is set rename tiny OLD NEW"),
        (["selection", "list", "a", "b"], "list: 2 names after the run, expected g2is selection list tiny"),
        (["exported", "note"], "note: no name after the run, expected g2is exported note tiny NAME TEXT"),
    ],
)
def test_how_many_names_an_action_takes(run, capsys, words, expected):
    assert main([*words[:2], "tiny", *words[2:], "--cache", str(run.folder.parent)]) == 2
    assert capsys.readouterr().err == f"error: {expected}\n"


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


def test_names_that_are_not_utf8_are_left_out_and_said(run, capsys):
    wrong = os.fsdecode(b"caf\xe9")
    shutil.copy(SELECTION.path(run, "first-walk"), run.folder / "selections" / f"{wrong}.json")
    (run.folder / "exports" / wrong).mkdir(parents=True)
    assert names(run, SELECTION) == ["first-walk", "second-walk"] and wrong not in names(run, EXPORT)
    assert ignored(run, SELECTION) == [f"{wrong}.json"] and ignored(run, EXPORT) == [wrong]
    assert len(saved_table(run, SELECTION)) == 2
    assert main(["selection", "list", str(run.folder)]) == 0
    assert "not selections by their names: caf\\udce9.json" in capsys.readouterr().err
