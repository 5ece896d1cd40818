"""What a person names -> the files to read: files, folders, globs, pipes and data sets of the Hub."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from glob import glob, has_magic
from pathlib import Path

from g2is.errors import InputError, printable
from g2is.instructions.containers.opened import unreadable
from g2is.instructions.hub import HUB, save_dataset
from g2is.instructions.splits import choose_split, split_name
from g2is.storage.json_file import read_json

DATA = re.compile(r".+\.(jsonl|ndjson|json|parquet|arrow|csv|tsv)(\.(gz|zst|xz|bz2))?", re.IGNORECASE)
"""What files of records in a folder are called; files named one by one may be called anything."""
NO_DATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json")


@dataclass(frozen=True)
class Source:
    """A file to read.

    path: where its bytes lie, for a pipe or a data set of the Hub a temporary copy. name: what the run and messages
    call it. split: the part to read, where it has several and one was asked for. note: what was left out, if anything.
    copied: whether the path is that of a temporary copy.
    """

    path: Path
    name: str
    split: str | None = None
    note: str | None = None
    copied: bool = False

    @property
    def label(self) -> str:
        """The name of the file alone, with the split that was asked for: what a run remembers of its input."""
        name = self.name if self.copied else printable(self.path.name)
        return f"{name}:{self.split}" if self.split else name


def find_sources(values: Sequence[str | Path | Source]) -> list[Source]:
    """The files that the values stand for, in that order; those of a folder by name.

    A value is a file, a folder, a glob, `-` or a pipe, `hf:owner/name[/configuration][:split]`; any of them may end
    in `:split`. A name is the file's own, or as much of its path as tells it from the others. Raises InputError for
    what is missing, empty or given twice, before anything is read; a pipe is read here, into a temporary file.
    """
    sources = [
        source
        for value in values
        for source in ([value] if isinstance(value, Source) else _sources_of(os.fspath(value)))
    ]
    seen = set()
    for source in sources:
        key = (source.path.resolve(), source.split)
        if key in seen:
            raise InputError(f"{source.path}: given twice, expected each file once")
        seen.add(key)
    own = list(dict.fromkeys(source.path for source in sources if not source.name))
    names = dict(zip(own, _shortest_tails([path.absolute() for path in own]), strict=True))
    times = Counter(source.path for source in sources)
    return [source if source.name else _named(source, names[source.path], times) for source in sources]


def check_there(values: Iterable[str | Path]) -> None:
    """Raise InputError for files that are missing, before anything that takes time; nothing is read."""
    for value in (os.fspath(value) for value in values):
        if value != "-" and not value.startswith(HUB) and _existing(value)[0] is None:
            _matches(value)


def _named(source: Source, name: str, times: Counter[Path]) -> Source:
    """The source with its name, and with its split where another of the same file is read too."""
    split = f":{source.split}" if source.split and times[source.path] > 1 else ""
    return replace(source, name=printable(name) + split)


def short_name(value: str) -> str:
    """What to call what a value stands for: a file's name without its suffix, the name of a data set."""
    if value.startswith(HUB):
        return value.removeprefix(HUB).partition(":")[0].split("/")[:2][-1]
    path = Path(value)
    if path.parent.name == "fd" or value == "-":
        return "stdin" if value == "-" else "pipe"
    stem = Path(path.stem if path.suffix in (".gz", ".zst", ".xz", ".bz2") else path.name).stem
    return stem.rstrip("*?-_. ") or path.name


def _sources_of(value: str) -> Iterator[Source]:
    """The files of one value; those without a name get theirs from their path."""
    if value.startswith(HUB):
        name, copy = save_dataset(value, _temporary())
        yield Source(copy, name, copied=True)
        return
    if value == "-":
        yield Source(_copied(Path(value)), "stdin", copied=True)
        return
    path, split = _existing(value)
    if path is None:
        for match in _matches(value):
            if not Path(match).is_dir():
                yield Source(Path(match), "")
    elif path.is_dir():
        yield from _in_folder(path, split)
    elif not path.is_file():
        # The numbers of pipes that a shell makes change from one call to the next.
        name = "pipe" if path.parent.name == "fd" else path.name
        yield Source(_copied(path), name, split, copied=True)
    else:
        yield Source(path, "", split)


