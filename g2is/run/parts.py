"""What a manifest says of a run's files, of the stages that wrote them, and of the parts that came later."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from g2is.errors import InputError, shortened
from g2is.storage.files import sha256

Count = Annotated[int, Field(ge=0, lt=2**53)]
Real = Annotated[float, Field(allow_inf_nan=False)]


class FileRecord(BaseModel):
    """The checksum and size that a file must have.

    at: where it lies, relative to the run, if not at its own name: files of an extended pool lie in a folder of theirs.
    """

    model_config = ConfigDict(extra="forbid")
    sha256: str
    bytes: Count
    at: str | None = Field(None, exclude_if=lambda place: place is None)

    @field_validator("at")
    @classmethod
    def _inside(cls, place: str | None) -> str | None:
        if place is not None:
            check_inside(place)
        return place

    def same(self, other: FileRecord) -> bool:
        """Whether both are of the same bytes, wherever these lie."""
        return (self.sha256, self.bytes) == (other.sha256, other.bytes)


def record(path: Path) -> FileRecord:
    """The checksum and size of a file as it is now."""
    return FileRecord(sha256=sha256(path), bytes=path.stat().st_size)


class InputFile(FileRecord):
    """An input file of the user; `target` is the validation target it belongs to, None for the pool."""

    name: str
    target: str | None = None


class Stage(BaseModel):
    """A finished stage: the files it wrote, its duration, and numbers that describe the result (`found`)."""

    model_config = ConfigDict(extra="forbid")
    seconds: Annotated[Real, Field(ge=0)]
    files: dict[str, FileRecord]
    found: dict[str, Any] = {}

    @field_validator("files")
    @classmethod
    def _inside(cls, files: dict[str, FileRecord]) -> dict[str, FileRecord]:
        """A manifest from elsewhere must not make a reader leave the folder of the run."""
        for name in files:
            check_inside(name)
        return files


def check_inside(name: str) -> None:
    """Raise `ValueError` for the name of a file or folder that is not a path inside the run, in normal form."""
    parts = PurePosixPath(name).parts
    # Neither absolute nor upwards, no drive letter, no `a/./b`, nothing hidden.
    normal = "/".join(parts) == name and name and not any(p.startswith((".", "/")) for p in parts)
    if not normal or any(c in name for c in "\\:\0"):
        raise ValueError(f"file {shortened(name)!r}: expected a path inside the run")


class Part(Stage):
    """What is added to a finished run, and can be removed, without rewriting anything else: a folder of its own.

    kind: `target` for validation examples; `pool` for instructions, which has no files of its own: those of the pool
    hold them; `gone` for instructions that are marked as removed. name: what it is called. added: when.
    The manifest lists a part by its folder, where all its files lie.
    """

    kind: str
    name: str
    added: str

    @model_validator(mode="after")
    def _check_found(self) -> Part:
        for kind, facts in ((TARGET, TargetFacts), (POOL, PoolFacts), (GONE, GoneFacts)):
            if self.kind == kind:
                check_facts(facts, "found", self.found)
        return self


TARGET = "target"
"""The kind of parts that are validation targets."""
POOL = "pool"
"""The kind of parts that are instructions added to a finished run."""
GONE = "gone"
"""The kind of parts that are instructions removed from the pool."""
Origin = Literal["build", "files", "instructions", "elsewhere"]


class TargetFacts(BaseModel):
    """What the manifest says of a target.

    examples: with something to train on. origin: `build`; or added later, from `files`, from `instructions` of the
    pool, or from a file of gradients that were computed `elsewhere`. note: where from, in words. rows: the instructions
    that are its examples. inputs: files it was read from. left_out: the problem of each record that is no example.
    reading: how its files were read.
    """

    model_config = ConfigDict(extra="forbid")
    examples: Annotated[int, Field(ge=1, lt=2**53)]
    origin: Origin
    note: str = ""
    rows: list[Count] = []
    inputs: list[InputFile] = []
    left_out: list[str] = []
    reading: list[str] = []

    @property
    def given(self) -> int:
        """Examples from elsewhere: the first ones; instructions of the pool come last."""
        return self.examples - len(self.rows)


class PoolFacts(BaseModel):
    """What the manifest says of instructions that were added to a finished run.

    first: their first row. count: how many. duplicates: exact copies of earlier rows among them. inputs: files they
    were read from. reading: how.
    """

    model_config = ConfigDict(extra="forbid")
    first: Count
    count: Annotated[int, Field(ge=1, lt=2**53)]
    duplicates: Count = 0
    inputs: list[InputFile] = []
    reading: list[str] = []


class GoneFacts(BaseModel):
    """What the manifest says of instructions that were removed from the pool. count: how many."""

    model_config = ConfigDict(extra="forbid")
    count: Annotated[int, Field(ge=1, lt=2**53)]


def check_facts(kind: type[BaseModel], where: str, values: Any) -> None:
    """Raise `ValueError`, which names the place, for values that are not of a kind."""
    try:
        kind.model_validate(values)
    except ValidationError as error:
        raise ValueError(f"{where}.{first_problem(error)}") from None


def first_problem(error: ValidationError | InputError) -> str:
    """The first error, in one line."""
    if isinstance(error, InputError):
        return str(error)
    first = error.errors()[0]
    where = shortened(".".join(map(str, first["loc"])))
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
