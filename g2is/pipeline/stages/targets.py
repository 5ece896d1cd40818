"""Stage `targets`: the cosines, places and leaks of every validation target.

Their gradients are taken before those of the pool, so that a target that cannot be used is known at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from g2is.instructions.copies import KINDS
from g2is.pipeline.targets import TakenTarget, new_place, view_files, with_views, write_taken
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.run import Run


@dataclass
class TargetsStage:
    """Writes the targets of a build, and brings those that were added later up to date.

    names: the targets of the build. take: the examples and gradients of one of them.
    """

    writer: RunWriter
    names: Sequence[str]
    take: Callable[[str], TakenTarget]

    def take_missing(self) -> None:
        """Take the gradients of the build's targets that the run neither has nor had removed."""
        manifest = self.writer.manifest
        known = {part.name for part in (*manifest.targets.values(), *manifest.removed.values())}
        for name in self.names:
            if name not in known:
                place = new_place(manifest, name)
                self.writer.put_part(place, write_taken(self.writer.folder, place, self.take(name)))

    def write(self) -> StageResult:
        """Run the stage."""
        self.take_missing()
        run = Run.open(self.writer.folder)
        for place, part in self.writer.manifest.targets.items():
            if not part.files.keys() >= set(view_files(run, place)):
                self.writer.put_part(place, with_views(run, place, part))
        leaks = Run.open(self.writer.folder).leaks
        counts = {kind: int((leaks["kind"] == kind).sum()) for kind in KINDS}
        if len(leaks):
            by_kind = ", ".join(f"{count:,} by {kind}" for kind, count in counts.items() if count)
            self.writer.say(
                f"possible leaks: {len(leaks):,} samples of the pool are near-copies of validation ({by_kind})"
            )
        return [], {"leaks": counts}
