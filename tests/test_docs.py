"""The documentation leads somewhere: links, anchors, pictures, commands, and lists that the code decides."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from g2is.cli import make_parser
from g2is.export import FORMATS
from g2is.selectors import METHODS
from scripts.check_docs import DOCUMENTS, chains, commands, runnable

ROOT = Path(__file__).parents[1]
TEXTS = {path: path.read_text() for path in DOCUMENTS}
PARSERS = next(action.choices for action in make_parser()._actions if isinstance(action.choices, dict))
OTHER_OPTIONS = {"--head", "--table", "--help", "--document"}
"""Options of other programs, and the one that every command has."""


def prose(path: Path) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", TEXTS[path], flags=re.DOTALL | re.MULTILINE)


def inline(path: Path) -> list[str]:
    return [re.sub(r"\s+", " ", code) for code in re.findall(r"`([^`]+)`", prose(path))]


def links(path: Path) -> list[str]:
    return re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", prose(path))


def anchors(path: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [row for row in rows[2:] if row != [""]]


each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@each_document
def test_links_lead_somewhere(path):
    for link in links(path):
        if re.match(r"https://", link):
            continue
        target, _, anchor = link.partition("#")
        place = (path.parent / target).resolve() if target else path
        assert place.exists() and place.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(place), link
        if place.suffix == ".png":
            assert place.read_bytes().startswith(b"\x89PNG"), link


def test_the_readme_leads_to_every_document():
    targets = {(ROOT / link.partition("#")[0]).resolve() for link in links(ROOT / "README.md")}
    assert set(DOCUMENTS) - {ROOT / "README.md"} <= targets


def test_the_readme_is_short():
    assert len(TEXTS[ROOT / "README.md"].splitlines()) <= 80


@each_document
def test_every_block_names_its_language(path):
    fences = re.findall(r"^ *```(.*)$", TEXTS[path], re.MULTILINE)
    assert set(fences[::2]) <= {"bash", "python", "toml", "mermaid"} and not any(fences[1::2])


def parse_ray(words: list[str]) -> None:
    """Fails unless Ray's own parser takes the words before `--`."""
    cli = pytest.importorskip("ray.scripts.scripts", reason="needs Ray").cli
    while words and words[0] in getattr(cli, "commands", {}):
        cli, words = cli.commands[words[0]], words[1:]
    assert not hasattr(cli, "commands"), words
    cli.make_parser(click.Context(cli)).parse_args(list(words))


def known(command: str) -> None:
    """Fails unless the command is one that can be run as it stands."""
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"[A-Z0-9_]+=\S*", words[0]):
        words = words[1:]
    if words[0] == "srun":  # SLURM is not at hand
        words = words[words.index("ray") :]
    if words[0] == "ray":
        parse_ray(words[1 : words.index("--")])
        words = words[words.index("--") + 1 :]
    match words:
        case ["g2is", *arguments]:
            make_parser().parse_args(arguments)
        case ["make", target]:
            assert f"\n{target}:" in (ROOT / "Makefile").read_text(), command
        case ["pip", "install", "."]:
            pass  # tests/test_package.py
        case ["pip", "install", pinned]:
            assert pinned in (ROOT / "requirements.txt").read_text().splitlines(), command
        case ["python", "-m", "pytest", *files]:
            assert all((ROOT / file).is_file() for file in files if file.endswith(".py")), command
        case ["python", "-m", module, *_]:
            assert module.startswith("benchmarks.") and importlib.util.find_spec(module), command
        case _:
            raise AssertionError(f"no test knows how to check: {command}")


@pytest.mark.parametrize(
    "command",
    sorted({command for text in TEXTS.values() for command in commands(text)}),
)
def test_commands_parse(command):
    known(command)


@each_document
def test_commands_and_options_in_the_text_exist(path):
    options = {option for parser in PARSERS.values() for option in parser._option_string_actions}
    for code in inline(path):
        words = code.split()
        if words[0] == "g2is" and len(words) > 1 and words[1] != "COMMAND":
            assert words[1] in {*PARSERS, "…"}, code
        if words[:2] == ["python", "-m"] and words[2:] and words[2] != "g2is":
            assert importlib.util.find_spec(words[2]), code
        if words[0] == "make" and len(words) > 1:
            assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text(), code
        for word in words:
            if word.startswith("--") and word != "--":
                assert word in options | OTHER_OPTIONS, code


@each_document
def test_files_in_the_text_exist(path):
    for code in inline(path):
        if re.match(r"(g2is|tests|docs|scripts|benchmarks|pages|\.streamlit|\.ci)/", code):
            assert (ROOT / code.split()[0]).exists() or code == "g2is/app/site/", code


def test_commands_are_written_one_way():
    assert sum(text.count("python -m g2is") for text in TEXTS.values()) == 1


def test_using_lists_every_command_page_selector_and_format():
    text = TEXTS[ROOT / "docs" / "using.md"]
    listed = table(text, "Commands")
    assert {row[0].strip("`") for row in listed} == set(PARSERS)
    [select] = [row[1] for row in listed if row[0] == "`select`"]
    assert set(re.findall(r"\w+", select.partition(":")[2])) == set(METHODS)
    pages = {path.stem.partition("_")[2].replace("_", " ") for path in (ROOT / "pages").glob("[0-9]*.py")}
    assert {row[0].strip("*") for row in table(text, "The app")} == pages | {"Home"}
    formats = re.search(r"^Formats of `export`: (.*?)\.$", text, re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", formats[1])) == set(FORMATS)


def test_the_tree_is_as_it_is():
    listed = {row[0].strip("`") for row in table(TEXTS[ROOT / "docs" / "architecture.md"], "The tree")}
    folders = {f"{path.parent.name}/" for path in (ROOT / "g2is").glob("*/__init__.py")}
    assert listed - {""} == folders | {"errors.py"}


def test_what_is_run_is_what_is_written():
    assert runnable("g2is walk demo --count 3  # why") == "g2is walk demo --count 3  # why"
    assert runnable("g2is build --engine ray --run a") == "g2is build --engine ray --workers 2 --run a"
    assert runnable("ray job submit -- g2is build --run a") is None
    batch = runnable('srun ray symmetric-run --address "$head:1" --min-nodes 4 -- g2is build --run a')
    assert batch == 'ray symmetric-run --address "127.0.0.1:$RAY_PORT" --num-cpus 2 -- g2is build --run a'
    assert runnable("python -m benchmarks.walk --large") == "python -m benchmarks.walk --help"
    assert runnable("pip install .") is None
    text = "```bash\na \\\n    b # c\n# only a comment\n\nd\n```\n```python\nno\n```\n"
    assert [shlex.split(line, comments=True) for line in commands(text)] == [["a", "b"], ["d"]]


def test_commands_about_one_run_keep_their_order():
    lines = (
        "g2is demo", "g2is plan --samples 3", "g2is build --run less --train a", "g2is walk demo --count 3",
        "g2is build --run mine", "g2is select mine --method less", "g2is graph less", "g2is target add mine --name x",
        "ray symmetric-run -- g2is build --run mine",
    )  # fmt: skip
    found = chains([(ROOT, line) for line in lines])
    assert [[lines.index(line) for _, line in chain] for chain in found] == [
        [4, 5, 7, 8],
        [0, 3],
        [2, 6],
        [1],
    ]


def test_spelling():
    folders = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs"]
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *folders], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
