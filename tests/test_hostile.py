"""Files and arguments that were made to harm: nothing runs, nothing outside is touched, one clear line is said."""

import json
import os
import pickle
import shutil
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from g2is.__main__ import main
from g2is.analysis import walks
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.evaluation.results import (
    ABOUT,
    Evaluation,
    FineTuning,
    evaluations,
    read_evaluations,
    read_results,
    summarise,
)
from g2is.export import export
from g2is.instructions import from_frame, read_instructions, to_frame, write_rejects
from g2is.instructions import record as record_module
from g2is.instructions.containers.opened import BOM
from g2is.pipeline.gradient_files import read_gradients, read_neighbors
from g2is.run.paths import MANIFEST
from g2is.run.run import Run
from g2is.run.selections import Selection, save_walk
from g2is.run.traces import trace_bytes, trace_of
from g2is.storage.csv import FORMULA_STARTS
from g2is.storage.files import write_bytes
from tests.test_faults import arguments, imported
from tests.test_faults import files as files
from tests.test_faults import whole as whole

FUZZ = settings(
    max_examples=int(os.environ.get("G2IS_FUZZ", "60")),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

joblib.cpu_count(only_physical_cores=True)  # scikit-learn's k-means runs lscpu for this, once a process

_events: list[tuple[str, tuple]] | None = None


def _hook(event: str, details: tuple) -> None:
    if _events is not None and event in WATCHED:
        _events.append((event, details))


WATCHED = {
    *("open", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate"),
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pickle.find_class", "socket.connect"),
}
sys.addaudithook(_hook)


@contextmanager
def confined(*places: Path, pickles: bool = False) -> Iterator[None]:
    """Fails where something is executed or connected to, or a file outside `places` is written; what Python and
    its libraries read of themselves is theirs, a file beside `places` named secret is not. pickles: Streamlit
    copies what it has cached by pickling it, in memory."""
    global _events
    _events = events = []
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        _events = None
        sys.dont_write_bytecode = writes_bytecode
    for event, details in events:
        assert event not in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")
        if event == "pickle.find_class":
            assert pickles, details
            continue
        assert event != "socket.connect"
        paths = [
            Path(os.fsdecode(part)) for part in details[:2] if isinstance(part, str | bytes | os.PathLike)
        ]
        writes = event != "open" or (len(details) > 2 and bool(details[2] & (os.O_WRONLY | os.O_RDWR)))
        # What is removed relative to an open folder, as rmtree does it, was checked when that folder was opened.
        if event != "open" and details[-1] not in (-1, None) and isinstance(details[-1], int):
            continue
        for path in paths[: 1 if event == "open" else 2]:
            assert "secret" not in path.resolve().name, (event, path)
            if writes:
                assert any(path.resolve().is_relative_to(place) for place in places), (event, path)


def refused(function, *arguments) -> str | None:
    """What was said in refusal, which is one line; None where it was no refusal."""
    try:
        function(*arguments)
    except InputError as error:
        said = str(error)
        assert said and said.isprintable() and len(said) < 2000, said
        return said
    return None


# Instruction files


nested = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**300)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\0", "\ud800", "=1+1", "\u202e", "a\u2028b", "{", "\\", '"', "\N{PILE OF POO}"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    *("instruction", "input", "output", "history", "system", "tools", "task", "prompt", "completion"),
    *("question", "answer", "messages", "conversations"),
]
turn = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "assistant", "system", "tool", "", None, 5]) | st.text(max_size=5),
        "from": st.sampled_from(["human", "gpt", "observation", None]),
        "content": nested,
        "value": nested,
        "tool_calls": nested,
    },
)
record = st.dictionaries(
    st.sampled_from(FIELDS), st.text(max_size=20) | nested | st.lists(turn, max_size=4), max_size=6
)


def as_json(value: object) -> bytes:
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    finally:
        sys.set_int_max_str_digits(4300)


