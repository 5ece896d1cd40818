"""The command line: python -m g2is <command>.

Exit code 0; 2 for wrong input, with one line that says what and how to mend it; 1 for a fault.
Arguments are made from `config`, which also checks them. Each module registers the commands of one kind.
"""

from __future__ import annotations

import argparse
import errno
from collections.abc import Callable, Sequence
from pathlib import Path

from g2is import __version__
from g2is.cli import app, build, evaluate, export, graph, plan, select
from g2is.cli.runs import say
from g2is.config.grammar import OneLineParser
from g2is.errors import InputError, shortened

COMMANDS = (plan, build, app, select, evaluate, export, graph)
"""Modules in the order in which `--help` lists their commands."""


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; what each does stands in `do`."""
    parser = OneLineParser(prog="python -m g2is", description="Select instruction-tuning data by gradients.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(do=run)
        made.add_argument("--cache", type=Path, default=Path("cache"), help="folder where runs live [cache]")
        return made

    for module in COMMANDS:
        module.register(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        parsed = make_parser().parse_args(arguments)
        _do(parsed)
    except InputError as error:
        say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        say("stopped; the same command goes on from here")
        return 130
    return 0


def _do(arguments: argparse.Namespace) -> None:
    """Run the command; a name that cannot be that of a file is wrong input, wherever it is found out."""
    try:
        arguments.do(arguments)
    except OSError as error:
        if error.errno not in (errno.ENAMETOOLONG, errno.EACCES) or not error.filename:
            raise
        reason = f"{shortened(str(error.filename))}: {error.strerror}"
        raise InputError(f"{reason}; expected a file or folder that can be opened") from None
