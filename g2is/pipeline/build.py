"""Build a run from a model, a pool and validation examples: warm-up, gradients, graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from g2is.config import BuildConfig
from g2is.errors import InputError
from g2is.files import write_array
from g2is.instructions import Instruction, Reading, Rejected, from_frame, read_instructions, to_frame
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.model import ModelCard, add_adapter, inspect_model, load_model, load_tokenizer
from g2is.lm.projection import make_projection
from g2is.lm.text import PROMPT_CUT, RESPONSE_CUT, Encoded, Encoder
from g2is.lm.train import trainable
from g2is.lm.warmup import draw, load_state, save_state, warm_up
from g2is.pipeline.extras import Extras, write_extras
from g2is.pipeline.graph import write_graph
from g2is.pipeline.inputs import Target, check_pool_size, input_file, write_pool
from g2is.pipeline.running import gradients_of, missing_shards
from g2is.pipeline.views import write_views
from g2is.pipeline.writer import BUILDING, RunWriter, held, new_manifest
from g2is.quantized import stored_rows
from g2is.run import INSTRUCTIONS, SAMPLES, VALIDATION, VALIDATION_GRADIENTS, WARMUP, Run
from g2is.store import ShardStore


def build(
    folder: Path,
    config: BuildConfig,
    train: Sequence[Path],
    validation: Sequence[Target],
    *,
    extras: Extras | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """Build a run, or finish one that was stopped.

    extras: optional stages to add, to a finished run as well. Raises `InputError` for wrong input before
    anything is written, for a run of that name made from other inputs or settings (unless `overwrite`), and
    while another process builds it.
    """
    card = inspect_model(config.model)
    config = config.resolve(card.hidden_size, card.positions)
    say(f"model {config.model.model}: {card}")
    with held(folder):
        built = _Build(RunWriter(folder, say), config, card, tuple(train), tuple(validation))
        return built.run(extras or Extras(), overwrite)


@dataclass
class _Build:
    writer: RunWriter
    config: BuildConfig
    card: ModelCard
    train: tuple[Path, ...]
    validation: tuple[Target, ...]

    def run(self, extras: Extras, overwrite: bool) -> Run:
        wanted = new_manifest(
            self.config,
            [input_file(path) for path in self.train],
            [input_file(target.path, target.name) for target in self.validation],
            {
                "fingerprint": self.card.fingerprint,
                "device": self.card.device,
                "dtype": self.card.dtype,
                "hidden_size": self.card.hidden_size,
            },
        )
        self.writer.begin(wanted, overwrite=overwrite, check=self._check)
        self.writer.stage("instructions", self._instructions)
        self.writer.stage("warmup", self._warmup)
        self.writer.stage("gradients", self._gradients)
        self.writer.stage("graph", self._graph)
        write_views(self.writer, self.config)
        write_extras(self, extras)
        return self.writer.end()

    # What is read before the first byte is written

    def _check(self) -> None:
        check_pool_size(len(self.reading.instructions), self.config.graph)
        for target, samples, _, _ in self.targets:
            if len(samples) < 2:
                raise InputError(
                    f"validation {target.name}={target.path}: {len(samples)} sample(s) with something to train "
                    "on, expected at least 2 (20 to 500 describe a target well)"
                )
        _ = self.model

    @cached_property
    def reading(self) -> Reading:
        """The pool, read and checked."""
        config = self.config.reading
        return read_instructions(self.train, format=config.format, skip_bad=config.skip_bad)

    @cached_property
    def targets(self) -> list[tuple[Target, list[Instruction], list[str], list[Rejected]]]:
        """Each target's samples with something to train on, what is wrong with others, and broken records."""
        found = []
        for target in self.validation:
            config = self.config.reading
            read = read_instructions([target.path], format=config.format, skip_bad=config.skip_bad)
            encoded = self.encoder(read.instructions)
            pairs = list(zip(read.instructions, encoded, strict=True))
            found.append(
                (
                    target,
                    [sample for sample, tokens in pairs if tokens.problem is None],
                    [f"{s.source}:{s.line}: {tokens.problem}" for s, tokens in pairs if tokens.problem],
                    read.rejected,
                )
            )
        return found

    @cached_property
    def encoder(self) -> Encoder:
        return Encoder(load_tokenizer(self.config.model), self.config.model.max_length or 2048)

    @cached_property
    def model(self) -> Any:
        """The base model with a fresh adapter."""
        self.writer.say("loading the model")
        base = load_model(self.config.model, self.card)
        return add_adapter(base, self.config.lora, self.config.warmup.seed)

    # Stages: each writes files and returns what it found

    def _instructions(self) -> tuple[list[str], dict[str, Any]]:
        broken = [rejected for _, _, _, some in self.targets for rejected in some]
        files, found = write_pool(self.writer, self.reading, broken)
        frames = [to_frame(samples).assign(target=target.name) for target, samples, _, _ in self.targets]
        validation = pd.concat(frames, ignore_index=True)
        self.writer.write_frame(VALIDATION, validation)
        left_out = [problem for _, _, problems, _ in self.targets for problem in problems]
        self.writer.say(
            f"validation: {len(validation):,} samples" + (f", {len(left_out)} left out" if left_out else "")
        )
        return [*files, VALIDATION], {
            **found,
            "validation": len(validation),
            "validation_left_out": left_out,
        }

    def _warmup(self) -> tuple[list[str], dict[str, Any]]:
        pool = self.writer.read_frame(INSTRUCTIONS)
        rows = draw(len(pool), self.config.warmup)
        samples = [sample for sample in self.encoder(from_frame(pool.iloc[rows])) if sample.problem is None]
        if not samples:
            raise InputError(
                "warm-up: no sample drawn has anything to train on; give a larger warmup fraction"
            )
        checkpoint = self.writer.folder / BUILDING / WARMUP
        batch_size = self.config.warmup.batch_size or 1
        steps = -(-len(samples) // batch_size) * self.config.warmup.epochs
        with self.writer.progress("warm-up", steps, "step") as bar:

            def on_step(loss: float) -> None:
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update()

            state = warm_up(
                self.model,
                samples,
                self.config.warmup,
                batch_tokens=self.config.gradients.batch_tokens,
                checkpoint=checkpoint,
                on_step=on_step,
            )
        save_state(self.writer.folder / WARMUP, state)
        return [WARMUP], {
            "samples": len(samples),
            "steps": state.step,
            "adapter_parameters": sum(tensor.numel() for tensor in state.parameters.values()),
        }

    def _gradients(self) -> tuple[list[str], dict[str, Any]]:
        config = self.config.gradients
        state = load_state(self.writer.folder / WARMUP)
        parameters = trainable(self.model)
        for name, parameter in parameters.items():
            parameter.data.copy_(state.parameters[name])
        sizes = {name: parameter.numel() for name, parameter in parameters.items()}
        projection = make_projection(config, sizes, self.card.device)
        averages = None
        if set(config.regimes) != {"sgd"}:
            averages = AdamAverages.from_training(state, config.optimizer_epsilon, self.card.device)
        common = averages.common(projection) if averages else None

        validation = self.writer.read_frame(VALIDATION)
        engine = GradientEngine(self.model, projection, averages)
        sketches, _ = gradients_of(engine, self.encoder(from_frame(validation)), config.batch_tokens)
        if not torch.isfinite(sketches["sgd"]).all():
            raise InputError("validation gradients are not finite; try --dtype float32")
        write_array(self.writer.folder / VALIDATION_GRADIENTS, sketches["sgd"].numpy())

        pool = self.writer.read_frame(INSTRUCTIONS)
        store = ShardStore(self.writer.folder / BUILDING / "shards", len(pool), config.shard_size)
        with self.writer.progress("gradients", len(pool), "sample") as bar:
            for shard, rows in missing_shards(store, bar):
                encoded = self.encoder(from_frame(pool.iloc[rows]))
                arrays, problems = self._shard(engine, encoded, common, bar)
                store.write(shard, arrays, {rows.start + i: problem for i, problem in problems.items()})
        return self._merge(store)

    def _shard(
        self,
        engine: GradientEngine,
        encoded: Sequence[Encoded],
        common: torch.Tensor | None,
        bar: tqdm,
    ) -> tuple[dict[str, np.ndarray], dict[int, str]]:
        """The arrays of one shard, and why rows of it are not valid."""
        config = self.config.gradients
        problems = {i: sample.problem for i, sample in enumerate(encoded) if sample.problem}
        usable = [i for i in range(len(encoded)) if i not in problems]
        bar.update(len(problems))
        arrays: dict[str, np.ndarray] = {
            "loss": np.full(len(encoded), np.nan, np.float32),
            "tokens": np.array([len(sample) for sample in encoded], np.int32),
            "trained_tokens": np.array([sample.trained.sum() for sample in encoded], np.int32),
            "cut": np.array([sample.cut for sample in encoded], np.int8),
        }
        sketches, losses = gradients_of(engine, [encoded[i] for i in usable], config.batch_tokens, bar)
        arrays["loss"][usable] = losses.numpy()
        for regime in config.regimes:
            sketch = sketches["sgd" if regime == "sgd" else "adam"]
            if regime == "adam_without_momentum" and common is not None:
                sketch = sketch - common.cpu()
            norms = sketch.norm(dim=1)
            for i, norm in zip(usable, norms.tolist(), strict=True):
                if not np.isfinite(norm):
                    problems[i] = "the gradient is not finite"
                elif norm == 0:
                    problems[i] = "the gradient is zero"
            unit = torch.nan_to_num(sketch / norms[:, None])
            arrays[regime] = np.zeros((len(encoded), sketch.shape[1]), config.store_dtype)
            arrays[regime][usable] = stored_rows(unit.numpy(), config.store_dtype)
            arrays[f"{regime}_norms"] = np.zeros(len(encoded), np.float32)
            arrays[f"{regime}_norms"][usable] = norms.numpy()
        for regime in config.regimes:
            arrays[regime][list(problems)] = 0
        return arrays, problems

    def _merge(self, store: ShardStore) -> tuple[list[str], dict[str, Any]]:
        """Turn the shards into one array a regime and a table of what is known of each sample."""
        files = [VALIDATION_GRADIENTS, SAMPLES]
        problems = store.notes()
        columns = {
            name: np.concatenate(list(store.blocks(name)))
            for name in ("loss", "tokens", "trained_tokens", "cut")
        }
        table = pd.DataFrame(
            {"problem": [problems.get(row) for row in range(store.count)]}, dtype="object"
        ).assign(**columns)
        table.insert(1, "valid", table["problem"].isna())
        self.writer.write_frame(SAMPLES, table)
        for regime in self.config.gradients.regimes:
            for part, name in (("gradients", regime), ("norms", f"{regime}_norms")):
                store.merge(name, self.writer.folder / regime / f"{part}.npy")
                files.append(f"{regime}/{part}.npy")
        found = {
            "valid": int(table["valid"].sum()),
            "invalid": int((~table["valid"]).sum()),
            "prompt_cut": int((table["cut"] == PROMPT_CUT).sum()),
            "response_cut": int((table["cut"] == RESPONSE_CUT).sum()),
            "projection_dim": int(next(store.blocks(self.config.gradients.regimes[0])).shape[1]),
        }
        self.writer.say(
            f"gradients: {found['valid']:,} valid, {found['invalid']:,} not; too long: "
            f"{found['prompt_cut']:,} lost the start of the prompt, {found['response_cut']:,} the end of the response"
        )
        return files, found

    def _graph(self) -> tuple[list[str], dict[str, Any]]:
        return write_graph(self.writer, self.config.regimes, self.config.graph, self.card.device)