@st.composite
def hostile_line(draw) -> bytes:
    """A record, spoilt in one way or not at all."""
    line = as_json(draw(record))
    how = draw(st.sampled_from(["as it is", "cut", "byte", "twice", "escape"]))
    at = draw(st.integers(0, len(line)))
    if how == "cut":
        line = line[:at]
    elif how == "byte":
        line = line[:at] + draw(st.binary(min_size=1, max_size=2)) + line[at:]
    elif how == "twice":
        line = line[:-1] + b', "question": "a", "question": "b"}'
    elif how == "escape":
        line = line.replace(b'"', b'"\\ud800\\u0000', 1)
    return line.replace(b"\n", b" ").replace(b"\r", b" ")


GOOD = b'{"question": "q", "answer": "a"}'


@FUZZ
@given(lines=st.lists(hostile_line(), max_size=5), array=st.booleans(), skip_bad=st.booleans())
@example(lines=[b"[" * 200_000], array=False, skip_bad=True)
@example(lines=[b'{"a":' * 100_000 + b"1" + b"}" * 100_000], array=True, skip_bad=True)
@example(lines=[b'{"question": "' + b"x" * 5_000_000 + b'", "answer": "a"}'], array=False, skip_bad=True)
@example(lines=[b'{"question": ' + b"9" * 100_000 + b', "answer": "a"}'], array=False, skip_bad=False)
def test_any_instruction_file_is_read_or_refused_in_one_line_and_nothing_is_lost(
    tmp_path, lines, array, skip_bad
):
    path = tmp_path / "pool.jsonl"
    lines = [GOOD, *lines]
    path.write_bytes(b"[" + b",\n".join(lines) + b"]" if array else b"\n".join(lines))
    with confined(tmp_path):
        said = refused(lambda: read_instructions([path], skip_bad=skip_bad))
    if said is not None:
        assert said.startswith(path.name)
        return
    reading = read_instructions([path], skip_bad=skip_bad)
    kept = {i.line: i.raw for i in reading.instructions} | {r.line: r.raw for r in reading.rejected}
    if not array:
        assert [kept[n] for n in sorted(kept)] == [line for line in lines if line.strip()]
    frame = to_frame(reading.instructions)
    frame.to_parquet(tmp_path / "pool.parquet")
    import pandas as pd

    assert from_frame(pd.read_parquet(tmp_path / "pool.parquet")) == reading.instructions
    write_rejects(tmp_path / "rejected.jsonl", reading.rejected)
    again = [json.loads(line) for line in (tmp_path / "rejected.jsonl").read_bytes().splitlines()]
    assert [r["raw"].encode("utf-8", "surrogateescape") for r in again] == [r.raw for r in reading.rejected]
    assert all("\n" not in r["reason"] for r in again)


@pytest.mark.parametrize(
    ("name", "shown"),
    [(b"\xff\xfe.jsonl", r"\udcff\udcfe.jsonl"), (b"a\nb.jsonl", r"a\nb.jsonl")],
    ids=["no UTF-8", "two lines"],
)
def test_names_that_are_not_text_are_read_and_shown_in_one_line(tmp_path, files, name, shown, capsys):
    path = Path(os.fsdecode(bytes(tmp_path) + b"/" + name))
    shutil.copy(files / "pool.jsonl", path)
    words = arguments(tmp_path / "cache" / "run", files)
    words[words.index(str(files / "pool.jsonl"))] = str(path)
    assert main(words) == 0
    assert Run.open(tmp_path / "cache" / "run").source_names == [shown]
    capsys.readouterr()
    path.write_text("{")
    words[words.index("run")] = "other"
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {shown}:1: bad JSON") and said.strip().isprintable()


# Gradients of others


class Harm:
    def __reduce__(self):
        return os.system, ("touch /tmp/harmed-by-a-pickle",)


