"""Selections of a run: made by a method, and read and written as files.

A selection says which samples, in order of choice, by which method with which settings.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from g2is.config.commands import command
from g2is.errors import InputError, shortened
from g2is.run.run import Run
from g2is.run.traces import trace_path, write_trace
from g2is.selectors import method_settings
from g2is.storage.files import write_bytes
from g2is.walk import WalkTrace


class RunReference(BaseModel):
    """Which run a selection was made on."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    hash: str


class Selection(BaseModel):
    """Samples of a run's pool (row indices) in order of choice, with all that is needed to repeat it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    samples: list[int]
    method: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    run: RunReference

    @classmethod
    def of(cls, run: Run, samples: np.ndarray, method: str, parameters: dict[str, Any]) -> Self:
        """A selection made on a run."""
        return cls(
            samples=[int(sample) for sample in samples],
            method=method,
            parameters=parameters,
            run=RunReference(name=run.name, hash=run.hash),
        )

    @classmethod
    def read(cls, path: Path, run: Run) -> Self:
        """Read a selection of `run`; raises `InputError` where the file is not one, or is of another run."""
        try:
            selection = cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise InputError(f"{path}: not readable ({error.strerror}); expected a selection file") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = shortened(".".join(map(str, first["loc"]))) or first["msg"]
            raise InputError(f"{path}: not a selection ({where}); {command('walk')} writes one") from None
        if selection.run.hash != run.hash:
            raise InputError(
                f"{path}: was made on run {shortened(selection.run.name)} ({shortened(selection.run.hash)}), "
                f"this is {run.name} ({run.hash}); row numbers would mean other instructions"
            )
        count = len(run.instructions)
        for sample in selection.samples:
            if not 0 <= sample < count:
                raise InputError(f"{path}: sample {sample}: expected a row of the pool, 0 to {count - 1:,}")
        if len(set(selection.samples)) < len(selection.samples):
            (sample, times), *_ = Counter(selection.samples).most_common(1)
            raise InputError(f"{path}: sample {sample}: named {times:,} times, expected each sample once")
        return selection

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_bytes(path, json.dumps(self.model_dump(), ensure_ascii=False).encode())


def select(run: Run, method: str, **values: Any) -> Selection:
    """The selection that a method makes on a run; `values` are fields of the method's settings.

    Raises `InputError` for a method or a setting that does not exist, for values that do not fit the run, and
    where the run lacks what the method needs.
    """
    settings = method_settings(method, values)
    return Selection.of(run, settings.select(run), method, settings.model_dump(mode="json"))


def save_walk(path: Path, run: Run, trace: WalkTrace) -> Selection:
    """Write a walk's trace, then its selection beside it: a selection that exists has its trace."""
    selection = Selection.of(run, trace.samples, "walk", trace.parameters.model_dump())
    write_trace(trace_path(path), trace)
    selection.write(path)
    return selection
