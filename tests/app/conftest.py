"""A tiny run, the app in this process (AppTest), and the app in a browser."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from g2is.errors import InputError
from g2is.run.run import Run
from tests.app.serving import ROOT, Server, chromium, serving
from tests.app.tiny_run import make_run


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


@pytest.fixture(scope="session")
def server(cache: Path) -> Iterator[Server]:
    with serving(cache) as server:
        yield server


@pytest.fixture(scope="session")
def browser():
    """Debian's chromium through Playwright."""
    try:
        with chromium() as found:
            from playwright.sync_api import expect

            expect.set_options(timeout=20_000)  # on a busy machine a page takes its time
            yield found
    except InputError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


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
    local = ("http://localhost:", "ws://localhost:", "data:", "blob:")
    assert [url for url in requests if not url.startswith(local)] == []


@pytest.fixture
def page(new_page):
    return new_page()


def settle(page) -> None:
    """Wait until the app has answered."""
    page.wait_for_timeout(250)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=20_000)
    page.wait_for_timeout(100)
