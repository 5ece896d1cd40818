"""Selections of a run: computed by a method, read from files and written to them.

A selection lists samples in order of choice, with the method and settings that chose them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from g2is.config import WalkParameters
from g2is.config.commands import command
from g2is.errors import InputError, shortened
from g2is.run.made_on import MadeOn
from g2is.run.reference import SET, RunReference
from g2is.run.run import Run
from g2is.run.traces import trace_path, write_trace
from g2is.selectors import method_settings
from g2is.storage.files import read_small, write_bytes
from g2is.walk import WalkTrace

MOST_BYTES = 2**30
"""Of a selection's file; 100 million rows take that."""


class Selection(BaseModel):
    """Samples of a run's pool (row indices) in order of choice, with everything needed to select them again.

    made_on: what the run held at the time; None in files of earlier versions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    samples: list[int]
    method: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    run: RunReference
    made_on: MadeOn | None = None

    @classmethod
    def of(cls, run: Run, samples: np.ndarray, method: str, parameters: dict[str, Any]) -> Self:
        """The selection of these samples of a run."""
        return cls(
            samples=[int(sample) for sample in samples],
            method=method,
            parameters=parameters,
            run=run.reference,
            made_on=MadeOn.now(run, _targets(run, parameters)),
        )

    @classmethod
    def read(cls, path: Path, run: Run) -> Self:
        """Read a selection of `run`; raises `InputError` if the file is not one or belongs to another run."""
        try:
            selection = cls.model_validate_json(read_small(path, MOST_BYTES))
        except OSError as error:
            raise InputError(f"{path}: not readable ({error.strerror}); expected a selection file") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = shortened(".".join(map(str, first["loc"]))) or first["msg"]
            raise InputError(f"{path}: not a selection ({where}); {command('walk')} writes one") from None
        selection.run.check(run.reference, path)
        count = len(run.instructions)
        for sample in selection.samples:
            if not 0 <= sample < count:
                raise InputError(f"{path}: row {sample}: expected a row of the pool, 0 to {count - 1:,}")
        if len(set(selection.samples)) < len(selection.samples):
            (sample, times), *_ = Counter(selection.samples).most_common(1)
            raise InputError(f"{path}: row {sample}: listed {times:,} times, expected once")
        return selection

    def write(self, path: Path) -> None:
        """Write the selection as JSON; the file is complete or absent."""
        write_bytes(path, json.dumps(self.model_dump(), ensure_ascii=False).encode())


def select(run: Run, method: str, **values: Any) -> Selection:
    """The selection of a run by a method. values: fields of the method's settings.

    Raises `InputError` for an unknown method or setting, for values that do not fit the run, and if the run lacks what
    the method needs.
    """
    settings = method_settings(method, values)
    return Selection.of(run, settings.select(run), method, settings.model_dump(mode="json"))


def select_set(run: Run, name: str) -> Selection:
    """A named set of a run as a selection, its rows ascending. Raises `InputError` where there is none."""
    found = run.sets[name]
    return Selection.of(run, found.rows, SET, {"set": found.reference})


def changes(run: Run, selection: Selection) -> list[str]:
    """What has changed in the run since a selection was made, a line each: targets and instructions that came or went,
    and sets of a walk that are no longer as they were. Its instructions stay those that they were."""
    lines = selection.made_on.changes(run) if selection.made_on else []
    if selection.method == "walk":
        with suppress(InputError):  # settings of another version
            lines += run.sets.changed(WalkParameters(**selection.parameters))
    return lines


def _targets(run: Run, parameters: Mapping[str, Any]) -> list[str]:
    """The targets that a method with these settings selects for; none where it has no such setting."""
    return list(parameters["targets"] or run.usual_targets) if "targets" in parameters else []


def save_walk(path: Path, run: Run, trace: WalkTrace) -> Selection:
    """Write a walk's trace, then its selection beside it: every selection of a walk has its trace."""
    selection = Selection.of(run, trace.samples, "walk", trace.parameters.model_dump())
    write_trace(trace_path(path), trace)
    selection.write(path)
    return selection
