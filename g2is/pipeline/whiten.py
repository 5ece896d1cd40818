"""Adds whitened gradients to a finished run, or makes them again with another lambda; the model is not needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from g2is.config import BuildConfig, ImportConfig
from g2is.engine.lock import exclusive
from g2is.errors import InputError
from g2is.graph.neighbors import device_here
from g2is.pipeline.stages.communities import write_communities
from g2is.pipeline.stages.graph import GraphStage
from g2is.pipeline.stages.layout import write_layout
from g2is.pipeline.stages.whitened import write_whitened
from g2is.pipeline.targets import records, view_files, write_views_in
from g2is.pipeline.upgrade import upgraded
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.manifest import Manifest, without_whitened
from g2is.run.parts import record
from g2is.run.paths import BUILDING, EXAMPLE_GRADIENTS, WHITENED, target_file
from g2is.run.run import Run
from g2is.storage.files import remove_folder


def whiten(folder: Path, damping: float | None = None, say: Callable[[str], None] = print) -> Run:
    """Add the regime `whitened` to a run: rows, graph, cosines to validation, layout, communities.

    damping: lambda; None for the rule. All else of the run stays as it is, and so do its selections. Stopped at any
    moment it leaves the run as it was. Raises `InputError` for a run that is not finished or keeps no plain gradients.
    """
    Manifest.read(folder)  # the message for what is not a run
    with exclusive(folder):
        run = Run.open(folder)
        if not run.complete:
            raise InputError(f"run {run.name}: not finished; {run.remedy}")
        if "sgd" not in run.regimes:
            raise InputError(
                f"run {run.name} keeps {', '.join(run.regimes)}; whitened gradients are made from sgd: build with "
                "--regimes sgd"
            )
        if problems := run.check():
            raise InputError("; ".join([*problems, run.remedy]))
        writer = RunWriter(folder, say)
        try:
            _write(writer, upgraded(folder, run.manifest, say), damping)
            return writer.end()
        finally:
            writer.close()


def add_missing(writer: RunWriter, asked: BuildConfig | ImportConfig) -> None:
    """Add whitened gradients to a run that is otherwise finished, where they are asked for or were there before."""
    kept, before = writer.manifest.configuration, writer.before
    if WHITENED in asked.regimes:
        if WHITENED not in kept.regimes or kept.whitening_lambda != asked.whitening_lambda:
            _write(writer, writer.manifest, asked.whitening_lambda)
    elif before is not None and WHITENED in before.regimes and WHITENED not in kept.regimes:
        _write(writer, writer.manifest, before.whitening_lambda)


def _write(writer: RunWriter, before: Manifest, damping: float | None) -> None:
    """Write all files; the manifest, which makes them part of the run, comes last."""
    if WHITENED in before.configuration.regimes:
        # Its files change: a reader meanwhile sees a run without them, not a damaged one.
        before = without_whitened(before)
        before.write(writer.folder)
    config = before.configuration.with_whitened(damping)
    writer.start(before.model_copy(deep=True, update={"configuration": config}))
    for earlier in (writer.folder / BUILDING).glob(f"graph-{WHITENED}-*"):
        remove_folder(earlier)  # compared rows of another lambda
    files, numbers = write_whitened(writer, damping)
    _add(writer, "gradients", (files, {WHITENED: numbers}))
    _add(writer, "graph", GraphStage(writer, (WHITENED,), config.graph, device_here()).write())
    _add(writer, "layout", (write_layout(writer, config, (WHITENED,))[0], {}))
    _add(writer, "communities", write_communities(writer, config, (WHITENED,)))
    run = Run(writer.folder, writer.manifest)
    for place, part in writer.manifest.targets.items():
        write_views_in(run, place, WHITENED, np.load(writer.folder / target_file(place, EXAMPLE_GRADIENTS)))
        own = [name for name in view_files(run, place) if WHITENED in name.split("/")]
        part.files |= records(writer.folder, own)
    writer.manifest.write(writer.folder)


def _add(writer: RunWriter, name: str, result: StageResult) -> None:
    """Add files and numbers to a finished stage."""
    files, numbers = result
    stage = writer.manifest.stages[name]
    stage.files.update({file: record(writer.folder / file) for file in files})
    stage.found.update(numbers)
