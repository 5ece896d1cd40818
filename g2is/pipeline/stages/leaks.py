"""Stage `leaks`: near-copies of validation samples in the pool."""

from __future__ import annotations

from g2is.config import BuildConfig, ImportConfig
from g2is.instructions.copies import KINDS, find_leaks
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import INSTRUCTIONS, LEAKS, VALIDATION, array_file


def write_leaks(writer: RunWriter, config: BuildConfig | ImportConfig) -> StageResult:
    """Write the table of leaks, by text and, where plain gradients are kept, by gradient."""
    pool, validation = (
        list(zip(frame["prompt"], frame["response"], strict=True))
        for frame in map(writer.read_frame, (INSTRUCTIONS, VALIDATION))
    )
    cosines = writer.read_array(array_file("sgd", "validation_cosines")) if "sgd" in config.regimes else None
    leaks = find_leaks(pool, validation, cosines)
    writer.write_frame(LEAKS, leaks)
    counts = {kind: int((leaks["kind"] == kind).sum()) for kind in KINDS}
    if len(leaks):
        by_kind = ", ".join(f"{count:,} by {kind}" for kind, count in counts.items() if count)
        writer.say(
            f"possible leaks: {len(leaks):,} samples of the pool are near-copies of validation ({by_kind})"
        )
    return [LEAKS], counts
