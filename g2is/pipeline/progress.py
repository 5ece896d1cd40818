"""The progress of a build: a bar on the terminal, and a small JSON file beside the run that pages read."""

from __future__ import annotations

import math
import time
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
    The last two are None if not known yet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    stage: str
    done: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)
    unit: str = ""
    per_second: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    seconds_left: float | None = Field(default=None, ge=0, allow_inf_nan=False)

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

    path: of the file; None to show and write nothing, because another process does.
    """

    def __init__(self, path: Path | None, label: str, total: int, unit: str) -> None:
        self._path = path
        self._label = label
        self._next_write = -math.inf
        super().__init__(
            total=total, desc=label, unit=f" {unit}", delay=1, mininterval=0.5, disable=path is None
        )
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
        if self._path is None or now < self._next_write:
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
        ).write(self._path)
