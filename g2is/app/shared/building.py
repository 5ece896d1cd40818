"""The build of the demo run in its own process, which continues after a reload of the page or the server.

The build holds a lock on its log as long as it runs. The system frees the lock with the open file, so it shows whether
the build is alive even where its process number has meanwhile gone to another process. No Streamlit.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from g2is.pipeline.progress import Progress
from g2is.run.paths import progress_path
from g2is.storage.files import write_bytes

RUN = "demo"
POSSIBLE = os.name == "posix"
"""Whether the system has such locks on files; elsewhere the command line builds the demo."""


def command(cache: Path) -> list[str]:
    """The command that builds the demo run."""
    return [sys.executable, "-m", "g2is", "demo", "--run", RUN, "--cache", str(cache)]


def start(cache: Path, arguments: Sequence[str] | None = None) -> bool:
    """Start the build, or continue one that was stopped; False where one is running already."""
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
    # A process that is not waited for stays a zombie when it ends.
    threading.Thread(target=process.wait, daemon=True).start()
    return True


def running(cache: Path) -> bool:
    """Whether a build that `start` began is running."""
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
    """End the build and the processes it started. Finished stages stay, and another start continues from them."""
    if running(cache):
        with suppress(OSError, ValueError):
            os.killpg(int(_number(cache).read_bytes()), signal.SIGTERM)


def log_lines(cache: Path, most: int = 200) -> list[str]:
    """The last `most` lines of the log, of each bar its last state. Empty where no build was started."""
    try:
        text = _log(cache).read_bytes()[-100_000:].decode("utf-8", "replace")
    except OSError:
        return []
    lines = [line.rpartition("\r")[2] or line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return [line for line in lines if line.strip()][-most:]


def progress(cache: Path) -> Progress | None:
    """The progress of the build; None before its first stage."""
    return Progress.read(progress_path(cache / RUN))


def _log(cache: Path) -> Path:
    return cache / f".{RUN}.build.log"


def _number(cache: Path) -> Path:
    return cache / f".{RUN}.build.pid"
