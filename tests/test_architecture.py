"""Imports go one way: who may import what."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "g2is"

LAYERS = (
    ("errors", "config", "storage", "arrays"),
    ("instructions", "lm", "knowledge", "graph"),
    ("walk", "selectors"),
    ("run",),
    ("analysis", "export", "evaluation", "engine", "pipeline", "demo"),
    ("figures",),
    ("app", "cli"),
)
"""Folders of the package from the bottom up; a folder imports from its own layer and from those below."""


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
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(*places: str) -> list[Path]:
    found = []
    for place in places:
        path = PACKAGE / place
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return found


def folders_imported(path: Path) -> set[str]:
    """The folders of the package that a file imports from."""
    names = [name.split(".") for name in imports(path)]
    known = {folder for layer in LAYERS for folder in layer}
    return {parts[1] for parts in names if parts[0] == "g2is" and len(parts) > 1} & known


UPWARDS = [
    (lower, upper)
    for below, above in combinations(range(len(LAYERS)), 2)
    for lower in LAYERS[below]
    for upper in LAYERS[above]
]


def test_every_folder_has_its_layer():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders | {"errors"} == {folder for layer in LAYERS for folder in layer}


@pytest.mark.parametrize(("lower", "upper"), UPWARDS, ids=lambda name: name)
def test_imports_never_go_up(lower, upper):
    assert not [str(path) for path in modules(lower) if upper in folders_imported(path)]


@pytest.mark.parametrize("folder", ("errors", "storage", "arrays"))
def test_the_lowest_folders_know_no_settings(folder):
    assert not [str(path) for path in modules(folder) if "config" in folders_imported(path)]


@pytest.mark.parametrize(
    "path", modules("walk", "selectors", "knowledge"), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_the_method_knows_neither_disk_nor_screen_nor_torch(path):
    forbidden = {"streamlit", "torch", "plotly", "pathlib", "os", "io", "g2is.run", "g2is.storage"}
    assert not {
        name for name in imports(path) for word in forbidden if name == word or name.startswith(f"{word}.")
    }


def test_only_what_takes_gradients_imports_torch():
    allowed = {
        *modules("lm", "graph/neighbors", "graph/tiles", "graph/approximate", "pipeline/gradient_files")
    }
    for path in PACKAGE.rglob("*.py"):
        if path not in allowed:
            assert not {"torch", "transformers", "peft"} & {m.split(".")[0] for m in imports(path)}, path


def test_only_the_app_imports_streamlit():
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] != "app":
            assert "streamlit" not in {module.split(".")[0] for module in imports(path)}, path


def test_a_page_is_thin():
    for path in [ROOT / "app.py", *(ROOT / "pages").glob("*.py")]:
        assert len(path.read_text().splitlines()) <= 30, path


def test_no_page_loads_what_only_building_needs():
    pages = sorted(path.parent.name for path in PACKAGE.glob("app/*/page.py"))
    code = "import sys, " + ", ".join(f"g2is.app.{page}.page" for page in pages) + "\n"
    code += "print({'torch', 'transformers', 'peft', 'umap', 'ray', 'faiss'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert len(pages) >= 8 and done.stdout.strip() == "set()"


def test_the_command_line_starts_without_heavy_libraries():
    code = """
import sys
from g2is.cli import main
try:
    main(["--help"])
except SystemExit as stopped:
    assert stopped.code == 0
heavy = {"torch", "transformers", "pandas", "sklearn", "scipy", "pyarrow", "streamlit", "plotly", "igraph"}
print(heavy & set(sys.modules), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "usage: " in done.stdout and done.stderr.strip() == "set()"


def test_selectors_import_neither_runs_nor_the_model():
    """But for the sentence model, which one of them loads when it is asked for."""
    for path in modules("selectors"):
        assert not {"run", "pipeline", "graph", "instructions"} & folders_imported(path), path
        assert "g2is.lm" not in {".".join(n.split(".")[:2]) for n in imports(path, everywhere=False)}, path
