"""python -m g2is: see `g2is.cli`."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 130 where Ctrl-C stopped it, whatever it did at that moment."""
    _open_streams()
    _let_threads_sleep()
    pressed = []

    def stop(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    usual = signal.getsignal(signal.SIGINT)
    ours = threading.current_thread() is threading.main_thread() and usual is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, stop)
    try:
        from g2is.cli import main as run

        return run(arguments)
    except BaseException as error:
        # A library that is interrupted while it loads raises errors of its own.
        if not pressed and not isinstance(error, KeyboardInterrupt):
            raise
        sys.stderr.write("stopped; the same command resumes from here\n")
        return 130
    finally:
        if ours:
            signal.signal(signal.SIGINT, usual)


def _let_threads_sleep() -> None:
    """Before torch is imported: its threads spin while they wait, for the cores that those of numpy need."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")


def _open_streams() -> None:
    """What is written to a stream that is closed goes nowhere, and no other file takes its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def entry() -> NoReturn:
    """The program: as `main`, and Ctrl-C while Python ends changes nothing any more."""
    code = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Where the key fell into an exec of text, as dataclasses do it, Python would end with the signal in place of
    # our code (pythonrun.c, unhandled_keyboard_interrupt), also when the error was caught; a new one clears that.
    exec("")
    sys.exit(code)


if __name__ == "__main__":
    entry()
