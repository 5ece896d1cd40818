"""Builds of a tiny model on tiny pools: what is kept, resumed, refused."""

import json
import os
import re
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

from g2is.analysis import walks
from g2is.config import SEEDS, BuildConfig, EngineConfig, walk_preset
from g2is.engine.local import LocalEngine
from g2is.errors import InputError
from g2is.lm.model import add_adapter, inspect_model, load_model
from g2is.lm.text import Encoder
from g2is.lm.tokenizer import load_tokenizer
from g2is.lm.train import TrainingState, sample_losses, trainable
from g2is.lm.warmup import Checkpoint
from g2is.pipeline.build import build
from g2is.pipeline.extend import extend
from g2is.pipeline.extras import Extras
from g2is.pipeline.inputs import Target
from g2is.pipeline.stages import gradients as gradients_stage
from g2is.run.run import Run
from g2is.run.texts import instructions_of
from g2is.storage.shards import ShardStore
from tests.format_1 import as_format_1
from tests.tiny import save_tiny_model, write_pool

POOL, VALIDATION = 40, 6


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    save_tiny_model(folder / "model")
    write_pool(folder / "pool.jsonl", POOL)
    write_pool(folder / "target.jsonl", VALIDATION, seed=1)
    return folder


def configuration(files: Path, **sections: dict) -> BuildConfig:
    settings = {
        "model": {"model": str(files / "model"), "device": "cpu"},
        "lora": {"rank": 2},
        # Nearly the largest seed there is: members of an ensemble take those after it, and go round to 0.
        "warmup": {"fraction": 0.3, "epochs": 2, "batch_size": 4, "seed": SEEDS - 2},
        "gradients": {"projection_dim": 64, "shard_size": 16, "batch_tokens": 256},
        "graph": {"neighbors": 5, "conflicts": 3},
        "layout": {"umap": False},  # compiling it takes seconds; tests/test_layout.py has it
    }
    for section, values in sections.items():
        settings[section] = {**settings.get(section, {}), **values}
    return BuildConfig(**settings)


def make(folder: Path, files: Path, config: BuildConfig | None = None, **options) -> Run:
    said: list[str] = options.pop("said", [])
    return build(
        folder,
        config or configuration(files),
        options.pop("train", [files / "pool.jsonl"]),
        options.pop("validation", [Target("words", files / "target.jsonl")]),
        say=said.append,
        **options,
    )


@pytest.fixture(scope="module")
def run(files, tmp_path_factory) -> Run:
    return make(tmp_path_factory.mktemp("cache") / "run", files)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a run but the manifest and its copy, which hold times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "manifest" not in path.name
    }


def test_a_run_offers_what_notebooks_need(run):
    run = Run.open(run.folder)
    assert run.complete and run.check() == []
    assert len(run.instructions) == POOL and len(run.validation) == VALIDATION
    assert run.validation_gradients.shape == (VALIDATION, 64)
    assert run.validation["target"].unique().tolist() == ["words"]
    assert run.instructions["valid"].all() and run.instructions["loss"].gt(0).all()
    for name in ("adam", "adam_without_momentum", "sgd"):
        regime = run.regime(name)
        assert regime.gradients.shape == (POOL, 64)
        assert regime.neighbors.shape == regime.cosines.shape == (POOL, 5)
        np.testing.assert_allclose(np.linalg.norm(regime.gradients.astype(np.float32), axis=1), 1, atol=1e-3)
        assert (np.diff(regime.cosines, axis=1) <= 0).all()
        assert regime.validation_cosines.shape == (POOL, VALIDATION)
        assert not regime.gradients.flags.writeable
    assert not (run.folder / "building").exists()


