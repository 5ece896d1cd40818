"""Arrays in files that are read by rows, and runs whose files change while they are open."""

import os
import shutil

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.comparison import Profiler
from g2is.analysis.neighbourhood import strongest_path
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.selections import select
from g2is.storage import rows as stored
from g2is.storage import tables
from tests.app.tiny_run import make_run

SETTINGS = {"count": 20, "regime": "sgd"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("rows") / "run").folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


@pytest.fixture
def by_rows(monkeypatch):
    """Everything is as in a large run: rows in files, tables mapped."""
    monkeypatch.setattr(stored, "IN_MEMORY", 0)
    monkeypatch.setattr(stored, "BLOCK", 64)
    monkeypatch.setattr(tables, "MAPPED", 0)


INDICES = [
    3,
    -1,
    np.int64(2),
    slice(None),
    slice(4, 2),
    slice(2, 7),
    slice(None, None, 3),
    [5, 1, 1, 2, 3, -2],
    np.array([], np.int64),
    np.arange(40) % 2 == 0,
    np.array([[1, 2], [9, 8]]),
    (3, 4),
    (3, slice(0, 2)),
    (slice(None), 4),
    (slice(None), [4, 0]),
    (slice(3, 30, 2), slice(1, 3)),
    ([1, 5], 2),
    ([1, 5, 1], [2, 0, 4]),
    (np.array([[1], [7]]), np.array([[0, 1, 2]])),
    ([7, 3], slice(None, 2)),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("dtype", [np.float16, np.int32])
def test_rows_of_a_file_are_those_of_the_array(tmp_path, by_rows, index, dtype):
    array = np.random.default_rng(0).integers(-99, 99, (40, 5)).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    rows = stored.open_array(tmp_path / "a.npy")
    assert isinstance(rows, stored.StoredRows) and rows.shape == (40, 5) and len(rows) == 40
    np.testing.assert_array_equal(rows[index], array[index])
    assert rows[index].dtype == dtype
    np.testing.assert_array_equal(rows, array)


def test_a_row_that_is_not_there_is_an_index_error(tmp_path, by_rows):
    np.save(tmp_path / "a.npy", np.ones((4, 5)))
    rows = stored.open_array(tmp_path / "a.npy")
    for index in (4, [0, -5]):
        with pytest.raises(IndexError):
            rows[index]


def test_what_is_no_array_is_refused(tmp_path):
    array = np.arange(12.0).reshape(3, 4)
    np.save(tmp_path / "a.npy", array)
    data = (tmp_path / "a.npy").read_bytes()
    for broken in (b"", data[:-1], data + b"0", b"PK" + data, data[:20]):
        (tmp_path / "b.npy").write_bytes(broken)
        with pytest.raises(ValueError):
            stored.open_array(tmp_path / "b.npy")
    np.save(tmp_path / "c.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError):
        stored.open_array(tmp_path / "c.npy")
    os.mkfifo(tmp_path / "d.npy")
    with pytest.raises(InputError, match="expected a file"):
        stored.open_array(tmp_path / "d.npy")


def answers(run: Run) -> list[object]:
    """What pages and commands ask of a run."""
    parameters = walk_preset("recommended", count=20)
    trace = walks.walk(run, parameters)
    profile = Profiler(run, "sgd")(trace.samples)
    samples = [
        select(run, method, **SETTINGS).samples for method in ("less", "round_robin", "gist", "tagcos")
    ]
    why = walks.explain(run, trace, int(trace.samples[-1]))
    path = strongest_path(run, "sgd", int(trace.samples[0]), parameters)
    texts = run.records([3, 99]).to_dict("list")
    return [trace.samples.tolist(), profile, samples, str(why), path and path.samples.tolist(), texts]


def test_a_run_read_by_rows_gives_the_same_answers(folder, monkeypatch):
    before = answers(Run.open(folder))
    monkeypatch.setattr(stored, "IN_MEMORY", 0)
    monkeypatch.setattr(tables, "MAPPED", 0)
    run = Run.open(folder)
    assert str(answers(run)) == str(before)
    assert isinstance(run.regime("sgd").gradients, stored.StoredRows)


def all_files(folder):
    return [path for path in folder.rglob("*") if path.suffix in (".npy", ".arrow", ".parquet")]


@pytest.mark.parametrize("size", [0, 1000])
def test_files_that_are_cut_off_under_an_open_run_are_an_error_and_no_crash(folder, by_rows, size):
    """A memory map of these files would end the process with SIGBUS."""
    run = Run.open(folder)
    whole = answers(run)
    assert not run.files.overwritten
    sources = run.instructions["source"].tolist()
    kept = {path: path.read_bytes() for path in all_files(folder)}
    for path in kept:
        os.truncate(path, size)
    assert run.instructions["source"].tolist() == sources
    for read in (lambda: run.prompts([3]), lambda: run.prompts([7, 90]), lambda: [*run.conversations()]):
        with pytest.raises(InputError, match=r"arrow: was cut off or overwritten while it was open; wait"):
            read()
    with pytest.raises(
        InputError, match=r"gradients\.npy: was cut off or overwritten while it was open; wait"
    ):
        walks.explain(run, walks.walk(run, walk_preset("recommended", count=20)), 3)
    assert run.files.overwritten
    for path, data in kept.items():
        path.write_bytes(data)
    assert str(answers(Run.open(folder))) == str(whole)


def test_a_file_that_was_overwritten_is_an_error_though_it_has_its_length(folder, by_rows):
    run = Run.open(folder)
    rows = run.regime("sgd").gradients
    assert rows[3].any()
    path = folder / "sgd" / "gradients.npy"
    data = path.read_bytes()
    path.write_bytes(data[:200] + bytes(len(data) - 200))
    with pytest.raises(InputError, match="overwritten while it was open"):
        rows[3]


def test_a_file_that_was_replaced_stays_as_it_was_opened(folder, by_rows, tmp_path):
    """As a build and `rsync` replace files, by a rename."""
    rows = Run.open(folder).regime("sgd").gradients
    before = rows[3]
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "other").replace(folder / "sgd" / "gradients.npy")
    np.testing.assert_array_equal(rows[3], before)


def test_a_page_says_that_a_file_was_cut_off_and_goes_on_when_it_is_back(made, folder, by_rows, monkeypatch):
    """The file is cut off after the page has checked the run, and before it reads the rows."""
    from streamlit.testing.v1 import AppTest

    from tests.app.serving import ROOT

    monkeypatch.setenv("G2IS_CACHE", str(folder.parent))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/4_Walk.py")
    app.run()
    assert not app.exception and not app.error
    with monkeypatch.context() as later:

        def cut_off(run: Run) -> list[str]:
            for path in (folder / "sgd").glob("*s.npy"):
                os.truncate(path, 0)
            return []

        later.setattr(Run, "damage", cut_off)
        app.query_params["delta"] = "0.7"
        app.run()
        assert not app.exception
        assert any("was cut off or overwritten" in error.value for error in app.error), app.error
    app.run()
    assert any("This run is damaged" in error.value for error in app.error)
    for path in (folder / "sgd").glob("*s.npy"):
        path.write_bytes((made / "sgd" / path.name).read_bytes())
    app.run()
    assert not app.exception and not app.error
