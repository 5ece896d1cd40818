"""The command that opens the app in the browser: app."""

from __future__ import annotations

import argparse
import errno
import os
import runpy
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from g2is.app import permits, warming
from g2is.app.places import SITE
from g2is.config.commands import CACHE
from g2is.config.grammar import AddCommand, add_settings, given
from g2is.config.serving import ServingConfig
from g2is.errors import InputError

PORT = 8501


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command(
        "app", app, "open the app in the browser; it listens on this machine only, unless told otherwise"
    )
    parser.set_defaults(cache=cache_folder())
    parser.add_argument(
        "--port", type=int, metavar="N", help=f"port of this machine [{PORT}, or the next free one]"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="start the server without opening a browser"
    )
    add_settings(parser, ServingConfig)


def cache_folder() -> Path:
    """The folder of the runs, unless --cache names another."""
    return Path(os.environ.get("G2IS_CACHE") or CACHE)


def app(arguments: argparse.Namespace) -> None:
    """Become Streamlit's server, with the project's own settings from any folder."""
    if arguments.port is not None:
        check_port(arguments.port)
    if arguments.cache.exists() and not arguments.cache.is_dir():
        raise InputError(f"cache = {str(arguments.cache)!r}: is a file, expected the folder where runs live")
    settings = settings_of(arguments)
    _check_free(settings.address, arguments.port)
    sys.argv = ["streamlit", "run", str(SITE / "app.py"), *_options(arguments, settings)]
    os.environ["G2IS_CACHE"] = str(arguments.cache.absolute())
    permits.to_environment(settings)
    warming.begin_with_server()
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def settings_of(arguments: argparse.Namespace) -> ServingConfig:
    """The settings of the server: those of the command line; what is not given there, of the environment."""
    settings = permits.serving().replace(**given(ServingConfig, arguments))
    if settings.access is None:
        return settings
    permits.read_access(settings.access)
    return settings.replace(access=settings.access.absolute())


def check_port(port: int) -> None:
    """Raise `InputError` where this is no port."""
    if not 1 <= port <= 65535:
        raise InputError(f"port = {port}: expected 1 to 65535")


def _check_free(address: str, port: int | None) -> None:
    """Raise `InputError` where the server could not listen, which it says in its log alone. port: None for any."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        if os.name != "nt":  # as the server: a port that was just left is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port or 0))
            probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = "is in use; give another, or leave --port out for the next that is free"
            elif error.errno == errno.EACCES:
                reason = "is reserved by the system; give one above 1023"
            else:
                raise InputError(
                    f"address = {address!r}: {error.strerror}; expected one of this machine"
                ) from None
            raise InputError(f"port = {port}: {reason}") from None


def _options(arguments: argparse.Namespace, settings: ServingConfig) -> list[str]:
    """Those of Streamlit that say the same."""
    options = {"server.address": settings.address, "server.port": arguments.port}
    if settings.url is not None:
        url = urlsplit(settings.url)
        options |= {
            "server.baseUrlPath": settings.base_path or None,
            "browser.serverAddress": url.hostname,
            "browser.serverPort": url.port or (443 if url.scheme == "https" else 80),
        }
    if settings.access is not None:
        options["secrets.files"] = str(settings.access)
    words = [
        word for name, value in options.items() if value is not None for word in (f"--{name}", str(value))
    ]
    headless = arguments.no_browser or settings.address != "localhost"
    return [*words, *(["--server.headless", "true"] if headless else [])]