@pytest.mark.parametrize("suffix", [".pt", ".npy", ".safetensors"])
@pytest.mark.parametrize("kind", ["pickle", "object array", "torch", "nothing", "huge header"])
def test_a_pickle_that_says_it_is_gradients_is_never_run(tmp_path, suffix, kind):
    import torch

    path = tmp_path / f"train{suffix}"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Harm()))
    elif kind == "object array":
        with path.open("wb") as file:
            np.save(file, np.array([Harm()], dtype=object), allow_pickle=True)
    elif kind == "torch":
        torch.save({"gradients": Harm()}, path)
    elif kind == "nothing":
        path.write_bytes(b"")
    else:
        path.write_bytes((2**62).to_bytes(8, "little") + b"{}" * 50)
    with confined(tmp_path):
        assert str(path) in (refused(read_gradients, path) or "")
        assert str(path) in (refused(read_neighbors, path, 3) or "")


@FUZZ
@given(data=st.data())
def test_gradients_with_flipped_bytes_are_read_or_refused_in_one_line(tmp_path, files, data):
    original = (files / "train.npy").read_bytes()
    spoilt = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        spoilt[data.draw(st.integers(0, 140))] = data.draw(st.integers(0, 255))
    path = tmp_path / "train.npy"
    path.write_bytes(spoilt[: data.draw(st.integers(0, len(spoilt)))] if data.draw(st.booleans()) else spoilt)
    with confined(tmp_path):
        refused(read_gradients, path)


# Runs that came from elsewhere


@pytest.mark.slow
def test_a_line_of_a_gigabyte_costs_little_and_is_one_bad_record(tmp_path):
    path = tmp_path / "pool.jsonl"
    good = [b'{"question": "q", "answer": "%d"}' % number for number in range(2)]
    with path.open("wb") as file:
        file.write(good[0] + b'\n{"question": "')
        file.truncate(2**30)  # zeros that take no place on the disk
        file.seek(0, os.SEEK_END)
        file.write(b'"}\n' + good[1] + b"\n")
    tracemalloc.start()
    try:
        reading = read_instructions([path], skip_bad=True)
        assert [(found.line, found.raw) for found in reading.instructions] == [(1, good[0]), (3, good[1])]
        [reject] = reading.rejected
        assert reject.line == 2 and reject.reason == "is longer than 64 MiB, expected an instruction"
        with pytest.raises(InputError, match=r"^pool\.jsonl:2: is longer than 64 MiB"):
            read_instructions([path])
        assert tracemalloc.get_traced_memory()[1] < 2**29
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", BOM])
@pytest.mark.parametrize("more", range(-1, 12))
def test_a_line_is_read_up_to_the_longest(tmp_path, monkeypatch, start, end, more):
    path, short = tmp_path / "pool.jsonl", b'{"question": "q", "answer": "a"}'
    long = short.replace(b'q"', b"q" * 100 + b'"')
    monkeypatch.setattr(record_module, "LONGEST", len(long) - more)
    path.write_bytes(start + long + end + short + end)
    reading = read_instructions([path], skip_bad=True)
    assert [(found.line, found.raw) for found in reading.instructions] == [(1, long), (2, short)][more > 0 :]
    assert [(reject.line, long.startswith(reject.raw)) for reject in reading.rejected] == [(1, True)][
        : more > 0
    ]
    # An array may stand on one line, and only its elements count.
    path.write_bytes(start + b"[" + b",".join([short] * 9) + b"]" + end)
    assert [found.raw for found in read_instructions([path]).instructions] == [short] * 9


@pytest.mark.parametrize("place", [0, 1])
def test_a_line_that_begins_with_more_blanks_than_are_read_is_one_bad_record(tmp_path, monkeypatch, place):
    monkeypatch.setattr(record_module, "LONGEST", 1_000)
    path, lines = tmp_path / "pool.jsonl", [GOOD, b"  ", GOOD]
    lines.insert(place, b" " * 2_000 + GOOD)
    path.write_bytes(b"\n".join(lines))
    reading = read_instructions([path], skip_bad=True)
    assert [found.raw for found in reading.instructions] == [GOOD] * 2
    assert [reject.line for reject in reading.rejected] == [place + 1]
    with pytest.raises(InputError, match="is longer than"):
        read_instructions([path])


