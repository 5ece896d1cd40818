"""The optional stages: representations beside plain ones, an ensemble beside one trained on its own, resuming."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from g2is.config import SEEDS, EnsembleConfig
from g2is.errors import InputError
from g2is.lm.ensemble import SquaredLength
from g2is.lm.gradients import GradientEngine
from g2is.lm.model import add_adapter, inspect_model, load_model, reset_adapter
from g2is.lm.representations import represent
from g2is.lm.text import Encoder
from g2is.lm.tokenizer import load_tokenizer
from g2is.lm.train import sample_losses, train_adapter, trainable
from g2is.lm.warmup import Checkpoint, draw
from g2is.pipeline.extras import Extras
from g2is.run.run import Run
from g2is.run.selections import select
from g2is.run.texts import instructions_of
from g2is.storage.shards import ShardStore
from tests.test_pipeline import content, files, make
from tests.tiny import ARCHITECTURES, adapted_model, random_samples

__all__ = ["files"]  # the fixture

SMALL = EnsembleConfig(members=2, epochs=2)
BOTH = Extras(representations=True, ensemble=SMALL)


@pytest.fixture(scope="module")
def plain(files, tmp_path_factory) -> Run:
    """A run without extras."""
    return make(tmp_path_factory.mktemp("plain") / "run", files)


@pytest.fixture(scope="module")
def run(plain, files, tmp_path_factory) -> Run:
    """The same, with extras that were added when it was finished."""
    folder = shutil.copytree(plain.folder, tmp_path_factory.mktemp("extras") / "run")
    return make(folder, files, extras=BOTH)


# ---- what the model makes of texts ----


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_representations_are_weighted_means_of_the_base_models_last_hidden_states(architecture):
    model = adapted_model(architecture)
    samples = random_samples(5, longest=30)
    found = represent(model, samples)
    torch.manual_seed(0)
    base = ARCHITECTURES[architecture]().eval()  # `adapted_model` starts from the same seed
    for row, sample in enumerate(samples):
        ids = torch.from_numpy(sample.input_ids)[None]
        with torch.no_grad():
            hidden = base(input_ids=ids, output_hidden_states=True).hidden_states[-1][0]
        weighted, mean = torch.zeros(hidden.shape[1]), torch.zeros(hidden.shape[1])
        for place, state in enumerate(hidden, start=1):
            weighted += place * state
            mean += state
        torch.testing.assert_close(found.weighted[row], weighted / weighted.norm(), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(found.mean[row], mean / mean.norm(), atol=1e-5, rtol=1e-4)


def test_a_batch_gives_what_its_samples_give_alone():
    model, samples = adapted_model("llama"), random_samples(6)
    together = represent(model, samples)
    for row, sample in enumerate(samples):
        alone = represent(model, [sample])
        torch.testing.assert_close(together.weighted[row], alone.weighted[0], atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(together.mean[row], alone.mean[0], atol=1e-6, rtol=1e-5)


def test_after_representations_the_adapter_is_on_again():
    model, samples = adapted_model("llama"), random_samples(2)
    before = sample_losses(model, samples)
    represent(model, samples)
    torch.testing.assert_close(sample_losses(model, samples), before)


# ---- lengths of gradients ----


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_squared_lengths_are_those_of_autograd(architecture):
    model, samples = adapted_model(architecture), random_samples(4)
    expected = []
    for sample in samples:
        model.zero_grad()
        sample_losses(model, [sample]).sum().backward()
        expected.append(sum(float(p.grad.double().square().sum()) for p in trainable(model).values()))
    found, _ = GradientEngine(model, SquaredLength())(samples)
    np.testing.assert_allclose(found["sgd"][:, 0].numpy(), expected, rtol=1e-4)


def test_a_reset_adapter_is_a_fresh_one():
    fresh, used = adapted_model("llama"), adapted_model("llama", seed=5)
    reset_adapter(used, 7)
    torch.manual_seed(7)
    assert all(p.requires_grad == ("lora_" in name) for name, p in used.named_parameters())
    assert all(not p.any() for name, p in used.named_parameters() if "lora_B" in name)
    reset_adapter(fresh, 7)
    for name, parameter in trainable(used).items():
        torch.testing.assert_close(parameter, trainable(fresh)[name], atol=0, rtol=0)
    reset_adapter(fresh, 8)
    assert any(not torch.equal(p, trainable(fresh)[name]) for name, p in trainable(used).items())


def test_the_ensemble_is_that_of_members_trained_one_by_one(run):
    config = run.manifest.configuration
    encoder = Encoder(load_tokenizer(config.model), config.model.max_length)
    pool = encoder(instructions_of(run.texts, range(len(run.valid))))
    lengths: dict[str, list[list[float]]] = {"early": [], "late": []}
    for member in (1, 2):
        warmup = config.warmup.replace(seed=(config.warmup.seed + member) % SEEDS)
        model = add_adapter(
            load_model(config.model, inspect_model(config.model)), config.lora, config.warmup.seed
        )
        reset_adapter(model, warmup.seed)
        states: list[dict[str, torch.Tensor]] = []
        train_adapter(
            model,
            [pool[row] for row in draw(len(pool), warmup)],
            epochs=2,
            learning_rate=warmup.learning_rate,
            schedule_warmup=warmup.schedule_warmup,
            batch_size=warmup.batch_size,
            batch_tokens=config.gradients.batch_tokens,
            seed=warmup.seed,
            on_epoch=lambda state, states=states: states.append(state.parameters),
        )
        for moment, state in zip(("early", "late"), states, strict=True):
            for name, parameter in trainable(model).items():
                parameter.data.copy_(state[name])
            of_member = []
            for sample in pool:
                model.zero_grad()
                sample_losses(model, [sample]).sum().backward()
                square = sum(float(p.grad.double().square().sum()) for p in trainable(model).values())
                of_member.append(np.sqrt(square))
            lengths[moment].append(of_member)
    found = run.ensemble
    np.testing.assert_allclose(found["early"], np.mean(lengths["early"], axis=0), rtol=1e-4)
    np.testing.assert_allclose(found["late"], np.mean(lengths["late"], axis=0), rtol=1e-4)
    np.testing.assert_allclose(found["late_variance"], np.var(lengths["late"], axis=0), rtol=1e-2, atol=1e-7)


# ---- as stages of a run ----


def test_extras_add_to_a_finished_run_and_change_nothing_of_it(plain, run):
    assert plain.hash == run.hash and run.check() == [] and not (run.folder / "building").exists()
    before, after = content(plain.folder), content(run.folder)
    assert {name: after[name] for name in before if "manifest" not in name} == {
        name: data for name, data in before.items() if "manifest" not in name
    }
    for pooling in ("weighted", "mean"):
        found = run.representations(pooling)
        assert found.samples.shape == (40, 16) and found.validation.shape == (6, 16)
        lengths = np.linalg.norm(found.samples.astype(np.float32), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=1e-3)
    assert not np.array_equal(run.representations("weighted").samples, run.representations("mean").samples)
    for method in ("rds_plus", "semantic", "gradfiltering"):
        assert len(set(select(run, method, count=9).samples)) == 9


def test_a_run_without_them_says_what_to_do(plain, files):
    for method, stage in (
        ("rds_plus", "representations"),
        ("semantic", "representations"),
        ("gradfiltering", "ensemble"),
    ):
        with pytest.raises(InputError, match=f"run run has no {stage}; .* with --extras {stage} to add it"):
            select(plain, method, count=3)


def test_what_is_there_stays_and_what_is_damaged_is_made_again(run, files, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    said: list[str] = []
    make(folder, files, said=said)
    assert content(folder) == content(run.folder) and not any("loading" in line for line in said)
    (folder / "ensemble.parquet").unlink()
    (folder / "representations" / "mean.npy").write_bytes(b"")
    repaired = make(folder, files)
    assert repaired.check() == [] and content(folder) == content(run.folder)


def test_other_settings_make_the_ensemble_again(run, files, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    again = make(folder, files, extras=Extras(ensemble=SMALL.replace(members=3)))
    assert not again.ensemble.equals(run.ensemble)
    assert again.manifest.stages["ensemble"].found["settings"] == {"members": 3, "epochs": 2}
    assert make(folder, files).manifest.stages["ensemble"].found["settings"]["members"] == 3


@pytest.mark.parametrize("stop_after", [1, 4, 8, 14])
def test_stopped_extras_go_on_and_end_the_same(plain, run, files, tmp_path, monkeypatch, stop_after):
    folder = shutil.copytree(plain.folder, tmp_path / "run")
    write, written = ShardStore.write, []

    def stopping_write(store, shard, arrays, notes):
        write(store, shard, arrays, notes)
        written.append(Path(store.folder).name)
        if len(written) == stop_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(ShardStore, "write", stopping_write)
    with pytest.raises(KeyboardInterrupt):
        make(folder, files, extras=BOTH)
    # The second time it is not interrupted: the count has passed.
    make(folder, files, extras=BOTH)
    assert len(written) == 3 + 2 * 2 * 3  # nothing is computed twice
    assert content(folder) == content(run.folder)


@pytest.mark.parametrize("moment", ["early", "late"])
def test_a_flipped_bit_in_the_state_of_a_member_is_noticed(plain, run, files, tmp_path, monkeypatch, moment):
    folder = shutil.copytree(plain.folder, tmp_path / "run")
    write, written = Checkpoint.write, []

    def stopping(checkpoint, state):
        write(checkpoint, state)
        written.append(checkpoint.name)
        if len(written) == 2:  # both states of the first member, after its first epoch
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "write", stopping)
    with pytest.raises(KeyboardInterrupt):
        make(folder, files, extras=BOTH)
    (path,) = (folder / "building" / "ensemble-2").glob(f"0-{moment}-*")
    data = bytearray(path.read_bytes())
    data[-400] ^= 1 << 6
    path.write_bytes(data)
    make(folder, files, extras=BOTH)
    assert content(folder) == content(run.folder)
