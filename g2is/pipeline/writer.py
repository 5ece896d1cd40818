"""Writes the folder of a run: a stage at a time, each recorded in the manifest once its files are complete."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from g2is.config import BuildConfig, ImportConfig
from g2is.errors import InputError
from g2is.pipeline.comparing import CHANGEABLE, refuse_differences
from g2is.pipeline.progress import Bar, Follower, Progress
from g2is.pipeline.upgrade import tidy, upgraded
from g2is.run.manifest import FORMAT_VERSION, OF_ALL, Manifest, without_whitened
from g2is.run.parts import FileRecord, Part, Stage, record
from g2is.run.paths import (
    BUILDING,
    EXAMPLE_GRADIENTS,
    EXAMPLES,
    INSTRUCTIONS,
    MANIFEST,
    MANIFEST_COPY,
    POOLINGS,
    REPRESENTATIONS,
    SAMPLES,
    WHITENED,
    progress_path,
    target_file,
    target_representations,
)
from g2is.run.run import Run
from g2is.storage.files import TEMPORARY, inside, not_written, remove_folder
from g2is.storage.stored_tables import StoredTable, open_table
from g2is.storage.tables import read_frame, write_frame

UNNAMED_MANIFEST = f".{MANIFEST}.*{TEMPORARY}"
"""Files of a build that was killed before it wrote its manifest; a folder with any others is not a run."""

WHITENED_IN = ("gradients", "graph", "layout", "communities")
"""Stages with files of whitened gradients."""

StageResult = tuple[list[str], dict[str, Any]]
"""Files that a stage wrote, relative to the run, and its numbers for the manifest."""


class RunWriter:
    """The folder of a run that is being written, by the process that holds its lock (`engine.lock`).

    say: called with each line of output. progress: the file of the progress, of a folder inside a run that of the run.
    """

    def __init__(self, folder: Path, say: Callable[[str], None], progress: Path | None = None) -> None:
        self.folder = folder
        self.say = say
        self.said: list[str] = []
        """Lines of another process, for this one to say."""
        self.manifest: Manifest
        self.before: BuildConfig | ImportConfig | None = None
        """The settings of the run that this build continues."""
        self.stages_before: dict[str, Stage] = {}
        """The finished stages of the run that this build continues, with damaged ones."""
        self._progress = progress
        """Where progress is written; None before the run has begun."""

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "say": None, "said": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """In another process lines are kept."""
        vars(self).update(state)
        self.say = self.said.append

    def begin(self, requested: Manifest, *, overwrite: bool, check: Callable[[], None]) -> None:
        """Start a new run once `check` has passed, or continue an earlier build.

        Raises `InputError` if a run of that name has other inputs or settings.
        """
        if self.folder.exists():
            refuse_links(self.folder)
        self._progress = self._progress or progress_path(self.folder)
        if self._is_new() or overwrite:
            check()
            if self.folder.exists():
                remove_folder(self.folder)
            self.manifest = requested
            self.manifest.write(self.folder)
            return
        self.manifest = self._existing_manifest()
        refuse_differences(self.folder, self.manifest, requested)
        self.before = self.manifest.configuration
        requested.configuration = _with_search_of(self.before, requested.configuration)
        tidy(self.folder, self.manifest)
        self.stages_before = dict(self.manifest.stages)
        if self.manifest.format_version < FORMAT_VERSION:
            self._drop_damaged_stages()
            self.manifest = upgraded(self.folder, self.manifest, self.say)
        before = self.manifest.model_dump_json()
        whole = self._whitened_is_whole()
        if not whole:
            self.manifest = without_whitened(self.manifest)
        for section, stages in CHANGEABLE.items():
            if getattr(self.before, section) != getattr(requested.configuration, section):
                for stage in stages:
                    self.manifest.stages.pop(stage, None)
        self.manifest.configuration = requested.configuration
        if "graph" not in self.manifest.stages:
            self.manifest.content = ""  # another graph is another content
        self._drop_damaged_stages()
        if whole and all(stage in self.manifest.stages for stage in WHITENED_IN):
            damping = self.before.whitening_lambda
            self.manifest.configuration = requested.configuration.with_whitened(damping)
        else:
            self.manifest = without_whitened(self.manifest)
        self._drop_damaged_parts()
        if "targets" not in self.manifest.stages:
            self._drop_views()
        if self.manifest.model_dump_json() != before:
            # Before any file changes, so that a reader meanwhile sees an unfinished run and not a damaged one.
            self.manifest.write(self.folder)

    def _whitened_is_whole(self) -> bool:
        """Whether the run has whitened gradients of which no file is missing or damaged."""
        if WHITENED not in self.manifest.configuration.regimes:
            return False
        for name, expected in self.manifest.files.items():
            path = self.folder / (expected.at or name)
            if name.startswith(f"{WHITENED}/") and not _is_whole(path, expected):
                self.say(f"{path} is missing or damaged: whitening again")
                return False
        return True

    def start(self, manifest: Manifest) -> None:
        """Write to a finished run, whose manifest this will be once all is written."""
        refuse_links(self.folder)
        self._progress = self._progress or progress_path(self.folder)
        self.manifest = manifest
        tidy(self.folder, manifest)

    def _existing_manifest(self) -> Manifest:
        """The run's manifest, or its copy if it is damaged."""
        try:
            return Manifest.read(self.folder)
        except InputError as error:
            if not (self.folder / MANIFEST_COPY).is_file():
                raise
            manifest = Manifest.read(self.folder, MANIFEST_COPY)
            self.say(f"{str(error).partition(';')[0]}: taken from its copy")
            self._clear([MANIFEST])
            manifest.write(self.folder)
            return manifest

    def _is_new(self) -> bool:
        """Whether there is no run yet, or only files of a build that was killed before it wrote its manifest.

        Raises `InputError` if the folder contains anything else.
        """
        if not self.folder.exists():
            return True
        if any((self.folder / name).exists() for name in (MANIFEST, MANIFEST_COPY)):
            return False
        if not self.folder.is_dir() or set(self.folder.iterdir()) - set(self.folder.glob(UNNAMED_MANIFEST)):
            raise InputError(f"{self.folder}: is not a run and not empty; choose another --run or --cache")
        return True

    def stage(self, name: str, work: Callable[[], StageResult]) -> None:
        """Run a stage unless it is finished, and record it."""
        if name in self.manifest.stages:
            return
        if self._progress:
            Progress(stage=name).write(self._progress)
        start = time.monotonic()
        files, numbers = work()
        with ThreadPoolExecutor() as pool:  # gradients of all regimes are read side by side
            records = [*pool.map(record, [self.folder / file for file in files])]
        self.manifest.stages[name] = Stage(
            seconds=round(time.monotonic() - start, 2),
            files=dict(zip(files, records, strict=True)),
            found=numbers,
        )
        self.manifest.write(self.folder)

    def put_part(self, place: str, part: Part) -> None:
        """Record a part, or what it has now, in its folder."""
        self.manifest.parts[place] = part
        self.manifest.write(self.folder)

    def end(self) -> Run:
        """Remove files that only the build needed, and open the run."""
        # Renamed first: what is half removed is no shard of a build.
        done = self.folder / f".{BUILDING}"
        shutil.rmtree(done, ignore_errors=True)
        try:
            with suppress(FileNotFoundError):
                (self.folder / BUILDING).rename(done)
        except OSError as error:
            raise not_written(done, error) from error
        shutil.rmtree(done, ignore_errors=True)
        return Run.open(self.folder)

    def close(self) -> None:
        """Remove the progress file, whether or not the build succeeded."""
        if self._progress:
            with suppress(OSError):
                self._progress.unlink(missing_ok=True)

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table."""
        write_frame(self.folder / name, frame)

    def read_frame(self, name: str) -> pd.DataFrame:
        """Read a table."""
        return read_frame(self.path(name))

    def open_pool(self) -> StoredTable:
        """The pool, of which rows are read when they are asked for; in a run of an earlier version, from Parquet."""
        path = self.path(INSTRUCTIONS)
        return open_table(path if path.exists() else path.with_suffix(".parquet"))

    def read_array(self, name: str) -> np.ndarray:
        """An array as a read-only memory map."""
        return np.load(self.path(name), mmap_mode="r")

    def path(self, name: str) -> Path:
        """Where a file of the run lies; one that no finished stage has is being written at its own name."""
        return self.folder / self.manifest.at(name)

    def read_valid(self) -> np.ndarray:
        """(n,) bool: samples that have a gradient."""
        return self.read_frame(SAMPLES)["valid"].to_numpy()

    def progress(self, label: str, total: int, unit: str) -> Bar:
        """A context manager: a bar with rate and time left."""
        return Bar(self._progress, label, total, unit)

    def follow(self, patience: float) -> Follower:
        """A context manager that shows the bars of another process that has this writer (`Follower`)."""
        return Follower(self._progress, self.say, patience)

    def _drop_damaged_stages(self) -> None:
        """Mark stages with a missing or changed file as unfinished; the same inputs give the same bytes again."""
        for name, stage in list(self.manifest.stages.items()):
            for file, expected in stage.files.items():
                path = self.folder / (expected.at or file)
                if not _is_whole(path, expected):
                    if name in OF_ALL and self.manifest.additions:
                        raise InputError(
                            f"{path}: missing or damaged; {self.manifest.remedy(self.folder, file)}"
                        )
                    self.say(f"{path} is missing or damaged: doing {name} again")
                    del self.manifest.stages[name]
                    self._clear(stage.files)
                    break

    def _drop_damaged_parts(self) -> None:
        """Mark what is missing or changed of the targets to be computed again.

        Raises `InputError` where that takes the examples of a target that is not of the build, or rows of a removal.
        """
        for part in self.manifest.removals.values():
            for file, expected in part.files.items():
                if not _is_whole(self.folder / file, expected):
                    remedy = self.manifest.remedy(self.folder, file)
                    raise InputError(f"{self.folder / file}: missing or damaged; {remedy}")
        for place, part in list(self.manifest.targets.items()):
            damaged = [
                name for name, of in part.files.items() if not _is_whole(self.folder / (of.at or name), of)
            ]
            if not damaged:
                continue
            self._clear(damaged)
            if {target_file(place, EXAMPLES), target_file(place, EXAMPLE_GRADIENTS)} & set(damaged):
                if part.found["origin"] != "build":
                    remedy = self.manifest.remedy(self.folder, damaged[0])
                    raise InputError(f"{self.folder / damaged[0]}: missing or damaged; {remedy}")
                del self.manifest.parts[place]
            else:
                part.files = {name: of for name, of in part.files.items() if name not in damaged}
            if any(f"/{REPRESENTATIONS}/" in name for name in damaged):
                self.manifest.stages.pop("representations", None)
            self.say(f"{self.folder / damaged[0]} is missing or damaged: doing targets again")
            self.manifest.stages.pop("targets", None)

    def _drop_views(self) -> None:
        """Keep of every target only what the model told; all else follows from it and from what the pool is now."""
        for place, part in self.manifest.targets.items():
            own = (target_file(place, EXAMPLES), target_file(place, EXAMPLE_GRADIENTS))
            of_model = (*own, *(target_representations(place, pooling) for pooling in POOLINGS))
            part.files = {name: of for name, of in part.files.items() if name in of_model}

    def _clear(self, files: Iterable[str]) -> None:
        """Remove entries with the name of a file of the run that are neither file nor folder, such as a pipe."""
        for path in (self.folder / file for file in files):
            if not path.is_file() and not path.is_dir():
                with suppress(OSError):
                    path.unlink()


def _with_search_of(
    before: BuildConfig | ImportConfig, requested: BuildConfig | ImportConfig
) -> BuildConfig | ImportConfig:
    """The settings requested; where they leave the search for neighbours open, with that of the run as it was."""
    if requested.graph.neighbor_search != "auto":
        return requested
    search = before.graph.neighbor_search
    return requested.replace(graph=requested.graph.replace(neighbor_search=search))


def _is_whole(path: Path, expected: FileRecord) -> bool:
    return path.is_file() and record(path).same(expected)


def refuse_links(folder: Path) -> None:
    """Raise `InputError` if a run, or anything in it, is a link that leads outside."""
    inside(folder.parent, folder.name)
    for path in folder.rglob("*"):
        if path.is_symlink():
            inside(folder, path.relative_to(folder))
