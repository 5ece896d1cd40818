"""The build of the demo run in a process of its own, which outlives a reload of the page and of the server.

The build holds a lock on its log for as long as it runs: the lock goes with the open file, so it tells whether the
build is alive even where its number has meanwhile been given to another process. No Streamlit.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from g2is.storage.files import write_bytes

RUN = "demo"
POSSIBLE = os.name == "posix"
"""Elsewhere files have no such locks; the command line does the same."""

_BAR = re.compile(
    r"(?P<stage>[\w -]+): +(?P<percent>\d+)%\|.*?\| (?P<done>\d+)/(?P<total>\d+) \[[^<\]]*<(?P<left>[\d:]+)"
)


@dataclass(frozen=True)
class Progress:
    """How far a stage is. left: what tqdm expects it to take, such as 01:15."""

    stage: str
    share: float
    done: int
    total: int
    left: str


def command(cache: Path) -> list[str]:
    """What builds the demo run."""
    return [sys.executable, "-m", "g2is", "demo", "--run", RUN, "--cache", str(cache)]


def start(cache: Path, arguments: Sequence[str] | None = None) -> bool:
    """Start the build, or take up one that was stopped; False where one is running already."""
    import fcntl

    cache.mkdir(parents=True, exist_ok=True)
    with _log(cache).open("ab") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        log.truncate(0)
        process = subprocess.Popen(
            arguments or command(cache),
            cwd=Path(__file__).resolve().parents[3],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        write_bytes(_number(cache), str(process.pid).encode())
    # Somebody has to wait for it, or it stays in the list of processes when it ends.
    threading.Thread(target=process.wait, daemon=True).start()
    return True


def running(cache: Path) -> bool:
    """Whether a build that `start` began is at work."""
    import fcntl

    try:
        with _log(cache).open("ab" if _log(cache).exists() else "rb") as log:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def cancel(cache: Path) -> None:
    """End the build and what it started. What it has finished stays, and another start goes on from there."""
    if running(cache):
        with suppress(OSError, ValueError):
            os.killpg(int(_number(cache).read_bytes()), signal.SIGTERM)


def log_lines(cache: Path, most: int = 200) -> list[str]:
    """The last lines of the log; of each progress bar its last state. Empty where no build was started."""
    try:
        text = _log(cache).read_bytes()[-100_000:].decode("utf-8", "replace")
    except OSError:
        return []
    lines = [line.rpartition("\r")[2] or line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return [line for line in lines if line.strip()][-most:]


def progress(lines: Sequence[str]) -> Progress | None:
    """The last progress bar of a log; None before the first."""
    for line in reversed(lines):
        if found := _BAR.search(line):
            done, total = int(found["done"]), int(found["total"])
            return Progress(found["stage"].strip(), done / max(total, 1), done, total, found["left"])
    return None


def _log(cache: Path) -> Path:
    return cache / f".{RUN}.build.log"


def _number(cache: Path) -> Path:
    return cache / f".{RUN}.build.pid"
