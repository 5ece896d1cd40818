"""A store that others use: what `Run.regime` gives, and gradients from and for LESS, bergson and `datasets`."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from g2is.analysis import walks
from g2is.arrays.rows import read_rows
from g2is.cli import main
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.pipeline.gradient_files import read_gradients
from g2is.run.run import Run
from tests.app.tiny_run import make_run
from tests.tiny import write_pool

COUNT, DIM = 24, 16


def bergson_store(folder: Path, rows: np.ndarray, dtype: str = "float32", **changes) -> Path:
    """The files that bergson's `create_index` makes, of two modules."""
    folder.mkdir(parents=True)
    stored = (rows.view(np.uint32) >> 16).astype(np.uint16) if dtype == "bfloat16" else rows.astype(dtype)
    stored.tofile(folder / "gradients.bin")
    info = {
        "attribute_tokens": False,
        "num_items": len(rows),
        "num_grads": len(rows),
        "grad_sizes": {"layers.0.q": 6, "layers.1.q": rows.shape[1] - 6},
        "base_dtype": dtype,
    }
    (folder / "info.json").write_text(json.dumps({**info, **changes}))
    return folder


def less_folder(folder: Path, rows: np.ndarray) -> Path:
    """The files that LESS's `merge_info` and `merge_and_normalize_info` make."""
    place = folder / f"dim{rows.shape[1]}"
    place.mkdir(parents=True)
    tensor = torch.from_numpy(rows)
    torch.save(tensor, place / "all_unormalized.pt")
    torch.save(torch.nn.functional.normalize(tensor, dim=1), place / "all_orig.pt")
    return folder


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        name: random.normal(size=(count, DIM)).astype(np.float32)
        for name, count in (("train", COUNT), ("val", 5), ("train2", COUNT), ("val2", 5))
    }


def imported(folder: Path, train: list[Path], validation: list[Path], *more: str) -> Run:
    write_pool(folder / "pool.jsonl", COUNT)
    words = [
        "import",
        "--cache",
        str(folder / "cache"),
        "--run",
        "mine",
        "--train",
        str(folder / "pool.jsonl"),
    ]
    words += ["--train-gradients", *map(str, train)]
    words += [word for path in validation for word in ("--validation-gradients", f"val={path}")]
    words += ["--neighbors", "4", "--conflicts", "2", "--umap", "off", "--regime", "sgd", *more]
    assert main(words) == 0
    return Run.open(folder / "cache" / "mine")


def exported(run: Run, format: str, folder: Path) -> int:
    words = ["gradients", run.name, "--cache", str(run.folder.parent)]
    return main([*words, "--format", format, "--output", str(folder)])


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_store_of_bergson_is_read_as_it_is(tmp_path, rows, dtype):
    store = bergson_store(tmp_path / "store", rows["train"], dtype)
    tolerance = {"float32": 0, "float16": 2e-3, "bfloat16": 2e-2}[dtype]
    np.testing.assert_allclose(read_gradients(store), rows["train"], rtol=tolerance, atol=tolerance / 100)
    early = {"formats": [f"({DIM},)<f4"], "names": ["x"]}
    info = json.loads((store / "info.json").read_text())
    if dtype == "float32":
        del info["base_dtype"]
        (store / "info.json").write_text(json.dumps({**info, "dtype": early}))
        np.testing.assert_array_equal(read_gradients(store), rows["train"])


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"attribute_tokens": True}, "gradients of tokens"),
        ({"num_grads": COUNT + 1}, f"expected {4 * DIM * (COUNT + 1):,} for {COUNT + 1} rows"),
        ({"base_dtype": "object"}, "not a .bin file|bytes, expected"),
        ({"base_dtype": "nothing"}, "does not describe a store"),
        ({"grad_sizes": None}, "does not describe a store"),
    ],
)
def test_a_store_of_bergson_that_does_not_fit_is_named(tmp_path, rows, changes, match):
    store = bergson_store(tmp_path / "store", rows["train"], **changes)
    with pytest.raises(InputError, match=match) as caught:
        read_gradients(store)
    assert "\n" not in str(caught.value)