@pytest.fixture
def run(whole, tmp_path) -> Run:
    (tmp_path / "secret").write_text("nobody's business")
    return Run.open(shutil.copytree(whole.folder, tmp_path / "cache" / "run"))


def everything(folder: Path) -> None:
    """All that can be read of a run."""
    run = Run.open(folder)
    run.check(), run.damage()
    _ = run.instructions, run.validation, run.validation_gradients, run.leaks, run.hash
    for name in run.regimes:
        regime = run.regime(name)
        regime.neighbors.sum(), run.layout("pca", name), run.communities(name), run.spanning_forest(name)
        walks.walk(run, walk_preset("recommended", regime=name, facets=2, count=3))


def paths_of(values: object, before: tuple = ()) -> list[tuple]:
    found = [before]
    if isinstance(values, dict):
        found += [path for key, value in values.items() for path in paths_of(value, (*before, key))]
    elif isinstance(values, list):
        found += [path for key, value in enumerate(values) for path in paths_of(value, (*before, key))]
    return found


ESCAPES = [
    *(
        "../../secret",
        "/etc/passwd",
        "sgd/../../../secret",
        "..",
        ".",
        "",
        "a\0b",
        "C:\\x",
        "sgd/./norms.npy",
    ),
    *("\ud800", "x" * 5000, "~/x", "//x", "sgd/norms.npy/", ".manifest.copy.json"),
]


@FUZZ
@given(data=st.data())
def test_any_manifest_is_read_or_refused_in_one_line_and_leads_nowhere(run, data):
    path = run.folder / MANIFEST
    original = path.read_bytes()
    values = json.loads(original)
    del values["seal"]  # as one who means harm would
    for _ in range(data.draw(st.integers(1, 2))):
        *before, last = data.draw(st.sampled_from(paths_of(values)[1:]))
        place = values
        for key in before:
            place = place[key]
        new = data.draw(
            nested | st.sampled_from(ESCAPES) | st.sampled_from([-1, 1e99, float("nan"), 10**400])
        )
        if isinstance(place, dict) and data.draw(st.booleans()) and isinstance(new, str):
            place[new] = place.pop(last)
        else:
            place[last] = new
    path.write_bytes(as_json(values))
    try:
        with confined(run.folder):
            refused(everything, run.folder)
    finally:
        path.write_bytes(original)


@pytest.mark.parametrize("name", ESCAPES)
def test_a_manifest_that_names_files_elsewhere_is_refused(run, name):
    values = json.loads((run.folder / MANIFEST).read_text())
    del values["seal"]
    values["parts"]["targets/words"]["files"] = {name: {"sha256": "0" * 64, "bytes": 17}}
    (run.folder / MANIFEST).write_bytes(as_json(values))
    with confined(run.folder):
        assert refused(everything, run.folder)


@pytest.mark.parametrize("depth", [10, 100_000])
def test_a_manifest_nested_deeply_is_one_line(run, depth):
    (run.folder / MANIFEST).write_text('{"stages": ' * depth + "1" + "}" * depth)
    assert "manifest.json" in (refused(Run.open, run.folder) or "")


def linked(place: Path, target: Path) -> None:
    """Put a link in the place of a file or folder, with its content at the other end."""
    if place.exists():
        shutil.copytree(place, target) if place.is_dir() else shutil.copy(place, target)
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(target)


