"""The command for who supervises the app: health."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from g2is.cli.app import PORT, cache_folder, check_port, settings_of
from g2is.cli.runs import counted
from g2is.config.grammar import AddCommand, add_settings
from g2is.config.serving import ServingConfig
from g2is.errors import InputError, printable

PATIENCE = 10.0
"""Seconds to wait for an answer."""


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command(
        "health",
        health,
        "one line that says whether the app answers (code 0, or 2) and which runs are damaged",
    )
    parser.set_defaults(cache=cache_folder())
    parser.add_argument("--port", type=int, metavar="N", default=PORT, help=f"port of the app [{PORT}]")
    add_settings(parser, ServingConfig)


def health(arguments: argparse.Namespace) -> None:
    """Print one line; raises `InputError` where the app does not answer.

    A run that is damaged is told of, but the app is well: whoever asks would end it, and all other runs with it.
    """
    from time import perf_counter
    from urllib.error import HTTPError
    from urllib.request import urlopen

    check_port(arguments.port)
    settings = settings_of(arguments)
    host = "localhost" if settings.address in ("0.0.0.0", "::") else settings.address
    base = f"http://{host}:{arguments.port}/{settings.base_path}".rstrip("/")
    begun = perf_counter()
    try:
        with urlopen(f"{base}/_stcore/health", timeout=PATIENCE) as answer:
            answer.read(1000)
    except HTTPError as error:
        raise InputError(f"{base}: answers {error.code}, expected 200; start the app again") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise InputError(f"{base}: does not answer ({reason}); start the app again") from None
    took = 1000 * (perf_counter() - begun)
    states = list(_problems(arguments.cache))
    broken = [problem for problem in states if problem]
    line = f"ok: {base} answers in {took:.0f} ms, {counted(len(states) - len(broken), 'run')} can be read"
    if broken:
        more = f"; and {len(broken) - 1} more" if len(broken) > 1 else ""
        line += f", {len(broken)} cannot: {broken[0]}{more}"
    print(printable(line))


def _problems(cache: Path) -> Iterator[str]:
    """For each run what is wrong with it; empty where nothing is."""
    from g2is.run.paths import MANIFEST
    from g2is.run.run import Run

    for path in sorted(cache.glob(f"[!.]*/{MANIFEST}")):
        try:
            yield "; ".join(Run.open(path.parent).damage()[:1])
        except (InputError, OSError) as error:
            yield str(error)