def test_bergson_to_a_run_and_back(tmp_path, rows):
    stores = [bergson_store(tmp_path / name, rows[name]) for name in ("train", "val")]
    run = imported(tmp_path, stores[:1], stores[1:])
    assert run.validation["source"].unique().tolist() == ["val"]
    assert exported(run, "bergson", tmp_path / "out") == 0
    for name, place in (("train", "pool"), ("val", "val")):
        np.testing.assert_allclose(read_gradients(tmp_path / "out" / place), rows[name], rtol=1e-6)
    # As bergson.data.load_gradients maps it.
    info = json.loads((tmp_path / "out" / "pool" / "info.json").read_text())
    mapped = np.memmap(
        tmp_path / "out" / "pool" / "gradients.bin",
        dtype=np.dtype(info["base_dtype"]),
        mode="r",
        shape=(info["num_grads"], sum(info["grad_sizes"].values())),
    )
    np.testing.assert_allclose(mapped, rows["train"], rtol=1e-6)
    assert exported(run, "bergson", tmp_path / "out") == 2, "nothing is overwritten"


def test_less_of_two_checkpoints_to_a_run_and_back(tmp_path, rows):
    steps = (("9", "train", "val"), ("40", "train2", "val2"))
    train = [less_folder(tmp_path / f"data-ckpt{step}-adam", rows[name]) for step, name, _ in steps]
    validation = [less_folder(tmp_path / f"val-ckpt{step}-sgd", rows[name]) for step, _, name in steps]
    run = imported(tmp_path, train, validation, "--checkpoint-weights", "9=3", "40=1")
    assert exported(run, "less", tmp_path / "out") == 0
    for step, *names in steps:
        for name, place in zip(names, (f"pool-ckpt{step}-sgd", f"val-ckpt{step}-sgd"), strict=True):
            written = torch.load(tmp_path / "out" / place / f"dim{DIM}" / "all_orig.pt", weights_only=True)
            expected = torch.nn.functional.normalize(torch.from_numpy(rows[name]), dim=1)
            torch.testing.assert_close(written, expected, rtol=1e-5, atol=1e-6)
    out = tmp_path / "out"
    again = imported(
        tmp_path / "out",
        sorted(out.glob("pool-*")),
        sorted(out.glob("val-*")),
        *("--checkpoint-weights", "9=3", "40=1"),
    )
    for array in ("gradients", "neighbors", "validation_cosines"):
        np.testing.assert_allclose(
            getattr(again.regime("sgd"), array), getattr(run.regime("sgd"), array), atol=1e-5
        )


def test_less_of_one_checkpoint_keeps_lengths(tmp_path, rows):
    run = imported(
        tmp_path,
        [less_folder(tmp_path / "a-adam", rows["train"])],
        [less_folder(tmp_path / "v", rows["val"])],
    )
    assert exported(run, "less", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pool-sgd", "val-sgd"]
    np.testing.assert_allclose(read_gradients(tmp_path / "out" / "pool-sgd"), rows["train"], rtol=1e-5)


def test_the_documented_way_to_read_rows(tmp_path):
    """As docs/stores.md has it: unit rows, lengths, blocks of any store."""
    run = make_run(tmp_path / "run")
    regime = run.regime("sgd")
    rows = read_rows(regime.gradients, slice(0, 64))
    assert rows.dtype == np.float32 and rows.shape == (64, regime.gradients.shape[1])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), run.valid[:64], atol=1e-5)
    assert (regime.norms[run.valid] > 0).all()


@pytest.mark.parametrize("broken", [False, True])
def test_rows_of_a_run_are_rows_of_a_dataset(tmp_path, rows, broken):
    """`dataset.select(trace.samples)` gives the records that a walk took; by lines, where some were left out."""
    import datasets

    records = [{"question": f"What is {row}?", "answer": f"It is {row}."} for row in range(COUNT)]
    if broken:
        records.insert(3, {"question": None, "answer": None})
    dataset = datasets.Dataset.from_list(records)
    dataset.to_parquet(tmp_path / "data.parquet")
    for name in ("train", "val"):
        np.save(tmp_path / f"{name}.npy", rows[name])
    words = ["import", "--cache", str(tmp_path), "--run", "mine", "--train", str(tmp_path / "data.parquet")]
    words += [
        "--train-gradients",
        str(tmp_path / "train.npy"),
        "--regime",
        "sgd",
        "--skip-bad",
        "--umap",
        "off",
    ]
    words += ["--validation-gradients", f"val={tmp_path / 'val.npy'}", "--neighbors", "4", "--conflicts", "2"]
    assert main(words) == 0
    run = Run.open(tmp_path / "mine")
    samples = walks.walk(run, walk_preset("recommended", count=6)).samples
    lines = run.instructions["line"].iloc[samples]
    chosen = dataset.select(lines - 1 if broken else samples)
    assert list(chosen["question"]) == run.prompts(samples)
    assert broken or (lines - 1).tolist() == samples.tolist()
