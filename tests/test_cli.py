"""The commands as a person types them: build, walk, export, verify, and what they say of wrong input."""

import json
import re
import socket
from pathlib import Path

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.cli import build, main
from g2is.config.grammar import named
from g2is.errors import InputError, printable, shortened
from g2is.run.run import Run
from g2is.walk import replay
from tests.records import saved_trace
from tests.tiny import save_tiny_model, write_pool

SMALL = [
    *("--lora-rank", "2", "--warmup-batch-size", "4", "--warmup-epochs", "1"),
    *("--projection-dim", "64", "--neighbors", "8", "--umap", "off"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    save_tiny_model(folder / "model")
    write_pool(folder / "pool.jsonl", 40)
    write_pool(folder / "digits.jsonl", 40, seed=2, letters="0123456789")
    write_pool(folder / "words.jsonl", 9, seed=1)
    write_pool(folder / "numbers.jsonl", 9, seed=3, letters="0123456789")
    arguments = ["build", "--cache", str(folder / "cache"), "--run", "both", "--model", str(folder / "model")]
    arguments += ["--train", str(folder / "pool.jsonl"), str(folder / "digits.jsonl"), *SMALL]
    arguments += ["--validation", f"words={folder / 'words.jsonl'}"]
    arguments += ["--validation", f"numbers={folder / 'numbers.jsonl'}"]
    assert main(arguments) == 0
    return folder


def g2is(files: Path, command: str, *arguments: str) -> int:
    return main([command, *arguments, "--cache", str(files / "cache")])


def test_from_model_and_files_to_a_subset(files, tmp_path, capsys):
    selection = tmp_path / "selection.json"
    assert g2is(files, "walk", "both", "--fraction", "0.25", "--output", str(selection)) == 0
    printed = capsys.readouterr()
    assert "budget spent" in printed.out and "mean cosine among the chosen instructions" in printed.out
    assert f"20 instructions written to {selection}" in printed.err
    written = json.loads(selection.read_text())
    run = Run.open(files / "cache" / "both")
    assert written["run"] == {"name": "both", "hash": run.hash}
    trace = saved_trace(tmp_path / "selection.json")
    assert replay(trace).tolist() == written["samples"] and len(written["samples"]) == 20

    out = tmp_path / "subset"
    assert g2is(files, "export", "both", "--selection", str(selection), "--output", str(out)) == 0
    source = {name: (files / name).read_bytes().splitlines() for name in ("pool.jsonl", "digits.jsonl")}
    rows = run.instructions.iloc[written["samples"]]
    expected = [source[name][line - 1] for name, line in zip(rows["source"], rows["line"], strict=True)]
    (data,) = out.glob("*.jsonl")
    assert data.read_bytes().splitlines() == expected


def test_the_same_walk_from_python_and_from_its_file(files, tmp_path):
    selection = tmp_path / "selection.json"
    assert g2is(files, "walk", "both", "--count", "7", "--delta", "0.95", "--output", str(selection)) == 0
    run = Run.open(files / "cache" / "both")
    trace = saved_trace(tmp_path / "selection.json")
    assert walks.walk(run, trace.parameters).samples.tolist() == json.loads(selection.read_text())["samples"]
    for a, b in zip(
        vars(walks.walk(run, trace.parameters).steps).values(), vars(trace.steps).values(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_any_sample_can_be_explained(files, tmp_path, capsys):
    path = tmp_path / "selection.json"
    assert g2is(files, "walk", "both", "--count", "6", "--bans", "11", "--output", str(path)) == 0
    samples = json.loads(path.read_text())["samples"]
    run = Run.open(files / "cache" / "both")
    components = len(walks.core_knowledge(run, saved_trace(tmp_path / "selection.json").parameters))
    left = next(row for row in range(80) if row not in samples and row != 11)

    def explained(sample: str) -> str:
        capsys.readouterr()
        assert g2is(files, "explain", "both", "--selection", str(path), "--sample", sample) == 0
        return capsys.readouterr().out.strip()

    assert "was taken at step 1 for direction" in explained(str(samples[0]))
    place = run.instructions.iloc[left]
    for name in (str(left), f"{place['source']}:{place['line']}"):
        said = explained(name)
        assert said.startswith(f"Instruction {left} was not taken. Its closest ")
        assert re.search(r"cosine -?[0-9.]+, [0-9]+(st|nd|rd|th) of 79\. ", said), "one is banned"
        assert len(said.splitlines()) <= components + 1 and "no step considered it" not in said
    assert explained("11") == "Instruction 11 was left out: it is banned."
    assert g2is(files, "explain", "both", "--selection", str(path), "--sample", "80") == 2
    assert "expected a row from 0 to 79, or source:line" in capsys.readouterr().err
    for sample in ("9" * 5000, "pool.jsonl:" + "9" * 5000, f"pool.jsonl:{10**30}"):
        assert g2is(files, "explain", "both", "--selection", str(path), "--sample", sample) == 2
        assert "expected a row from 0 to 79, or source:line" in capsys.readouterr().err


def test_a_saved_selection_is_named_everywhere_and_a_file_comes_first(files, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = files / "cache" / "both" / "selections"
    for count, path in (("5", kept / "mine.json"), ("3", tmp_path / "mine"), ("4", kept / "taken.json")):
        assert g2is(files, "walk", "both", "--count", count, "--output", str(path)) == 0
    uses = (
        ["explain", "both", "--sample", "1", "--selection"],
        ["export", "both", "--overwrite", "--output", "out", "--selection"],
        ["scores", "both", "--overwrite", "--output", "table.csv", "--selection"],
        ["set", "make", "both", "few", "--overwrite", "--selections"],
    )
    for words in uses:
        for name, size in (("mine.json", 5), ("mine", 3), (str(kept / "mine.json"), 5), ("taken", 4)):
            assert g2is(files, *words, name) == 0
            if words[0] == "set":
                assert f"set few: {size} instructions" in capsys.readouterr().err
        for name in ("none", "none.json", "../selections/mine", "", "out", "a\0b"):
            assert g2is(files, *words, name) == 2, (words, name)
            said = capsys.readouterr().err.strip().splitlines()[-1]
            name = shortened(name)
            assert (
                printable(f"selection = {name!r}: neither a file nor the name of a saved one; run both has ")
                in said
            )
            assert "mine, taken" in said


def test_a_selection_without_a_name_is_called_after_its_preset_and_size(files, tmp_path, capsys):
    kept = files / "cache" / "both" / "selections"

    def saved(*words: str) -> tuple[str, str]:
        assert g2is(files, *words) == 0
        said = capsys.readouterr().err.strip().splitlines()
        return said[-1], said[0]

    def line(name: str, size: int) -> str:
        return f"{size} instruction{'s' * (size != 1)} saved as {name}: {kept / name}.json"

    usual, note = saved("walk", "both")
    assert usual == line("recommended-4", 4), "5 % of 80"
    assert note == "budget: 5 % of the pool; --fraction or --count gives another"
    assert saved("walk", "both")[0] == usual, "the same walk is in its file already"
    assert saved("walk", "both", "--count", "4", "--bans", "7")[0] == line("recommended-4-2", 4)
    first = (kept / "recommended-4.json").read_bytes()
    assert saved("walk", "both", "--fraction", "0.05", "--bans", "7", "--overwrite")[0] == usual
    assert (kept / "recommended-4.json").read_bytes() != first
    assert saved("select", "both", "--method", "round_robin")[0] == line("round-robin-4", 4)
    assert saved("select", "both", "--method", "full")[1] == line("full-80", 80), "it has no budget"
    assert saved("walk", "both", "--count", "1", "--name", "one")[0] == line("one", 1)
    assert g2is(files, "walk", "nowhere") == 2
    said = capsys.readouterr().err
    assert "not a run" in said and said.count("\n") == 1


def test_a_file_that_a_person_names_is_not_lost(files, tmp_path, capsys):
    """Every command that writes one, and what it asks for instead."""
    mine, name = tmp_path / "mine.csv", files / "cache" / "both" / "selections" / "once.json"
    mine.write_text("mine")
    assert g2is(files, "walk", "both", "--count", "3", "--name", "once") == 0
    before = name.read_bytes()
    file = ["--output", str(mine)]
    writers = [
        ["walk", "both", *file],
        ["walk", "both", "--count", "2", "--name", "once"],
        ["select", "both", "--method", "random", *file],
        ["select", "both", "--method", "random", "--name", "once"],
        ["scores", "both", *file],
        ["graph", "both", *file],
        ["target", "compute", "both", "x=y.jsonl", *file],
        ["target", "grow", "both", "words", "--accept", "1", *file],
    ]
    for words in writers:
        capsys.readouterr()
        assert g2is(files, *words) == 2
        said = capsys.readouterr().err
        assert "replace it with --overwrite, or choose another" in said and said.count("\n") == 1
    assert mine.read_text() == "mine" and name.read_bytes() == before
    for words in (writers[1], writers[0], writers[4]):
        assert g2is(files, *words, "--overwrite") == 0
    assert mine.read_text() != "mine" and name.read_bytes() != before
    assert g2is(files, "target", "list", "both", "--overwrite") == 2
    assert "overwrite: is for compute and grow, not for list" in capsys.readouterr().err


def test_selections_with_a_point_in_their_name_keep_their_own_traces(files, tmp_path, capsys):
    paths = [tmp_path / "walk-0.1", tmp_path / "walk-0.2"]
    for path, count in zip(paths, ("4", "8"), strict=True):
        assert g2is(files, "walk", "both", "--count", count, "--output", str(path)) == 0
    for path in paths:
        assert g2is(files, "explain", "both", "--selection", str(path), "--sample", "1") == 0
    assert len(saved_trace(paths[0]).steps) == 4
    one, other = (json.loads(path.read_bytes()) for path in paths)
    paths[0].write_text(json.dumps({**one, "trace": other["trace"]}))
    capsys.readouterr()
    assert g2is(files, "explain", "both", "--selection", str(paths[0]), "--sample", "1") == 2
    assert "the trace of another walk" in capsys.readouterr().err
    assert g2is(files, "walk", "both", "--count", "4", "--output", str(tmp_path)) == 2
    assert "is a folder, expected the name of a file" in capsys.readouterr().err


def test_walks_for_one_target_or_for_several_with_shares(files, tmp_path):
    for targets, expected in (
        (["words=1"], {"words": 20}),
        (["words=3", "numbers=1"], {"words": 15, "numbers": 5}),
    ):
        path = tmp_path / "selection.json"
        arguments = ["--count", "20", "--facets", "2", "--delta", "0", "--targets", *targets, "--overwrite"]
        assert g2is(files, "walk", "both", *arguments, "--output", str(path)) == 0
        trace = saved_trace(path)
        budgets: dict[str, int] = {}
        for summary in trace.summary():
            budgets[summary.target] = budgets.get(summary.target, 0) + summary.budget
        assert budgets == expected


def test_verify_names_what_is_damaged(files, tmp_path, capsys):
    assert g2is(files, "verify", "both") == 0
    path = files / "cache" / "both" / "sgd" / "norms.npy"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert g2is(files, "verify", "both") == 2
        assert "sgd/norms.npy: its content has changed since it was written" in capsys.readouterr().err
    finally:
        path.write_bytes(whole)


BUILD = "build --run x --model m --train a --validation b".split()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["walk", "both", "--fraction", "2"], "fraction = '2': expected less than or equal to 1"),
        (["walk", "both", "--count", "1", "--delta", "x"], "delta = 'x': expected a valid number"),
        (
            ["walk", "both", "--fraction", "50"],
            "--fraction = '50': expected less than or equal to 1; 50 % is 0.5",
        ),
        (["walk", "both", "--fraction", "500"], "expected less than or equal to 1"),
        (
            ["walk", "both", "--fraction", ".1", "--count", "2"],
            "--fraction and --count are given, expected one",
        ),
        (
            ["walk", "both", "--component-budgets", "1", "--count", "2"],
            "--component-budgets and --count are given",
        ),
        (["walk", "both", "--only-sets", "a/b"], "--only-sets: name = 'a/b': expected up to 80 letters"),
        (
            ["walk", "both", "--targets", "words=-1"],
            "--targets.words = '-1': expected greater than or equal to 0",
        ),
        (["walk", ""], "run = '': expected the name or folder of a run; "),
        (["walk", "nowhere", "--count", "5"], " has both; g2is build --run nowhere"),
        ([*BUILD, "--lora-rank", "0"], "--lora-rank = '0': expected greater than"),
        (
            ["build", "--run", "x", "--model", "none", "--train", "none.jsonl", "--validation", "v"],
            "none.jsonl: cannot be read",
        ),
        (["inspect", ""], "file = '': expected the name of a file or folder"),
        (["walk", "both", "--name", "a/b"], "--name = 'a/b': expected up to 80 letters"),
        (["walk", "both", "--name", "a", "--output", "b"], "not allowed with argument"),
        (["walk", "both", "--count", "999"], "count = 999: the pool has 80 valid instructions"),
        (["walk", "both", "--count", "5", "--preset", "best"], "preset = 'best': expected one of official"),
        (["walk", "both", "--count", "5", "--targets", "code=1"], "no target 'code'"),
        (["walk", "nowhere", "--count", "5"], "not a run"),
        (["walk", "../both", "--count", "5"], "not a run"),
        (["build", "--run", "../x", "--model", "m", "--train", "a", "--validation", "b"], "a plain name"),
        (["export", "both", "--selection", "none.json", "--output", "x"], "'none.json': neither a file nor"),
        (["dance"], "invalid choice: 'dance'"),
        (
            ["evaluate", "both", "--test", "t", "--selection", "s", "--count", "0"],
            "count = 0: expected greater",
        ),
        (
            ["evaluate", "both", "--test", "t", "--selection", "s", "--fraction", "nan"],
            "fraction = nan: expected",
        ),
        (["walk", "both", "--count", "5", "--pins", str(10**30)], "--pins = '1000"),
        (["walk", "both", "--component-budgets", str(10**30)], "--component-budgets = '1000"),
        (
            ["select", "both", "--method", "tagcos", "--count", "3", "--seed", str(2**32)],
            "less than 4294967296",
        ),
        (["graph", "both", "--output", "g.graphml", "--neighbors", "9" * 5000], "invalid int value: '999"),
        ([*BUILD, "--warmup-seed", str(2**64)], "less than"),
        ([*BUILD, "--layout-seed", str(2**32)], "less than"),
        (
            ["walk", "both", "--count", "5", "--no-such-thing"],
            "unrecognized arguments: --no-such-thing; see g2is walk --help",
        ),
        (
            ["verify", "both", "--cash=x"],
            "unrecognized arguments: --cash=x (is --cache meant?); see g2is verify --help",
        ),
        (["set", "list", "both", "--colour"], "unrecognized arguments: --colour; see g2is set --help"),
        (
            ["plan", "--model", "none", "--train", "pool.parquet"],
            "pool.parquet: cannot be read: No such file",
        ),
        (["plan", "--model", "none", "--validation", "x=*.none"], "*.none: no file is called so"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(files, capsys, arguments, expected):
    assert g2is(files, *arguments) == 2
    said = capsys.readouterr().err.strip()
    assert expected in said and said.startswith("error: ") and "\n" not in said and len(said) < 600


@pytest.mark.parametrize("device", ["meta", "cuda:99", "nowhere", "privateuseone", "a\nb"])
def test_a_device_that_is_not_there_is_one_line(files, capsys, device):
    arguments = ["--run", "x", "--train", str(files / "pool.jsonl"), "--model", str(files / "model")]
    arguments += ["--validation", str(files / "words.jsonl"), "--device", device]
    assert g2is(files, "build", *arguments) == 2
    said = capsys.readouterr().err.strip()
    assert "not available here; expected auto, cpu" in said and said.isprintable()


def test_a_selection_of_another_run_is_refused(files, tmp_path, capsys):
    selection = tmp_path / "s.json"
    about = {"samples": [1], "method": "walk", "run": {"name": "both", "hash": "0" * 16}}
    selection.write_text(json.dumps(about))
    assert g2is(files, "export", "both", "--selection", str(selection), "--output", str(tmp_path / "x")) == 2
    assert "row numbers would mean other instructions" in capsys.readouterr().err


def test_a_selection_that_names_a_sample_twice_is_refused(files, tmp_path, capsys):
    selection = tmp_path / "s.json"
    run = {"name": "both", "hash": Run.open(files / "cache" / "both").hash}
    selection.write_text(json.dumps({"samples": [2, 1, 1, 1], "method": "walk", "run": run}))
    assert g2is(files, "export", "both", "--selection", str(selection), "--output", str(tmp_path / "x")) == 2
    assert "row 1: listed 3 times, expected once" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_name_ends_at_the_first_equals_sign_unless_all_of_it_is_a_path(tmp_path):
    path = tmp_path / "y=1" / "v=2.npy"
    path.parent.mkdir()
    path.touch()
    assert named(str(path)) == ("", str(path))
    assert named(f"gsm={path}") == ("gsm", str(path))
    assert named(f"={path}") == ("", str(path))
    assert named("a=b=c") == ("a", "b=c")
    assert named("plain.npy") == ("", "plain.npy")
    assert named("x" * 5000) == ("", "x" * 5000)
    assert [(target.name, target.path) for target in build.targets([str(path), f"gsm={path}"])] == [
        ("v=2", path),
        ("gsm", path),
    ]


def test_a_port_or_an_address_that_cannot_be_had_is_one_line(capsys):
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["app", "--no-browser", "--port", str(port)]) == 2
    assert capsys.readouterr().err.startswith(
        f"error: --port = {port}: is in use; give another, or leave --port out"
    )
    assert main(["app", "--no-browser", "--address", "192.0.2.1"]) == 2
    assert "--address = '192.0.2.1': " in capsys.readouterr().err


COMMANDS = (
    "inspect plan build import demo app walk select explain set selection exported evaluation scores evaluate export "
    "whiten upgrade extend target pool health verify graph gradients"
).split()


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = re.findall(r"^    (\w+)(?: |$)", capsys.readouterr().out, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_everywhere(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0 and "usage:" in capsys.readouterr().out


def test_files_given_under_one_name_are_one_target(tmp_path):
    from g2is.cli.build import targets

    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path in (first, second):
        path.write_text("{}")
    both, other = targets([f"x={first}", str(first), f"x={second}"])
    assert (both.name, [source.path for source in both.sources]) == ("x", [first, second])
    assert (other.name, [source.path for source in other.sources]) == ("a", [first])
    with pytest.raises(InputError, match="'a' is given twice; name each one"):
        targets([str(first), str(tmp_path / "elsewhere" / "a.jsonl")])
