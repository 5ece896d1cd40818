"""Writes one run's folder: a stage at a time, each recorded in the manifest once its files are whole."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from g2is.config import BuildConfig, ImportConfig
from g2is.errors import InputError
from g2is.run.manifest import COPY, FORMAT_VERSION, MANIFEST, FileRecord, InputFile, Manifest, Stage
from g2is.run.run import REPRESENTATIONS, SAMPLES, Run
from g2is.storage.files import TEMPORARY, inside, not_written, remove_folder, sha256, sweep
from g2is.storage.tables import read_frame, write_frame

BUILDING = "building"
BEGINNING = f".{MANIFEST}.*{TEMPORARY}"
"""What a build leaves that was killed before its manifest had its name; all else in such a folder is not ours."""

LIBRARIES = ("torch", "transformers", "peft", "numpy", "pandas", "umap-learn", "igraph")
"""Their versions are kept: what a run holds may depend on them."""

# Settings that may change in a finished run, and the stages that depend on them. These are soon made again;
# gradients, which are dear, do not depend on them.
MADE_AGAIN = {
    "graph": ("graph", "layout", "communities"),
    "layout": ("layout",),
    "communities": ("communities",),
}

StageWork = Callable[[], tuple[list[str], dict[str, Any]]]
"""Does a stage; gives the files it wrote, relative to the run, and what it found."""


def new_manifest(
    configuration: BuildConfig | ImportConfig,
    train: list[InputFile],
    validation: list[InputFile],
    model: dict[str, Any],
) -> Manifest:
    """The manifest of a run in which nothing is done yet."""
    return Manifest(
        format_version=FORMAT_VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        configuration=configuration,
        train=train,
        validation=validation,
        model=model,
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    )


class RunWriter:
    """The folder of a run that is being written. Lead it (`sharing.Lead`) while you write."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.helps = False
        self.manifest: Manifest
        self.stages_found: dict[str, Stage] = {}
        """What was finished when the run was taken up, whole or not."""

    def begin(self, wanted: Manifest, *, overwrite: bool, check: Callable[[], None]) -> None:
        """Start a new run, after `check` has found nothing wrong with its input; or take up an old one.

        Raises `InputError` where a run of that name was made from other inputs or settings.
        """
        if self.folder.exists():
            refuse_links(self.folder)
        self.helps = False
        if self._is_new() or overwrite:
            check()
            if self.folder.exists():
                remove_folder(self.folder)
            self.manifest = wanted
            self._write_manifest()
            return
        self.manifest = self._found_manifest()
        as_found = self.manifest.model_dump_json()
        _refuse_difference(self.folder, self.manifest, wanted)
        self.stages_found = dict(self.manifest.stages)
        for section, stages in MADE_AGAIN.items():
            if getattr(self.manifest.configuration, section) != getattr(wanted.configuration, section):
                for stage in stages:
                    self.manifest.stages.pop(stage, None)
        self.manifest.configuration = wanted.configuration
        for place in (".", REPRESENTATIONS, *self.manifest.configuration.regimes):
            sweep(self.folder / place)
        self._forget_damaged_stages()
        if self.manifest.model_dump_json() != as_found:
            # Before any file changes: whoever reads meanwhile is told what is not finished, not that it is damaged.
            self._write_manifest()

    def _found_manifest(self) -> Manifest:
        """The run's manifest, or its copy where it is damaged."""
        try:
            return Manifest.read(self.folder)
        except InputError as error:
            if not (self.folder / COPY).is_file():
                raise
            manifest = Manifest.read(self.folder, COPY)
            self.say(f"{str(error).partition(';')[0]}: taken from its copy")
            self._clear([MANIFEST])
            manifest.write(self.folder)
            return manifest

    def join(self, wanted: Manifest) -> None:
        """Help another process that has begun this run.

        Raises `InputError` where it builds from other inputs or settings, also such as may be changed later, or is
        no build.
        """
        busy = InputError(f"{self.folder}: another process is building this run; wait for it or end it")
        if not (self.folder / MANIFEST).exists():
            raise busy
        self.look()
        if type(self.manifest.configuration) is not type(wanted.configuration):
            raise busy  # an import, which nobody can help
        _refuse_difference(self.folder, self.manifest, wanted)
        if differences := _differences(self.manifest, wanted):
            raise InputError(
                f"{self.folder}: another process is building this run with other settings "
                f"({'; '.join(differences)}); wait until it has ended, then run the same command again"
            )
        self.helps = True

    def look(self) -> None:
        """Read how far the process that leads has come."""
        self.manifest = Manifest.read(self.folder)

    def _is_new(self) -> bool:
        """Whether there is no run yet; a build killed before its manifest had its name leaves none either.

        Raises `InputError` where something else lies there.
        """
        if not self.folder.exists():
            return True
        if any((self.folder / name).exists() for name in (MANIFEST, COPY)):
            return False
        if not self.folder.is_dir() or set(self.folder.iterdir()) - set(self.folder.glob(BEGINNING)):
            raise InputError(f"{self.folder}: is not a run and not empty; choose another --run or --cache")
        return True

    def stage(self, name: str, work: StageWork) -> None:
        """Do a stage unless it is done, and record it."""
        if name in self.manifest.stages:
            return
        start = time.monotonic()
        files, found = work()
        self.manifest.stages[name] = Stage(
            seconds=round(time.monotonic() - start, 2),
            files={file: record(self.folder / file) for file in files},
            found=found,
        )
        self._write_manifest()

    def end(self) -> Run:
        """Remove what only the building needed, and open the run."""
        # Renamed first: those that help see at once that no shards are wanted any more.
        done = self.folder / f".{BUILDING}"
        shutil.rmtree(done, ignore_errors=True)
        try:
            with suppress(FileNotFoundError):
                (self.folder / BUILDING).rename(done)
        except OSError as error:
            raise not_written(done, error) from error
        shutil.rmtree(done, ignore_errors=True)
        return Run.open(self.folder)

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table."""
        write_frame(self.folder / name, frame)

    def read_frame(self, name: str) -> pd.DataFrame:
        """Read a table back, in a run of an earlier version from Parquet."""
        path = self.folder / name
        return read_frame(path if path.exists() else path.with_suffix(".parquet"))

    def read_array(self, name: str) -> np.ndarray:
        """An array as a read-only map."""
        return np.load(self.folder / name, mmap_mode="r")

    def read_valid(self) -> np.ndarray:
        """(n,) bool: samples that have a gradient."""
        return self.read_frame(SAMPLES)["valid"].to_numpy()

    @contextmanager
    def progress(self, what: str, total: int, unit: str) -> Iterator[tqdm]:
        """A bar with rate and time left, for what takes more than a second; only the process that leads has one."""
        with tqdm(
            total=total, desc=what, unit=f" {unit}", delay=1, mininterval=0.5, disable=self.helps
        ) as bar:
            yield bar

    def _forget_damaged_stages(self) -> None:
        """A stage with a missing or changed file is done again; the same inputs give the same bytes."""
        for name, stage in list(self.manifest.stages.items()):
            for file, expected in stage.files.items():
                path = self.folder / file
                if not path.is_file() or record(path) != expected:
                    self.say(f"{path} is missing or damaged: doing {name} again")
                    del self.manifest.stages[name]
                    self._clear(stage.files)
                    break

    def _clear(self, files: Iterable[str]) -> None:
        """Remove what lies in the place of a file of the run and is neither one nor a folder, such as a pipe."""
        for path in (self.folder / file for file in files):
            if not path.is_file() and not path.is_dir():
                with suppress(OSError):
                    path.unlink()

    def _write_manifest(self) -> None:
        self.manifest.write(self.folder)


def refuse_links(folder: Path) -> None:
    """Raise `InputError` where a run, or something in it, is a link that leads out of where it should lie."""
    inside(folder.parent, folder.name)
    for path in folder.rglob("*"):
        if path.is_symlink():
            inside(folder, path.relative_to(folder))


def record(path: Path) -> FileRecord:
    """What a file is now."""
    return FileRecord(sha256=sha256(path), bytes=path.stat().st_size)


def _refuse_difference(folder: Path, found: Manifest, wanted: Manifest) -> None:
    """Raise `InputError` naming every setting and input that differs and that a run cannot change."""
    if differences := _differences(found, wanted, *MADE_AGAIN):
        raise InputError(
            f"{folder}: exists, built from other inputs or settings ({'; '.join(differences)}); "
            "choose another --run, or replace it with --overwrite"
        )


def _differences(found: Manifest, wanted: Manifest, *without: str) -> list[str]:
    """Every setting and input in which a run differs from what is asked for, but for some sections of settings."""

    def flat(manifest: Manifest) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for section, settings in manifest.configuration.model_dump().items():
            named = settings if isinstance(settings, dict) else {"": settings}
            values.update({f"{section}.{key}".rstrip("."): value for key, value in named.items()})
        for kind, inputs in (("train", manifest.train), ("validation", manifest.validation)):
            for place, file in enumerate(inputs, start=1):
                target = f"{file.target}=" if file.target else ""
                values[f"{kind} file {place}"] = f"{target}{file.name} ({file.sha256[:12]})"
        return values | {
            f"model.{name}": manifest.model.get(name) for name in ("fingerprint", "device", "dtype")
        }

    old, new = flat(found), flat(wanted)
    # A model that moved is the same model; its content is compared by fingerprint. What is asked for of device and
    # dtype is compared as what came of it. Batches change results by rounding only.
    free = {"model.model", "model.device_map", "gradients.batch_tokens"}
    return [
        f"{key}: {old.get(key, 'absent')} -> {new.get(key, 'absent')}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and key not in free and key.partition(".")[0] not in without
    ]