def test_what_another_process_does_with_the_model_is_followed(files, tmp_path, monkeypatch):
    class Elsewhere(LocalEngine):
        def call(self, function, *arguments, meanwhile=lambda: None):
            meanwhile(), time.sleep(0.02), meanwhile()
            return super().call(function, *arguments)

    monkeypatch.setattr("g2is.pipeline.build.make_engine", lambda config, device: Elsewhere())
    said: list[str] = []
    extras, engine = Extras(representations=True), EngineConfig(shard_minutes=1e-4)
    make(tmp_path / "run", files, extras=extras, engine=engine, said=said)
    stuck = [line for line in said if "no progress seen for 0.0001 minutes" in line]
    assert [line.partition(":")[0] for line in stuck] == ["warmup", "representations"]


def test_weights_are_hashed_once(files, tmp_path, monkeypatch):
    hashed = []
    monkeypatch.setattr("g2is.lm.source._sha256", lambda path: hashed.append(path.name) or bytes(32))
    make(tmp_path / "run", files)
    assert "model.safetensors" in hashed and len(hashed) == len(set(hashed))


def test_float16_is_refused_with_the_reason(files, tmp_path):
    config = configuration(files)
    with pytest.raises(InputError, match=r"dtype = 'float16': it rounds gradients .* bfloat16 or float32"):
        make(tmp_path / "run", files, config=config.replace(model=config.model.replace(dtype="float16")))
    assert not (tmp_path / "run").exists()


