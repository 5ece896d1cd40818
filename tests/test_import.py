"""Runs of gradients computed elsewhere, and the walk of the authors' script on them."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from g2is.analysis import walks
from g2is.cli import main
from g2is.config import GraphConfig, ImportConfig, LayoutConfig, walk_preset
from g2is.errors import InputError
from g2is.pipeline.extend import extend
from g2is.pipeline.gradient_files import read_gradients, read_neighbors
from g2is.pipeline.imported import import_run
from g2is.pipeline.inputs import Target
from g2is.run.run import Run
from tests.tiny import write_pool

COUNT, DIM = 30, 12


@pytest.fixture
def files(tmp_path) -> Path:
    random = np.random.default_rng(0)
    write_pool(tmp_path / "pool.jsonl", COUNT)
    np.save(tmp_path / "train.npy", random.normal(size=(COUNT, DIM)).astype(np.float32))
    np.save(tmp_path / "validation.npy", random.normal(size=(6, DIM)).astype(np.float32))
    np.save(tmp_path / "other.npy", random.normal(size=(4, DIM)).astype(np.float32))
    lists = np.stack([random.permutation(np.delete(np.arange(COUNT), row))[:7] for row in range(COUNT)])
    np.save(tmp_path / "graph.npy", lists)
    return tmp_path


def imported(files: Path, **options) -> Run:
    validation = options.pop("validation", [Target("a", files / "validation.npy")])
    search = options.pop("search", "auto")
    return import_run(
        files / "cache" / "run",
        ImportConfig(
            graph=GraphConfig(neighbors=5, conflicts=3, neighbor_search=search),
            layout=LayoutConfig(umap=False),
        ),
        options.pop("train", [files / "pool.jsonl"]),
        options.pop("train_gradients", [files / "train.npy"]),
        validation,
        say=lambda line: None,
        **options,
    )


@pytest.mark.parametrize("case", [0, 1])
def test_the_walk_takes_what_the_published_script_takes(shared, tmp_path, case):
    golden = shared / "golden"
    answer = json.loads((golden / "official.json").read_text())[case]
    run = import_run(
        tmp_path / "golden",
        ImportConfig(layout=LayoutConfig(umap=False)),
        [golden / "train.jsonl"],
        [golden / "train_gradients.pt"],
        [Target("validation", golden / "validation_gradients.pt")],
        graph=golden / "graph.npy",
        say=lambda line: None,
    )
    parameters = walk_preset("official", **{key: answer[key] for key in ("fraction", "variance", "delta")})
    assert walks.walk(run, parameters).samples.tolist() == answer["selected"]


def test_an_imported_run_is_complete_and_keeps_float32_rows(files):
    run = imported(files)
    assert run.complete and run.check() == [] and run.regimes == ("adam",)
    rows = np.load(files / "train.npy")
    regime = run.regime("adam")
    assert regime.gradients.dtype == np.float32
    np.testing.assert_allclose(
        regime.gradients, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-6
    )
    np.testing.assert_array_equal(run.validation_gradients, np.load(files / "validation.npy"))
    assert regime.neighbors.shape == (COUNT, 5)


@pytest.mark.parametrize("search", ["exact", "approximate"])
def test_given_neighbors_are_kept_with_their_cosines(files, search):
    regime = imported(files, graph=files / "graph.npy", search=search).regime("adam")
    lists = np.load(files / "graph.npy")
    np.testing.assert_array_equal(regime.neighbors, lists)
    unit = np.asarray(regime.gradients)
    np.testing.assert_allclose(regime.cosines, np.einsum("nd,nkd->nk", unit, unit[lists]), atol=1e-6)


@pytest.mark.parametrize("scale", [2.0**83, 2.0**-100, "mixed"])
def test_rows_whose_squares_float32_cannot_hold_keep_their_directions(files, scale):
    plain = imported(files)
    settings = [walk_preset("official", count=8), walk_preset("recommended", regime="adam", count=8)]
    expected = [walks.walk(plain, parameters) for parameters in settings]
    mixed = 2.0 ** np.random.default_rng(1).integers(-120, 110, COUNT)[:, None]
    for name, factor in (("train", mixed if scale == "mixed" else scale), ("validation", 2.0**83)):
        np.save(files / f"{name}.npy", np.load(files / f"{name}.npy") * np.float32(factor))
    run = imported(files, overwrite=True)
    assert run.valid.all() and run.check() == []
    rows = np.load(files / "train.npy").astype(np.float64)
    regime, before = run.regime("adam"), plain.regime("adam")
    np.testing.assert_allclose(regime.norms, np.linalg.norm(rows, axis=1), rtol=1e-6)
    np.testing.assert_allclose(
        regime.gradients, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-6
    )
    np.testing.assert_allclose(regime.validation_cosines, before.validation_cosines, atol=1e-6)
    for parameters, trace in zip(settings, expected, strict=True):
        assert walks.walk(run, parameters).samples.tolist() == trace.samples.tolist()


@pytest.mark.parametrize("kind", ["npy", "pt"])
@pytest.mark.parametrize("value", [1e300, 3.4e38, 1e-60])
def test_rows_that_float32_cannot_say_are_named(files, kind, value):
    rows = np.load(files / "train.npy").astype(np.float64)
    rows[17] = value
    path = files / f"far.{kind}"
    np.save(path, rows) if kind == "npy" else torch.save(torch.from_numpy(rows), path)
    with pytest.raises(InputError, match="row 17 is too large or too small for float32 \\(1 such rows"):
        read_gradients(path)


def test_several_targets_are_distinguished(files):
    run = imported(
        files, validation=[Target("a", files / "validation.npy"), Target("b", files / "other.npy")]
    )
    assert run.validation["target"].tolist() == ["a"] * 6 + ["b"] * 4
    assert set(walks.core_knowledge(run, walk_preset("official", count=5)).targets) == {"a", "b"}
    only_b = walks.core_knowledge(run, walk_preset("official", count=5, targets={"b": 1}))
    assert set(only_b.targets) == {"b"}


@pytest.mark.parametrize("kind", ["pt", "safetensors", "npy", "half.pt", "less"])
def test_every_kind_of_file_gives_the_same_rows(files, kind):
    rows = np.load(files / "train.npy")
    path = files / f"kind.{kind}"
    if kind == "pt":
        torch.save(torch.from_numpy(rows), path)
    elif kind == "half.pt":
        torch.save(torch.from_numpy(rows).half(), path)
        rows = rows.astype(np.float16).astype(np.float32)
    elif kind == "safetensors":
        save_file({"gradients": torch.from_numpy(rows)}, path)
    elif kind == "npy":
        np.save(path, rows)
    else:
        path.mkdir()
        torch.save(torch.from_numpy(rows), path / "all_unormalized.pt")
        torch.save(torch.from_numpy(rows / 2), path / "all_orig.pt")
    np.testing.assert_array_equal(read_gradients(path), rows)


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path("executed"),))


def test_nothing_in_a_file_is_executed(files, monkeypatch):
    monkeypatch.chdir(files)
    (files / "trap.pt").write_bytes(pickle.dumps(Trap()))
    torch.save({"x": Trap()}, files / "trap2.pt")
    np.save(files / "trap.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    for name in ("trap.pt", "trap2.pt", "trap.npy"):
        with pytest.raises(InputError, match=r"not a \.(pt|npy) file of plain numbers") as caught:
            read_gradients(files / name)
        assert "\n" not in str(caught.value)
    assert not (files / "executed").exists()


def test_wrong_files_are_refused_in_one_line_before_anything_is_written(files):
    rows = np.load(files / "train.npy")
    bad = rows.copy()
    bad[17, 3] = np.nan
    np.save(files / "nan.npy", bad)
    np.save(files / "short.npy", rows[:20])
    np.save(files / "flat.npy", rows.ravel())
    np.save(files / "narrow.npy", rows[:6, :5])
    np.save(files / "one.npy", rows[:1])
    lists = np.load(files / "graph.npy")
    lists[9, 2] = COUNT
    np.save(files / "outside.npy", lists)
    for match, options in {
        "nan.npy: row 17 holds": {"train_gradients": [files / "nan.npy"]},
        "20 gradients for 30 instructions": {"train_gradients": [files / "short.npy"]},
        r"flat.npy: shape \(360,\)": {"train_gradients": [files / "flat.npy"]},
        "5 dimensions, the training gradients have 12": {"validation": [Target("a", files / "narrow.npy")]},
        "1 validation gradient": {"validation": [Target("a", files / "one.npy")]},
        "outside.npy: row 9: neighbour 30": {"graph": files / "outside.npy"},
        "missing.npy: not readable": {"train_gradients": [files / "missing.npy"]},
    }.items():
        with pytest.raises(InputError, match=match) as caught:
            imported(files, **options)
        assert "\n" not in str(caught.value)
        assert not (files / "cache" / "run").exists()


def test_an_empty_folder_says_what_less_leaves(files):
    (files / "empty").mkdir()
    with pytest.raises(InputError, match=r"all_unormalized.pt, all_orig.pt"):
        read_gradients(files / "empty")


def test_neighbor_lists_must_be_whole_numbers(files):
    with pytest.raises(InputError, match=r"expected .* whole numbers"):
        read_neighbors(files / "train.npy", COUNT)


def test_several_files_of_gradients_are_one_after_the_other(tmp_path):
    random = np.random.default_rng(0)
    rows = random.standard_normal((40, 8)).astype(np.float32)
    pools = [write_pool(tmp_path / f"{name}.jsonl", 20, seed=place) for place, name in enumerate("ab")]
    for name, part in (
        ("all", rows),
        ("a", rows[:20]),
        ("b", rows[20:]),
        ("target", rows[:5]),
        ("other", rows[:20, :4]),
    ):
        np.save(tmp_path / f"{name}.npy", part)
    words = [
        "import",
        "--cache",
        str(tmp_path),
        "--neighbors",
        "5",
        "--validation-gradients",
        str(tmp_path / "target.npy"),
    ]
    both = [word for pool in pools for word in ("--train", str(pool))]
    parts = [word for name in "ab" for word in ("--train-gradients", str(tmp_path / f"{name}.npy"))]
    assert main([*words, *both, *parts, "--run", "parts"]) == 0
    assert main([*words, *both, "--train-gradients", str(tmp_path / "all.npy"), "--run", "all"]) == 0
    parts_run, all_run = (Run.open(tmp_path / name) for name in ("parts", "all"))
    regime = all_run.regimes[0]
    assert np.array_equal(parts_run.regime(regime).gradients, all_run.regime(regime).gradients)
    assert main([*words, *both, *parts[:3], str(tmp_path / "other.npy"), "--run", "odd"]) == 2


# Several data sets and several checkpoints, as LESS leaves them


def less(shared: Path, *names: str) -> list[str]:
    return [str(shared / "cases" / "less-grads" / name / "dim128") for name in names]


def less_pool(shared: Path, *names: str) -> list[str]:
    return ["--train", *(str(shared / "cases" / f"less_{name}.jsonl") for name in names)]


def run_import(folder: Path, *words: str) -> int:
    small = ["--neighbors", "5", "--conflicts", "3", "--umap", "off"]
    return main(["import", "--run", "r", "--cache", str(folder), *words, *small])


@pytest.mark.parametrize("flags", [1, 2])
def test_data_sets_are_joined_in_the_order_of_the_pool(shared, tmp_path, flags, capsys):
    cot, dolly = less(shared, "cot-ckpt105-adam", "dolly-ckpt105-adam")
    gradients = ["--train-gradients", cot, *(["--train-gradients"] if flags == 2 else []), dolly]
    validation = ["--validation-gradients", *less(shared, "val-ckpt105-sgd")]
    assert run_import(tmp_path, *less_pool(shared, "cot", "dolly"), *gradients, *validation) == 0
    run = Run.open(tmp_path / "r")
    rows = np.concatenate([read_gradients(Path(cot)), read_gradients(Path(dolly))])
    np.testing.assert_allclose(
        run.regime("adam").gradients, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-6
    )
    assert run.instructions["source"].tolist() == ["less_cot.jsonl"] * 30 + ["less_dolly.jsonl"] * 30
    assert set(run.validation["target"]) == {"val"}
    assert "60 rows of 128 dimensions; cot 30, dolly 30" in capsys.readouterr().err


@pytest.fixture
def checkpoints(tmp_path) -> Path:
    """Gradients of two data sets and two targets at checkpoints 9 and 40, in LESS's folders, and the records."""
    random = np.random.default_rng(0)
    for step, dim in ((9, 10), (40, 12)):
        for name, count, kind in (("a", 20, "adam"), ("b", 15, "adam"), ("x", 4, "sgd"), ("y", 3, "sgd")):
            folder = tmp_path / f"{name}-ckpt{step}-{kind}" / f"dim{dim}"
            folder.mkdir(parents=True)
            torch.save(torch.from_numpy(random.normal(size=(count, dim))).float(), folder / "all_orig.pt")
    write_pool(tmp_path / "a.jsonl", 20)
    write_pool(tmp_path / "b.jsonl", 15, seed=1)
    return tmp_path


