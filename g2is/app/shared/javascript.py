"""JavaScript modules for Streamlit's components, without a build step.

Each file is an ES module with a scope of its own: it imports what it needs from other files by relative path and
exports what it gives. Streamlit loads one text a component, so the files that it imports stand in that text before it,
each in a function. A file runs once a page: components that import the same file share what it holds. The default
import from a JSON file is its value.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from pathlib import Path

_IMPORT = re.compile(r'^import (\{[^}]*\}|\w+) from "(\.[^"]+)"$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+|\[[^\]]*\]))", re.MULTILINE)
_COMMENT = re.compile(r"^ *//.*\n", re.MULTILINE)
_FILES = "globalThis.g2isFiles"


@cache
def module(path: Path) -> str:
    """The text of a module, complete in itself. Raises `ValueError` for files that import each other in a circle."""
    files: dict[Path, tuple[str, str]] = {}
    text = _linked(path.resolve(), (), files)
    loaded = "".join(f"{place} ??= {file}\n" for place, file in files.values())
    return f"{_FILES} ??= {{}}\n{loaded}{text}"


def _linked(path: Path, importing: tuple[Path, ...], files: dict[Path, tuple[str, str]]) -> str:
    """The text of a file, which finds in their place in the browser what it imports.

    files: those that are imported with their places, each after those that it imports itself; gets those that lack.
    """
    if path in importing:
        raise ValueError(f"{path.name} imports itself by way of {', '.join(file.name for file in importing)}")

    def replaced(match: re.Match[str]) -> str:
        names, imported = match[1], (path.parent / match[2]).resolve()
        if imported not in files:
            files[imported] = _placed(imported, (*importing, path), files)
        return f"const {names} = {files[imported][0]}"

    return _IMPORT.sub(replaced, _COMMENT.sub("", path.read_text()))


def _placed(path: Path, importing: tuple[Path, ...], files: dict[Path, tuple[str, str]]) -> tuple[str, str]:
    """The place of an imported file, and what belongs there: the value of JSON, or an object of what it exports."""
    if path.suffix == ".json":
        text = path.read_text()
    else:
        linked = _linked(path, importing, files)
        names = ", ".join(name for found in _EXPORT.findall(linked) for name in re.findall(r"\w+", found))
        text = f"(() => {{\n{_EXPORT.sub('', linked)}\nreturn {{ {names} }}\n}})()"
    # Named by what it holds and imports: several files have one name, and the next version of one has it too.
    return f'{_FILES}["{path.name} {blake2b(text.encode(), digest_size=6).hexdigest()}"]', text
