"""JavaScript modules for Streamlit's components, without a build step.

Each file is an ES module with a scope of its own: it imports what it needs from other files by relative path and
exports what it gives. Streamlit loads one text a component, so imports of files are replaced by data URLs that hold
the files. A browser evaluates a URL once a page, so two components that import the same file share one instance. The
default import from a JSON file is its value.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from pathlib import Path

_IMPORT = re.compile(r'(?<= from )"(\.[^"]+)"$', re.MULTILINE)


@cache
def module(path: Path) -> str:
    """The text of a module, complete in itself. Raises `ValueError` for files that import each other in a circle."""
    return _linked(path.resolve(), ())


def _linked(path: Path, importing: tuple[Path, ...]) -> str:
    if path in importing:
        raise ValueError(f"{path.name} imports itself by way of {', '.join(file.name for file in importing)}")

    def replaced(match: re.Match[str]) -> str:
        text = _linked((path.parent / match[1]).resolve(), (*importing, path))
        return f'"data:text/javascript;base64,{b64encode(text.encode()).decode()}"'

    if path.suffix == ".json":
        return f"export default {path.read_text()}"
    return _IMPORT.sub(replaced, path.read_text())
