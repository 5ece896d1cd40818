"""The command that adds a target: what was asked for, its examples beside the run, and which process runs it.

No Streamlit. The examples are copied, because what a visitor uploads is removed with their session.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from g2is.app.shared.jobs import Job
from g2is.config import ReadingConfig
from g2is.config.commands import target_words
from g2is.errors import InputError
from g2is.instructions import Source
from g2is.pipeline.progress import Progress
from g2is.run.paths import progress_path
from g2is.run.run import Run
from g2is.storage.files import not_written, read_small, write_bytes

LONGEST = 100_000
"""Bytes of the file with what was asked for, at most."""
NAME = 150
"""Bytes of the name of a copied file, at most, without its suffix."""


class Asked(BaseModel):
    """What was asked for.

    name: of the target. files: names of the files of its examples in `folder_of`, with the split where one was asked
    for; a single one that `target compute` wrote holds gradients. model: where it is; None for where it was. columns,
    skip_bad: how the files are read. done: whether it was seen that the target is there.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    name: str
    files: list[str]
    model: str | None = None
    columns: list[str] = []
    skip_bad: bool = False
    done: bool = False

    def words(self, run: Run) -> list[str]:
        """The words of the command, without the program."""
        reading = ReadingConfig(columns=tuple(self.columns), skip_bad=self.skip_bad)
        named = [f"{self.name}={folder_of(run) / file}" for file in self.files]
        return target_words("add", run.name, named, reading, model=self.model, cache=_cache(run))


def job_of(run: Run) -> Job:
    """The process that adds a target to a run; one at a time."""
    return Job(_cache(run), f"{run.name}.target")


def folder_of(run: Run) -> Path:
    """The folder of the examples."""
    return _cache(run) / f".{run.name}.target"


def copy_examples(run: Run, sources: Sequence[Source]) -> list[str]:
    """Copy the files of examples beside the run; returns their names there. Raises `InputError`."""
    folder = folder_of(run)
    if job_of(run).running():
        raise InputError("a target is being added to this run; wait until it is there, or cancel it")
    names: list[str] = []
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for source in sources:
            name = _free(plain_name(source.name), names)
            write_bytes(folder / name, source.path.read_bytes())
            names.append(name)
    except OSError as error:
        raise not_written(folder, error) from None
    return [
        f"{name}:{source.split}" if source.split else name
        for name, source in zip(names, sources, strict=True)
    ]


def plain_name(name: str) -> str:
    """The name of a file without what the name of a file in a folder cannot have."""
    plain = re.sub(r"[/\\:\0]", "_", name).lstrip(".- ").encode("utf-8", "replace").decode()
    stem, suffix = Path(plain).stem, Path(plain).suffix[:12]
    return stem.encode()[:NAME].decode(errors="ignore") + suffix or "examples"


def _free(name: str, taken: Sequence[str]) -> str:
    number, free = 2, name
    while free in taken:
        free = f"{number}-{name}"
        number += 1
    return free


def start(run: Run, asked: Asked) -> bool:
    """Start the command; False where one is running. Raises `InputError` where nothing can be written."""
    if job_of(run).running():
        return False
    write_bytes(_file(run), asked.model_dump_json().encode())
    return job_of(run).start([sys.executable, "-m", "g2is", *asked.words(run)])


def last(run: Run) -> Asked | None:
    """What was asked for last; None where nothing was, or nothing that this module wrote."""
    try:
        asked = Asked.model_validate_json(read_small(_file(run), LONGEST))
    except (OSError, ValidationError, InputError):
        return None
    plain = all(Path(file).name == file and file not in ("", ".", "..") for file in asked.files)
    return asked if plain and asked.files else None


def is_there(run: Run, asked: Asked) -> bool:
    """Whether the run has the target; the copies of its examples are removed once it has."""
    if asked.name not in [target.name for target in run.targets]:
        return False
    if not asked.done:
        shutil.rmtree(folder_of(run), ignore_errors=True)
        write_bytes(_file(run), asked.model_copy(update={"done": True}).model_dump_json().encode())
    return True


def forget(run: Run) -> None:
    """It is not to be tried again."""
    shutil.rmtree(folder_of(run), ignore_errors=True)
    _file(run).unlink(missing_ok=True)


def progress(run: Run) -> Progress | None:
    """How far it is; None before the first step."""
    return Progress.read(progress_path(run.folder))


def reason(lines: Sequence[str]) -> str:
    """Why the command ended, from the lines that it printed; empty where it did not say."""
    return next((line.strip() for line in reversed(lines) if line.startswith(ERROR)), "").removeprefix(ERROR)


ERROR = "error: "


def _cache(run: Run) -> Path:
    return run.folder.parent.resolve()


def _file(run: Run) -> Path:
    return _cache(run) / f".{run.name}.target.json"
