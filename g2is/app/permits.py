"""What visitors of the app may do: the settings of the server, and the one rule that every write to a run passes.

The settings stand in the environment, `G2IS_READ_ONLY` for `--read-only`, so that `g2is app`, `streamlit run app.py`
and containers have them alike. No Streamlit.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from pathlib import Path

from g2is.app.places import cache_folder
from g2is.config.serving import ServingConfig
from g2is.errors import InputError, shortened
from g2is.run.paths import EVALUATIONS, EXPORTS, SELECTIONS, SETS, TARGETS, TRASH
from g2is.storage import gate
from g2is.storage.files import read_small

KINDS = (SELECTIONS, SETS, EXPORTS, EVALUATIONS, TARGETS)
"""Folders of a run with what visitors save."""
MB = 10**6
MOST_BYTES = 2**20
"""Of the file that says who may see what."""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"G2IS_{name.upper()}"


def serving() -> ServingConfig:
    """The settings of this server. Raises `InputError` for a variable that does not fit."""
    return _read(tuple((name, os.environ.get(variable(name))) for name in ServingConfig.model_fields))


@lru_cache(maxsize=8)
def _read(texts: tuple[tuple[str, str | None], ...]) -> ServingConfig:
    return ServingConfig(**{name: text for name, text in texts if text})


def to_environment(settings: ServingConfig) -> None:
    """Make these the settings of this process and of those that it starts."""
    for name in ServingConfig.model_fields:
        value = getattr(settings, name)
        text = ("on" if value else "") if isinstance(value, bool) else "" if value is None else str(value)
        os.environ[variable(name)] = text


def guard() -> None:
    """From now on all that this process writes to the runs passes the rule."""
    folder = cache_folder().absolute()
    gate.guard(folder, partial(_rule, serving(), folder))


def _rule(settings: ServingConfig, folder: Path, path: Path, size: int) -> None:
    """Raise `InputError` where a visitor may not write `path` in the folder of the runs, of so many bytes."""
    if settings.read_only:
        raise InputError("this server is read-only: nothing is saved or built here; downloads work")
    parts = path.relative_to(folder).parts
    if len(parts) < 3 or parts[1] not in KINDS:
        return
    run = folder / parts[0]
    count, total = saved(run)
    # A temporary name, of a folder that is written beside its place, is new as well.
    if not (run / parts[1] / parts[2]).exists() and count >= settings.most_saved:
        raise InputError(
            f"run {parts[0]} holds {count:,} saved things, the most that visitors of this server may save; "
            "delete some, and ask who runs it to purge them or to raise --most-saved"
        )
    if total + size > settings.most_saved_mb * MB:
        raise InputError(
            f"run {parts[0]} holds {total // MB:,} MB of saved things, and this is {max(1, size // MB):,} MB, of the "
            f"{settings.most_saved_mb:,} MB that visitors of this server may save; delete some, and ask who runs it to "
            "purge them or to raise --most-saved-mb"
        )


def saved(run: Path) -> tuple[int, int]:
    """How many things people saved with a run and its targets, and their bytes. What was deleted counts while it can
    be restored."""
    count = total = 0
    for kind in (*KINDS, TRASH):
        for entry in _entries(run / kind):
            if not entry.name.startswith("."):
                count += 1
                total += _size(entry)
    return count, total


def _entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from entries


def _size(entry: os.DirEntry[str]) -> int:
    with suppress(OSError):
        if entry.is_dir(follow_symlinks=False):
            return sum(_size(inner) for inner in _entries(entry.path))
        return entry.stat(follow_symlinks=False).st_size
    return 0


@dataclass(frozen=True)
class Access:
    """Who may see which run. runs: for a pattern of names, patterns of e-mail addresses."""

    runs: Mapping[str, tuple[str, ...]]

    def sees(self, mail: str, run: str) -> bool:
        """Whether the visitor with this address sees a run: one that no pattern names is seen by nobody."""
        return any(
            fnmatchcase(run, pattern) and any(fnmatchcase(mail.lower(), one.lower()) for one in people)
            for pattern, people in self.runs.items()
        )


def access() -> Access | None:
    """Who may see what, as the file says now; None where everyone sees everything. Raises `InputError`."""
    path = serving().access
    return None if path is None else read_access(path)


def read_access(path: Path) -> Access:
    """Read the file of `--access`; raises `InputError` where it does not say who may see what."""
    try:
        content = tomllib.loads(read_small(path, MOST_BYTES).decode())
    except OSError as error:
        raise InputError(f"access = {path.name!r}: not readable ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"access = {path.name!r}: not TOML ({shortened(str(error))})") from None
    runs, auth = content.get("runs"), content.get("auth")
    if not isinstance(auth, dict) or not {"redirect_uri", "cookie_secret"} <= set(auth):
        raise InputError(
            f"access = {path.name!r}: expected a table [auth] with redirect_uri, cookie_secret and the "
            "identity provider"
        )
    whole = isinstance(runs, dict) and all(
        isinstance(people, list) and all(isinstance(one, str) for one in people) for people in runs.values()
    )
    if not isinstance(runs, dict) or not whole:
        raise InputError(
            f"access = {path.name!r}: expected a table [runs] with lists of addresses, such as "
            '"demo" = ["*@example.org"]'
        )
    return Access({name: tuple(people) for name, people in runs.items()})
