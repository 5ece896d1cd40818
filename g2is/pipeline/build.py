"""Build a run from a model, a pool and validation examples: warm-up, gradients, graph."""

from __future__ import annotations

import time
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
from g2is.engine.sharing import PAUSE, Lead, restarted, work_off
from g2is.errors import InputError
from g2is.instructions import Instruction, Reading, Rejected, from_frame, read_instructions, to_frame
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.model import (
    DTYPES,
    ModelCard,
    add_adapter,
    inspect_model,
    load_model,
    load_tokenizer,
    train_own_weights,
)
from g2is.lm.projection import make_projection
from g2is.lm.text import PROMPT_CUT, RESPONSE_CUT, Encoded, Encoder
from g2is.lm.train import TrainingState, trainable
from g2is.lm.warmup import Checkpoint, draw, load_state, save_state, warm_up
from g2is.pipeline.extras import Extras, write_extras
from g2is.pipeline.graph import GraphWriter
from g2is.pipeline.inputs import Target, check_pool_size, input_file, write_pool
from g2is.pipeline.running import gradients_of
from g2is.pipeline.views import write_views
from g2is.pipeline.writer import BUILDING, RunWriter, new_manifest
from g2is.run.manifest import Manifest
from g2is.run.run import INSTRUCTIONS, SAMPLES, VALIDATION, VALIDATION_GRADIENTS, WARMUP, Run
from g2is.storage.dtypes import stored_rows
from g2is.storage.files import remove_folder, write_array
from g2is.storage.shards import ShardStore


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
    """Build a run, finish one that was stopped, or help other processes that are building it.

    extras: optional stages to add, to a finished run as well. Raises `InputError` for wrong input before
    anything is written, and for a run of that name made from other inputs or settings (unless `overwrite`; only
    the process that begins a run replaces another).
    """
    card = inspect_model(config.model)
    config = config.resolve(card.hidden_size, card.positions)
    say(f"model {config.model.model}: {card}")
    builder = _Build(
        RunWriter(folder, say), config, card, tuple(train), tuple(validation), extras or Extras()
    )
    return builder.run(overwrite and not restarted())