@pytest.mark.parametrize(
    "name", ["samples.parquet", "sgd/neighbors.npy", "sgd", "targets/words/leaks.parquet", MANIFEST]
)
def test_links_that_leave_the_run_are_not_followed(run, files, tmp_path, name):
    linked(run.folder / name, tmp_path / "outside")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("outside*")}
    with confined(run.folder):
        assert "leads out of" in (refused(everything, run.folder) or "")
        assert main(["verify", str(run.folder)]) == 2
    assert "leads out of" in (refused(imported, run.folder, files) or "")
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("outside*")}


def test_nothing_is_written_through_a_link(run, files, tmp_path, monkeypatch):
    outside = tmp_path / "outside"
    outside.mkdir()
    (run.folder / "selections").symlink_to(outside)
    monkeypatch.chdir(tmp_path)
    assert main(["walk", "run", "--count", "3", "--facets", "2"]) == 2
    (run.folder / "selections").unlink()
    (tmp_path / "cache" / "other").symlink_to(outside)
    words = arguments(tmp_path / "cache" / "other", files)
    assert main(words) == 2 and main([*words, "--overwrite"]) == 2
    # A link laid where a temporary file will be.
    selection = run.folder / "selections" / "one.json"
    selection.parent.mkdir()
    (outside / "mine").write_text("mine")
    for name in (selection.name,):
        selection.with_name(f".{name}.{os.getpid()}.tmp").symlink_to(outside / "mine")
    save_walk(selection, run, walks.walk(run, walk_preset("recommended", facets=2, count=3)))
    # A link in the place of the file itself, asked for by name or not.
    selection.unlink()
    selection.symlink_to(outside / "mine")
    assert "is a link" in (refused(write_bytes, selection, b"other") or "")
    assert main(["walk", "run", "--count", "3", "--output", "cache/run/selections/one.json"]) == 2
    assert [path.name for path in outside.iterdir()] == ["mine"]
    assert (outside / "mine").read_text() == "mine"


@pytest.mark.parametrize("command", ["walk", "select --method random", "graph"])
def test_what_is_written_replaces_files_only(run, tmp_path, command, capsys):
    output = tmp_path / "pipe"
    os.mkfifo(output)
    words = [*command.split(), "--output", str(output)]
    words[1:1] = [str(run.folder), *(["--count", "3"] if command != "graph" else [])]
    assert main(words) == 2 and output.is_fifo()
    assert (
        capsys.readouterr().err
        == f"error: {output}: is a device or a pipe, expected a file; write to another\n"
    )
    assert "is a device or a pipe" in (refused(write_bytes, output, b"all") or "") and output.is_fifo()
    # What a link leads to is written, and the link stays; there may be nothing yet.
    output.unlink()
    output.symlink_to("elsewhere/file")
    for more in ([], ["--overwrite"]):
        assert main([*words, *more]) == 0 and output.is_symlink() and output.stat().st_size > 100
    if command == "walk":
        words = ["explain", str(run.folder), "--selection", str(output), "--sample", "1"]
        assert main(words) == 0


def test_evaluations_are_neither_replaced_nor_read_through_a_link(run, files, tmp_path, capsys):
    """Neither all of them, nor one, nor the file that says what one is."""
    outside = tmp_path / "outside"
    (outside / "test").mkdir(parents=True)
    (outside / "test" / "evaluation.json").write_text("precious")
    place = run.folder / "evaluations"
    words = ["evaluate", str(run.folder), "--method", "random", "--count", "3", "--model", "nothing"]
    words += ["--test", str(files / "target.jsonl"), "--overwrite"]
    for link, target in (("", ""), ("test", "test"), ("test/evaluation.json", "test/evaluation.json")):
        (place / link).parent.mkdir(parents=True, exist_ok=True)
        (place / link).symlink_to(outside / target)
        with confined(run.folder):
            assert "leads out of" in (
                refused(evaluations, run) or " ".join(read_results(run).unreadable.values())
            )
            assert main(words) == 2
        assert ("leads out of" in capsys.readouterr().err) == (not link.endswith(".json"))
        assert [path.name for path in outside.rglob("*")] == ["test", "evaluation.json"]
        assert (outside / "test" / "evaluation.json").read_text() == "precious"
        (place / link).unlink()


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "..", "a/b", ".hidden", "", "a\0b", "a\\b", "x" * 300])
def test_names_of_runs_stay_in_the_cache(files, tmp_path, name, capsys):
    words = arguments(tmp_path / "cache" / "run", files)
    words[words.index("run")] = name
    with confined(tmp_path / "cache"):
        assert main(words) == 2
    assert capsys.readouterr().err.strip().count("\n") == 0
    assert not list(tmp_path.rglob("manifest.json"))


