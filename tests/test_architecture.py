"""Data flows one way: who may import what."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "g2is"


def imports(path: Path, *, everywhere: bool = True) -> Iterator[str]:
    """Modules a file imports; not `everywhere`: only those that importing the file itself would load."""
    tree = ast.parse(path.read_text())
    skipped = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    if not everywhere:
        skipped += [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    hidden = {id(inner) for node in skipped for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def modules(*places: str) -> list[Path]:
    found = []
    for place in places:
        path = PACKAGE / place
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found


def test_pages_never_load_what_only_building_needs():
    code = (
        "import sys, g2is.run, g2is.selection, g2is.trace_file, g2is.diagnosis, g2is.export, g2is.walk, g2is.knowledge;"
        "import g2is.selecting, g2is.evaluation;"
        "print({'torch', 'transformers', 'peft', 'umap', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("path", modules("walk", "selectors", "knowledge.py"), ids=lambda path: path.name)
def test_the_method_knows_neither_disk_nor_screen(path):
    forbidden = {
        "streamlit",
        "torch",
        "pathlib",
        "os",
        "io",
        "g2is.run",
        "g2is.files",
        "g2is.store",
        "plotly",
    }
    assert not forbidden & set(imports(path))


def test_only_building_imports_torch():
    allowed = {
        *modules("lm", "pipeline"),
        PACKAGE / "neighbors.py",
        PACKAGE / "gradient_files.py",
    }
    for path in PACKAGE.rglob("*.py"):
        if path not in allowed:
            assert not {"torch", "transformers", "peft"} & {m.split(".")[0] for m in imports(path)}, path


def test_only_what_pages_share_imports_streamlit():
    allowed = {*modules("ui", "components")}
    for path in PACKAGE.rglob("*.py"):
        if path not in allowed:
            assert "streamlit" not in {module.split(".")[0] for module in imports(path)}, path


def test_the_model_knows_nothing_of_what_comes_after_it():
    later = {"g2is.run", "g2is.walk", "g2is.knowledge", "g2is.pipeline", "g2is.store", "g2is.selection"}
    for path in modules("lm"):
        assert not later & set(imports(path)), path


def test_the_command_line_starts_without_heavy_libraries():
    light = {name for path in modules("__main__.py", "cli") for name in imports(path, everywhere=False)}
    assert not {"torch", "pandas", "numpy", "g2is.pipeline", "g2is.run", "g2is.walk"} & light
