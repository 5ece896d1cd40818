"""Takes a picture of every page, light and dark, wide and narrow, into docs/screenshots/.

    python -m scripts.screenshots [--cache cache] [--run demo] [--only Walk Compare]

The pages are the scripts in pages/; QUERIES has the parameters of their addresses besides the run.

Needs Debian's chromium.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.app.serving import READY, ROOT, chromium, serving

WIDTHS = {"wide": 1440, "narrow": 420}
WALK = {"preset": "recommended", "fraction": 0.02}
# Parameters that give each page content worth showing, by the name of its file without the number; other pages are
# shown as they open. A page ignores parameters that it does not know.
QUERIES: dict[str, dict[str, object]] = {
    "Walk": {**WALK, "step": 12},
    "Core_knowledge": WALK,
    "Compare": {"view": "results"},
    "Map": {**WALK, "focus": 0},
    "Neighbourhood": {**WALK, "focus": 0},
    "Instructions": {"focus": 0},
    "Export": {"format": "messages"},
}
# The page's main part scrolls, not the page: a window as tall as that part shows all of it.
HEIGHT = """() => {
  const parts = [...document.querySelectorAll('[data-testid="stMain"], [data-testid="stMainBlockContainer"]')]
  return Math.max(...parts.map(part => part.scrollHeight))
}"""


def take(page: Any, address: str, path: Path, width: int, tallest: int) -> None:
    """One picture, as tall as the page, up to a limit."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_timeout(2500)
    height = min(max(700, page.evaluate(HEIGHT)), tallest)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(800)
    page.screenshot(path=path)
    print(f"{path}: {path.stat().st_size / 1024:.0f} KB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cache", type=Path, default=ROOT / "cache", help="folder where runs live [cache]")
    parser.add_argument("--run", help="the run to show [the newest]")
    parser.add_argument("--only", nargs="+", metavar="PAGE", help="these pages, such as Export")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "screenshots", help="folder of the pictures"
    )
    arguments = parser.parse_args()
    folder = arguments.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    names = [path.stem.partition("_")[2] for path in sorted((ROOT / "pages").glob("[0-9]*.py"))]
    places = {"Home": "", **dict(zip(names, names, strict=True))}
    if unknown := set(arguments.only or ()) - set(places):
        sys.exit(f"error: no page {', '.join(sorted(unknown))}; there are {', '.join(places)}")
    run = {"run": arguments.run} if arguments.run else {}
    with serving(arguments.cache.resolve()) as server, chromium() as browser:
        for name in arguments.only or places:
            query = urlencode({**run, **QUERIES.get(name, {})})
            for scheme in ("light", "dark"):
                page = browser.new_context(color_scheme=scheme).new_page()
                for size, width in WIDTHS.items():
                    path = folder / f"{name.lower()}-{scheme}-{size}.png"
                    take(
                        page,
                        f"{server.url}/{places[name]}?{query}",
                        path,
                        width,
                        1400 if size == "wide" else 2200,
                    )
                page.context.close()


if __name__ == "__main__":
    main()
