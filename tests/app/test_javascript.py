"""JavaScript modules: each has a scope of its own, imports by name, and reaches the browser as one text."""

import re
from pathlib import Path

import pytest

from g2is.app.shared.javascript import module
from tests.app.serving import ROOT

SCRIPTS = sorted((ROOT / "g2is" / "app").rglob("*.js"))
IMPORTS = re.compile(r'^import \{([^}]*)\} from "([^"]+)"$', re.MULTILINE)
EXPORTS = re.compile(r"^export (?:class|(?:async )?function|const) (\w+|\[[^\]]*\])", re.MULTILINE)
NAMES = re.compile(r"\w+")


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


def test_a_module_holds_all_that_it_imports_each_file_once_and_before_it_is_needed(tmp_path):
    root, other = write_modules(tmp_path)
    text = module(root)
    assert [len(re.findall(name, text)) for name in ("function one", r"const \[two", "// why")] == [1, 1, 0]
    assert text.index("function one") < text.index("const [two") < text.index("export default")
    assert module(other).count("function one") == 1
    assert re.findall(r"leaf\.js \w+", module(other))[0] in text, "the same file in both"
    (tmp_path / "part" / "leaf.js").write_text("export function one() {}\n")
    module.cache_clear()
    assert not set(re.findall(r"\w+\.js \w+", module(root))) & set(re.findall(r"\w+\.js \w+", text))


def test_in_a_browser_a_file_runs_once_whichever_modules_import_it(page, tmp_path):
    texts = [module(path) for path in write_modules(tmp_path)]
    page.goto("about:blank")
    seen = page.evaluate(
        """async texts => {
          const address = text => URL.createObjectURL(new Blob([text], { type: "text/javascript" }))
          const modules = []
          for (const text of texts) modules.push(await import(address(text)))
          return modules.map(({ default: given }) => given())
        }""",
        texts,
    )
    # Both count in the one that they share: the first began at 10, from the JSON file.
    assert seen == [["a", 11, 1], ["b", 12, 1]]


def write_modules(folder: Path) -> tuple[Path, Path]:
    """Two modules that share a file."""
    (folder / "part").mkdir()
    (folder / "part" / "from.json").write_text('{"from": 10}')
    (folder / "part" / "leaf.js").write_text(
        'import START from "./from.json"\n// why\nlet count = START.from\n'
        "globalThis.leaves = 1 + (globalThis.leaves ?? 0)\n"
        "export async function later() {}\nexport function one() {\n  return ++count\n}\nexport class None {}\n"
    )
    (folder / "part" / "stem.js").write_text(
        'import { one } from "./leaf.js"\n\nexport const [two] = [() => one()]\n'
    )
    root, other = folder / "root.js", folder / "other.js"
    root.write_text(
        'import {\n  two,\n} from "./part/stem.js"\nimport { None, later, one } from "./part/leaf.js"\n'
        'export default () => [None && later && one && "a", two(), leaves]\n'
    )
    other.write_text('import { one } from "./part/leaf.js"\nexport default () => ["b", one(), leaves]\n')
    return root, other


def test_files_that_import_each_other_are_rejected(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js"\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js"\n')
    with pytest.raises(ValueError, match=r"a\.js imports itself by way of a\.js, b\.js"):
        module(tmp_path / "a.js")
