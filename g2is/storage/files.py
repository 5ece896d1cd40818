"""Atomic writing of files: to a temporary name, synced, renamed. A file is complete or absent."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Self

from g2is.errors import InputError
from g2is.storage.gate import ask

if TYPE_CHECKING:
    import numpy as np


TEMPORARY = ".tmp"
"""Suffix of temporary files."""
STALE = 24 * 3600.0
"""Seconds after which no write can be under way."""
_STRAY = re.compile(r"\.(.+)\.(?:(\d+)(?:-[0-9a-f]+)?|[0-9a-f]{12})\.(tmp|new|old)")
"""Temporary names: `.NAME.PROCESS-THREAD.tmp`, and `.new` and `.old` for folders; earlier versions had others."""
CHECKSUM_LETTERS = 16
"""Digits of a checksum in the name of a file, see `write_with_checksum`."""
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space"),
    **dict.fromkeys((errno.EISDIR, errno.ELOOP), "remove what is there, or write to another folder"),
    errno.ENAMETOOLONG: "give it a shorter name",
}
NUMPYS_FULL = "Not enough free space"
"""How numpy says that a disk is full, in an error without a number."""
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""How a file system says that a file cannot have a second name."""
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)
"""How it says that it has no locks."""
NO_FILE = (errno.ENOENT, errno.ENAMETOOLONG)
"""How it says that there is no file of a name, or can be none."""


class Taken(InputError):
    """That something has the name that was to be new."""

    @classmethod
    def output(cls, path: Path) -> Self:
        """For a file that a command was told to write."""
        return cls(f"output = {str(path)!r}: exists; replace it with --overwrite, or choose another name")