@pytest.mark.parametrize(
    "said", ["a\nb", "\x1b[31mred", "a\u2028b", "\u202eback", "\udcff", "\0", "plain … ‘text’, äöü"]
)
def test_no_message_breaks_its_line_or_steers_the_terminal(said, capsys):
    """Names of files, keys and runs are quoted in messages; whoever made them must not speak through those."""
    assert str(InputError(f"{said}: expected another")).isprintable()
    assert str(InputError(str(InputError(said)))) == str(InputError(said))
    assert said.isprintable() == (str(InputError(said)) == said)
    assert main(["verify", said.replace("\0", "")]) == 2
    assert capsys.readouterr().err.strip().isprintable()


def test_names_longer_than_a_file_may_have_are_one_line(run, tmp_path, files, capsys):
    long = str(tmp_path / ("x" * 300))
    cache = ["--cache", str(run.folder.parent)]
    imports = arguments(tmp_path / "cache" / "other", files)
    gradients = imports.index("--train-gradients") + 1
    for words in (
        ["verify", long],
        ["walk", "run", "--count", "3", "--output", long, *cache],
        ["graph", "run", "--output", long, *cache],
        ["evaluate", "run", "--test", "a=b", "--selection", long, *cache],
        ["explain", "run", "--selection", long, "--sample", "1", *cache],
        ["export", "run", "--selection", long, "--output", "x", *cache],
        [*imports[:gradients], f"{long}.npy", *imports[gradients + 1 :]],
        [*imports, "--graph", f"{long}.npy"],
    ):
        assert main(words) == 2, words
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert said.startswith("error: ") and "name too long" in said.lower() and said.isprintable(), said
    assert not (tmp_path / "cache" / "other").exists()


# Selections and traces


@FUZZ
@given(data=st.data())
def test_any_selection_is_read_or_refused_in_one_line(run, data):
    path = run.folder / "one.json"
    good = Selection.of(run, np.array([1, 2]), "walk", walk_preset("recommended", count=2).model_dump())
    values = json.loads(good.model_dump_json())
    *before, last = data.draw(st.sampled_from(paths_of(values)[1:]))
    place = values
    for key in before:
        place = place[key]
    if isinstance(place, dict) and data.draw(st.booleans()):
        new_key = data.draw(st.text(max_size=8) | st.sampled_from(["a\nb", "\x1b[31m", "\u2028", "x" * 5000]))
        place[new_key] = place.pop(last)
    else:
        place[last] = data.draw(
            nested | st.sampled_from([-1, 10**30, 1.5, "1", True, "\x1b[31m", "x" * 5000])
        )
    path.write_bytes(as_json(values))
    with confined(run.folder.parent):
        if refused(Selection.read, path, run) is None:
            selection = Selection.read(path, run)
            refused(export, run, selection, "jsonl", run.folder / "exports" / "one")
            shutil.rmtree(run.folder / "exports", ignore_errors=True)


