"""The stages of a build in order; the only writer of runs.

A stage that is finished is recorded in the manifest with the checksums of its files. Running the same
build again skips what is whole and computes what is missing or damaged, so resuming, mending and
starting are the same command.
"""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from g2is.config import BuildConfig
from g2is.errors import InputError
from g2is.files import sha256, sweep, write_array, write_bytes
from g2is.instructions import Instruction, from_frame, read_instructions, to_frame, write_rejects
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.model import ModelCard, add_adapter, inspect_model, load_model, load_tokenizer
from g2is.lm.projection import make_projection
from g2is.lm.text import PROMPT_CUT, RESPONSE_CUT, Encoded, Encoder
from g2is.lm.train import batches, trainable
from g2is.lm.warmup import draw, load_state, save_state, warm_up
from g2is.neighbors import cosines_to, exact_neighbors
from g2is.run import (
    FORMAT_VERSION,
    INSTRUCTIONS,
    MANIFEST,
    SAMPLES,
    VALIDATION,
    VALIDATION_GRADIENTS,
    WARMUP,
    FileRecord,
    InputFile,
    Manifest,
    Run,
    Stage,
)
from g2is.store import ShardStore

if TYPE_CHECKING:
    from g2is.instructions import Reading

REJECTED = "rejected.jsonl"
BUILDING = "building"


@dataclass(frozen=True)
class Target:
    """A validation target: its name and the file of its examples."""

    name: str
    path: Path


def build(
    folder: Path,
    config: BuildConfig,
    train: Sequence[Path],
    validation: Sequence[Target],
    *,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """Build a run, or finish one that was stopped.

    Raises `InputError` for wrong input before anything is written, for a run of that name made from
    other inputs or settings (unless `overwrite`), and while another process builds it.
    """
    card = inspect_model(config.model)
    config = config.resolve(card.hidden_size, card.positions)
    say(f"model {config.model.model}: {card}")
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        held = lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder}: another process is building this run; wait for it or end it") from None
    except OSError as error:
        raise InputError(
            f"{folder.parent}: not writable ({error.strerror}); choose another --cache"
        ) from None
    with held:
        return _Build(folder, config, card, tuple(train), tuple(validation), say).run(overwrite)


