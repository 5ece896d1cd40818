"""Builds with gradients at several checkpoints of the warm-up, whose cosines are LESS's score."""

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.cli import main
from g2is.config import BuildConfig, walk_preset
from g2is.errors import InputError
from g2is.instructions import from_frame
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.model import add_adapter, inspect_model, load_model
from g2is.lm.projection import make_projection
from g2is.lm.sketches import sketches_of
from g2is.lm.text import Encoder
from g2is.lm.tokenizer import load_tokenizer
from g2is.lm.train import mean_rates, trainable
from g2is.lm.warmup import checkpoint_epochs, load_state
from g2is.pipeline.checkpoints import combined
from g2is.pipeline.gradient_files import read_gradients
from g2is.run.paths import WARMUP, warmup_file
from g2is.run.run import Run
from g2is.storage.shards import ShardStore
from tests.test_pipeline import configuration, content, files, make, run  # noqa: F401


def several(files, **gradients) -> BuildConfig:  # noqa: F811
    return configuration(files, warmup={"epochs": 3}, gradients={"checkpoints": 2, **gradients})


@pytest.fixture(scope="module")
def two(files, tmp_path_factory) -> Run:  # noqa: F811
    return make(tmp_path_factory.mktemp("two") / "run", files, several(files, store_dtype="float32"))


def sketches_at(run: Run, name: str) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:  # noqa: F811
    """Sketches of the pool by kind, those of validation, and what Adam gradients share, at a state of the warm-up."""
    config = run.manifest.configuration
    model = add_adapter(
        load_model(config.model, inspect_model(config.model)), config.lora, config.warmup.seed
    )
    state, parameters = load_state(run.folder / name), trainable(model)
    for parameter, trained in state.parameters.items():
        parameters[parameter].data.copy_(trained)
    projection = make_projection(config.gradients, piece_sizes(parameters), "cpu")
    averages = AdamAverages.from_training(state, parameters)
    encoder = Encoder(load_tokenizer(config.model), config.model.max_length)
    engine = GradientEngine(model, projection, averages)
    pool, validation = (
        sketches_of(engine, encoder(from_frame(frame)), 256)[0]
        for frame in (run.records(range(len(run.valid))), run.validation)
    )
    return pool, validation["sgd"], averages.common(projection).numpy()


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a / np.linalg.norm(a, axis=1, keepdims=True)) @ (b / np.linalg.norm(b, axis=1, keepdims=True)).T


def test_every_cosine_is_the_sum_over_checkpoints_by_their_learning_rates(two):
    found = two.manifest.stages["gradients"].found["checkpoints"]
    steps = [int(step) for step in found]
    assert steps == sorted(steps) and sum(found.values()) == pytest.approx(1)
    states = [sketches_at(two, warmup_file(steps[0])), sketches_at(two, WARMUP)]
    weights = list(found.values())
    for regime in two.regimes:
        kind = "sgd" if regime == "sgd" else "adam"
        shift = regime == "adam_without_momentum"
        rows = [pool[kind] - (common if shift else 0) for pool, _, common in states]
        between = sum(w * cosines(a, a) for w, a in zip(weights, rows, strict=True))
        opened = two.regime(regime)
        np.testing.assert_allclose(opened.gradients @ opened.gradients.T, between, atol=2e-5)
        np.fill_diagonal(between, -2)
        np.testing.assert_array_equal(opened.neighbors[:, 0], between.argmax(axis=1))
        to_validation = sum(w * cosines(a, v) for w, a, (_, v, _) in zip(weights, rows, states, strict=True))
        np.testing.assert_allclose(opened.validation_cosines, to_validation, atol=2e-5)
        lengths = sum(w * np.linalg.norm(a, axis=1) for w, a in zip(weights, rows, strict=True))
        np.testing.assert_allclose(opened.norms, lengths, rtol=1e-4)
    assert two.validation_gradients.shape[1] == 2 * two.manifest.configuration.gradients.projection_dim
    assert len(walks.walk(two, walk_preset("recommended", count=5)).samples) == 5
    assert two.check() == []