@dataclass
class _Build:
    writer: RunWriter
    config: BuildConfig
    card: ModelCard
    train: tuple[Path, ...]
    validation: tuple[Target, ...]
    extras: Extras

    def run(self, overwrite: bool) -> Run:
        wanted = new_manifest(
            self.config,
            [input_file(path) for path in self.train],
            [input_file(target.path, target.name) for target in self.validation],
            {
                "fingerprint": self.card.fingerprint,
                "device": self.card.device.partition(":")[0],
                "dtype": self.card.dtype,
                "hidden_size": self.card.hidden_size,
            },
        )
        lead = Lead(self.writer.folder)
        try:
            with lead.beginning() as leads:
                if leads:
                    self.writer.begin(wanted, overwrite=overwrite, check=self._check)
                else:
                    self.writer.join(wanted)
            return self._lead() if leads else self._help(lead, wanted)
        finally:
            lead.close()

    def _lead(self) -> Run:
        """Do all stages, with the help of whoever joins."""
        self.writer.stage("instructions", self._instructions)
        self.writer.stage("warmup", self._warmup)
        self.writer.stage("gradients", self._gradients)
        self.writer.stage("graph", self.graph.write)
        write_views(self.writer, self.config)
        write_extras(self, self.extras)
        return self.writer.end()

    def _help(self, lead: Lead, wanted: Manifest) -> Run:
        """Take shards until another process has finished the run; lead where that one has ended before.

        Only this one may have been asked for some of the extras: then it adds them when the other has ended.
        """
        self.writer.say("another process leads this build: helping")
        while not (self.writer.manifest.complete and self.extras.among(self.writer.manifest.stages)):
            if lead.take():
                self.writer.say("the process that led has ended: leading")
                self.writer.begin(wanted, overwrite=False, check=self._check)
                return self._lead()
            done = self.writer.manifest.stages
            if "gradients" in done and "graph" not in done:
                self.graph.help()
            elif "warmup" in done and "gradients" not in done and self.shards.absent():
                self._take_shards()
            time.sleep(PAUSE)
            self.writer.look()
        return Run.open(self.writer.folder)

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
        """The base model with what is trained of it: a fresh adapter, or weights of its own."""
        self.writer.say("loading the model")
        base = load_model(self.config.model, self.card)
        if self.config.gradients.parameters != "lora":
            return train_own_weights(base, self.config.gradients.parameters)
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
        own = self.config.gradients.parameters != "lora"
        if own and not self.config.warmup.epochs and set(self.config.regimes) == {"sgd"}:
            # Nothing is trained and no averages are asked for: a copy of the model would say nothing.
            save_state(self.writer.folder / WARMUP, TrainingState({}, {}, {}, 0))
            return [WARMUP], {"samples": 0, "steps": 0, "trained_parameters": 0}
        checkpoint = Checkpoint(self.writer.folder / BUILDING, "warmup")
        batch_size = self.config.warmup.batch_size or 1
        steps = -(-len(samples) // batch_size) * self.config.warmup.epochs
        with self.writer.progress("warm-up", steps, "step") as bar:

            def on_step(loss: float) -> None:
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update()

            state = warm_up(
                # An adapter is float32 as it is; steps of this size would be lost in the rounding of shorter weights.
                self.model.float() if own else self.model,
                samples,
                self.config.warmup,
                batch_tokens=self.config.gradients.batch_tokens,
                resume=checkpoint.read(),
                on_step=on_step,
                on_epoch=checkpoint.write,
            )
        if own:
            self.model.to(DTYPES[self.card.dtype])
        save_state(self.writer.folder / WARMUP, state)
        return [WARMUP], {
            "samples": len(samples),
            "steps": state.step,
            "trained_parameters": sum(tensor.numel() for tensor in state.parameters.values()),
        }

    @cached_property
    def engine(self) -> GradientEngine:
        """The engine, with the adapter and the averages of the warm-up."""
        config = self.config.gradients
        state = load_state(self.writer.folder / WARMUP)
        parameters = trainable(self.model)
        for name, trained in state.parameters.items():
            parameters[name].data.copy_(trained)
        projection = make_projection(config, piece_sizes(parameters), self.card.device)
        averages = None
        if set(config.regimes) != {"sgd"}:
            averages = AdamAverages.from_training(state, parameters, config.optimizer_epsilon)
        return GradientEngine(self.model, projection, averages)

    @property
    def shards(self) -> ShardStore:
        """The gradients that are there."""
        pool = self.writer.manifest.stages["instructions"].found["pool"]
        return ShardStore(self.writer.folder / BUILDING / "shards", pool, self.config.gradients.shard_size)

    def _gradients(self) -> tuple[list[str], dict[str, Any]]:
        store = self.shards
        store.open()  # from here on others may help
        validation = self.encoder(from_frame(self.writer.read_frame(VALIDATION)))
        sketches, _ = gradients_of(self.engine, validation, self.config.gradients.batch_tokens)
        if not torch.isfinite(sketches["sgd"]).all():
            raise InputError("validation gradients are not finite; try --dtype float32")
        write_array(self.writer.folder / VALIDATION_GRADIENTS, sketches["sgd"].numpy())
        self._take_shards()
        return self._merge(store)

    def _take_shards(self) -> None:
        """Compute gradients, shard by shard, until all are there."""
        store, engine = self.shards, self.engine
        common = engine.averages.common(engine.projection) if engine.averages else None
        pool = self.writer.read_frame(INSTRUCTIONS)
        with self.writer.progress("gradients", len(pool), "sample") as bar:

            def count() -> None:
                bar.update(len(pool) - sum(len(store.rows(shard)) for shard in store.absent()) - bar.n)

            def compute(_: int, shard: int) -> None:
                rows = store.rows(shard)
                encoded = self.encoder(from_frame(pool.iloc[rows.start : rows.stop]))
                arrays, problems = self._shard(engine, encoded, common, bar)
                store.write(shard, arrays, {rows[i]: problem for i, problem in problems.items()})

            count()
            bar.unpause()
            work_off([store], compute, count)

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
        for earlier in (self.writer.folder / BUILDING).glob("graph-*"):
            remove_folder(earlier)  # compared other gradients
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

    @property
    def graph(self) -> GraphWriter:
        return GraphWriter(self.writer, self.config.regimes, self.config.graph, self.card.device)
