"""Named sets: kept whole whatever their size, safe under two writers, refused where they are none."""

import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g2is.analysis import walks
from g2is.config import WalkParameters, walk_preset
from g2is.errors import InputError
from g2is.run.reference import RunReference
from g2is.run.run import Run
from g2is.run.selections import Selection, save_walk, select_set
from g2is.run.sets import MOST_NOTE, Sets
from g2is.storage import files
from tests.app.tiny_run import INVALID, POOL, make_run

HERE = RunReference(name="here", hash="0123")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("sets") / "tiny").folder


@pytest.fixture
def run(folder) -> Run:
    for path in (folder / "sets").glob("*"):
        path.unlink()
    return Run.open(folder)


@pytest.fixture
def sets(tmp_path) -> Sets:
    return Sets(tmp_path, HERE, 300_000)


def refusal(do, *arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        do(*arguments, **options)
    said = str(caught.value)
    assert said.isprintable() and len(said) < 1000, said
    return said


@settings(max_examples=30)
@given(
    rows=st.lists(st.integers(0, 999), min_size=1, max_size=300),
    note=st.text(max_size=60),
    origin=st.text(max_size=60),
)
def test_what_is_written_is_read_back(tmp_path_factory, rows, note, origin):
    folder = tmp_path_factory.mktemp("one")
    written = Sets(folder, HERE, 1000).write("some", rows, note=note, origin=origin)
    read = Sets(folder, HERE, 1000)["some"]
    assert read.rows.tolist() == written.rows.tolist() == sorted(set(rows))
    assert (read.origin, read.note) == (written.origin, written.note)
    assert read.note == note.encode("utf-8", "replace").decode()
    assert read.version == written.version and read.checksum == written.checksum


@pytest.mark.parametrize("taken", [np.arange(300_000), np.arange(0, 300_000, 2), np.array([299_999])])
def test_any_size_is_kept(sets, taken):
    assert np.array_equal(sets.write("large", taken[::-1]).rows, taken)
    assert (sets.folder / "sets" / "large.json").stat().st_size < 8 * len(taken) + 1000
    assert not sets["large"].rows.flags.writeable


def test_names_are_listed_without_reading_a_file(sets):
    sets.write("b", [1])
    sets.write("a.2", [1])
    place = sets.folder / "sets"
    os.mkfifo(place / "pipe.json")
    (place / "no name.json").write_text("{}")
    (place / ".hidden.json").write_text("{}")
    (place / "other.txt").write_text("{}")
    if sys.platform == "linux":
        (place / os.fsdecode(b"\xff.json")).write_bytes(b"{}")
    assert sets.names() == list(sets) == ["a.2", "b", "pipe"]
    assert "no name.json" in sets.ignored()
    assert "b" in sets and "c" not in sets
    assert "has a.2, b, pipe" in refusal(sets.__getitem__, "c")
    assert "pipe" in refusal(sets.__getitem__, "pipe")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a b", "-x", ".x", "x" * 81, "é", "a\nb", "\0", "a@0123456789ab"]
)
def test_names_that_no_file_should_have_are_refused(sets, name):
    assert "expected up to 80 letters" in refusal(sets.write, name, [1])
    assert "expected up to 80 letters" in refusal(sets.__getitem__, name)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no instruction"),
        ([-1], "row -1"),
        ([300_000], "row 300000"),
        ([1.5], "row numbers"),
        ([True], "row numbers"),
        ([[1]], "row numbers"),
    ],
)
def test_rows_that_are_none_are_refused(sets, rows, said):
    assert said in refusal(sets.write, "some", rows)
    assert not sets.names()


def content(**changes) -> dict:
    return {
        "format": 1,
        "run": HERE.model_dump(),
        "note": "",
        "origin": "",
        "made": "now",
        "rows": [1],
    } | changes


