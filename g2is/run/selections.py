"""Selections of a run: computed by a method, read from files and written to them.

A selection lists samples in order of choice, with the method and settings that chose them.
"""

from __future__ import annotations

import errno
import json
from base64 import b64decode, b64encode
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
from g2is.run.earlier import with_targets
from g2is.run.gone import gone_since
from g2is.run.made_on import MadeOn
from g2is.run.reference import SET, RunReference
from g2is.run.run import Run
from g2is.run.traces import trace_bytes, trace_of, trace_path
from g2is.selectors import method_settings
from g2is.storage.files import read_small, sweep_stale, write_bytes
from g2is.walk import WalkTrace

MOST_BYTES = 4 * 2**20, 4096
"""Of a selection's file: so many, and for each row of the pool so many more. A row that is chosen takes 8, and in a
trace up to a few hundred with those that were rejected on the way to it."""
MOST_TRACE = 2**30
"""Of a trace beside its selection, as earlier versions wrote it."""


class Selection(BaseModel):
    """Samples of a run's pool (row indices) in order of choice, with everything needed to select them again.

    made_on: what the run held at the time; None in files of earlier versions.
    trace: of a walk, see `trace_bytes`, in base64. It is in the same file, so that one is never there without the
    other, nor with that of another walk. as_made: the samples as its file lists them, with what was removed from the
    pool since.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    samples: list[int]
    method: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    run: RunReference
    made_on: MadeOn | None = None
    trace: str | None = Field(default=None, repr=False)
    _as_made: list[int] | None = None

    @property
    def as_made(self) -> list[int]:
        return self.samples if self._as_made is None else self._as_made

    @property
    def gone(self) -> str:
        """What was removed from the pool since it was made, in words; "" for nothing."""
        return gone_since(len(self.as_made) - len(self.samples), len(self.as_made))

    @classmethod
    def of(
        cls,
        run: Run,
        samples: np.ndarray,
        method: str,
        parameters: dict[str, Any],
        trace: WalkTrace | None = None,
    ) -> Self:
        """The selection of these samples of a run."""
        return cls(
            samples=[int(sample) for sample in samples],
            method=method,
            parameters=parameters,
            run=run.reference,
            made_on=MadeOn.now(run, _targets(run, parameters)),
            trace=None if trace is None else b64encode(trace_bytes(trace)).decode(),
        )

    @classmethod
    def read(cls, path: Path, run: Run) -> Self:
        """Read a selection of `run`, without what was removed from the pool since (see `gone`).

        Raises `InputError` if the file is not one or belongs to another run.
        """
        return cls.recorded(path, run).left(run)

    @classmethod
    def recorded(cls, path: Path, run: Run) -> Self:
        """Read a selection as it was made, with what was removed from the pool since; errors as of `read`."""
        count = len(run.instructions)
        least, row = MOST_BYTES
        try:
            selection = cls.model_validate_json(read_small(path, least + count * row))
        except OSError as error:
            raise InputError(f"{path}: not readable ({error.strerror}); expected a selection file") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = shortened(".".join(map(str, first["loc"]))) or first["msg"]
            raise InputError(f"{path}: not a selection ({where}); {command('walk')} writes one") from None
        selection.run.check(run.reference, path)
        for sample in selection.samples:
            if not 0 <= sample < count:
                shown = f"{sample}" if abs(sample) < 2**63 else "a number of more than 18 digits"
                raise InputError(f"{path}: row {shown}: expected a row of the pool, 0 to {count - 1:,}")
        if len(set(selection.samples)) < len(selection.samples):
            (sample, times), *_ = Counter(selection.samples).most_common(1)
            raise InputError(f"{path}: row {sample}: listed {times:,} times, expected once")
        return selection

    def left(self, run: Run) -> Self:
        """Without what was removed from the pool since, as `read` returns it."""
        if not self.samples or not run.gone[self.samples].any():
            return self
        samples = [sample for sample in self.samples if not run.gone[sample]]
        left = self.model_copy(update={"samples": samples})
        left._as_made = self.samples
        return left

    def write(self, path: Path) -> None:
        """Write the selection as JSON; the file is complete or absent."""
        values = self.model_dump()
        if self.trace is None:
            del values["trace"]
        write_bytes(path, json.dumps(values, ensure_ascii=False).encode())
        if self.trace is not None:
            with suppress(OSError):  # of a walk that was saved by an earlier version; it is not read any more
                trace_path(path).unlink(missing_ok=True)
        sweep_stale(path.parent)


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
    selection = Selection.of(run, found.rows, SET, {"set": found.reference})
    selection._as_made = found.recorded.tolist()
    return selection


def changes(run: Run, selection: Selection) -> list[str]:
    """What has changed in the run since a selection was made, a line each: targets and instructions that came or went,
    and sets of a walk that are no longer as they were. Its instructions stay those that they were."""
    if selection.made_on:
        lines = selection.made_on.changes(run)
    else:
        lines = [since] if (since := run.since(selection.run)) else []
    if selection.gone:
        lines.append(selection.gone)
    if selection.method == "walk":
        with suppress(InputError):  # settings of another version
            lines += run.sets.changed(WalkParameters(**selection.parameters))
    return lines


def _targets(run: Run, parameters: Mapping[str, Any]) -> list[str]:
    """The targets that a method with these settings selects for; none where it has no such setting."""
    return (_named_targets(parameters) or run.usual_targets) if "targets" in parameters else []


def _named_targets(parameters: Mapping[str, Any]) -> list[str]:
    """The targets that settings name, with a share where they have one."""
    named = parameters.get("targets")
    if isinstance(named, Mapping):
        return [name for name, share in named.items() if share]
    return list(map(str, named)) if isinstance(named, list | tuple) else []


def made_for(run: Run, selection: Selection) -> list[str]:
    """The targets that a selection is for; empty where it is for the only one of the run, or its method looked at
    none."""
    parameters = selection.parameters
    if not (names := _named_targets(parameters)):
        names = list(selection.made_on.targets) if selection.made_on else _targets(run, parameters)
    return [] if names == [target.name for target in run.targets] and len(names) == 1 else names


def when_made(run: Run, selection: Selection) -> Run:
    """The run with the targets of a selection as they were when it was made, as far as they are kept; see
    `with_targets`."""
    made_on = selection.made_on
    versions = made_on.targets if made_on else dict.fromkeys(_named_targets(selection.parameters), "")
    return with_targets(run, versions)


def save_walk(path: Path, run: Run, trace: WalkTrace) -> Selection:
    """Write the selection of a walk with its trace."""
    selection = Selection.of(run, trace.samples, "walk", trace.parameters.model_dump(), trace)
    selection.write(path)
    return selection


def read_walk(path: Path, run: Run) -> tuple[Selection, WalkTrace | None]:
    """A selection with its trace, None where it has none; the trace is that of the walk as it was, with what was
    removed from the pool since.

    Raises `InputError` as `Selection.read` does, for a trace that is damaged, and for that of another walk.
    """
    selection = Selection.recorded(path, run)
    found = path
    try:
        if selection.trace is not None:
            data = b64decode(selection.trace, validate=True)
        else:
            found = trace_path(path)
            data = read_small(found, MOST_TRACE)
    except FileNotFoundError:
        return selection.left(run), None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # of a trace beside it, so that there is none
            return selection.left(run), None
        raise InputError(f"{found}: not readable ({error.strerror}); walk again to write it") from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a selection (trace); {command('walk')} writes one") from None
    trace = trace_of(data, found)
    same = trace.samples.tolist() == selection.samples and trace.rows <= len(run.instructions)
    if not same or trace.parameters != WalkParameters(**selection.parameters):
        raise InputError(f"{found}: the trace of another walk; walk again to write both")
    return selection.left(run), trace
