"""One word for one thing: on the screen, in the help of the commands and in the documents that users read first."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from g2is.cli import make_parser

ROOT = Path(__file__).parents[1]
FOLDERS = ("app", "figures", "analysis")
"""Where text for the screen is written."""

OLD = (
    r"official \(the paper\)",
    r"steps? \d+ · ",
    r"number of samples",
    r"is lost \(the paper\)",
    r"take their samples",
    r"facets: groups",
    r"number by silhouette",
    r"turn towards the target",
    r"least cosine|most cosine",
    r"share that must remain",
    r"\bwalked in\b",
    r"changed from recommended",
    r"against the walk before",
    r"what left, what came",
    r"replace one of the same name",
    r"always take it|never take it",
    r"its neighbourhood",
    r"your way here",
    r"^(among the instructions|in the list)$",
    r"walk drawn|start anew|take out of it",
    r"two by two|how they pull|against budget",
    r"folder lies with the run",
    r"record as it stands",
    r"\bfallbacks?\b",
    r"\bfacets?\b",
    r"\bregimes?\b",
    r"\bsamples?\b",
    r"\btrue -> false\b",
)
"""What is not said to a reader any more. A sample is called an instruction."""
NOT_OURS = {
    # A draw, in statistics and here.
    r"\bsamples?\b": r"random sample",
    # The name of the argument beside it.
    r"\bfacets?\b": r"\(facets\)",
}


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Strings of a module that are read by people: those with a blank, but no docstrings and no names of columns."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    # The strings below a constant document it.
    skipped |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    # Keys of widgets are seen by nobody.
    skipped |= {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "key"
    }
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if id(node) not in skipped and " " in text.strip():
            yield node.lineno, text


def in_scripts(path: Path) -> Iterator[tuple[int, str]]:
    """Strings of a script, and texts and attributes of a page, that have a blank."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        code = "" if line.strip().startswith("//") else line
        found = re.findall(r'"([^"]*)"|`([^`]*)`|>([^<]+)<', code)
        texts = (re.sub(r"\$\{[^}]*\}", "", text) for parts in found for text in parts)
        yield from ((number, text) for text in texts if " " in text.strip())


def old_words(texts: Iterator[tuple[int, str]], where: str) -> list[str]:
    return [
        f"{where}:{line}: {text.strip()[:90]!r} has {old}"
        for line, text in texts
        for old in OLD
        if re.search(old, re.sub(NOT_OURS.get(old, "(?!)"), "", text, flags=re.I), re.I)
    ]


def files(ending: str) -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / "g2is" / folder).rglob(f"*.{ending}"))


def test_the_screen_has_no_old_words():
    found = []
    for path in files("py"):
        found += old_words(prose(path), path.name)
    for ending in ("js", "html"):
        for path in files(ending):
            found += old_words(in_scripts(path), path.name)
    assert found == []


def test_the_help_of_the_commands_has_no_old_words():
    parser = make_parser()
    texts = [(0, parser.format_usage()), *((0, text) for text in helps(parser))]
    assert len(texts) > 200
    assert old_words(iter(texts), "help") == []


def helps(parser: argparse.ArgumentParser) -> Iterator[str]:
    """What a parser and its commands say about themselves and their arguments, without the names of these."""
    yield parser.description or ""
    for action in parser._actions:
        yield "" if action.help in (None, argparse.SUPPRESS) else str(action.help)
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from helps(command)


def test_the_documents_have_no_old_words():
    found = []
    for page in (ROOT / "README.md", ROOT / "docs" / "using.md"):
        text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
        found += old_words(enumerate(text.splitlines(), 1), page.name)
    assert found == []


@pytest.mark.parametrize("line", ["Walked in 3 s", "takes samples of it", "the facets: groups of it"])
def test_old_words_are_found(line):
    assert old_words(iter([(1, line)]), "here")
    assert not old_words(iter([(1, "a random sample of the pairs")]), "here")