@pytest.mark.parametrize(
    "rows",
    [
        *([True], [None], ["1"], [1.0], [[1]], [[1, 2, 3]], [[2, 1]], [3, 2], [1, 1], [[1, 4], 4], [-1]),
        *([], {}, "1", 1, None, [10**30], [[0, 10**18]], [300_000], [[1, True]], [[[1, 2], 3]], [{}]),
    ],
)
def test_files_whose_rows_are_none_are_refused_in_one_line(sets, rows):
    (sets.folder / "sets").mkdir()
    (sets.folder / "sets" / "bad.json").write_text(json.dumps(content(rows=rows)))
    assert "bad.json" in refusal(sets.__getitem__, "bad")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"null", b"\x1b[31m"),
        *(
            json.dumps(content(**one)).encode()
            for one in (
                {"format": 2},
                {"format": True},
                {"note": 1},
                {"note": "x" * (MOST_NOTE + 1)},
                {"more": 1},
                {"run": {"name": "other\x1b[31m", "hash": "4567"}},
                {"run": None},
                {"made": None},
            )
        ),
    ],
)
def test_files_that_are_no_sets_are_refused_in_one_line(sets, data):
    (sets.folder / "sets").mkdir()
    (sets.folder / "sets" / "bad.json").write_bytes(data)
    assert "bad.json" in refusal(sets.__getitem__, "bad")


def test_pipes_devices_links_and_huge_files_are_refused_at_once(sets, tmp_path_factory):
    place = sets.folder / "sets"
    place.mkdir()
    os.mkfifo(place / "pipe.json")
    (place / "folder.json").mkdir()
    with (place / "huge.json").open("wb") as file:
        file.truncate(2**31)
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.json"
    secret.write_text(json.dumps(content()))
    (place / "link.json").symlink_to(secret)
    (place / "zero.json").symlink_to("/dev/zero")
    for name in ("pipe", "folder", "huge", "link", "zero"):
        refusal(sets.__getitem__, name)
        refusal(sets.write, name, [1])
        refusal(sets.write, name, [1], replaces="0")
    assert json.loads(secret.read_text())["rows"] == [1]


def test_a_write_says_what_it_replaces(sets):
    first = sets.write("some", [1, 2], note="mine")
    assert "there is one of that name" in refusal(sets.write, "some", [3])
    second = sets.write("some", [1, 3], replaces=first.checksum)
    assert "changed by someone else" in refusal(sets.write, "some", [4], replaces=first.checksum)
    assert "changed by someone else" in refusal(sets.annotate, "some", "late", replaces=first.checksum)
    noted = sets.annotate("some", "why")
    assert noted.note == "why" and noted.version == second.version != first.version
    (sets.folder / "sets" / "some.json").unlink()
    assert "renamed or deleted" in refusal(sets.write, "some", [4], replaces=noted.checksum)


@pytest.mark.parametrize("new", [True, False])
def test_of_two_writers_at_once_one_is_refused(sets, new):
    """Each session has opened the run for itself, as two processes have."""
    before = None if new else sets.write("some", [0]).checksum
    start, done, refusals = threading.Barrier(8), [], []

    def write(number: int) -> None:
        mine = Sets(sets.folder, HERE, 300_000)
        start.wait(30)
        try:
            done.append(mine.write("some", np.arange(number + 2), replaces=before).version)
        except InputError as error:
            refusals.append(str(error))

    visitors = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert len(done) == 1 and len(refusals) == 7
    assert sets["some"].version == done[0]
    assert not list((sets.folder / "sets").glob(".*"))


def test_threads_of_one_process_write_to_files_of_their_own(tmp_path, monkeypatch):
    """Two visitors who save under one name at the same time: the file is that of one of them, whole."""
    both, sync = threading.Barrier(2), os.fsync

    def meet(handle: int) -> None:
        both.wait(30)
        sync(handle)

    monkeypatch.setattr(files.os, "fsync", lambda handle: meet(handle))
    monkeypatch.setattr(files, "sync_folder", lambda folder: None)
    texts = [letter * 1000 for letter in (b"a", b"b")]
    visitors = [threading.Thread(target=files.write_bytes, args=(tmp_path / "x", text)) for text in texts]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert (tmp_path / "x").read_bytes() in texts and [*tmp_path.iterdir()] == [tmp_path / "x"]


