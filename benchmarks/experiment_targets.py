"""The targets of the experiments: validation gradients, the pool without held-out samples, test samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from g2is.arrays.unit import unit
from g2is.config import WalkParameters
from g2is.instructions import Instruction, read_instructions
from g2is.knowledge import CoreKnowledge, core_knowledge
from g2is.lm.batching import batches
from g2is.lm.gradients import GradientEngine
from g2is.lm.model import add_adapter, inspect_model, load_model
from g2is.lm.projection import make_projection
from g2is.lm.text import Encoded, Encoder
from g2is.lm.tokenizer import load_tokenizer
from g2is.lm.train import trainable
from g2is.run.run import Run
from g2is.run.texts import instructions_of
from g2is.selectors import round_robin
from g2is.storage.files import write_array
from g2is.walk import WalkTrace, component_affinities, gradient_walk

TEST, VALIDATION = 120, 64
TWIN = 0.9
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

    def walk(
        self,
        fraction: float,
        core: CoreKnowledge | None = None,
        /,
        *,
        mutual: bool = False,
        **parameters: Any,
    ) -> WalkTrace:
        """The gradient walk for this target. mutual: along edges alone whose ends have each other as a neighbour."""
        wanted = WalkParameters(count=self.budget(fraction), **parameters)
        regime = self.run.regime(wanted.regime)
        knowledge = core or core_knowledge(self.gradients, wanted)
        return gradient_walk(
            regime.gradients,
            mutual_neighbors(regime.neighbors, wanted.neighbors) if mutual else regime.neighbors,
            regime.cosines,
            knowledge,
            wanted,
            valid=self.valid,
            affinities=component_affinities(regime.gradients, knowledge),
        )

    def sources(self, samples: tuple[int, ...]) -> dict[str, int]:
        """Number of samples from each file."""
        return dict(Counter(self.run.instructions["source"].iloc[list(samples)]).most_common())

    def shared_with_round_robin(self, samples: tuple[int, ...]) -> float:
        """The share of the samples that round robin on plain gradients takes too, at the same budget."""
        cosines = self.cosines("sgd")
        return float(np.isin(samples, round_robin(cosines, self.groups, self.valid, len(samples))).mean())

    def twins(self, samples: tuple[int, ...]) -> int:
        """How many of the samples have a cosine of 0.9 or more to one before them, as near-duplicates do."""
        rows = np.asarray(self.run.regime("sgd").gradients[list(samples)], np.float32)
        return int((np.tril(rows @ rows.T, -1) >= TWIN).any(axis=1).sum())


def mutual_neighbors(neighbors: np.ndarray, most: int | None) -> np.ndarray:
    """(n, k) lists (n, k), -1 in place of a neighbour that has not this row among its own first `most`."""
    near = np.asarray(neighbors)[:, :most]
    back = [(near[row[row >= 0]] == i).any(axis=1) for i, row in enumerate(near)]
    lists = np.full(neighbors.shape, -1, neighbors.dtype)
    for i, (row, mutual) in enumerate(zip(near, back, strict=True)):
        lists[i, : len(row)][row >= 0] = np.where(mutual, row[row >= 0], -1)
    return lists


def targets(
    folders: dict[str, Path], data: Path, cache: Path, only: Sequence[str] | None = None
) -> dict[str, Target]:
    """All targets by name, or `only` some; gradients that no run contains are computed once and saved in `cache`."""
    make: dict[str, Callable[[], Target]] = {
        name: partial(_of_pool_files, name, folders, data / "target", cache) for name in ("gsm8k", "bbh")
    }
    for name, source in HELD_OUT.items():
        make[name] = partial(_from_pool, name, folders, source, cache)
    make["demo"] = partial(_of_demo, folders, cache)
    return {name: target() for name, target in make.items() if only is None or name in only}


def _of_pool_files(name: str, folders: dict[str, Path], data: Path, cache: Path) -> Target:
    return _from_files(name, "pool", Run.open(folders["pool"]), data, cache)


def _of_demo(folders: dict[str, Path], cache: Path) -> Target:
    demo = Run.open(folders["demo"])
    return _from_files("demo", "demo", demo, demo.folder.with_name(f"{demo.name}-data"), cache, prefix="")


def _from_files(
    name: str, run_name: str, run: Run, folder: Path, cache: Path, prefix: str | None = None
) -> Target:
    start = f"{name}_" if prefix is None else prefix
    validation, test = (
        read_instructions([folder / f"{start}{part}.jsonl"]).instructions for part in ("validation", "test")
    )
    return _target(name, run_name, run, validation, test, np.zeros(0, np.int64), cache)


def _from_pool(name: str, folders: dict[str, Path], source: str, cache: Path) -> Target:
    run = Run.open(folders["pool"])
    frame = run.instructions
    # Records that occur twice in the pool would be tested on what was trained.
    twice = set(frame["duplicate_of"][frame["duplicate_of"] >= 0])
    single = frame["valid"] & (frame["duplicate_of"] < 0) & ~frame.index.isin(twice)
    rows = np.flatnonzero(single & (frame["source"] == source))
    drawn = np.random.default_rng(0).permutation(rows)[: VALIDATION + TEST]
    samples = instructions_of(run.texts, drawn)
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
