"""A command in its own process, which continues after a reload of the page or of the server.

The process holds a lock on its log as long as it runs. The system frees the lock with the open file, so it shows
whether the process is alive even where its number has meanwhile gone to another one. No Streamlit.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from g2is.errors import InputError
from g2is.storage.files import not_written, open_file, read_small, refuse_special, write_bytes
from g2is.storage.gate import ask

LOG_SHOWN = 100_000
"""Bytes of the end of a log that are read."""
POSSIBLE = os.name == "posix"
"""Whether the system has such locks on files; elsewhere commands are started by hand."""


@dataclass(frozen=True)
class Job:
    """One command at a time. folder, name: its files are `.NAME.log` and `.NAME.pid` there."""

    folder: Path
    name: str

    def start(self, arguments: Sequence[str]) -> bool:
        """Start the command; False where one is running already.

        Raises `InputError` where its log and its number cannot be written: it could be neither watched nor cancelled.
        """
        try:
            return self._start(arguments)
        except OSError as error:
            raise not_written(error.filename or self.folder, error) from None

    def _start(self, arguments: Sequence[str]) -> bool:
        import fcntl

        ask(self._log)
        self.folder.mkdir(parents=True, exist_ok=True)
        refuse_special(self._log)
        with self._log.open("ab") as log:
            try:
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            log.truncate(0)
            # An old number may be another process's by now, if the new one cannot be written.
            self._number.unlink(missing_ok=True)
            process = subprocess.Popen(
                arguments,
                cwd=Path(__file__).resolve().parents[3],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        # A process that is not waited for stays a zombie when it ends.
        threading.Thread(target=process.wait, daemon=True).start()
        try:
            write_bytes(self._number, str(process.pid).encode())
        except InputError:
            os.killpg(process.pid, signal.SIGTERM)
            raise
        return True

    def running(self) -> bool:
        """Whether a command that `start` began is running."""
        import fcntl

        try:
            with open_file(self._log) as log:
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except (OSError, InputError):
            return False
        return False

    def cancel(self) -> None:
        """End the command and the processes it started. What it finished stays, and another start continues from it."""
        ask(self._log)
        if self.running():
            with suppress(OSError, ValueError):  # InputError is a ValueError
                os.killpg(int(read_small(self._number, 100)), signal.SIGTERM)

    def log_lines(self, most: int = 200) -> list[str]:
        """The last `most` lines of the log, of each bar its last state. Empty where nothing was started."""
        try:
            with open_file(self._log) as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - LOG_SHOWN))
                text = log.read(LOG_SHOWN).decode("utf-8", "replace")
        except (OSError, InputError):
            return []
        lines = [
            line.rpartition("\r")[2] or line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")
        ]
        return [line for line in lines if line.strip()][-most:]

    @property
    def _log(self) -> Path:
        return self.folder / f".{self.name}.log"

    @property
    def _number(self) -> Path:
        return self.folder / f".{self.name}.pid"