def test_a_set_that_changed_on_disk_is_read_again(sets):
    other = Sets(sets.folder, HERE, 300_000)
    first = sets.write("some", [1])
    assert other["some"].rows.tolist() == [1] and other["some"] is other["some"]
    sets.write("some", [2, 3], replaces=first.checksum)
    assert other["some"].rows.tolist() == [2, 3]


def test_tags_are_the_names_of_the_sets_of_an_instruction(sets):
    sets.write("even", np.arange(0, 10, 2))
    sets.write("low", [0, 1])
    (sets.folder / "sets" / "broken.json").write_text("{")
    assert sets.tags(np.array([3, 0, 1])) == [[], ["even", "low"], ["low"]]


# Walks


def test_a_walk_on_sets_is_the_walk_on_their_rows(run):
    run.sets.write("good", [20, 30])
    run.sets.write("bad", np.arange(100, 120))
    run.sets.write("large", np.arange(10, 200))
    one = walk_preset(
        "recommended", count=12, pins=[40], pin_sets=["good"], ban_sets=["bad"], only_sets=["large"]
    )
    rows = {"pins": [40, 20, 30], "bans": [*range(100, 120)], "only": [*range(10, 200)]}
    other = walk_preset("recommended", count=12, **rows)
    trace, expected = walks.walk(run, one), walks.walk(run, other)
    assert trace.samples.tolist() == expected.samples.tolist()
    assert trace.pinned == 3 and trace.samples[:3].tolist() == [40, 20, 30]
    assert np.array_equal(walks.left_out(run, one), walks.left_out(run, other))
    for sample in (20, 105, 3, 150):
        assert walks.explain(run, trace, sample).text == walks.explain(run, expected, sample).text


def test_a_saved_walk_says_when_a_set_has_changed_since(run, tmp_path):
    good = run.sets.write("good", [20, 30])
    trace = walks.walk(run, walk_preset("recommended", count=5, pin_sets=["good"]))
    save_walk(tmp_path / "one.json", run, trace)
    parameters = WalkParameters(**Selection.read(tmp_path / "one.json", run).parameters)
    assert parameters.pin_sets == (good.reference,)
    assert walks.walk(run, parameters).samples.tolist() == trace.samples.tolist()
    noted = run.sets.annotate("good", "a note changes no walk")
    assert not run.sets.changed(parameters)
    run.sets.write("good", [20], replaces=noted.checksum)
    assert "has changed since, to 1 instructions" in refusal(walks.walk, run, parameters)
    assert len(run.sets.changed(parameters)) == 1
    assert walks.walk(run, parameters.replace(pin_sets=["good"])).pinned == 1
    (run.folder / "sets" / "good.json").unlink()
    assert "has no sets" in run.sets.changed(parameters)[0]


@pytest.mark.parametrize("field", ["pin_sets", "ban_sets", "only_sets"])
def test_a_walk_on_a_set_that_is_missing_is_refused(run, field):
    assert "has no sets" in refusal(walks.walk, run, walk_preset("recommended", count=3, **{field: ["x"]}))
    for name in ("../x", "x@1", "x@0123456789AB", ""):
        refusal(WalkParameters, count=3, **{field: [name]})


def test_pins_of_a_set_count_as_pins(run):
    run.sets.write("good", [20, 30])
    run.sets.write("invalid", [INVALID])
    assert "exceed the budget" in refusal(
        walks.walk, run, walk_preset("recommended", count=1, pin_sets=["good"])
    )
    wrong = walk_preset("recommended", count=3, pin_sets=["invalid"])
    assert f"instruction {INVALID} has no valid gradient" in refusal(walks.walk, run, wrong)


def test_a_set_is_a_selection_in_the_order_of_the_pool(run):
    good = run.sets.write("good", [30, 20])
    selection = select_set(run, "good")
    assert selection.samples == [20, 30] and selection.method == "set"
    assert selection.parameters == {"set": good.reference}
    assert len(run.sets) == 1 and run.sets.count == POOL