def of(folder: Path, *names: str) -> list[str]:
    return [str(folder / name) for name in names]


def arguments(folder: Path, *, gradients: list[str], validation: list[str], pool: str = "ab") -> list[str]:
    words = ["--train", *of(folder, *(f"{name}.jsonl" for name in pool)), "--train-gradients"]
    words += of(folder, *gradients)
    for name in validation:
        words += ["--validation-gradients", *of(folder, name)]
    return words


TRAIN = ["a-ckpt40-adam", "a-ckpt9-adam", "b-ckpt40-adam", "b-ckpt9-adam"]  # as a shell sorts them
VALIDATION = ["x-ckpt40-sgd", "x-ckpt9-sgd", "y-ckpt9-sgd", "y-ckpt40-sgd"]


@pytest.mark.parametrize("weights", [{}, {"9": 3e-5, "40": 1e-5}])
def test_cosines_over_several_checkpoints_are_the_score_of_less(checkpoints, weights, capsys):
    given = ["--checkpoint-weights", *(f"{step}={rate}" for step, rate in weights.items())] if weights else []
    words = arguments(checkpoints, gradients=TRAIN, validation=VALIDATION)
    assert run_import(checkpoints / "cache", *words, *given) == 0
    run = Run.open(checkpoints / "cache" / "r")

    def rows(name: str, step: int) -> torch.Tensor:
        (file,) = checkpoints.glob(f"{name}-ckpt{step}-*/*/all_orig.pt")
        return torch.nn.functional.normalize(torch.load(file))

    # LESS's own: per checkpoint cosines, times the weight normalised, summed.
    share = {9: 0.75, 40: 0.25} if weights else {9: 0.5, 40: 0.5}
    score = sum(
        share[step]
        * torch.cat([rows("a", step), rows("b", step)])
        @ torch.cat([rows("x", step), rows("y", step)]).T
        for step in (9, 40)
    )
    regime = run.regime("adam")
    np.testing.assert_allclose(regime.validation_cosines, score, atol=1e-6)
    np.testing.assert_allclose(regime.norms, 1, atol=1e-6)
    assert regime.gradients.shape == (35, 22) and run.check() == []
    assert run.validation["target"].tolist() == ["x"] * 4 + ["y"] * 3
    described = capsys.readouterr().err
    assert "35 rows of 22 dimensions; a 20, b 15; checkpoints by weight 9: " in described
    assert ("equal; LESS weighs" in described) != bool(weights)
    assert run_import(checkpoints / "cache", *words, *given) == 0  # the same again: nothing to do
    again = ["--checkpoint-weights", "9=1", "40=1.5"]
    assert run_import(checkpoints / "cache", *words, *again) == 2
    assert "checkpoint_weights" in capsys.readouterr().err


