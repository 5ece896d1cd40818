"""More instructions for a finished run: only theirs are the gradients that are taken.

The new instructions are first a small run of their own in the folder `extending`, with the adapter of the run, and so
with the stages, shards and restarts of a build. Then everything that the extended pool has is written beside what is
there (`growing`), and the manifest, written last, makes it part of the run. Stopped before that, the run is as it was,
and the same command goes on with the gradients it has.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from g2is.config import BuildConfig
from g2is.config.commands import BLANK, command
from g2is.demo import model_of
from g2is.errors import InputError, shortened
from g2is.instructions import Source, find_sources
from g2is.instructions.kept import PoolColumns
from g2is.lm.lazy import LazyModel
from g2is.lm.model import inspect_model
from g2is.lm.vocabulary import check_tokens
from g2is.pipeline.changing import changing
from g2is.pipeline.comparing import differences, new_manifest
from g2is.pipeline.growing import Growing
from g2is.pipeline.inputs import input_files
from g2is.pipeline.stages.gradients import GradientsStage
from g2is.pipeline.stages.instructions import InstructionsStage, write_pool
from g2is.pipeline.stages.representations import write_representations
from g2is.pipeline.upgrade import tidy
from g2is.pipeline.writer import RunWriter
from g2is.run.manifest import Manifest
from g2is.run.parts import InputFile
from g2is.run.paths import EXTENDING, progress_path
from g2is.run.run import Run
from g2is.run.texts import each_of
from g2is.storage.files import not_written, remove_folder

EXTENDS = "extends"
"""What the manifest of an unfinished extension says of the pool that it is for."""


def extend(
    folder: Path,
    train: Sequence[Path | str],
    *,
    model: str | None = None,
    device: str | None = None,
    reading: dict[str, Any] | None = None,
    renew: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """Add instructions to the pool of a finished run; rows of those that are there keep their numbers.

    model, device: where the model is now (where it was at the build). reading: settings of the new files that are not
    those of the run, by name. renew: make layout and communities again instead of placing the new instructions among
    those nearest to them. overwrite: drop an unfinished extension by other files. Raises `InputError`, before anything
    changes, for a run that is not finished, damaged or imported, for another model, and for files that the run has.
    """
    start = time.monotonic()
    if not isinstance(Manifest.read(folder).configuration, BuildConfig):
        raise InputError(
            f"{folder}: its gradients are imported, so there is no model to extend it with; import the earlier and the "
            f"new gradients together, under another name: {command('import', '--run', f'{folder.name}-2', BLANK)} "
            "(--train and --train-gradients with the earlier files first, so that rows keep their numbers)"
        )
    with changing(folder, say) as writer:
        run = Run(folder, writer.manifest)
        if problems := run.check():
            raise InputError("; ".join([*problems, run.remedy]))
        extension = _Extension(run, train, model, device, reading or {}, say)
        try:
            new = extension.take(overwrite)
            manifest = Growing(run, new, extension.device, renew, say).write(extension.inputs, start)
            manifest.write(folder)
            remove_folder(folder / EXTENDING)
            tidy(folder, manifest)
        finally:
            extension.writer.close()
    return Run.open(folder)


class _Extension:
    """The new instructions as a run of their own, up to their gradients."""

    def __init__(
        self,
        run: Run,
        train: Sequence[Path | str],
        model: str | None,
        device: str | None,
        reading: dict[str, Any],
        say: Callable[[str], None],
    ) -> None:
        self.run = run
        self.config = _configuration(run, model, device, reading)
        card = inspect_model(self.config.model)
        if card.fingerprint != run.manifest.model["fingerprint"]:
            raise InputError(
                f"model {self.config.model.model}: another one than run {run.name} was built with (its fingerprint "
                f"differs); expected the same, give its place with --model"
            )
        self.device = card.device
        self.config = self.config.resolve(card.hidden_size, card.positions)
        self.sources = _apart(_new_sources(find_sources(train), run.manifest), set(run.source_names))
        self.lazy = LazyModel(self.config, card, say)
        self.stage = InstructionsStage(
            self.sources,
            (),
            self.config.reading,
            lambda: self.lazy.encoder,
            run.folder.parent,
            self.config.dedupe,
            lambda: each_of(run.texts),
            _columns(run),
        )
        self.inputs = input_files(self.sources)
        self.writer = RunWriter(run.folder / EXTENDING, say, progress_path(run.folder))
        facts = {**run.manifest.model, "device": card.device.partition(":")[0], "dtype": card.dtype}
        pool = f"{run.hash} {run.files.pool}"
        self.requested = new_manifest(self.config, self.inputs, [], {**facts, EXTENDS: pool})
        if (now := facts["device"]) != (then := run.manifest.model["device"]):
            say(f"extend: on {now}, the build was on {then}: gradients are the same but for rounding")

    def take(self, overwrite: bool) -> RunWriter:
        """Read the new instructions and take their gradients, or go on where that was stopped."""
        self._clear(overwrite)
        writer, config, lazy = self.writer, self.config, self.lazy
        writer.begin(self.requested, overwrite=False, check=self._check)
        writer.stage("instructions", lambda: write_pool(writer, self.stage.pool))
        self.stage.forget_pool()
        stages = self.run.manifest.stages
        writer.stage("warmup", lambda: (self._adapter(), dict(stages["warmup"].found)))
        writer.stage("gradients", GradientsStage(writer, config, lazy).write)
        if "representations" in stages:
            writer.stage("representations", lambda: write_representations(writer, config, lazy))
        return writer

    def _clear(self, overwrite: bool) -> None:
        """Remove what is left of another extension; raises `InputError` for one that could still be finished."""
        folder = self.writer.folder
        if not folder.exists():
            return
        try:
            there = Manifest.read(folder)
        except InputError:
            remove_folder(folder)  # stopped before it began, or damaged
            return
        if overwrite or there.model.get(EXTENDS) != self.requested.model[EXTENDS]:
            remove_folder(folder)
        elif others := differences(there, self.requested):
            names = ", ".join(file.name for file in there.train[:5])
            raise InputError(
                f"run {self.run.name}: an extension by {shortened(names, 200)} is not finished and differs "
                f"({shortened('; '.join(others), 300)}); give the same files and settings to finish it, or --overwrite "
                "to drop it"
            )

    def _check(self) -> None:
        """Raise `InputError` for everything that can be checked before anything is written."""
        for line in self.stage.report:
            self.writer.say(line)
        check_tokens(
            self.config.model.model,
            self.lazy.card.vocabulary,
            self.lazy.encoder,
            self.stage.pool,
        )
        _ = self.lazy.model

    def _adapter(self) -> list[str]:
        """The states of the warm-up, as links to the files of the run where the disk has such."""
        names = list(self.run.manifest.stages["warmup"].files)
        for name in names:
            _link(self.run.files.path(name), self.writer.folder / name)
        return names


def _configuration(run: Run, model: str | None, device: str | None, reading: dict[str, Any]) -> BuildConfig:
    """The settings of the run, with the model where it is now and the type of its weights as it was."""
    config = run.manifest.configuration.without_whitened()
    assert isinstance(config, BuildConfig)
    place: dict[str, Any] = {
        "model": model or model_of(run.manifest),
        "dtype": run.manifest.model["dtype"],
        "device": device or config.model.device,
    }
    return config.replace(model=config.model.replace(**place), reading=config.reading.replace(**reading))


def _columns(run: Run) -> PoolColumns:
    """What the run has of the fields of its records."""
    found = run.manifest.stages["instructions"].found
    return PoolColumns(frozenset(found.get("columns", ())), found.get("columns_left_out", {}))


def _new_sources(sources: Sequence[Source], manifest: Manifest) -> list[Source]:
    """The files; raises `InputError` for one that the run has."""
    known: list[InputFile] = [
        *manifest.train,
        *(file for added in manifest.additions for file in added.inputs),
    ]
    splits = {file.sha256: file.name for file in known}
    for source, file in zip(sources, input_files(sources), strict=True):
        earlier = splits.get(file.sha256)
        if earlier is not None and (source.split is None or earlier.endswith(f":{source.split}")):
            raise InputError(
                f"{source.path}: the run has its instructions already, from {earlier}; expected files that are new"
            )
    return [*sources]


def _apart(sources: Sequence[Source], taken: set[str]) -> list[Source]:
    """The files with names that none of the run has, since a name and a line tell an instruction from all others."""
    named = []
    for source in sources:
        name, number = source.name, 1
        while name in taken:
            number += 1
            name = f"{source.name} ({number})"
        taken.add(name)
        named.append(replace(source, name=name))
    return named


def _link(path: Path, to: Path) -> None:
    """Give a file a second name; copy it where the file system has no such links."""
    try:
        to.unlink(missing_ok=True)
        try:
            os.link(path, to)
        except OSError:
            shutil.copyfile(path, to)
    except OSError as error:
        raise not_written(to, error) from error
