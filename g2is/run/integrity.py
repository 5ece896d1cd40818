"""Compares the files of a run with the checksums in its manifest, whatever they contain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from g2is.errors import InputError
from g2is.run.manifest import Manifest
from g2is.run.parts import FileRecord
from g2is.storage.files import inside, sha256

HASHED = 64 * 2**20
"""Files of up to this many bytes are compared by checksum when they are opened. Larger ones are compared by size, since
a gigabyte takes a second to read; a full check computes all checksums."""


@dataclass(frozen=True)
class Integrity:
    """The files of one run and its manifest. A file that passed a check is not read again until it changes."""

    folder: Path
    manifest: Manifest
    _whole: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False, compare=False)

    def path(self, name: str) -> Path:
        """The path of a file of a finished stage; raises `InputError` if it is missing or has changed."""
        if name not in self.manifest.files:
            raise InputError(f"run {self.folder.name}: {name} is not built yet; {self.remedy()}")
        if problem := self.problem(name, self.manifest.files[name]):
            raise InputError(f"{problem}; {self.remedy(name)}")
        return self.folder / self.manifest.at(name)

    def problems(self, names: Iterable[str], *, full: bool = False) -> list[str]:
        """One line for each of these files that is missing or has changed. full: read large files too."""
        files = self.manifest.files
        problems = (self.problem(name, files[name], full=full) for name in names if name in files)
        return [problem for problem in problems if problem]

    def problem(self, name: str, record: FileRecord, *, full: bool = False) -> str | None:
        """What is wrong with a file, in one line without the remedy; None if nothing is."""
        try:
            path = inside(self.folder, record.at or name)
            if not path.is_file():
                return f"{path}: " + ("not a file" if path.exists() else "missing")
            now = path.stat()
            if now.st_size != record.bytes:
                return f"{path}: {now.st_size:,} bytes, expected {record.bytes:,}"
            stamp = (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
            if full or (record.bytes <= HASHED and self._whole.get(name) != stamp):
                if sha256(path) != record.sha256:
                    return f"{path}: its content has changed since it was written"
                self._whole[name] = stamp
        except InputError as error:
            return str(error)
        except OSError as error:
            return f"{self.folder / (record.at or name)}: not readable ({error.strerror or error})"
        return None

    def remedy(self, name: str | None = None) -> str:
        """For error messages: the command that finishes or repairs the run, or a file of it."""
        return self.manifest.remedy(self.folder, name)