def plain_gradients(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of the pool by autograd, one sample at a time (n, p), and Adam's averages m, v (p,)."""
    config = run.manifest.configuration
    model = load_model(config.model, inspect_model(config.model))
    model = add_adapter(model, config.lora, config.warmup.seed).eval()
    state = load_file(run.folder / "warmup.safetensors")
    parameters = trainable(model)
    for name, parameter in parameters.items():
        parameter.data.copy_(torch.from_numpy(state[f"parameters/{name}"]))
    rows = []
    for sample in Encoder(load_tokenizer(config.model), 256)(
        instructions_of(run.texts, range(len(run.valid)))
    ):
        model.zero_grad()
        sample_losses(model, [sample]).sum().backward()
        rows.append(np.concatenate([p.grad.numpy().ravel() for p in parameters.values()]))
    m, v = (
        np.concatenate([state[f"{group}/{name}"].ravel() for name in parameters])
        for group in ("exp_avg", "exp_avg_sq")
    )
    return np.stack(rows), m, v


def test_the_three_regimes_are_those_of_the_definition(files, tmp_path):
    config = configuration(files, gradients={"projection": "none", "store_dtype": "float32"})
    run = make(tmp_path / "run", files, config)
    g, m, v = plain_gradients(run)
    assert np.abs(m).max() > 0 and v.max() > 0  # the warm-up did train
    adam = (0.9 * m + 0.1 * g) / np.sqrt(0.999 * v + 0.001 * g * g + 1e-8)
    common = 0.9 * m / np.sqrt(0.999 * v + 1e-8)
    for name, expected in (("adam", adam), ("sgd", g), ("adam_without_momentum", adam - common)):
        found = run.regime(name).gradients * run.regime(name).norms[:, None]
        error = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
        assert error.max() < 1e-4, name


def test_the_same_build_again_changes_nothing(run, files):
    before = content(run.folder)
    said: list[str] = []
    again = make(run.folder, files, said=said)
    assert content(run.folder) == before and again.hash == run.hash
    assert not any("loading" in line for line in said)


def test_a_run_opens_where_it_was_copied_to(run, tmp_path):
    copy = Run.open(shutil.copytree(run.folder, tmp_path / "elsewhere"))
    assert copy.check() == [] and copy.hash == run.hash
    np.testing.assert_array_equal(copy.regime("sgd").neighbors, run.regime("sgd").neighbors)


def test_batches_and_shards_do_not_change_the_result(files, tmp_path):
    # Without the warm-up, whose dropout does depend on how its samples are batched.
    one = make(tmp_path / "one", files, configuration(files, warmup={"epochs": 0}))
    cut = {"shard_size": 7, "batch_tokens": 64}
    two = make(tmp_path / "two", files, configuration(files, warmup={"epochs": 0}, gradients=cut))
    for name in ("sgd", "adam"):
        a, b = (run.regime(name).gradients.astype(np.float32) for run in (one, two))
        np.testing.assert_allclose(a, b, atol=1e-3)
    np.testing.assert_allclose(one.validation_gradients, two.validation_gradients, rtol=1e-3, atol=1e-5)


def test_a_warm_up_on_fewer_than_its_share_is_said(files, tmp_path):
    said: list[str] = []
    run = make(tmp_path / "run", files, configuration(files, warmup={"most": 5}), said=said)
    assert run.manifest.stages["warmup"].found["samples"] == 5
    assert "warm-up: on 5 instructions, fewer than 0.3 of 40: at most that many (--warmup-most)" in said


def test_only_missing_and_damaged_shards_are_computed_again(run, files, tmp_path, monkeypatch):
    computed: list[int] = []
    write = ShardStore.write

    def counting_write(store, shard, arrays, notes):
        if store.folder.name == "shards":
            computed.append(shard)
        return write(store, shard, arrays, notes)

    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(ShardStore, "write", counting_write)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(gradients_stage, "finish", stopped)
        make(tmp_path / "run", files)
    assert computed == [0, 1, 2]
    assert not list((tmp_path / "run/building/shards").iterdir())
    joined = tmp_path / "run/building/gradients"
    next(joined.glob("000000-*")).unlink()
    damaged = bytearray((joined / "adam.npy").read_bytes())
    damaged[-1] ^= 1
    (joined / "adam.npy").write_bytes(damaged)
    computed.clear()
    said: list[str] = []
    assert content(make(tmp_path / "run", files, said=said).folder) == content(run.folder)
    assert computed == [0, 2]
    assert "gradients: 1 of 3 shards are damaged or of an earlier version, computed again" in said


def test_shards_of_a_version_without_notes_are_computed_again(run, files, tmp_path, monkeypatch):
    """A build that an earlier version began resumes: what it computed of other tokens is not joined with the rest. That
    version kept all shards until the end."""
    write = ShardStore.write

    def earlier_write(store, shard, arrays, notes):
        if store.folder.name == "shards" and shard != 1:
            arrays = {name: array for name, array in arrays.items() if name != "notes"}
        return write(store, shard, arrays, notes)

    def stopped(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ShardStore, "write", earlier_write)
        patch.setattr(gradients_stage.Joining, "__call__", lambda joining, receipt: None)
        patch.setattr(gradients_stage, "finish", stopped)
        make(tmp_path / "run", files)
    computed: list[int] = []

    def counting_write(store, shard, arrays, notes):
        if store.folder.name == "shards":
            computed.append(shard)
        return write(store, shard, arrays, notes)

    monkeypatch.setattr(ShardStore, "write", counting_write)
    said: list[str] = []
    assert content(make(tmp_path / "run", files, said=said).folder) == content(run.folder)
    assert computed == [0, 2]
    assert "gradients: 2 of 3 shards are damaged or of an earlier version, computed again" in said


def test_damaged_files_are_named_and_repaired_by_the_same_build(run, files, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    (folder / "sgd/cosines.npy").unlink()
    with (folder / "instructions.arrow").open("r+b") as file:
        file.seek(40)
        file.write(b"\xff\xff")
    problems = Run.open(folder).check()
    assert len(problems) == 2
    assert any("cosines.npy: missing" in problem for problem in problems)
    assert content(make(folder, files).folder) == content(run.folder)


def test_other_settings_or_inputs_are_refused_with_the_difference(run, files, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    with pytest.raises(InputError, match=r"lora.rank: 2 -> 3.*--overwrite"):
        make(folder, files, configuration(files, lora={"rank": 3}))
    other = write_pool(tmp_path / "other.jsonl", POOL, seed=5)
    with pytest.raises(InputError, match=r"train file 1: pool.jsonl \(.* -> other.jsonl \("):
        make(folder, files, train=[other])
    assert content(folder) == content(run.folder)
    replaced = make(folder, files, configuration(files, lora={"rank": 3}), overwrite=True)
    assert replaced.hash != run.hash and replaced.check() == []


def refused(tmp_path: Path, files: Path, match: str, config: BuildConfig | None = None, **options) -> None:
    with pytest.raises(InputError, match=match) as caught:
        make(tmp_path / "run", files, config, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_wrong_input_is_refused_in_one_line_before_anything_is_written(files, tmp_path):
    one = write_pool(tmp_path / "one.jsonl", 1)
    refused(tmp_path, files, "1 sample.*at least 2", validation=[Target("one", one)])
    small = write_pool(tmp_path / "small.jsonl", 5)
    refused(tmp_path, files, "a pool of 5 .*--neighbors", train=[small])
    refused(tmp_path, files, "missing.jsonl: cannot be read", train=[tmp_path / "missing.jsonl"])
    refused(tmp_path, files, "no-such-model.*expected a Hugging Face id or a folder",
            configuration(files, model={"model": str(tmp_path / "no-such-model")}))  # fmt: skip
    refused(tmp_path, files, "max_length = 5000: the model takes at most 256",
            configuration(files, model={"max_length": 5000}))  # fmt: skip
    refused(tmp_path, files, "target_modules", configuration(files, lora={"target_modules": ("nothing",)}))
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"question": "a", "answer": "b"}\n{"question": "a"')
    refused(tmp_path, files, r"broken.jsonl:2", train=[broken])


def test_a_model_with_broken_weights_is_refused(files, tmp_path):
    model = shutil.copytree(files / "model", tmp_path / "model")
    (model / "model.safetensors").write_bytes(b"nonsense")
    refused(tmp_path, files, "model", configuration(files, model={"model": str(model)}))


def test_four_bits_without_bitsandbytes_say_so(files, tmp_path):
    if __import__("importlib.util").util.find_spec("bitsandbytes"):
        pytest.skip("bitsandbytes is installed here")
    refused(
        tmp_path, files, "bitsandbytes.*not installed", configuration(files, model={"load_in_4bit": True})
    )


def test_a_read_only_folder_is_one_line(files, tmp_path, monkeypatch):
    # Root may write anywhere, so the refusal comes from the system call itself.
    def refuse(path, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        make(tmp_path / "run", files)


def test_a_full_disk_is_one_line_and_the_build_resumes_when_there_is_space(files, run, tmp_path, monkeypatch):
    from g2is.storage import files as g2is_files

    fsync = os.fsync
    calls = iter(range(1000))

    def full(handle):
        if next(calls) == 12:
            raise OSError(28, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(g2is_files.os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left on device.*run the same command again"):
        make(tmp_path / "run", files)
    assert not list((tmp_path / "run").rglob("*.tmp"))
    assert content(make(tmp_path / "run", files).folder) == content(run.folder)


def test_a_newer_run_format_is_refused(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format_version": 99}))
    with pytest.raises(InputError, match=r"run format 99 is newer.*update"):
        Run.open(folder)


def test_a_build_does_not_meet_an_import_of_the_same_name(files, tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / ".run.lock"), pytest.raises(InputError, match="another process"):
        make(tmp_path / "run", files)


def test_replies_that_are_not_trained_are_counted_over_all_shards(files, tmp_path):
    pool = tmp_path / "pool.jsonl"
    lines = (files / "pool.jsonl").read_text().splitlines()
    excluded = [
        {
            "messages": [
                {"role": "user", "content": f"{row}?"},
                {"role": "assistant", "content": "no", "weight": 0},
                {"role": "user", "content": "again"},
                {"role": "assistant", "content": "yes"},
            ]
        }
        for row in range(10)
    ]
    pool.write_text("\n".join([*lines, *map(json.dumps, excluded)]) + "\n")
    said: list[str] = []
    run = make(tmp_path / "run", files, train=[pool], said=said)
    counts = run.manifest.stages["gradients"].found["reply_notes"]
    assert counts == {"replies not trained: the file excludes them": 10}
    assert "gradients: 10 replies not trained: the file excludes them" in said
    assert any(line.startswith("warm-up: of ") and "the file excludes" in line for line in said)


def test_a_sample_without_anything_to_train_on_is_in_no_graph(files, tmp_path, monkeypatch):
    encode = Encoder._encode

    def nothing_in_some(encoder, ids, offsets, spans, problem):
        unlucky = len(ids) % 5 == 0
        return encode(encoder, ids, offsets, [] if unlucky else spans, problem)

    monkeypatch.setattr(Encoder, "_encode", nothing_in_some)
    run = make(tmp_path / "run", files)
    invalid = ~run.valid
    assert 0 < invalid.sum() < POOL
    assert run.instructions["problem"][invalid].eq("the response has no tokens").all()
    assert run.instructions["problem"][~invalid].isna().all()
    regime = run.regime("sgd")
    assert (regime.neighbors[invalid] == -1).all() and (regime.gradients[invalid] == 0).all()
    assert not np.isin(regime.neighbors, np.flatnonzero(invalid)).any()
    assert run.manifest.stages["gradients"].found["invalid"] == invalid.sum()


def test_exact_duplicates_and_rejects_are_reported(files, tmp_path):
    lines = (files / "pool.jsonl").read_text().splitlines()
    pool = tmp_path / "pool.jsonl"
    pool.write_text("\n".join([*lines, lines[3], '{"question": "no answer"}']))
    with pytest.raises(InputError, match=rf"pool.jsonl:{POOL + 2}"):
        make(tmp_path / "run", files, train=[pool])
    config = BuildConfig(**{**configuration(files).model_dump(), "reading": {"skip_bad": True}})
    said: list[str] = []
    run = make(tmp_path / "run", files, config, train=[pool], said=said)
    assert len(run.instructions) == POOL + 1
    assert run.instructions["duplicate_of"].iloc[POOL] == 3
    assert any(re.search(r"1 exact duplicates, 1 rejected", line) for line in said)
    rejected = pd.read_json(run.folder / "rejected.jsonl", lines=True)
    assert rejected["line"].tolist() == [POOL + 2]


def test_of_instructions_with_one_conversation_the_first_is_built_where_asked_and_later_too(files, tmp_path):
    lines = (files / "pool.jsonl").read_text().splitlines()
    pool, more = tmp_path / "pool.jsonl", tmp_path / "more.jsonl"
    other = json.dumps({**json.loads(lines[3]), "level": "hard"})  # the same to a model
    pool.write_text("\n".join([*lines, lines[3], other]))
    said: list[str] = []
    run = make(tmp_path / "run", files, configuration(files).replace(dedupe=True), train=[pool], said=said)
    assert len(run.instructions) == POOL and (run.instructions["duplicate_of"] < 0).all()
    assert any("0 rejected, 2 left out as the same as an earlier one" in line for line in said)
    rejected = pd.read_json(run.folder / "rejected.jsonl", lines=True)
    assert rejected["line"].tolist() == [POOL + 1, POOL + 2]
    assert set(rejected["reason"]) == {"the same conversation as pool.jsonl:4"}
    # Its selections are those of a run that was built without the copies.
    plain = make(tmp_path / "plain", files)
    samples = [
        walks.walk(each, walk_preset("recommended", count=8)).samples.tolist() for each in (run, plain)
    ]
    assert samples[0] == samples[1]
    with pytest.raises(InputError, match=r"dedupe: True -> False"):
        make(tmp_path / "run", files, train=[pool])
    write_pool(more, 6, seed=9)
    more.write_text(more.read_text() + more.read_text().splitlines()[0] + "\n" + lines[5])
    grown = extend(run.folder, [more], say=said.append)
    assert len(grown.instructions) == POOL + 6 and (grown.instructions["duplicate_of"] < 0).all()
    assert grown.manifest.stages["instructions"].found["repeats"] == 4
    assert grown.check() == []


def test_a_run_that_keeps_one_regime_says_so(files, tmp_path):
    run = make(tmp_path / "run", files, configuration(files, gradients={"regimes": ("sgd",)}))
    assert run.regimes == ("sgd",) and not (run.folder / "adam").exists()
    with pytest.raises(InputError, match=r"keeps sgd; build it with --regimes"):
        run.regime("adam")


def test_without_a_warm_up_the_averages_are_zero(files, tmp_path):
    run = make(tmp_path / "run", files, configuration(files, warmup={"epochs": 0}))
    state = load_file(run.folder / "warmup.safetensors")
    assert all((tensor == 0).all() for name, tensor in state.items() if name.startswith("exp_avg"))
    assert run.complete


def test_files_in_another_order_are_other_inputs(files, tmp_path):
    other = write_pool(tmp_path / "other.jsonl", 9, seed=7)
    make(tmp_path / "run", files, train=[files / "pool.jsonl", other])
    with pytest.raises(InputError, match=r"train file 1: pool.jsonl .* -> other.jsonl"):
        make(tmp_path / "run", files, train=[other, files / "pool.jsonl"])


def test_another_graph_keeps_the_gradients(run, files, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    before, said = written(folder), []
    other = make(folder, files, configuration(files, graph={"neighbors": 9}), said=said)
    assert not any("loading" in line for line in said)
    assert other.regime("sgd").neighbors.shape == (POOL, 9)
    np.testing.assert_array_equal(other.regime("sgd").neighbors[:, :5], run.regime("sgd").neighbors)
    assert other.check() == [] and other.hash != run.hash
    assert set(told_again(before, folder)) == {"graph", "layout", "communities"}


def written(folder: Path) -> dict[str, dict[str, int]]:
    """When each file of each stage was written."""
    stages = Run.open(folder).manifest.stages
    return {
        name: {file: (folder / file).stat().st_mtime_ns for file in stage.files}
        for name, stage in stages.items()
    }


def told_again(before: dict[str, dict[str, int]], folder: Path) -> list[str]:
    """Stages whose files were written anew since `before`, with whatever content."""
    return [name for name, files in written(folder).items() if files != before[name]]


def test_settings_of_the_map_do_the_map_alone_again(run, files, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    assert run.layouts == ("pca",) and len(run.layout("pca", "sgd").samples) == POOL
    with pytest.raises(InputError, match="was built without it; build again with --umap on to add it"):
        run.layout("umap", "sgd")
    before = written(folder)
    with_umap = make(folder, files, configuration(files, layout={"umap": True}))
    assert with_umap.layouts == ("umap", "pca") and with_umap.hash == run.hash
    assert np.isfinite(with_umap.layout("umap", "sgd").validation).all()
    assert told_again(before, folder) == ["layout"] and with_umap.check() == []
    before = written(folder)
    finer = make(folder, files, configuration(files, communities={"resolution": 9}))
    assert set(told_again(before, folder)) == {"layout", "communities"}
    assert len(finer.communities("sgd")) > len(run.communities("sgd"))
    assert not (folder / "sgd" / "umap.npy").exists() and finer.check() == []


def test_a_run_of_before_the_map_opens_and_gains_it(run, files, tmp_path):
    folder = tmp_path / "run"
    old = as_format_1(run, folder, without=("layout", "communities", "leaks"))
    assert not old.complete and old.check() == []
    samples = walks.walk(old, walk_preset("recommended", count=5)).samples
    new = make(folder, files)
    assert content(new.folder) == content(run.folder) and new.hash == old.hash
    assert walks.walk(new, walk_preset("recommended", count=5)).samples.tolist() == samples.tolist()


def test_a_build_killed_before_its_first_file_begins_again(run, files, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".manifest.json.123.tmp").write_text("{")
    assert content(make(tmp_path / "run", files).folder) == content(run.folder)


@pytest.mark.parametrize("names", [["thesis.txt"], [".thesis.tmp"], ["thesis.txt", ".manifest.json.9.tmp"]])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_is_no_run_is_never_touched(files, tmp_path, overwrite, names):
    (tmp_path / "run").mkdir()
    for name in names:
        (tmp_path / "run" / name).write_text("years of work")
    with pytest.raises(InputError, match="is not a run and not empty"):
        make(tmp_path / "run", files, overwrite=overwrite)
    assert {path.name: path.read_text() for path in (tmp_path / "run").iterdir()} == dict.fromkeys(
        names, "years of work"
    )


@pytest.mark.parametrize("damage", ["none", "half", "middle", "step"])
def test_a_damaged_warm_up_checkpoint_is_as_good_as_none(run, files, tmp_path, monkeypatch, damage):
    """Stopped after the first of two epochs; the second is done from what is whole."""
    write, steps = Checkpoint.write, []

    def stopping(checkpoint, state):
        write(checkpoint, state)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / "run", files)
    (path,) = (tmp_path / "run" / "building").iterdir()
    data = bytearray(path.read_bytes())
    if damage == "half":
        del data[len(data) // 2 :]
    elif damage != "none":
        data[len(data) // 2 if damage == "middle" else data.index(b'"step":"') + 8] ^= 1
    path.write_bytes(data)

    def watched(checkpoint, state):
        steps.append(state.step)
        write(checkpoint, state)

    monkeypatch.setattr(Checkpoint, "write", watched)
    assert content(make(tmp_path / "run", files).folder) == content(run.folder)
    assert steps == ([6] if damage == "none" else [3, 6])


def test_a_checkpoint_takes_the_place_of_those_before_and_the_last_whole_one_counts(tmp_path):
    checkpoint = Checkpoint(tmp_path, "1-late")
    Checkpoint(tmp_path, "1-early").write(TrainingState({}, {}, {}, 2))
    kept = {}
    for step in (9, 10):
        checkpoint.write(TrainingState({"a": torch.full((3,), step)}, {}, {}, step))
        (path,) = tmp_path.glob("1-late-*")
        kept[path] = path.read_bytes()
    first, last = kept
    first.write_bytes(kept[first])  # killed before it was removed
    assert checkpoint.read().step == 10
    flipped = bytearray(kept[last])
    flipped[-1] ^= 1
    last.write_bytes(flipped)
    assert checkpoint.read().step == 9 and not last.exists()
    assert Checkpoint(tmp_path, "1-early").read().step == 2


def test_a_model_that_lacks_tensors_is_refused(files, tmp_path):
    model = shutil.copytree(files / "model", tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    refused(tmp_path, files, "its files lack 9 tensors", configuration(files, model={"model": str(model)}))
    (model / "config.json").write_text(json.dumps({**config, "hidden_size": "x"}))
    refused(tmp_path, files, "model .*config.json", configuration(files, model={"model": str(model)}))


@pytest.mark.parametrize("module", ["lm_head", "embed_tokens"])
def test_adapters_where_hooks_cannot_see_are_refused(files, tmp_path, module):
    config = configuration(files, lora={"target_modules": ("q_proj", module)})
    with pytest.raises(InputError, match=r"leave embeddings and the output layer out"):
        make(tmp_path / "run", files, config)


def test_broken_validation_records_are_set_aside_too(files, tmp_path):
    target = tmp_path / "target.jsonl"
    target.write_text((files / "target.jsonl").read_text() + '{"question": "no answer"}\n')
    config = BuildConfig(**{**configuration(files).model_dump(), "reading": {"skip_bad": True}})
    run = make(tmp_path / "run", files, config, validation=[Target("words", target)])
    assert len(run.validation) == VALIDATION
    assert pd.read_json(run.folder / "rejected.jsonl", lines=True)["source"].tolist() == ["target.jsonl"]
    target.write_text('{"question": "no answer"}\n')
    refused(
        tmp_path / "other", files, "all 1 records were rejected", config, validation=[Target("words", target)]
    )


def test_gradients_can_be_kept_in_one_byte_a_number(files, run, tmp_path):
    rounded = make(tmp_path / "int8", files, configuration(files, gradients={"store_dtype": "int8"}))
    for name in run.regimes:
        exact, codes = run.regime(name), rounded.regime(name)
        assert codes.gradients.dtype == np.int8
        assert codes.norms == pytest.approx(exact.norms)
        assert codes.validation_cosines == pytest.approx(exact.validation_cosines, abs=0.02)
    assert len(walks.walk(rounded, walk_preset("recommended", count=5, facets=2)).samples) > 0


@pytest.mark.parametrize("parameters", ["all-linear", "full"])
def test_gradients_of_the_models_own_weights(files, tmp_path, parameters):
    # The warm-up trains the same weights; dropout is the adapter's, so the same training can be done plainly.
    config = configuration(
        files,
        warmup={"fraction": 0.3, "epochs": 1, "batch_size": 4, "learning_rate": 1e-2},
        gradients={"projection": "none", "store_dtype": "float32", "parameters": parameters},
    )
    run = make(tmp_path / "run", files, config)
    state = load_file(run.folder / "warmup.safetensors")
    model = load_model(config.model, inspect_model(config.model))
    weights = dict(model.named_parameters())
    trained = {name.partition("/")[2] for name in state if name.startswith("parameters/")}
    assert ("model.embed_tokens.weight" in trained) == (parameters == "full") == (trained == set(weights))
    moved = [
        name for name in trained if not np.array_equal(state[f"parameters/{name}"], weights[name].detach())
    ]
    assert len(moved) == len(trained)
    for name in trained:
        weights[name].data.copy_(torch.from_numpy(state[f"parameters/{name}"]))
    sample = Encoder(load_tokenizer(config.model), 256)(instructions_of(run.texts, range(len(run.valid))))[7]
    order = [name for name in weights if name in trained]
    sample_losses(model.requires_grad_(True), [sample]).sum().backward()
    g, m, v = (
        np.concatenate([part(name).ravel() for name in order])
        for part in (
            lambda name: weights[name].grad.numpy(),
            lambda name: state[f"exp_avg/{name}"],
            lambda name: state[f"exp_avg_sq/{name}"],
        )
    )
    adam = (0.9 * m + 0.1 * g) / np.sqrt(0.999 * v + 0.001 * g * g + 1e-8)
    for name, expected in (("sgd", g), ("adam", adam)):
        found = run.regime(name).gradients[7] * run.regime(name).norms[7]
        assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected), name


def test_weights_that_nothing_trains_are_not_kept_again(files, tmp_path):
    config = configuration(files, warmup={"epochs": 0}, gradients={"regimes": ("sgd",), "parameters": "full"})
    run = make(tmp_path / "run", files, config)
    assert load_file(run.folder / "warmup.safetensors") == {} and run.valid.all()


def test_a_model_whose_layers_are_placed_one_by_one_gives_the_same(run, files, tmp_path):
    placed = make(tmp_path / "run", files, configuration(files, model={"device_map": "auto"}))
    assert content(placed.folder) == content(run.folder)


@pytest.mark.slow
def test_approximate_neighbours_say_what_they_miss(files, run, tmp_path):
    graph = {"neighbors": 5, "conflicts": 3, "neighbor_search": "approximate"}
    found = make(tmp_path / "approximate", files, configuration(files, graph=graph))
    numbers = found.manifest.stages["graph"].found
    for name in run.regimes:
        assert 0.9 < numbers[name]["neighbor_recall"] <= 1
        assert numbers[name]["conflict_recall"] == 1  # a pool this small is drawn whole
        exact, some = run.regime(name), found.regime(name)
        assert np.array_equal(some.conflicts, exact.conflicts)
        assert some.mean_cosine == pytest.approx(exact.mean_cosine, abs=1e-4)


def test_a_build_that_does_not_fit_on_the_disk_ends_before_the_model_is_loaded(files, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    monkeypatch.setattr("g2is.pipeline.build._load", None)
    with pytest.raises(InputError, match=rf"GB are free there, gradients and lists of {POOL} instructions"):
        make(tmp_path / "run", files)
    assert not (tmp_path / "run").exists()