def test_a_sample_without_a_gradient_at_one_checkpoint_is_left_out(checkpoints):
    file = checkpoints / "b-ckpt9-adam" / "dim10" / "all_orig.pt"
    rows = torch.load(file)
    rows[2] = 0
    torch.save(rows, file)
    assert (
        run_import(checkpoints / "cache", *arguments(checkpoints, gradients=TRAIN, validation=VALIDATION))
        == 0
    )
    run = Run.open(checkpoints / "cache" / "r")
    assert np.flatnonzero(~run.valid).tolist() == [22]


def test_gradients_that_do_not_fit_together_are_rejected_in_one_line(checkpoints, shared, capsys):
    torch.save(torch.ones(19, 12), checkpoints / "a-ckpt40-adam" / "short.pt")
    torch.save(torch.ones(4, 10), checkpoints / "x-ckpt9-sgd" / "other.pt")
    np.save(checkpoints / "plain.npy", np.ones((15, 10)))
    cases = {
        # the case of the issue: training gradients at two checkpoints, validation at one
        "'x': gradients at checkpoint 9, .* at 9 and 40; .* add its gradients at 40": (
            TRAIN,
            ["x-ckpt9-sgd"],
        ),
        "'x': gradients at checkpoint 9 and 40, .* are at 9; .* add training gradients at 40": (
            ["a-ckpt9-adam", "b-ckpt9-adam"],
            VALIDATION[:2],
        ),
        "'x': gradients at checkpoint 40, .* are at 9;": (["a-ckpt9-adam", "b-ckpt9-adam"], VALIDATION[:1]),
        "checkpoint 40 are of a, b, at checkpoint 9 of a; expected the same data sets": (
            TRAIN[:3],
            VALIDATION,
        ),
        "are of b, a, --train is a.jsonl, b.jsonl; .* same order|b: 15 gradients for 20 instructions of a.jsonl": (
            ["b-ckpt9-adam", "a-ckpt9-adam"],
            ["x-ckpt9-sgd"],
        ),
        "20 gradients for 35 instructions": (["a-ckpt9-adam"], ["x-ckpt9-sgd"]),
        "all_orig.pt: given twice": (["a-ckpt9-adam", "a-ckpt9-adam/dim10"], ["x-ckpt9-sgd"]),
        "plain.npy: its path names no checkpoint": (["a-ckpt9-adam", "plain.npy"], ["x-ckpt9-sgd"]),
        "short.pt .checkpoint 40.: 19 gradients, 20 at checkpoint 9": (
            ["a-ckpt9-adam", "b-ckpt9-adam", "b-ckpt40-adam", "a-ckpt40-adam/short.pt"],
            VALIDATION,
        ),
        "'x' is given twice at checkpoint 9": (
            ["a-ckpt9-adam", "b-ckpt9-adam"],
            ["x-ckpt9-sgd", "x-ckpt9-sgd/other.pt"],
        ),
    }
    for match, (gradients, validation) in cases.items():
        assert (
            run_import(
                checkpoints / "cache", *arguments(checkpoints, gradients=gradients, validation=validation)
            )
            == 2
        )
        error = capsys.readouterr().err.strip()
        assert re.search(match, error) and "\n" not in error, (match, error)
        assert not (checkpoints / "cache" / "r").exists()
    for weights in (["9=1"], ["9=1", "40=1", "41=1"], ["9=0", "40=1"], ["0.1", "0.2"]):
        words = arguments(checkpoints, gradients=TRAIN, validation=VALIDATION)
        assert run_import(checkpoints / "cache", *words, "--checkpoint-weights", *weights) == 2
        assert "--checkpoint-weights" in (error := capsys.readouterr().err.strip()) and "\n" not in error


def test_data_sets_of_one_size_in_another_order_are_told_by_their_names(shared, tmp_path, capsys):
    gradients = less(shared, "cot-ckpt105-adam", "dolly-ckpt105-adam")
    words = ["--train-gradients", *gradients, "--validation-gradients", *less(shared, "val-ckpt105-sgd")]
    assert run_import(tmp_path, *less_pool(shared, "dolly", "cot"), *words) == 2
    assert "are of cot, dolly, --train is less_dolly.jsonl, less_cot.jsonl" in capsys.readouterr().err


def test_it_cannot_be_extended_and_says_what_to_do(files):
    run = imported(files)
    with pytest.raises(
        InputError, match=r"import the earlier and the new gradients together, .* import --run run-2"
    ):
        extend(run.folder, [files / "pool.jsonl"])
