"""The command that opens the app in the browser: app."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from pathlib import Path

from g2is.app import warming
from g2is.app.places import SITE
from g2is.config.commands import CACHE
from g2is.config.grammar import AddCommand
from g2is.errors import InputError


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command("app", app, "open the app in the browser; it listens on this machine only")
    parser.set_defaults(cache=Path(os.environ.get("G2IS_CACHE") or CACHE))
    parser.add_argument(
        "--port", type=int, metavar="N", help="port of this machine [8501, or the next free one]"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="start the server without opening a browser"
    )


def app(arguments: argparse.Namespace) -> None:
    """Become Streamlit's server, with the project's own settings from any folder."""
    if arguments.port is not None and not 1 <= arguments.port <= 65535:
        raise InputError(f"port = {arguments.port}: expected 1 to 65535")
    if arguments.cache.exists() and not arguments.cache.is_dir():
        raise InputError(f"cache = {str(arguments.cache)!r}: is a file, expected the folder where runs live")
    sys.argv = ["streamlit", "run", str(SITE / "app.py"), *_options(arguments)]
    os.environ["G2IS_CACHE"] = str(arguments.cache.absolute())
    # Before torch is imported by a build that the app starts: threads that sleep instead of spinning.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    warming.begin_with_server()
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _options(arguments: argparse.Namespace) -> list[str]:
    port = [] if arguments.port is None else ["--server.port", str(arguments.port)]
    return [*port, *(["--server.headless", "true"] if arguments.no_browser else [])]
