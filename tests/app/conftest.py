"""A tiny run, the app in this process (AppTest), and the app in a browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from streamlit.testing.v1 import AppTest

from g2is.run import Run
from tests.app.tiny_run import make_run

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (
    f"{sys.executable} -m streamlit run app.py --server.headless true --server.fileWatcherType none "
    "--server.address 127.0.0.1"
).split()
CHROMIUM_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run `tiny`; tests may add selections and exports, nothing else."""
    folder = tmp_path_factory.mktemp("cache")
    make_run(folder / "tiny")
    return folder


@pytest.fixture
def run(cache: Path) -> Run:
    return Run.open(cache / "tiny")


@pytest.fixture
def open_app(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Opens a page in this process: open_app("5_Instructions", focus="3")."""

    def open_page(page: str | None = None, /, *, folder: Path = cache, **query: str | list[str]) -> AppTest:
        monkeypatch.setenv("G2IS_CACHE", str(folder))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        if page:
            app.switch_page(f"pages/{page}.py")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, [error.message for error in app.exception]
        return app

    return open_page


class Server:
    """`streamlit run app.py` on a free port of this machine."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--server.port", str(self.port)],
            cwd=ROOT,
            env={**os.environ, "G2IS_CACHE": str(self.cache)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        for _ in range(200):
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


@pytest.fixture(scope="session")
def server(cache: Path) -> Iterator[Server]:
    server = Server(cache)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser():
    """Debian's chromium through Playwright."""
    chromium = shutil.which("chromium")
    if not chromium:
        message = "needs a browser: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # on a busy machine a page takes its time
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser) -> Iterator[Callable]:
    """Opens windows that do not know of each other; fails if one asks another machine for anything."""
    requests: list[str] = []
    contexts = []

    def open_window(**options):
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 1000}, **options))
        page = contexts[-1].new_page()
        page.on("request", lambda request: requests.append(request.url))
        return page

    yield open_window
    for context in contexts:
        context.close()
    local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
    assert [url for url in requests if not url.startswith(local)] == []


@pytest.fixture
def page(new_page):
    return new_page()


def settle(page) -> None:
    """Wait until the app has answered."""
    page.wait_for_timeout(250)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=20_000)
    page.wait_for_timeout(100)
