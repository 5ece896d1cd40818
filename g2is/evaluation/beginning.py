"""The folder of an evaluation before its first fine-tuning: new, or continued with the same tests and settings."""

from __future__ import annotations

from pathlib import Path

from g2is.errors import InputError
from g2is.evaluation.results import ABOUT, Evaluation
from g2is.storage.files import remove_folder, sweep, write_bytes

WITHOUT_EFFECT = {"seeds", "batch_tokens"}
"""Settings that change no single result: the number of results, and the use of the device's memory."""


def begin(folder: Path, requested: Evaluation, *, overwrite: bool) -> None:
    """Write what is to be done, beside what was done before.

    Raises `InputError` where an evaluation of that name has other tests, settings, samples or another model (unless
    `overwrite`).
    """
    if overwrite and folder.exists():
        remove_folder(folder)
    if (folder / ABOUT).exists():
        existing = Evaluation.read(folder)
        if others := differences(existing, requested):
            raise InputError(
                f"{folder}: exists, made otherwise ({'; '.join(others)}); "
                "choose another --name, or replace it with --overwrite"
            )
        sweep(folder)
        kept = [one for one in existing.fine_tunings if one not in requested.fine_tunings]
        requested = requested.model_copy(update={"fine_tunings": [*kept, *requested.fine_tunings]})
    write_bytes(folder / ABOUT, requested.model_dump_json(indent=1, exclude_none=True).encode())


def differences(existing: Evaluation, requested: Evaluation) -> list[str]:
    """How an evaluation differs from the request, so that their results are not comparable."""
    old, new = (
        one.configuration.model_dump(exclude=WITHOUT_EFFECT) | one.reading.model_dump()
        for one in (existing, requested)
    )
    others = [f"{key}: {old[key]} -> {new[key]}" for key in old if old[key] != new[key]]
    for field in ("run", "model", "tests"):
        if getattr(existing, field) != getattr(requested, field):
            others.append(f"another {field.removesuffix('s')}")
    samples = {(one.selection, one.seed): one.digest for one in existing.fine_tunings}
    changed = {
        one.selection
        for one in requested.fine_tunings
        if samples.get((one.selection, one.seed), one.digest) != one.digest
    }
    return [*others, *(f"other samples in {selection}" for selection in sorted(changed))]
