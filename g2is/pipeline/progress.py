"""The progress of a build: a bar on the terminal, and a small JSON file beside the run that pages read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tqdm import tqdm

from g2is.errors import InputError
from g2is.storage.files import read_small, replace_bytes

INTERVAL = 0.5
"""Seconds between two writes of the file, at least."""
LONGEST = 10_000
"""Bytes of the file, at most."""


class Progress(BaseModel):
    """The progress of one stage of a build.

    stage: its name. done, total: in `unit`; a total of 0 is not known. per_second: rate. seconds_left: estimated.
    These two are None if not known yet. note: what stands at the end of the bar.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    stage: str
    done: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)
    unit: str = ""
    per_second: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    seconds_left: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    note: str = ""

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    def write(self, path: Path) -> None:
        """Replace the file; a full disk does not stop the build because of it."""
        with suppress(OSError):
            replace_bytes(path, self.model_dump_json().encode())

    @classmethod
    def read(cls, path: Path) -> Progress | None:
        """The last progress written; None if there is no file."""
        try:
            return cls.model_validate_json(read_small(path, LONGEST))
        except (OSError, InputError, ValidationError):
            return None


class Bar(tqdm):
    """A bar on the terminal, shown after a second, that also writes the file of the progress.

    path: of the file; None to write none, because another process does. done: what it starts after.
    """

    def __init__(self, path: Path | None, label: str, total: int, unit: str, done: int = 0) -> None:
        self._path = path
        self._label = label
        self._next_write = -math.inf
        super().__init__(total=total, desc=label, unit=f" {unit}", delay=1, mininterval=0.5, initial=done)
        self._write()

    def update(self, n: float = 1) -> None:
        """Advance the bar."""
        super().update(n)
        self._write()

    def rename(self, label: str) -> None:
        """Say what is being done now."""
        self._label = label
        self._next_write = -math.inf
        self.set_description(label, refresh=False)
        self._write()

    def workers(self, count: int) -> None:
        """Show how many workers there are."""
        self.set_postfix_str(f"{count:,} worker{'' if count == 1 else 's'}", refresh=False)

    def step(self, loss: float) -> None:
        """Advance the bar by a training step, and show the step's loss."""
        self.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self.update()

    def _write(self) -> None:
        now = time.monotonic()
        if self._path is None or (now < self._next_write and self.n != self.total):
            return
        self._next_write = now + INTERVAL
        shown: dict[str, Any] = self.format_dict
        rate = shown["rate"] or (self.n - self.initial) / max(shown["elapsed"], 1e-9)
        known = math.isfinite(rate) and rate > 0
        Progress(
            stage=self._label,
            done=max(0, int(self.n)),
            total=int(self.total),
            unit=self.unit.strip(),
            per_second=rate if known else None,
            seconds_left=max(0.0, (self.total - self.n) / rate) if known else None,
            note=self.postfix or "",
        ).write(self._path)


class Follower:
    """Shows the bars of another process, which writes the file of the progress, and writes nothing.

    path: of the file; where it cannot be read nothing is shown. patience: seconds without a change after which `say` is
    called with a line, once until there is one: what takes long may be well.
    """

    def __init__(self, path: Path | None, say: Callable[[str], None], patience: float) -> None:
        self._path, self._say, self._patience = path, say, patience
        self._seen: Progress | None = None
        self._until = math.inf
        self._bar: Bar | None = None

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar:
            self.look()
            self._bar.close()

    def look(self) -> None:
        """Show what is in the file now."""
        now = Progress.read(self._path) if self._path else None
        if now and now != self._seen:
            self._show(now)
            self._seen, self._until = now, time.monotonic() + self._patience
        elif now and time.monotonic() > self._until:
            self._until = math.inf
            if self._bar:
                self._bar.clear()
            self._say(
                f"{now.stage}: no progress seen for {self._patience / 60:g} minutes; if it hangs, stop the build: "
                "the same command resumes"
            )

    def _show(self, now: Progress) -> None:
        seen, bar = self._seen, self._bar
        before = (seen.stage, seen.total, seen.unit) if seen else None
        # Less is done than before where it was begun again after its machine died.
        if not seen or before != (now.stage, now.total, now.unit) or now.done < seen.done:
            if bar:
                bar.close()
            bar = self._bar = Bar(None, now.stage, now.total, now.unit, now.done) if now.total else None
        if bar:
            bar.set_postfix_str(now.note, refresh=False)
            bar.update(now.done - bar.n)
