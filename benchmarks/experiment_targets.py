"""The targets of the experiments: validation gradients, the pool without held-out samples, test samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from g2is.arrays.unit import unit
from g2is.config import WalkParameters
from g2is.instructions import Instruction, from_frame, read_instructions
from g2is.knowledge import CoreKnowledge, core_knowledge
from g2is.lm.batching import batches
from g2is.lm.gradients import GradientEngine
from g2is.lm.model import add_adapter, inspect_model, load_model, load_tokenizer
from g2is.lm.projection import make_projection
from g2is.lm.text import Encoded, Encoder
from g2is.lm.train import trainable
from g2is.run.run import Run
from g2is.storage.files import write_array
from g2is.walk import WalkTrace, component_affinities, gradient_walk

TEST, VALIDATION = 120, 64
HELD_OUT = {"code": "code.json", "t0": "t0.jsonl", "alpaca": "alpaca_en_demo.json"}
"""Targets from a file of the pool: some of its records become validation and test samples and leave the pool."""


@dataclass(frozen=True)
class Target:
    """Everything that selectors may use, and the test samples, which they may not."""

    name: str
    run_name: str
    run: Run
    gradients: np.ndarray
    """(m, d) plain gradients of the validation samples."""
    groups: list[str]
    """(m,) their subtasks."""
    test: list[Encoded]
    test_groups: list[str]
    held_out: np.ndarray
    """Rows of the pool that are validation or test samples of this target."""

    @cached_property
    def valid(self) -> np.ndarray:
        """(n,) rows that can be chosen."""
        valid = self.run.valid.copy()
        valid[self.held_out] = False
        return valid

    def budget(self, fraction: float) -> int:
        """A share of the pool as a number of samples."""
        return int(len(self.run.valid) * fraction)

    def cosines(self, regime: str) -> np.ndarray:
        """(n, m) cosines of training to validation gradients."""
        return np.asarray(self.run.regime(regime).gradients, np.float32) @ unit(self.gradients).T

    def walk(self, fraction: float, core: CoreKnowledge | None = None, /, **parameters: Any) -> WalkTrace:
        """The gradient walk for this target."""
        wanted = WalkParameters(count=self.budget(fraction), **parameters)
        regime = self.run.regime(wanted.regime)
        knowledge = core or core_knowledge(self.gradients, wanted)
        return gradient_walk(
            regime.gradients,
            regime.neighbors,
            regime.cosines,
            knowledge,
            wanted,
            valid=self.valid,
            affinities=component_affinities(regime.gradients, knowledge),
        )

    def sources(self, samples: tuple[int, ...]) -> dict[str, int]:
        """Number of samples from each file."""
        return dict(Counter(self.run.instructions["source"].iloc[list(samples)]).most_common())


def targets(folders: dict[str, Path], data: Path, cache: Path) -> dict[str, Target]:
    """All targets by name; gradients that no run contains are computed once and saved in `cache`."""
    pool, demo = (Run.open(folders[name]) for name in ("pool", "demo"))
    found = [
        _from_files("gsm8k", "pool", pool, data / "target", cache),
        _from_files("bbh", "pool", pool, data / "target", cache),
        *(_from_pool(name, pool, source, cache) for name, source in HELD_OUT.items()),
        _from_files("demo", "demo", demo, demo.folder.with_name(f"{demo.name}-data"), cache, prefix=""),
    ]
    return {target.name: target for target in found}


def _from_files(
    name: str, run_name: str, run: Run, folder: Path, cache: Path, prefix: str | None = None
) -> Target:
    start = f"{name}_" if prefix is None else prefix
    validation, test = (
        read_instructions([folder / f"{start}{part}.jsonl"]).instructions for part in ("validation", "test")
    )
    return _target(name, run_name, run, validation, test, np.zeros(0, np.int64), cache)


def _from_pool(name: str, run: Run, source: str, cache: Path) -> Target:
    frame = run.instructions
    # Records that occur twice in the pool would be tested on what was trained.
    twice = set(frame["duplicate_of"][frame["duplicate_of"] >= 0])
    single = frame["valid"] & (frame["duplicate_of"] < 0) & ~frame.index.isin(twice)
    rows = np.flatnonzero(single & (frame["source"] == source))
    drawn = np.random.default_rng(0).permutation(rows)[: VALIDATION + TEST]
    samples = from_frame(frame.iloc[drawn])
    return _target(name, "pool", run, samples[:VALIDATION], samples[VALIDATION:], drawn, cache)


def _target(
    name: str,
    run_name: str,
    run: Run,
    validation: list[Instruction],
    test: list[Instruction],
    held_out: np.ndarray,
    cache: Path,
) -> Target:
    config = run.manifest.configuration.model
    encoder = Encoder(load_tokenizer(config), config.max_length)
    path = cache / f"{name}.npy"
    if not path.exists():
        write_array(path, plain_gradients(run, encoder(validation)))
    chosen = np.random.default_rng(0).permutation(len(test))[:TEST]
    test = [test[i] for i in chosen]
    return Target(
        name,
        run_name,
        run,
        np.load(path),
        [sample.task or "" for sample in validation],
        encoder(test),
        [sample.task or "" for sample in test],
        held_out,
    )


def plain_gradients(run: Run, samples: list[Encoded]) -> np.ndarray:
    """(m, d) gradients of validation samples as in `build`, with the run's adapter and projection."""
    config = run.manifest.configuration
    model = add_adapter(
        load_model(config.model, inspect_model(config.model)), config.lora, config.warmup.seed
    )
    state = load_file(run.folder / "warmup.safetensors")
    for name, parameter in trainable(model).items():
        parameter.data.copy_(state[f"parameters/{name}"])
    sizes = {name: parameter.numel() for name, parameter in trainable(model).items()}
    engine = GradientEngine(model, make_projection(config.gradients, sizes, "cpu"))
    rows = np.zeros((len(samples), engine.projection.dim), np.float32)
    for batch in batches([len(sample) for sample in samples], config.gradients.batch_tokens):
        rows[batch] = engine([samples[i] for i in batch])[0]["sgd"].numpy()
    return rows
