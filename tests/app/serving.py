"""The app on a free port of this machine, and a browser to look at it with; for tests, benchmarks and screenshots."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.request import urlopen

from g2is.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
CHROMIUM_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`g2is app` over the runs in a folder, or `streamlit run` of another script."""

    def __init__(
        self,
        cache: Path,
        script: Path = ROOT / "app.py",
        *,
        options: Sequence[str] = (),
        port: int | None = None,
        base: str = "",
        log: int | IO[bytes] = subprocess.DEVNULL,
    ) -> None:
        """options: of `g2is app`. base: the path at which it serves. log: where its output goes."""
        self.cache, self.script, self.options, self.log = cache, script, options, log
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}{base}"
        self.start()

    def start(self) -> None:
        # As a user starts it: all else about the server stands in .streamlit/config.toml.
        command = ["g2is", "app", "--no-browser", "--port", str(self.port), "--cache", str(self.cache)]
        command += self.options
        if self.script != ROOT / "app.py":
            command = ["streamlit", "run", str(self.script), "--server.port", str(self.port)]
            command += ["--server.headless", "true", "--server.address", "localhost"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT
        )
        for _ in range(300):
            try:
                urlopen(f"{self.url}/_stcore/health").close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the app did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def serving(cache: Path, script: Path = ROOT / "app.py", **settings: Any) -> Iterator[Server]:
    """A `Server` for as long as it is wanted. settings: as `Server` takes them."""
    server = Server(cache, script, **settings)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def chromium() -> Iterator[Any]:
    """Debian's chromium through Playwright. Raises `InputError` where there is none."""
    path = shutil.which("chromium")
    if not path:
        raise InputError("needs a browser: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