@FUZZ
@given(data=st.data())
def test_a_trace_with_flipped_bytes_is_read_or_refused_in_one_line(run, data):
    spoilt = bytearray(trace_bytes(walks.walk(run, walk_preset("recommended", facets=2, count=5))))
    for _ in range(data.draw(st.integers(1, 3))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with confined(run.folder):
        refused(trace_of, bytes(spoilt), run.folder / "one.json")


# Evaluations


def evaluated(run):
    """A folder of an evaluation of two selections, whole."""
    import pandas as pd

    from g2is.config import EvaluationConfig

    folder = run.folder / "evaluations" / "tried"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    done = [
        FineTuning(selection=name, seed=0, method=name, size=9, digest="0") for name in ("less", "random")
    ]
    about = Evaluation(
        run=run.hash,
        model={},
        configuration=EvaluationConfig(),
        tests=[],
        leaks={"test in pool": 1},
        fine_tunings=done,
    )
    (folder / ABOUT).write_text(about.model_dump_json())
    results = pd.DataFrame(
        {
            "target": "a",
            "task": ["x", "y"],
            "example": [0, 1],
            "loss": [1.0, 2.0],
            "answer": "1",
            "correct": True,
        }
    )
    for one in done:
        results.to_parquet(folder / one.file)
    return folder, results


def read_and_judged(run):
    """All that pages and commands make of the evaluations of a run."""
    from g2is.evaluation.differences import difference, sentence

    results = read_evaluations(run, "tried")
    summarise(results)
    for _, one in results.groupby("evaluation"):
        sentence([found for found in [difference(one, "less", "random")] if found])


@FUZZ
@given(data=st.data())
def test_any_evaluation_is_read_or_refused_in_one_line(run, data):
    folder, _ = evaluated(run)
    values = json.loads((folder / ABOUT).read_text())
    *before, last = data.draw(st.sampled_from(paths_of(values)[1:]))
    place = values
    for key in before:
        place = place[key]
    strange = st.sampled_from(
        [-1, 10**30, 10**400, 1.5, "1", True, "\x1b[31m", "x" * 5000, "../../x", "/etc/passwd"]
    )
    place[last] = data.draw(nested | strange)
    (folder / ABOUT).write_bytes(as_json(values))
    with confined(run.folder):
        refused(read_and_judged, run)
    shutil.rmtree(folder)


STRANGE = (
    [None, None],
    ["a", "\x1b[31m"],
    [[1], [2]],
    [{"a": 1}, {"a": 2}],
    [b"\xff", b"\x00"],
    [float("nan"), float("inf")],
    [-(2**63), 2**63 - 1],
    [10**30, 1.0],
    [True, False],
    ["2026-01-01", None],
)


@pytest.mark.parametrize("column", ["target", "task", "example", "loss", "answer", "correct"])
def test_any_table_of_results_is_read_or_refused_in_one_line(run, column):
    folder, results = evaluated(run)
    for strange in STRANGE:
        try:
            results.assign(**{column: strange}).to_parquet(folder / "less-0.parquet")
        except (ValueError, TypeError, OverflowError):
            continue  # what Arrow does not write nobody finds there
        refused(read_and_judged, run)
        results.iloc[:0].to_parquet(folder / "less-0.parquet")
        refused(read_and_judged, run)
    shutil.rmtree(folder)


# Spreadsheets


@FUZZ
@given(
    texts=st.lists(
        st.sampled_from(FORMULA_STARTS).flatmap(lambda s: st.text(min_size=1).map(s.__add__)),
        min_size=1,
        max_size=5,
    )
)
def test_no_cell_of_an_exported_table_begins_like_a_formula(texts):
    import csv
    from io import StringIO

    from g2is.export.csv import CSV
    from g2is.instructions import Instruction, Message

    samples = [
        Instruction((Message("user", text), Message("assistant", text)), text, 1, "alpaca", b"{}", text, None)
        for text in texts
    ]
    (content,) = CSV.files(samples).values()
    rows = list(csv.reader(StringIO(content.decode(), newline=""), strict=True))[1:]
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        assert not any(cell.startswith(FORMULA_STARTS) for cell in row)
        assert row[0] == f"'{text}"
