"""What people save with a run: selections, sets, exports and evaluations, listed, renamed, deleted and annotated alike.

What is deleted waits in `trash/` for `KEPT_DAYS` and can be restored until then. Every change is one rename; files that
belong to what is renamed get a second name before it and lose the first one after it, so that a program that is killed
in between leaves nothing without them. None of this needs space, which there is none of on a full disk.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from g2is.config.names import check_name
from g2is.errors import InputError, shortened
from g2is.run.paths import EVALUATIONS, EXPORTS, SELECTIONS, SETS, TRASH, note_file
from g2is.run.run import Run
from g2is.run.saving import saving
from g2is.run.sets import MOST_NOTE
from g2is.run.traces import trace_path
from g2is.storage.files import (
    NO_FILE,
    STALE,
    is_text,
    not_written,
    open_file,
    read_small,
    remove_file,
    sync_folder,
    write_bytes,
    write_file,
    written,
)
from g2is.storage.json_file import read_json

KEPT_DAYS = 30
"""What was deleted longer ago than this is removed for good when something else is deleted."""
_ABOUT, _NOTE = "about.json", "note.txt"


@dataclass(frozen=True)
class Kind:
    """One kind of thing. word: its name. folder: of the run. suffix: of its file; "" where each is a folder."""

    word: str
    folder: str
    suffix: str = ""

    def path(self, run: Run, name: str) -> Path:
        """The file or folder called `name`; raises `InputError` for a name that leads elsewhere, and for a link."""
        if not name or name.startswith(".") or Path(name).name != name or "\0" in name:
            raise InputError(f"{self.word} = {shortened(name)!r}: cannot be the name of one")
        path = run.inside(self.folder, f"{name}{self.suffix}")
        if path.is_symlink():
            raise InputError(f"{path}: is a link, expected a file or folder of the run; remove it by hand")
        return path

    def companions(self, run: Run, name: str) -> list[Path]:
        """Where files that belong to it are, if there are any: the trace of a selection, and the note."""
        traces = [trace_path(self.path(run, name))] if self.folder == SELECTIONS else []
        return [*traces, run.inside(note_file(self.folder, name))]


KINDS = {
    kind.word: kind
    for kind in (
        Kind("selection", SELECTIONS, ".json"),
        Kind("set", SETS, ".json"),
        Kind("export", EXPORTS),
        Kind("evaluation", EVALUATIONS),
    )
}


@dataclass(frozen=True)
class Deleted:
    """Something that can be restored. deleted: when, as ISO 8601 in UTC."""

    kind: str
    name: str
    deleted: str
    folder: Path


def names(run: Run, kind: Kind) -> list[str]:
    """What there is of a kind, in alphabetical order."""
    if kind.folder == SETS:
        return run.sets.names()
    with suppress(OSError, InputError):
        paths = list(run.inside(kind.folder).iterdir())
        return sorted(
            path.name.removesuffix(kind.suffix)
            for path in paths
            if not path.name.startswith(".")
            and is_text(path.name)
            and (path.suffix == kind.suffix if kind.suffix else path.is_dir())
        )
    return []


def ignored(run: Run, kind: Kind) -> list[str]:
    """Files among those of a kind that are not listed, since no link can hold their names: not UTF-8, or of sets."""
    if kind.folder == SETS:
        return run.sets.ignored()
    with suppress(OSError, InputError):
        return sorted(path.name for path in run.inside(kind.folder).iterdir() if not is_text(path.name))
    return []


def note(run: Run, kind: Kind, name: str) -> str:
    """The note on something, "" without one. Raises `InputError` for a set that cannot be read."""
    if kind.folder == SETS:
        return run.sets[name].note
    try:
        return read_small(run.inside(note_file(kind.folder, name)), 8 * MOST_NOTE).decode("utf-8", "replace")
    except (OSError, InputError):
        return ""


def annotate(run: Run, kind: Kind, name: str, text: str) -> None:
    """Write the note on something; an empty one removes it. Raises `InputError` where there is nothing of that name."""
    if kind.folder == SETS:
        run.sets.annotate(name, text)
        return
    if len(text) > MOST_NOTE:
        raise InputError(f"note: {len(text):,} characters, expected at most {MOST_NOTE:,}")
    with _changing(run, kind, name):
        path = run.inside(note_file(kind.folder, name))
        if text:
            write_bytes(path, text.encode("utf-8", "replace"))
        else:
            path.unlink(missing_ok=True)


def rename(run: Run, kind: Kind, name: str, new: str) -> None:
    """Give something another name; raises `InputError` where it cannot have that."""
    try:
        check_name(new)
    except ValueError as error:
        raise InputError(str(error)) from None
    with _changing(run, kind, name) as path:
        target = kind.path(run, new)
        _refuse_taken(kind, new, target)
        pairs = list(zip(kind.companions(run, name), kind.companions(run, new), strict=True))
        for old, place in pairs:
            _copy(old, place)
        path.rename(target)
        sync_folder(target.parent)
        for old, _ in pairs:
            remove_file(old)


def delete(run: Run, kind: Kind, name: str) -> Deleted:
    """Move something to the trash, and remove for good what has been there too long."""
    with _changing(run, kind, name) as path:
        _sweep(run)
        folder = run.inside(TRASH, f"{kind.word}-{uuid4().hex[:12]}")
        folder.mkdir(parents=True)
        companions = kind.companions(run, name)
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        about = {"kind": kind.word, "name": name, "deleted": now}
        try:
            for companion, kept in zip(companions, _kept(folder, companions), strict=True):
                _copy(companion, kept)
            with suppress(InputError):  # a full disk: names and times say enough, see `_about`
                write_bytes(folder / _ABOUT, json.dumps(about).encode())
            path.rename(folder / path.name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        sync_folder(path.parent)
        for companion in companions:
            remove_file(companion)
        return Deleted(kind.word, name, now, folder)


def deleted(run: Run, kind: Kind | None = None, most: int | None = None) -> list[Deleted]:
    """What can be restored, of one kind or of all, the newest first.

    most: how many are read, those that came last; all where None.
    """
    found = []
    with suppress(OSError, InputError):
        for folder in _newest(run.inside(TRASH), most):
            with suppress(OSError, ValueError, KeyError, TypeError):
                one = _about(folder)
                content = folder / KINDS[one.kind].path(run, one.name).name
                if content.exists() and not folder.is_symlink() and kind in (None, KINDS[one.kind]):
                    found.append(one)
    return sorted(found, key=lambda one: one.deleted, reverse=True)


def _about(folder: Path) -> Deleted:
    """What is in a folder of the trash; raises OSError, ValueError, KeyError or TypeError for nothing of ours."""
    try:
        about = read_json(folder / _ABOUT, 2**16)
        return Deleted(str(about["kind"]), str(about["name"]), str(about["deleted"]), folder)
    except FileNotFoundError:
        kind = KINDS[folder.name.rpartition("-")[0]]
        (name,) = (
            path.name.removesuffix(kind.suffix)
            for path in folder.iterdir()
            if (path.suffix == kind.suffix if kind.suffix else path.is_dir())
        )
        when = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        return Deleted(kind.word, name, when.isoformat(timespec="microseconds"), folder)


def count_deleted(run: Run) -> int:
    """How many things there are in the trash. None is read."""
    try:
        return len(_newest(run.inside(TRASH), None))
    except (OSError, InputError):
        return 0


def _newest(folder: Path, most: int | None) -> list[Path]:
    """What is in a folder; of more than `most`, what was changed last."""
    with os.scandir(folder) as entries:
        found = list(entries)
    if most is not None and len(found) > most:
        found = sorted(found, key=written, reverse=True)[:most]
    return [folder / entry.name for entry in found]


def restore(run: Run, kind: Kind, name: str) -> None:
    """Bring back what was deleted last under this name; raises `InputError` where there is none, or the name is taken
    by something else now."""
    with saving(run.folder):
        entry = next((one for one in deleted(run, kind) if one.name == name), None)
        if entry is None:
            known = ", ".join(dict.fromkeys(one.name for one in deleted(run, kind))) or "nothing"
            raise InputError(
                f"{kind.word} = {shortened(name)!r}: none of that name was deleted; {known} can be restored"
            )
        path = kind.path(run, name)
        _refuse_taken(kind, name, path)
        try:
            companions = kind.companions(run, name)
            for companion, kept in zip(companions, _kept(entry.folder, companions), strict=True):
                _copy(kept, companion)
            path.parent.mkdir(exist_ok=True)
            (entry.folder / path.name).rename(path)
            sync_folder(path.parent)
            shutil.rmtree(entry.folder)
        except OSError as error:
            raise not_written(path, error) from error


def purge(run: Run, kind: Kind) -> int:
    """Remove for good what was deleted of a kind; returns how many."""
    with saving(run.folder):
        entries = deleted(run, kind)
        for entry in entries:
            _remove(entry.folder)
        return len(entries)


@contextmanager
def _changing(run: Run, kind: Kind, name: str) -> Iterator[Path]:
    """The path of something that is there, with the lock of the run."""
    with saving(run.folder):
        path = kind.path(run, name)
        if not path.exists():
            known = names(run, kind)
            shown = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
            raise InputError(f"{kind.word} = {shortened(name)!r}: run {run.name} has {shown or 'none'}")
        try:
            yield path
        except OSError as error:
            raise not_written(error.filename or path, error) from error


def _refuse_taken(kind: Kind, name: str, path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise InputError(
            f"{kind.word} = {shortened(name)!r}: there is one of that name; rename or delete it first"
        )


def _kept(folder: Path, companions: list[Path]) -> list[Path]:
    """The places of companions in the trash: traces under their names, the note under its own."""
    return [*(folder / path.name for path in companions[:-1]), folder / _NOTE]


def _copy(source: Path, target: Path) -> None:
    """Give a file a second name where there is one; else there is none at the target either."""
    try:
        file = open_file(source)
    except OSError as error:
        if error.errno not in NO_FILE:
            raise
        remove_file(target)
        return
    with file:
        try:
            remove_file(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, target)
            sync_folder(target.parent)
        except OSError:  # some file systems have no second names
            write_file(target, lambda copy: shutil.copyfileobj(file, copy))


def _sweep(run: Run) -> None:
    oldest = (datetime.now(UTC) - timedelta(days=KEPT_DAYS)).isoformat(timespec="microseconds")
    known = deleted(run)
    for entry in known:
        if entry.deleted < oldest:
            _remove(entry.folder)
    # A program was killed before it moved anything there: what is in them is elsewhere too.
    for folder in set(run.inside(TRASH).glob("*-*")).difference(entry.folder for entry in known):
        with suppress(OSError):
            others = [path for path in folder.iterdir() if path.name not in (_ABOUT, _NOTE)]
            if not others and time.time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise not_written(folder, error) from error
