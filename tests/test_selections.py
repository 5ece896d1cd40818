"""Selections of a run: what each method takes from it, and the command that runs the method."""

import json
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from g2is import selectors
from g2is.arrays.unit import lengths, unit
from g2is.cli import main
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.selections import Selection, select
from g2is.selectors import METHODS
from tests.tiny import save_tiny_model, write_pool

SMALL = [
    *("--lora-rank", "2", "--warmup-batch-size", "4", "--warmup-epochs", "1"),
    *("--projection-dim", "64", "--neighbors", "8", "--store-dtype", "float32", "--umap", "off"),
    *("--extras", "representations", "ensemble", "--ensemble-members", "2", "--ensemble-epochs", "2"),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """A run of 61 samples, one of them without a response, and two targets, one with two tasks."""
    folder = tmp_path_factory.mktemp("selecting")
    save_tiny_model(folder / "model")
    pool = write_pool(folder / "pool.jsonl", 60)
    with pool.open("a") as file:
        file.write(json.dumps({"question": "q" * 400, "answer": " "}) + "\n")
    words = write_pool(folder / "words.jsonl", 8, seed=1)
    records = [json.loads(line) for line in words.read_text().splitlines()]
    tasks = [{**record, "task": "xy"[place % 3 == 2]} for place, record in enumerate(records)]
    words.write_text("".join(json.dumps(record) + "\n" for record in tasks))
    write_pool(folder / "numbers.jsonl", 5, seed=3, letters="0123456789")
    arguments = ["build", "--cache", str(folder / "cache"), "--run", "tiny", "--model", str(folder / "model")]
    arguments += ["--train", str(pool), *SMALL, "--skip-bad", "--max-length", "40"]
    arguments += ["--validation", f"words={words}", "--validation", f"numbers={folder / 'numbers.jsonl'}"]
    assert main(arguments) == 0
    return folder / "cache"


@pytest.fixture(scope="module")
def run(cache) -> Run:
    return Run.open(cache / "tiny")


def groups(run: Run) -> list[str]:
    return [f"{target} {task}" for target, task in run.validation[["target", "task"]].to_numpy()]


def test_each_method_gets_its_own_part_of_the_run(run):
    adam, sgd = run.regime("adam"), run.regime("sgd")
    weighted, mean = run.representations("weighted"), run.representations("mean")
    validation = run.validation_gradients
    cosines = {regime.name: regime.gradients @ unit(validation).T for regime in (adam, sgd)}
    expected = {
        "random": selectors.random(run.valid, 12, seed=0),
        "length": selectors.length(run.instructions["trained_tokens"], run.valid, 12),
        "less": selectors.less(cosines["adam"], groups(run), run.valid, 12),
        "round_robin": selectors.round_robin(cosines["sgd"], groups(run), run.valid, 12),
        "bids": selectors.bids(cosines["adam"], run.valid, 12),
        "tracin": selectors.tracin(
            cosines["sgd"], sgd.norms, lengths(validation), groups(run), run.valid, 12
        ),
        "gist": selectors.gist(sgd.gradients, validation, groups(run), run.valid, 12, rank=32),
        "tagcos": selectors.tagcos(adam.gradients, run.valid, 12, clusters=100),
        "gradfiltering": selectors.gradfiltering(
            *(run.ensemble[name] for name in ("early", "late", "late_variance")), run.valid, 12
        ),
        "semantic": selectors.semantic(mean.samples, mean.validation, groups(run), run.valid, 12),
        "rds_plus": selectors.rds_plus(
            weighted.samples, weighted.validation, run.validation["target"], groups(run), run.valid, 12
        ),
    }
    assert expected.keys() == METHODS.keys() - {"full"}
    for method, rows in expected.items():
        selection = select(run, method, count=12)
        assert selection.samples == rows.tolist(), method
        assert selection.method == method and selection.parameters["count"] == 12
    assert select(run, "full").samples == np.flatnonzero(run.valid).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_a_selection_can_be_repeated_from_its_own_file(run, tmp_path, method):
    made = select(run, method, **({} if method == "full" else {"fraction": 0.3}))
    made.write(tmp_path / "selection.json")
    read = Selection.read(tmp_path / "selection.json", run)
    assert select(run, read.method, **read.parameters) == read == made
    assert len(made.samples) == (run.valid.sum() if method == "full" else int(0.3 * run.valid.sum()))


@pytest.mark.parametrize("method", ["less", "round_robin", "gist", "rds_plus", "semantic"])
def test_only_the_targets_asked_for_count(run, method):
    both = select(run, method, count=10)
    assert both.samples == select(run, method, count=10, targets=["numbers", "words"]).samples
    words, numbers = (select(run, method, count=10, targets=[name]) for name in ("words", "numbers"))
    assert words.samples != numbers.samples
    if method == "less":
        cosines = run.regime("adam").gradients @ unit(run.validation_gradients[8:]).T
        assert numbers.samples == selectors.less(cosines, ["numbers"] * 5, run.valid, 10).tolist()


def test_sentences_are_embedded_where_a_library_for_it_is_installed(run, monkeypatch):
    """The library is stood in for: it is no dependency of the project."""

    class SentenceTransformer:
        def __init__(self, model: str) -> None:
            if model != "letters":
                raise OSError(f"{model} is not a model\nmore")

        def encode(self, texts: list[str], **options: bool) -> np.ndarray:
            assert options["normalize_embeddings"]
            counts = [[text.count(letter) + 0.1 for letter in "abcdefgh"] for text in texts]
            return unit(np.array(counts))

    library = ModuleType("sentence_transformers")
    library.SentenceTransformer = SentenceTransformer  # type: ignore[attr-defined]
    library.__spec__ = ModuleSpec("sentence_transformers", None)
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    found = select(run, "semantic", count=9, targets=["words"], sentence_model="letters")
    texts = [
        [f"{prompt}\n{response}" for prompt, response in frame[["prompt", "response"]].to_numpy()]
        for frame in (run.records(range(len(run.valid))), run.validation.iloc[:8])
    ]
    rows, aim = (SentenceTransformer("letters").encode(some, normalize_embeddings=True) for some in texts)
    assert found.samples == selectors.semantic(rows, aim, groups(run)[:8], run.valid, 9).tolist()
    with pytest.raises(InputError, match=r"^sentence_model = 'x': x is not a model$"):
        select(run, "semantic", count=9, sentence_model="x")


def test_a_sentence_model_needs_its_library(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="needs sentence-transformers, which is not installed: pip install"):
        select(run, "semantic", count=3, sentence_model="all-MiniLM-L6-v2")


def test_the_regime_is_a_choice(run):
    found = {regime: tuple(select(run, "less", count=20, regime=regime).samples) for regime in run.regimes}
    assert len(set(found.values())) == 3


def test_the_command_writes_the_same_selection(cache, run, tmp_path, capsys):
    path = tmp_path / "less.json"
    arguments = ["select", "tiny", "--cache", str(cache), "--method", "less", "--count", "9"]
    arguments += ["--regime", "sgd", "--targets", "words"]
    assert main([*arguments, "--output", str(path)]) == 0
    assert f"9 instructions written to {path}" in capsys.readouterr().err
    assert Selection.read(path, run) == select(run, "less", count=9, regime="sgd", targets=["words"])
    assert main(["select", "tiny", "--cache", str(cache), "--method", "full"]) == 0
    assert (
        Selection.read(run.folder / "selections" / "full-60.json", run).samples == select(run, "full").samples
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--method", "best", "--count", "3"], "invalid choice: 'best'"),
        (["--method", "less", "--count", "300"], "count = 300: the pool has 60 valid instructions"),
        (["--method", "less", "--fraction", "0.01"], "fraction = 0.01: of 60 valid instructions that is 0"),
        (["--method", "less", "--count", "3", "--rank", "2"], "rank: method less has no such setting"),
        (["--method", "full", "--count", "3"], "count: method full has no such setting; it has where"),
        (
            ["--method", "gist", "--count", "3", "--rank", "0"],
            "--rank = '0': expected greater than or equal to 1",
        ),
        (
            ["--method", "gist", "--count", "3", "--targets", "code"],
            "no target 'code'; there are 'words', 'numb",
        ),
    ],
)
def test_wrong_input_is_one_line(cache, capsys, arguments, expected):
    assert main(["select", "tiny", "--cache", str(cache), *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert expected in said and "\n" not in said


def test_settings_of_the_ensemble_are_for_the_ensemble(cache, capsys):
    arguments = ["build", "--cache", str(cache), "--run", "other", "--model", str(cache.parent / "model")]
    arguments += [
        "--train",
        str(cache.parent / "pool.jsonl"),
        "--validation",
        str(cache.parent / "words.jsonl"),
    ]
    assert main([*arguments, "--ensemble-members", "4"]) == 2
    assert "--ensemble-members: is for --extras ensemble, which was not" in capsys.readouterr().err
    assert main([*arguments, "--extras", "ensemble", "--ensemble-members", "1"]) == 2
    assert "members = '1': expected greater than or equal to 2" in capsys.readouterr().err
    assert not (cache / "other").exists()


def test_a_run_of_imported_gradients_has_no_model_and_counts_characters(tmp_path):
    pool = write_pool(tmp_path / "pool.jsonl", 30)
    random = np.random.default_rng(0)
    for name, rows in (("train", 30), ("validation", 6)):
        np.save(tmp_path / f"{name}.npy", random.standard_normal((rows, 16)).astype(np.float32))
    arguments = [
        "import",
        "--cache",
        str(tmp_path),
        "--run",
        "elsewhere",
        "--train",
        str(pool),
        "--umap",
        "off",
    ]
    arguments += ["--train-gradients", str(tmp_path / "train.npy"), "--neighbors", "5"]
    assert main([*arguments, "--validation-gradients", str(tmp_path / "validation.npy")]) == 0
    run = Run.open(tmp_path / "elsewhere")
    answers = np.array([len(response) for _, response in run.conversations()])
    found = select(run, "length", count=8).samples
    assert found == selectors.length(answers, run.valid, 8).tolist() and len(set(answers)) > 3
    assert len(select(run, "less", count=8).samples) == 8
    for method in ("rds_plus", "semantic", "gradfiltering"):
        with pytest.raises(
            InputError, match=r"gradients are imported, so there is no model to compute it with"
        ):
            select(run, method, count=3)
    with pytest.raises(InputError, match=r"texts of its validation samples are not known"):
        select(run, "semantic", count=3, sentence_model="any")


def test_a_method_by_another_name(run):
    with pytest.raises(InputError, match="method = 'best': expected one of bids, full, gist, "):
        select(run, "best", count=3)