def _matches(value: str) -> list[str]:
    """What a glob stands for; raises InputError for nothing, and for a name that is none."""
    if not has_magic(value):
        raise unreadable(Path(value), FileNotFoundError(2, os.strerror(2)))
    matches = sorted(glob(value, recursive=True), key=_natural)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    if not matches:
        raise InputError(f"{value}: no file is called so, expected at least one")
    return matches


def _existing(value: str) -> tuple[Path | None, str | None]:
    """The file or folder of that name, or of that name up to `:split`."""
    if not value:
        raise InputError("file = '': expected the name of a file or folder")
    path = Path(value)
    try:
        path.stat()
        return path, None
    except (OSError, ValueError) as fault:
        head, colon, split = value.rpartition(":")
        if head and colon and split and Path(head).exists():
            return Path(head), split
        if isinstance(fault, FileNotFoundError):
            return None, None
        raise unreadable(path, fault) from None


def _in_folder(folder: Path, wanted: str | None) -> Iterator[Source]:
    """The files of records in a folder and those below it, of one split where they have splits."""
    if (folder / "state.json").is_file():  # as `save_to_disk` of `datasets` leaves it
        for name in _saved_files(folder):
            yield Source(folder / name, "")
        return
    if (folder / "dataset_dict.json").is_file():
        splits = sorted(path.parent.name for path in folder.glob("*/state.json"))
        split, note = choose_split(str(folder), splits or ["train"], wanted)
        for place, source in enumerate(_in_folder(folder / split, None)):
            yield Source(source.path, "", None, note if place == 0 else None)
        return
    files = sorted(
        (path for path in folder.rglob("*") if _is_data(path, folder)), key=lambda p: _natural(str(p))
    )
    if not files:
        raise InputError(
            f"{folder}: is a folder without files of records, expected some called .jsonl, .json, .csv, .tsv, "
            ".parquet or .arrow"
        )
    by_split: dict[str, list[Path]] = {}
    for path in files:
        names = (
            path.name,
            *(part.name for part in path.parents if part.is_relative_to(folder) and part != folder),
        )
        by_split.setdefault(next(filter(None, map(split_name, names)), ""), []).append(path)
    note = None
    if "" not in by_split and (len(by_split) > 1 or wanted):
        split, note = choose_split(str(folder), list(by_split), wanted)
        files = by_split[split]
    elif wanted:
        raise InputError(f"{folder}: has no splits, expected the folder without :{wanted}")
    for place, path in enumerate(files):
        yield Source(path, "", None, note if place == 0 else None)


def _is_data(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    return bool(DATA.fullmatch(path.name)) and path.name not in NO_DATA and not hidden and path.is_file()


def _saved_files(folder: Path) -> list[str]:
    """The Arrow files of a saved data set, in order."""
    try:
        state = read_json(folder / "state.json", 2**26)
        names = [str(file["filename"]) for file in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError):
        names = []
    if not names or any(Path(name).name != name for name in names):
        raise InputError(f"{folder}: state.json does not list its files, expected what save_to_disk writes")
    return names


def _natural(path: str) -> list[tuple[int, str]]:
    """The order of names in which part-10 comes after part-9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path)]


def _shortest_tails(paths: Sequence[Path]) -> list[str]:
    names = []
    for path in paths:
        length = 1
        while sum(other.parts[-length:] == path.parts[-length:] for other in paths) > 1:
            length += 1
        names.append(str(Path(*path.parts[-length:])))
    return names


def _copied(path: Path) -> Path:
    """A copy of what comes out of a pipe, which can be read only once."""
    handle, copy = tempfile.mkstemp(dir=_temporary())
    try:
        with os.fdopen(handle, "wb") as file:
            if str(path) == "-":
                shutil.copyfileobj(sys.stdin.buffer, file)
            else:
                with path.open("rb") as pipe:
                    shutil.copyfileobj(pipe, file)
    except OSError as fault:
        raise unreadable(path, fault) from None
    return Path(copy)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="g2is-")


def _temporary() -> Path:
    """A folder that is removed when the program ends."""
    return Path(_folder().name)
