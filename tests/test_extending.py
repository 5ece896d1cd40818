"""The additions of docs/architecture.md, each made in a copy of the project and run there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from g2is.run.paths import MANIFEST
from tests.app.tiny_run import make_run

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of what the program consists of, with a run in its cache."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    folder.mkdir()
    for name in ("g2is", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", folder)
    make_run(folder / "cache" / "tiny")
    assert (folder / "cache" / "tiny" / MANIFEST).is_file()
    return folder


def add(path: Path, before: str, text: str) -> None:
    """Put `text` before the first line that begins like `before`."""
    lines = path.read_text().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if line.startswith(before))
    path.write_text("".join([*lines[:place], text, *lines[place:]]))


def python(project: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_selector(project):
    package = project / "g2is" / "selectors"
    (package / "shortest.py").write_text(
        '"""The shortest responses."""\n\n'
        "from g2is.selectors.method import BudgetedMethod, register\n"
        "from g2is.selectors.ranking import best\n\n\n"
        '@register("shortest")\n'
        "class Shortest(BudgetedMethod):\n"
        '    """The shortest responses."""\n\n'
        "    def choose(self, pool, budget):\n"
        '        return best(-pool.instructions["tokens"].astype(float), pool.valid, budget)\n'
    )
    add(package / "__init__.py", "from g2is.selectors.tagcos", "from g2is.selectors import shortest\n")
    python(project, "-m", "g2is", "select", "tiny", "--method", "shortest", "--count", "5")
    script = (
        "from g2is.run.run import Run; from g2is.run.selections import Selection\n"
        "run = Run.open('cache/tiny')\n"
        "chosen = Selection.read(run.folder / 'selections' / 'shortest-5.json', run)\n"
        "tokens = run.instructions['tokens'].where(run.valid, 1000)\n"
        "print(chosen.method, sorted(tokens.iloc[chosen.samples]) == sorted(tokens)[:5])\n"
    )
    assert python(project, "-c", script).split() == ["shortest", "True"]


def test_a_reader(project, tmp_path):
    shapes = project / "g2is" / "instructions" / "shapes"
    (shapes / "script.py").write_text(
        "from g2is.instructions.turns import Message\n\n\n"
        "def has_script(view):\n"
        '    return isinstance(view.look("script"), str)\n\n\n'
        "def read_script(view):\n"
        '    lines = [line.split(": ", 1) for line in view.take("script").split("\\n")]\n'
        '    return "script", [Message({"Q": "user", "A": "assistant"}[who], text) for who, text in lines]\n'
    )
    add(
        shapes / "__init__.py",
        "from g2is.instructions.shapes.view",
        "from g2is.instructions.shapes.script import *\n",
    )
    add(shapes / "__init__.py", '    Shape("preference"', '    Shape("script", has_script, read_script),\n')
    add(project / "g2is" / "config" / "build.py", '        "auto",', '        "script",\n')
    pool = tmp_path / "pool.jsonl"
    pool.write_text('{"script": "Q: one?\\nA: yes\\nQ: two?\\nA: no"}\n{"question": "q", "answer": "a"}\n')
    script = (
        "import sys; from g2is.config import ReadingConfig; from g2is.instructions import read_instructions\n"
        "ReadingConfig(format='script')\n"
        "for one in read_instructions([sys.argv[1]]).instructions:\n"
        "    print(one.format, len(one.messages), one.response)\n"
    )
    assert python(project, "-c", script, str(pool)).splitlines() == ["script 4 no", "question_answer 2 a"]


def test_a_page(project):
    (project / "pages" / "9_Sizes.py").write_text(
        '"""How large the run is."""\n\n'
        "import streamlit as st\n\n"
        "from g2is.app import shared as ui\n\n"
        'run = ui.open_page("Sizes")\n'
        'least = ui.url_value("least", 0, ui.whole(0, 99))\n'
        "rows = run.instructions\n"
        'st.metric("Pool", ui.number(int((rows["tokens"] >= least).sum())))\n'
        "ui.show_text(run.prompts([0])[0])\n"
    )
    script = (
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('app.py', default_timeout=60).run()\n"
        "print('Sizes' in [link.label for link in app.sidebar.get('page_link')] or 'no link')\n"
        "app.switch_page('pages/9_Sizes.py')\n"
        "app.query_params['least'] = '40'\n"
        "app.run()\n"
        "assert not app.exception, app.exception\n"
        "print(app.title[0].value, app.metric[0].value)\n"
    )
    shown = python(project, "-c", script).splitlines()
    assert shown[-1] == "Sizes 150" and shown[0] == "True"
