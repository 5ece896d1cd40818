"""What a selection was made on: its targets and the part of the pool there was, and what has changed since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from g2is.errors import shortened
from g2is.run.run import Run


class MadeOn(BaseModel):
    """What a run held when a selection was made.

    pool: its number of instructions; others come after these. targets: the versions of the targets that the selection
    is for, by name (`Run.target_versions`). others: the other targets there were.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    pool: Annotated[int, Field(ge=0, lt=2**53)]
    targets: dict[str, str]
    others: tuple[str, ...] = ()

    @classmethod
    def now(cls, run: Run, targets: Iterable[str]) -> Self:
        """What a run holds now, for a selection for these targets."""
        used = {name: run.target_versions[name] for name in targets}
        others = tuple(target.name for target in run.targets if target.name not in used) if used else ()
        return cls(pool=run.files.pool, targets=used, others=others)

    def changes(self, run: Run) -> list[str]:
        """What has changed in a run since, a line each."""
        lines = []
        removed = {part.name for part in run.manifest.removed.values()}
        versions = run.target_versions if self.targets else {}
        for name, version in self.targets.items():
            if name not in versions:
                back = "; it can be restored" if name in removed else ""
                lines.append(f"target {shortened(name)} is no longer in the run{back}")
            elif versions[name] != version:
                lines.append(f"target {shortened(name)} has other examples now")
        if new := [name for name in versions if name not in self.targets and name not in self.others]:
            names = shortened(", ".join(new), 200)
            lines.append(
                f"{len(new):,} target{'s' * (len(new) > 1)} came since, which it is not for: {names}"
            )
        if (came := run.files.pool - self.pool) > 0:
            lines.append(
                f"{came:,} instruction{'s' * (came > 1)} came since; it was made of the first {self.pool:,}"
            )
        return lines
