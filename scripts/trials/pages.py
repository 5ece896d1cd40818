"""What the trials with a browser share: a server over a copy of the demo run, and what a page says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.app.serving import READY, ROOT, Server, chromium, serving

DEMO = ROOT / "cache" / "demo"
ADDRESSES = {
    "": {},
    "Walk": {"preset": "recommended", "count": 60, "step": 12},
    "Map": {"focus": 0},
    "Neighbourhood": {"focus": 0},
    "Core_knowledge": {},
    "Instructions": {"focus": 0},
    "Compare": {},
    "Export": {},
    "Check_data": {},
}
"""Pages with the parameters that give them content."""
PATIENCE = 120_000


def demo_in(folder: Path, name: str = "demo") -> Path:
    """A copy of the demo run. Raises `SystemExit` where it was not made."""
    if not (DEMO / "manifest.json").is_file():
        raise SystemExit(f"needs the demo run in {DEMO.relative_to(ROOT)}: make it with g2is demo")
    return Path(shutil.copytree(DEMO, folder / name))


@contextmanager
def opened(cache: Path) -> Iterator[tuple[Server, Any]]:
    """The app over `cache`, and a browser."""
    with serving(cache) as server, chromium() as browser:
        yield server, browser


def window(browser: Any) -> Any:
    """A visitor's own window."""
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.set_default_timeout(PATIENCE)
    return page


def visit(page: Any, server: Server, name: str, **query: object) -> None:
    """Open a page by its address, until its script has ended."""
    page.goto(f"{server.url}/{name}?{urlencode({'run': 'demo', **ADDRESSES[name], **query})}")
    page.wait_for_selector(READY)


def rerun(page: Any) -> None:
    """The page's script once more, by Streamlit's own key."""
    page.locator("body").press("r")
    page.wait_for_timeout(300)
    page.wait_for_selector(READY)


def fault(page: Any) -> str:
    """The traceback that the page shows; empty where there is none."""
    shown = page.locator('[data-testid="stException"]')
    return shown.first.inner_text()[:600] if shown.count() else ""
