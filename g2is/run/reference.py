"""What a file that lists rows of a pool says about its run: elsewhere they would mean other instructions."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from g2is.errors import InputError, shortened

SET = "set"
"""The method of a selection that is a named set."""


class RunReference(BaseModel):
    """The run that a selection or a set belongs to. pool: how many instructions it had then; None: as built."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    hash: str
    pool: int | None = Field(None, ge=0, exclude_if=lambda count: count is None)

    def check(self, present: RunReference, path: Path) -> None:
        """Raise `InputError` where the file at `path` belongs to another run than the present one."""
        if self.hash != present.hash:
            raise InputError(
                f"{path}: was made on run {shortened(self.name)} ({shortened(self.hash)}), "
                f"this is {present.name} ({present.hash}); row numbers would mean other instructions"
            )
