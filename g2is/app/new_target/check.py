"""What can be known of a new target before anything is computed. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from g2is.app.shared.text import number
from g2is.errors import InputError, shortened
from g2is.instructions import Instruction, Source, short_name
from g2is.instructions.copies import find_leaks
from g2is.run.run import Run

LARGEST = 50_000_000
"""Bytes of the files of examples together, on the page; 500 examples of 2,000 tokens are 5 million."""
LEAST = 2
"""Examples that a target needs."""
FEW = 20
"""Examples from which on a target is usually described well."""
COMPARED = 100_000
"""Instructions that are compared with the examples unasked: a million take a minute."""


def check_name(run: Run, name: str) -> None:
    """Raise `InputError` for a name that the new target cannot have."""
    from g2is.pipeline.adding import refuse_known
    from g2is.pipeline.targets import check_name

    if not name:
        raise InputError("name: none is given, expected one, such as that of the task")
    check_name(name)
    if "=" in name:
        raise InputError(f"target {shortened(name)!r}: expected a name without =, which ends it in a command")
    refuse_known(run, name)


def suggested_name(run: Run, sources: Sequence[Source]) -> str:
    """A free name after the first file."""
    stem = " ".join(short_name(sources[0].name).replace("=", " ").split())[:60].strip()
    base = "examples" if not stem or sources[0].name == "pasted.jsonl" else stem
    taken = {target.name for target in run.targets}
    numbered = (base, *(f"{base} {place}" for place in range(2, len(taken) + 3)))
    return next(name for name in numbered if name not in taken)


def check_size(sources: Sequence[Source]) -> None:
    """Raise `InputError` for files that are empty, or too large for the page."""
    sizes = [_size(source.path) for source in sources]
    for source, size in zip(sources, sizes, strict=True):
        if not size:
            raise InputError(f"{source.name}: is empty, expected a file of examples")
    if sum(sizes) > LARGEST:
        raise InputError(
            f"the files hold {sum(sizes):,} bytes, expected at most {LARGEST:,} on this page (20 to 500 examples "
            "describe a target well); add larger ones with: g2is target add"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read: {error.strerror}") from None


def copies_in_pool(run: Run, examples: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Instructions of the pool with the text of an example, or much of it: as `find_leaks`.

    examples: prompt and response of each. Gradients are not compared: these come later.
    """
    return find_leaks(run.conversations(), examples)


def texts_of(instructions: Sequence[Instruction]) -> list[tuple[str, str]]:
    """Prompt and response of each."""
    return [(one.prompt, one.response) for one in instructions]


def examples_text(count: int) -> str:
    """How many examples, in words."""
    return f"{number(count)} example{'' if count == 1 else 's'}"


def summary(examples: int, rejected: int, duplicates: int) -> str:
    """How the files were read, in one line of Markdown."""
    parts = [f"**{examples_text(examples)}**"]
    parts += [f"{number(rejected)} broken record{'' if rejected == 1 else 's'}"] if rejected else []
    parts += [f"{number(duplicates)} exact duplicate{'' if duplicates == 1 else 's'}"] if duplicates else []
    return " · ".join(parts)


def few_text(count: int) -> str:
    """A remark on so few examples; empty where they are enough."""
    if not LEAST <= count < FEW:
        return ""
    return (
        f"{examples_text(count)} are enough to add a target, but {FEW} to 500 describe it well: with few, what is "
        "chosen hangs on each single one."
    )


def copies_text(copies: pd.DataFrame, examples: int) -> str:
    """What of the examples stands in the pool, in one sentence; empty where nothing does."""
    if copies.empty:
        return ""
    own = copies["validation"].nunique()
    count = len(copies)
    return (
        f"{number(own)} of the {number(examples)} examples stand in the pool: {number(count)} "
        f"instruction{' is a' if count == 1 else 's are'} near-cop{'y' if count == 1 else 'ies'} of them. Trained on, "
        "they would make the model look better than it is; Neighbourhood lists them once the target is there, and bans "
        "them."
    )
