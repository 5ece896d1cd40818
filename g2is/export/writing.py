"""The folder of an export: data and manifest, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from g2is import __version__
from g2is.config.commands import export_command, walk_command
from g2is.config.names import split_reference
from g2is.errors import InputError
from g2is.export.format import ExportFormat
from g2is.export.formats import FORMATS
from g2is.instructions import Instruction
from g2is.instructions.kept import Value
from g2is.run.reference import SET
from g2is.run.texts import instructions_of
from g2is.storage.files import read_small, sweep_stale, sync_folder
from g2is.storage.gate import ask

if TYPE_CHECKING:
    import pandas as pd

    from g2is.run.run import Run
    from g2is.run.selections import Selection

MANIFEST = "g2is.json"
MOST_BYTES = 64 * 2**20
"""Of a manifest."""
TAGS = "tags"
"""The column with the names of the sets that an instruction is in."""


@dataclass(frozen=True)
class Exported:
    """What was written. notes: a sentence for everything the format loses or changes. Tokens are those of
    the run's model, None where the run has not counted them."""

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    samples: int
    tokens: int | None
    trained_tokens: int | None


def preview(run: Run, selection: Selection, format: str, count: int = 3, *, tags: bool = False) -> list[str]:
    """The first records exactly as they will be written (Parquet, which is binary: as JSON)."""
    return _format(format).records(_samples(run, selection, tags))[:count]


def manifest(
    run: Run, selection: Selection, format: str, output: str = "subset", *, tags: bool = False
) -> dict[str, Any]:
    """The content of g2is.json in an export to a folder named `output`, without the checksums of files."""
    if tags and not _format(format).columns:
        known = ", ".join(one.name for one in FORMATS.values() if one.columns)
        raise InputError(f"tags: format {format} has no columns beside the conversation; choose {known}")
    chosen = _chosen(run, selection)
    counts: dict[str, int | None] = {"samples": len(chosen)}
    for column in ("tokens", "trained_tokens"):
        counts[column] = int(chosen[column].sum()) if column in chosen else None
    if selection.method == SET:
        name, _ = split_reference(str(selection.parameters["set"]))
        commands = [export_command(run.name, set=name, format=format, output=output, tags=tags)]
    else:
        file = "selection.json"
        commands = [export_command(run.name, selection=file, format=format, output=output, tags=tags)]
    if selection.method == "walk":
        commands.insert(0, walk_command(run.name, selection.parameters, output="selection.json"))
    return {
        "g2is": __version__,
        "run": {"name": run.name, "hash": run.hash},
        "method": selection.method,
        "parameters": selection.parameters,
        "format": format,
        "counts": counts,
        "notes": _format(format).notes(_samples(run, selection, tags)),
        "commands": commands,
        "samples": [
            {"sample": sample, "place": f"{source}:{line}"}
            for sample, source, line in zip(selection.samples, chosen["source"], chosen["line"], strict=True)
        ],
    }


def export(
    run: Run,
    selection: Selection,
    format: str,
    folder: str | Path,
    *,
    overwrite: bool = False,
    tags: bool = False,
) -> Exported:
    """Write the samples in order of choice, with a manifest, into a folder of their own.

    tags: with the column `tags`, the names of the sets that each instruction is in.

    An existing folder must be empty or, with `overwrite`, hold nothing but an earlier export. Raises
    `InputError` for an unknown format, an empty selection and a folder that holds other files; then nothing has
    changed on disk.
    """
    folder = Path(folder).resolve()
    content = manifest(run, selection, format, folder.name, tags=tags)
    _check_folder(folder, overwrite)
    files = FORMATS[format].files(_samples(run, selection, tags))
    content["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    files[MANIFEST] = text.encode()
    _write_folder(folder, files)
    return Exported(
        folder, tuple(folder / name for name in files), tuple(content["notes"]), **content["counts"]
    )


def _format(name: str) -> ExportFormat:
    if name not in FORMATS:
        raise InputError(f"format = {name!r}: expected one of {', '.join(FORMATS)}")
    return FORMATS[name]


def _chosen(run: Run, selection: Selection) -> pd.DataFrame:
    """The selection's rows of the pool, in order of choice."""
    if selection.run.hash != run.hash:
        raise InputError(
            f"selection: was made on run {selection.run.name} ({selection.run.hash}), this is {run.name} "
            f"({run.hash}); row numbers would mean other instructions"
        )
    if not selection.samples:
        raise InputError("selection: holds no samples, expected at least one; select some first")
    return run.instructions.iloc[selection.samples]


def _samples(run: Run, selection: Selection, tags: bool) -> list[Instruction]:
    """The instructions of a selection, with their values in the columns of the records, and their tags."""
    rows = _chosen(run, selection).index.to_numpy()
    instructions = instructions_of(run.texts, rows)
    values: dict[str, Sequence[Value | None]] = {
        column.name: column.values_of(rows) for column in run.columns.of_records
    }
    if tags:
        # A field of the records that is called tags stays beside it.
        name = TAGS if TAGS not in values else f"{TAGS} (sets)"
        values[name] = [", ".join(names) for names in run.sets.tags(rows)]
    return (
        [
            replace(instruction, columns=dict(zip(values, row, strict=True)))
            for instruction, row in zip(instructions, zip(*values.values(), strict=True), strict=True)
        ]
        if values
        else instructions
    )


def _check_folder(folder: Path, overwrite: bool) -> None:
    try:
        found = {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise InputError(f"{folder}: is a file or lies in one, expected a folder") from None
    except OSError as error:
        raise InputError(
            f"{folder}: not readable ({error.strerror or error}); choose another folder"
        ) from None
    foreign = sorted(found - _earlier_export(folder))
    if foreign:
        raise InputError(
            f"{folder}: holds {foreign[0]!r}, which is not part of an earlier export; choose an empty or new folder"
        )
    if found and not overwrite:
        raise InputError(
            f"{folder}: holds an earlier export; replace it with --overwrite, or choose another folder"
        )


def _earlier_export(folder: Path) -> set[str]:
    """The names of the files an earlier export wrote, by its manifest; empty where there is none."""
    try:
        content = json.loads(read_small(folder / MANIFEST, MOST_BYTES))
        return {MANIFEST, *content["files"]} if "g2is" in content else set()
    except (OSError, ValueError, TypeError, KeyError):
        return set()


def _write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """All files or none: written beside the folder, synced, then renamed to its name."""
    ask(folder, sum(map(len, files.values())))
    unique = f".{folder.name}.{os.getpid()}-{uuid4().hex[:12]}"
    sweep_stale(folder.parent)
    new, old = folder.with_name(f"{unique}.new"), folder.with_name(f"{unique}.old")
    try:
        new.mkdir(parents=True)
        for name, data in files.items():
            with (new / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        sync_folder(new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise InputError(
            f"{folder}: could not be written ({error.strerror or error}); free some space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