def write_file(path: Path, write: Callable[[BinaryIO], object], size: int = 0, *, new: bool = False) -> None:
    """Call `write` on a temporary file beside `path`, sync it, and give it its name.

    Raises `InputError` if the disk is full or the folder is not writable, and if `path` is a device, a pipe, a folder
    or a link: only a file is replaced. The temporary file is removed in any case. size: bytes, where they are known.
    new: nothing is replaced; raises `Taken` where something has the name by then, so that of several who write it at
    once one succeeds.
    """
    ask(path, size)
    # Threads of one process may write one file: two visitors of the app.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{TEMPORARY}")
    try:
        refuse_special(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file of that name may be left from before, or be a link to another place.
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if new:
            _name(temporary, path)
        else:
            temporary.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        fault = error if isinstance(error, OSError) else _fault(temporary, error)
        with suppress(OSError):
            temporary.unlink()
        if fault is None:
            raise
        raise not_written(path, fault) from error


def _name(temporary: Path, path: Path) -> None:
    """Give a file a name that nothing has; raises `Taken`. A rename would replace what has it."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise Taken.output(path) from None
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        try:  # the name is taken by an empty file, which may be replaced
            path.touch(exist_ok=False)
        except FileExistsError:
            raise Taken.output(path) from None
        temporary.replace(path)
    else:
        temporary.unlink()


def _fault(temporary: Path, error: BaseException) -> OSError | None:
    """What the system says of a file that a library could not write, which has its own kind of error for that."""
    if isinstance(error, Exception) and not isinstance(error, InputError):
        try:
            with temporary.open("ab") as file:
                file.write(bytes(2**16))
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            return fault
    return None


def check_writable(path: Path) -> None:
    """Raise `InputError`, before anything is computed for it, where a file or folder cannot be written."""
    _check_within(path.absolute().parent, path)


def check_folder(folder: Path) -> None:
    """The same for a file in a folder, whose name will be found later."""
    _check_within(folder.absolute(), folder)


def _check_within(folder: Path, path: Path) -> None:
    try:
        while not folder.exists():
            folder = folder.parent
        with TemporaryFile(dir=folder) as file:
            file.write(b"0")
            file.flush()
    except OSError as error:
        raise not_written(path, error) from None


def scratch_file(folder: Path) -> BinaryIO:
    """A new file without a name, which ends with the process: in a folder, where blocks can be shared with its files,
    or where that is not writable in the folder of the system for such files. Raises `OSError`."""
    for place in (folder, None):
        with suppress(OSError):
            return TemporaryFile(dir=place)
    raise OSError(errno.ENOSPC, "no folder for a temporary file")


def is_text(name: str) -> bool:
    """Whether the name of a file is UTF-8, so that pages can show it and links can hold it."""
    return name.isascii() or name == name.encode("utf-8", "ignore").decode()


def not_written(path: str | Path, error: OSError) -> InputError:
    """The error for a path that cannot be created, written or removed."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    full = errno.ENOSPC if NUMPYS_FULL in reason else 0
    remedy = REMEDIES.get(error.errno or full, "write to another folder")
    return InputError(f"{path}: could not be written: {reason}; {remedy}, then run the same command again")


def name_folder(new: Path, folder: Path) -> bool:
    """Give a folder its name; False where something has that, but for an empty folder. Raises `OSError`."""
    try:
        new.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        return False
    return True


def remove_folder(folder: Path) -> None:
    """Remove a folder with its content; raises `InputError` if that fails."""
    ask(folder)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise not_written(folder, error) from error


def refuse_special(path: Path) -> None:
    """Raise `InputError` for a device, a pipe or a link, which a rename would replace."""
    if path.exists() and not path.is_file() and not path.is_dir():
        kind = "device or a pipe, expected a file; write to another"
    elif path.is_symlink():
        kind = "link, expected a file; remove it, or name the file that it points to"
    else:
        return  # a rename does not replace a folder
    raise InputError(f"{path}: is a {kind}")


def open_file(path: Path, most: int | None = None) -> BufferedReader:
    """A file that others may have put there, opened for reading: never waits for a pipe.

    most: bytes that it may have. Raises `InputError` for what is not a file or is larger, OSError for what cannot be
    opened.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise InputError(f"{path}: is a device, a pipe or a folder, expected a file; remove it")
        if most is not None and state.st_size > most:
            raise InputError(f"{path}: {state.st_size:,} bytes, expected at most {most:,}; remove it")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_small(path: Path, most: int) -> bytes:
    """The bytes of a file as `open_file` opens it, at most `most`."""
    with open_file(path, most) as file:
        return file.read(most)


def written(entry: os.DirEntry[str]) -> float:
    """When a file or folder was written, in seconds; 0 where it has just been moved away."""
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def remove_file(path: Path) -> None:
    """Remove a file, if there is one. Raises `OSError`."""
    try:
        path.unlink()
    except OSError as error:
        if error.errno not in NO_FILE:
            raise


def write_bytes(path: Path, data: bytes | memoryview, *, new: bool = False) -> None:
    """Write a file atomically. new: as in `write_file`."""
    write_file(path, lambda file: file.write(data), len(data), new=new)


def replace_bytes(path: Path, data: bytes) -> None:
    """Replace a small file atomically but without syncing: for content that is useless after a power cut.

    Only one process may write it. Raises `OSError`.
    """
    temporary = path.with_name(f"{path.name}{TEMPORARY}")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
        os.replace(temporary, path)  # noqa: PTH105
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_with_checksum(path: Path, data: bytes | memoryview) -> Path:
    """Write a file with its checksum in its name, `stem-checksum.suffix`; returns its path."""
    target = path.with_stem(f"{path.stem}-{hashlib.sha256(data).hexdigest()[:CHECKSUM_LETTERS]}")
    write_bytes(target, data)
    return target


def whole_files(folder: Path, pattern: str) -> list[Path]:
    """Intact files that `write_with_checksum` wrote and that match a pattern, by name; damaged ones are removed."""
    paths = sorted(folder.glob(pattern))
    whole = [path for path in paths if path.stem.rpartition("-")[2] == sha256(path)[:CHECKSUM_LETTERS]]
    for path in set(paths).difference(whole):
        path.unlink()
    return whole


def write_array(path: Path, array: np.ndarray) -> None:
    """Write a `.npy` file, which can be memory-mapped."""
    import numpy as np

    write_file(path, lambda file: np.lib.format.write_array(file, array, allow_pickle=False))


def inside(folder: Path, name: str | Path) -> Path:
    """The path of `name` in a folder; raises `InputError` if it leads out of the folder, by `..` or by a link."""
    path = folder / name
    try:
        if _is_plain(folder, name):
            return path
        if path.resolve().is_relative_to(folder.resolve()):
            return path
    except (OSError, RuntimeError, ValueError):  # circular link, name too long or with a NUL
        pass
    raise InputError(f"{path}: leads out of {folder}, expected a file inside it; put the file itself there")


def _is_plain(folder: Path, name: str | Path) -> bool:
    """Whether nothing on the way from a folder to `name` can lead out of it: no `..`, and no link. Much cheaper than to
    resolve both."""
    parts = PurePath(name).parts
    if not parts or ".." in parts or PurePath(name).is_absolute():
        return False
    place = folder
    for part in parts:
        place = place / part
        try:
            if stat.S_ISLNK(place.lstat().st_mode):
                return False
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # whoever opens it says so
                return True
            raise
    return True


def sweep(folder: Path) -> None:
    """Remove temporary files of a killed process, in a folder that no other process writes to."""
    for path in folder.glob(f".*{TEMPORARY}"):
        with suppress(OSError):  # a file that remains is harmless
            path.unlink()


def sweep_stale(folder: Path) -> None:
    """Remove what killed processes left in a folder that others may be writing to: temporary files and folders older
    than a day, of processes that are gone. A folder that was being replaced comes back under its name."""
    try:
        found = [(path, match) for path in folder.iterdir() if (match := _STRAY.fullmatch(path.name))]
    except OSError:
        return
    for path, (name, pid, kind) in ((path, match.groups()) for path, match in found):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime < STALE or (pid and _lives(int(pid))):
                continue
            if kind == "tmp":
                path.unlink()
            elif kind == "old" and not (folder / name).exists():
                path.rename(folder / name)
            else:
                shutil.rmtree(path)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