def test_checkpoints_are_at_the_ends_of_epochs_and_weigh_as_much_as_their_mean_learning_rate(two):
    found = two.manifest.stages["warmup"].found
    per_epoch = found["steps"] // 3
    assert [int(step) for step in found["checkpoints"]] == [2 * per_epoch, 3 * per_epoch]
    total, shares = found["steps"], list(found["checkpoints"].values())
    rising = max(1, int(np.ceil(0.03 * total)))
    rates = [(s + 1) / rising if s < rising else (total - s) / (total - rising) for s in range(total)]
    assert shares == pytest.approx([np.mean(rates[: 2 * per_epoch]), np.mean(rates[2 * per_epoch :])])
    assert mean_rates([4], 4, 0) == pytest.approx([np.mean([1, 0.75, 0.5, 0.25])])
    for epochs in range(1, 12):
        for number in range(1, epochs + 1):
            ends = checkpoint_epochs(epochs, number)
            assert len(set(ends)) == number and ends[-1] == epochs and min(ends) >= 1


def test_a_stopped_build_with_checkpoints_ends_with_the_same_bytes(files, two, tmp_path, monkeypatch):  # noqa: F811
    write, written = ShardStore.write, []

    def stopping_write(store, shard, arrays, notes):
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append((store.folder.name, shard))
        return write(store, shard, arrays, notes)

    config = several(files, store_dtype="float32")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ShardStore, "write", stopping_write)
        make(tmp_path / "run", files, config)
    assert len({folder for folder, _ in written}) == 2
    assert content(make(tmp_path / "run", files, config).folder) == content(two.folder)


def test_one_checkpoint_is_the_last_as_before(files, run, tmp_path):  # noqa: F811
    again = make(tmp_path / "run", files, configuration(files, gradients={"checkpoints": 1}))
    assert content(again.folder) == content(run.folder)
    assert "checkpoints" not in again.manifest.stages["gradients"].found


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_rows_of_every_type_are_those_within_rounding(files, two, tmp_path, dtype):  # noqa: F811
    rough = make(tmp_path / "run", files, several(files, store_dtype=dtype, regimes=("sgd",)))
    rows = rough.regime("sgd").gradients
    assert rows.dtype == dtype
    agreement = (cosines(np.asarray(rows, np.float32), np.asarray(two.regime("sgd").gradients))).diagonal()
    assert agreement.min() > (0.999 if dtype == "int8" else 0.99999)


def test_more_checkpoints_than_epochs_are_refused(files, capsys):  # noqa: F811
    with pytest.raises(InputError, match="checkpoints = 5: the warm-up has 2"):
        configuration(files, gradients={"checkpoints": 5})
    words = ["plan", "--model", str(files / "model"), "--checkpoints", "9", "--warmup-epochs", "4"]
    assert main(words) == 2 and "checkpoints = 9" in capsys.readouterr().err


def test_a_sample_without_a_gradient_at_one_checkpoint_has_none():
    rows = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    parts = []
    for gone in ([1], []):
        part = rows.copy()
        part[gone] = 0
        norms = np.linalg.norm(part, axis=1)
        parts.append({"sgd": part / np.where(norms > 0, norms, 1)[:, None], "sgd_norms": norms})
    made = combined(parts, [0.25, 0.75], ["sgd"], "float32")
    np.testing.assert_allclose(np.linalg.norm(made["sgd"], axis=1), [1, 0, 1, 1, 1, 1], atol=1e-6)
    assert made["sgd_norms"][1] == 0 and made["sgd_norms"][0] == pytest.approx(np.linalg.norm(rows[0]))


def test_gradients_of_checkpoints_go_to_less_and_back(two, tmp_path):
    words = ["gradients", str(two.folder), "--format", "less", "--output", str(tmp_path / "out")]
    assert main(words) == 0
    steps = two.manifest.stages["gradients"].found["checkpoints"]
    states = [sketches_at(two, warmup_file(int(next(iter(steps))))), sketches_at(two, WARMUP)]
    for step, (pool, validation, _) in zip(steps, states, strict=True):
        for name, rows in (("pool", pool["sgd"]), ("words", validation)):
            written = read_gradients(tmp_path / "out" / f"{name}-ckpt{step}-sgd")
            np.testing.assert_allclose(cosines(written, rows).diagonal(), 1, atol=1e-5)
