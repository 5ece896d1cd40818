"""JavaScript modules: each has a scope of its own, imports by name, and reaches the browser as one text."""

import re
from base64 import b64decode
from pathlib import Path

import pytest

from g2is.app.shared.javascript import module
from tests.app.serving import ROOT

SCRIPTS = sorted((ROOT / "g2is" / "app").rglob("*.js"))
IMPORTS = re.compile(r'^import \{([^}]*)\} from "([^"]+)"$', re.MULTILINE)
EXPORTS = re.compile(r"^export (?:class|(?:async )?function|const) (\w+|\[[^\]]*\])", re.MULTILINE)
NAMES = re.compile(r"\w+")
DATA = re.compile(r'"data:text/javascript;base64,([^"]+)"')


def exports(path: Path) -> set[str]:
    return {name for found in EXPORTS.findall(path.read_text()) for name in NAMES.findall(found)}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_file_imports_what_others_export_and_uses_it(path):
    text = path.read_text()
    for names, source in IMPORTS.findall(text):
        given = exports((path.parent / source).resolve())
        for name in NAMES.findall(names):
            assert name in given, f"{source} does not export {name}"
            assert len(re.findall(rf"\b{name}\b", text)) > 1, f"{name} is imported in vain"
    assert "globalThis." not in text.replace("globalThis.devicePixelRatio", "")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_what_a_file_exports_is_imported_somewhere(path):
    imported = {
        name
        for other in SCRIPTS
        for names, source in IMPORTS.findall(other.read_text())
        if (other.parent / source).resolve() == path
        for name in NAMES.findall(names)
    }
    assert exports(path) == imported


def test_a_module_holds_all_that_it_imports(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "leaf.js").write_text("export const one = 1\n")
    (tmp_path / "part" / "stem.js").write_text(
        'import { one } from "./leaf.js"\nexport const two = one + 1\n'
    )
    (tmp_path / "root.js").write_text(
        'import {\n  two,\n} from "./part/stem.js"\nimport { one } from "./part/leaf.js"\n'
    )
    text = module(tmp_path / "root.js")
    stem, leaf = (b64decode(data).decode() for data in DATA.findall(text))
    assert leaf == "export const one = 1\n"
    assert stem.endswith("export const two = one + 1\n")
    # The same URL in both: a browser evaluates it once, so that they share what it holds.
    assert DATA.findall(stem) == [DATA.findall(text)[1]]


def test_files_that_import_each_other_are_rejected(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js"\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js"\n')
    with pytest.raises(ValueError, match=r"a\.js imports itself by way of a\.js, b\.js"):
        module(tmp_path / "a.js")
