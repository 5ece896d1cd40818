"""The command line, `g2is COMMAND` or `python -m g2is COMMAND`: a module a group of commands.

Exit code 0; 2 for wrong input, with one line of what is wrong and what to do; 1 for a fault. `config` defines and
checks the arguments. Imports everything but the pages of `app`, and what a command computes with only when it runs.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from g2is import __version__
from g2is.cli import (
    app,
    build,
    evaluate,
    export,
    extend,
    graph,
    health,
    inspect,
    plan,
    pool,
    saved,
    scores,
    select,
    target,
)
from g2is.cli.runs import say
from g2is.config.commands import CACHE, PROGRAM
from g2is.config.grammar import COMMAND_PARSER, OneLineParser
from g2is.errors import InputError, shortened

COMMANDS = (
    inspect, plan, build, extend, pool, target, app, health, select, saved, scores, evaluate, export, graph,
)  # fmt: skip
"""Modules in the order in which `--help` lists their commands."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def make_parser() -> OneLineParser:
    """The parser of all commands; parsed arguments hold the function of their command in `do`."""
    parser = OneLineParser(prog=PROGRAM, description="Select instruction-tuning data by gradients.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(do=run, **{COMMAND_PARSER: added})
        added.add_argument("--cache", type=Path, default=CACHE, help=f"folder where runs live [{CACHE}]")
        return added

    for module in COMMANDS:
        module.register(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = make_parser()
    try:
        with _system_errors():
            parsed = parser.parse_args(arguments)
            parser = getattr(parsed, COMMAND_PARSER)
            parsed.do(parsed)
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has seen enough, as `head` does; the code is that of programs that the signal ends.
        _silence()
        return 128 + signal.SIGPIPE
    except InputError as error:
        say(f"error: {parser.as_typed(str(error))}")
        return 2
    except KeyboardInterrupt:
        say("stopped; the same command resumes from here")
        return 130
    return 0


@contextmanager
def _system_errors() -> Iterator[None]:
    """A path that the system does not accept is wrong input, wherever it is opened."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if (
            error.errno in FULL and not error.filename
        ):  # files of ours say themselves that they cannot be written
            _silence()
            reason = f"standard output: could not be written: {error.strerror}"
            raise InputError(f"{reason}; free some space") from None
        if error.errno not in (errno.ENAMETOOLONG, errno.EACCES) or not error.filename:
            raise
        reason = f"{shortened(str(error.filename))}: {error.strerror}"
        raise InputError(f"{reason}; expected a file or folder that can be opened") from None


def _silence() -> None:
    """Write what is left for the standard output to nowhere: Python would say at its end that it cannot."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