@dataclass
class _Build:
    folder: Path
    config: BuildConfig
    card: ModelCard
    train: tuple[Path, ...]
    validation: tuple[Target, ...]
    say: Callable[[str], None]

    def run(self, overwrite: bool) -> Run:
        wanted = self._new_manifest()
        if overwrite or not self.folder.exists():
            self._check_before_writing()
            shutil.rmtree(self.folder, ignore_errors=True)
            self.manifest = wanted
            self._write_manifest()
        else:
            self.manifest = Manifest.read(self.folder)
            _refuse_difference(self.folder, self.manifest, wanted)
            for place in (".", *self.config.gradients.regimes):
                sweep(self.folder / place)
            self._forget_damaged_stages()
        for name, stage in (
            ("instructions", self._instructions),
            ("warmup", self._warmup),
            ("gradients", self._gradients),
            ("graph", self._graph),
        ):
            if name not in self.manifest.stages:
                self._finish(name, stage)
        shutil.rmtree(self.folder / BUILDING, ignore_errors=True)
        return Run.open(self.folder)

    # What is read before the first byte is written

    def _new_manifest(self) -> Manifest:
        return Manifest(
            format_version=FORMAT_VERSION,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            configuration=self.config,
            train=[_input_file(path) for path in self.train],
            validation=[_input_file(target.path, target.name) for target in self.validation],
            model={
                "fingerprint": self.card.fingerprint,
                "device": self.card.device,
                "dtype": self.card.dtype,
                "hidden_size": self.card.hidden_size,
            },
            versions={
                "python": platform.python_version(),
                **{name: version(name) for name in ("torch", "transformers", "peft", "numpy", "pandas")},
            },
        )

    def _check_before_writing(self) -> None:
        count = len(self.reading.instructions)
        if count <= self.config.graph.neighbors:
            raise InputError(
                f"neighbors = {self.config.graph.neighbors}: a pool of {count:,} has at most "
                f"{max(0, count - 1)} neighbours each; give fewer --neighbors or a larger pool"
            )
        for target, samples, _ in self.targets:
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
    def targets(self) -> list[tuple[Target, list[Instruction], list[str]]]:
        """Each target's samples with something to train on, and what is wrong with the others."""
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
                )
            )
        return found

    @cached_property
    def encoder(self) -> Encoder:
        return Encoder(load_tokenizer(self.config.model), self.config.model.max_length or 2048)

    @cached_property
    def model(self) -> Any:
        """The base model with a fresh adapter."""
        self.say("loading the model")
        base = load_model(self.config.model, self.card)
        return add_adapter(base, self.config.lora, self.config.warmup.seed)

    # Stages: each writes files and returns what it found

    def _instructions(self) -> tuple[list[str], dict[str, Any]]:
        pool = to_frame(self.reading.instructions)
        duplicate_of = np.full(len(pool), -1)
        for first, *copies in self.reading.duplicates:
            duplicate_of[list(copies)] = first
        pool["duplicate_of"] = duplicate_of
        frames = [to_frame(samples).assign(target=target.name) for target, samples, _ in self.targets]
        validation = pd.concat(frames, ignore_index=True)
        files = [INSTRUCTIONS, VALIDATION]
        self._write_frame(INSTRUCTIONS, pool)
        self._write_frame(VALIDATION, validation)
        rejected = self.reading.rejected
        if rejected:
            write_rejects(self.folder / REJECTED, rejected)
            files.append(REJECTED)
        dropped = [problem for _, _, problems in self.targets for problem in problems]
        copies_found = int((duplicate_of >= 0).sum())
        self.say(
            f"pool: {len(pool):,} instructions from {pool['source'].nunique()} file(s), "
            f"{copies_found:,} exact duplicates, {len(rejected):,} rejected"
            + (f" (see {self.folder / REJECTED})" if rejected else "")
        )
        self.say(
            f"validation: {len(validation):,} samples" + (f", {len(dropped)} left out" if dropped else "")
        )
        return files, {
            "pool": len(pool),
            "validation": len(validation),
            "duplicates": copies_found,
            "rejected": len(rejected),
            "validation_left_out": dropped,
        }

    def _warmup(self) -> tuple[list[str], dict[str, Any]]:
        pool = self._frame(INSTRUCTIONS)
        rows = draw(len(pool), self.config.warmup)
        samples = [sample for sample in self.encoder(from_frame(pool.iloc[rows])) if sample.problem is None]
        if not samples:
            raise InputError(
                "warm-up: no sample drawn has anything to train on; give a larger warmup fraction"
            )
        checkpoint = self.folder / BUILDING / WARMUP
        batch_size = self.config.warmup.batch_size or 1
        steps = -(-len(samples) // batch_size) * self.config.warmup.epochs
        losses: list[float] = []
        with self._progress("warm-up", steps, "step") as bar:

            def on_step(loss: float) -> None:
                losses.append(loss)
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
        save_state(self.folder / WARMUP, state)
        return [WARMUP], {
            "samples": len(samples),
            "steps": state.step,
            "adapter_parameters": sum(tensor.numel() for tensor in state.parameters.values()),
        }

    def _gradients(self) -> tuple[list[str], dict[str, Any]]:
        config = self.config.gradients
        state = load_state(self.folder / WARMUP)
        parameters = trainable(self.model)
        for name, parameter in parameters.items():
            parameter.data.copy_(state.parameters[name])
        sizes = {name: parameter.numel() for name, parameter in parameters.items()}
        projection = make_projection(config, sizes, self.card.device)
        averages = None
        if set(config.regimes) != {"sgd"}:
            averages = AdamAverages.from_training(state, config.optimizer_epsilon, self.card.device)
        common = averages.common(projection) if averages else None

        validation = self._frame(VALIDATION)
        engine = GradientEngine(self.model, projection, averages)
        sketches, _ = _in_batches(engine, self.encoder(from_frame(validation)), config.batch_tokens)
        if not torch.isfinite(sketches["sgd"]).all():
            raise InputError("validation gradients are not finite; try --dtype float32")
        write_array(self.folder / VALIDATION_GRADIENTS, sketches["sgd"].numpy())

        pool = self._frame(INSTRUCTIONS)
        store = ShardStore(self.folder / BUILDING / "shards", len(pool), config.shard_size)
        missing = store.missing()
        with self._progress("gradients", len(pool), "sample") as bar:
            bar.update(len(pool) - sum(len(store.rows(shard)) for shard in missing))
            bar.unpause()
            for shard in missing:
                rows = store.rows(shard)
                instructions = from_frame(pool.iloc[rows.start : rows.stop])
                arrays, problems = self._shard(engine, self.encoder(instructions), common, bar)
                store.write(shard, arrays, {rows[i]: problem for i, problem in problems.items()})
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
        sketches, losses = _in_batches(engine, [encoded[i] for i in usable], config.batch_tokens, bar)
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
            arrays[regime][usable] = unit.numpy()
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
        self._write_frame(SAMPLES, table)
        for regime in self.config.gradients.regimes:
            for part, name in (("gradients", regime), ("norms", f"{regime}_norms")):
                store.merge(name, self.folder / regime / f"{part}.npy")
                files.append(f"{regime}/{part}.npy")
        found = {
            "valid": int(table["valid"].sum()),
            "invalid": int((~table["valid"]).sum()),
            "prompt_cut": int((table["cut"] == PROMPT_CUT).sum()),
            "response_cut": int((table["cut"] == RESPONSE_CUT).sum()),
            "projection_dim": int(next(store.blocks(self.config.gradients.regimes[0])).shape[1]),
        }
        self.say(
            f"gradients: {found['valid']:,} valid, {found['invalid']:,} not; too long: "
            f"{found['prompt_cut']:,} lost the start of the prompt, {found['response_cut']:,} the end of the response"
        )
        return files, found

    def _graph(self) -> tuple[list[str], dict[str, Any]]:
        valid = self._frame(SAMPLES)["valid"].to_numpy()
        validation = np.load(self.folder / VALIDATION_GRADIENTS)
        files: list[str] = []
        found: dict[str, Any] = {}
        regimes = self.config.gradients.regimes
        with self._progress("graph", int(valid.sum()) * len(regimes), "sample") as bar:
            for regime in regimes:
                rows = np.load(self.folder / regime / "gradients.npy", mmap_mode="r")
                lists = exact_neighbors(
                    rows,
                    valid,
                    neighbors=self.config.graph.neighbors,
                    conflicts=self.config.graph.conflicts,
                    device=self.card.device,
                    on_block=bar.update,
                )
                arrays = {
                    "neighbors": lists.neighbors,
                    "cosines": lists.cosines,
                    "conflicts": lists.conflicts,
                    "conflict_cosines": lists.conflict_cosines,
                    "validation_cosines": cosines_to(rows, valid, validation, device=self.card.device),
                }
                for name, array in arrays.items():
                    write_array(self.folder / regime / f"{name}.npy", array)
                    files.append(f"{regime}/{name}.npy")
                found[regime] = {
                    "mean_cosine": lists.mean_cosine,
                    "conflict_share": lists.conflict_share,
                }
        for name, numbers in found.items():
            self.say(
                f"graph, {name}: mean cosine {numbers['mean_cosine']:.3f}, "
                f"{numbers['conflict_share']:.1%} of pairs conflict"
            )
        return files, found

    # Keeping what was done

    def _finish(self, name: str, stage: Callable[[], tuple[list[str], dict[str, Any]]]) -> None:
        start = time.monotonic()
        files, found = stage()
        self.manifest.stages[name] = Stage(
            seconds=round(time.monotonic() - start, 2),
            files={file: _record(self.folder / file) for file in files},
            found=found,
        )
        self._write_manifest()

    def _forget_damaged_stages(self) -> None:
        """A stage with a file that is missing or changed is done again; the same inputs give the same bytes."""
        for name, stage in list(self.manifest.stages.items()):
            for file, record in stage.files.items():
                path = self.folder / file
                if not path.is_file() or _record(path) != record:
                    self.say(f"{path} is missing or damaged: doing {name} again")
                    del self.manifest.stages[name]
                    break

    def _write_manifest(self) -> None:
        write_bytes(self.folder / MANIFEST, self.manifest.model_dump_json(indent=1).encode())

    def _write_frame(self, name: str, frame: pd.DataFrame) -> None:
        buffer = BytesIO()
        frame.to_parquet(buffer, index=False)
        write_bytes(self.folder / name, buffer.getvalue())

    def _frame(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / name)

    @contextmanager
    def _progress(self, what: str, total: int, unit: str) -> Iterator[tqdm]:
        with tqdm(total=total, desc=what, unit=f" {unit}", delay=1, mininterval=0.5) as bar:
            yield bar


def _in_batches(
    engine: GradientEngine, samples: Sequence[Encoded], batch_tokens: int, bar: tqdm | None = None
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Sketches and losses of all samples on the CPU, in their order."""
    kinds = ("sgd", "adam") if engine.averages else ("sgd",)
    sketches = {kind: torch.zeros(len(samples), engine.projection.dim) for kind in kinds}
    losses = torch.zeros(len(samples))
    for batch in batches([len(sample) for sample in samples], batch_tokens):
        some, loss = engine([samples[i] for i in batch])
        for kind, rows in some.items():
            sketches[kind][batch] = rows.cpu()
        losses[batch] = loss.cpu()
        if bar is not None:
            bar.update(len(batch))
    return sketches, losses


def _record(path: Path) -> FileRecord:
    return FileRecord(sha256=sha256(path), bytes=path.stat().st_size)


def _input_file(path: Path, target: str | None = None) -> InputFile:
    try:
        return InputFile(name=path.name, target=target, **_record(path).model_dump())
    except OSError as error:
        raise InputError(
            f"{path}: not readable ({error.strerror}); expected a file of instructions"
        ) from None


def _refuse_difference(folder: Path, found: Manifest, wanted: Manifest) -> None:
    """Raise `InputError` naming every setting and input in which a run differs from what is asked for."""

    def flat(manifest: Manifest) -> dict[str, Any]:
        values: dict[str, Any] = {"model.fingerprint": manifest.model["fingerprint"]}
        for section, settings in manifest.configuration.model_dump().items():
            values.update({f"{section}.{key}": value for key, value in settings.items()})
        for kind, inputs in (("train", manifest.train), ("validation", manifest.validation)):
            for file in inputs:
                label = f"{kind} {file.target}={file.name}" if file.target else f"{kind} {file.name}"
                values[label] = file.sha256[:12]
        return values

    old, new = flat(found), flat(wanted)
    # A model that moved is the same model; its content is compared by fingerprint.
    del old["model.model"], new["model.model"]
    differences = [
        f"{key}: {old.get(key, 'absent')} -> {new.get(key, 'absent')}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    if differences:
        raise InputError(
            f"{folder}: exists, built from other inputs or settings ({'; '.join(differences)}); "
            "choose another --run, or replace it with --overwrite"
        )
