"""The package: its requirements are those of the code, and the wheel works where there is no checkout."""

import ast
import os
import re
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
import zipfile
from contextlib import contextmanager, suppress
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from urllib.request import urlopen

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from g2is import __version__
from g2is.cli import main, make_parser

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DEPENDENCIES = [Requirement(line) for line in PROJECT["dependencies"]]
COMMANDS = {"authlib", "codespell", "editables", "hatchling", "httpx2", "mypy", "pytest-xdist", "ruff"}
"""What development runs, or others import: tools, and what Streamlit's login needs."""
NAMES = {
    "bergson": "bergson",
    "bitsandbytes": "bitsandbytes",
    "dattri_llm": "dattri-llm",
    "ray": "ray",
    "sentence_transformers": "sentence-transformers",
    "triton": "triton",
    "trl": "trl",
}
"""Distributions of modules that need not be installed."""
WITH_TORCH = {"triton"}
"""What torch brings where it is made for GPUs."""


def imported(*places: Path) -> set[str]:
    """Names of the distributions that files import, those of the project and of Python aside."""
    known = packages_distributions() | {module: [name] for module, name in NAMES.items()}
    modules = set()
    for place in places:
        for path in [place] if place.is_file() else place.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    modules |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules.add(node.module)
                elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("find_spec"):
                    modules |= {
                        argument.value for argument in node.args if isinstance(argument, ast.Constant)
                    }
    tops = {module.partition(".")[0] for module in modules}
    tops -= {*sys.stdlib_module_names, "g2is", "tests", "benchmarks", "scripts"}
    return {canonicalize_name(known[top][0]) for top in tops}


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


def pins(*files: str) -> dict[str, str]:
    """Versions by distribution."""
    lines = [
        line.partition("#")[0].strip() for file in files for line in (ROOT / file).read_text().splitlines()
    ]
    pairs = [line.split("==") for line in lines if line and not line.startswith("-r ")]
    return {canonicalize_name(name): version for name, version in pairs}


def test_the_package_requires_what_it_imports_and_nothing_else():
    optional = names(
        [Requirement(line) for extra in ("gpu", "sentences", "cluster") for line in EXTRAS[extra]]
    )
    used = imported(ROOT / "g2is", ROOT / "pages", ROOT / "app.py")
    assert used == names(DEPENDENCIES) | optional | WITH_TORCH


def test_development_requires_what_tests_and_tools_import():
    used = imported(ROOT / "tests", ROOT / "benchmarks", ROOT / "scripts")
    dev = names([Requirement(line) for line in EXTRAS["dev"]])
    direct = names(DEPENDENCIES)
    brought = names([Requirement(line) for name in direct for line in requires(name) or ()])
    optional = {canonicalize_name(name) for name in NAMES.values()}
    assert not used - direct - brought - optional - dev
    assert not dev - used - COMMANDS


@pytest.mark.parametrize(
    ("file", "requirements"),
    [("requirements.txt", DEPENDENCIES), ("requirements-dev.txt", [*map(Requirement, EXTRAS["dev"])])],
    ids=["requirements.txt", "requirements-dev.txt"],
)
def test_every_pin_lies_in_its_range(file, requirements):
    versions = pins(file)
    assert versions.keys() == names(requirements)
    for requirement in requirements:
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


def test_make_installs_the_pinned_torch_first():
    makefile = (ROOT / "Makefile").read_text()
    assert set(re.findall(r"torch==([\w.]+)", makefile)) == {pins("requirements.txt")["torch"]}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([*pip, "wheel", *options, str(ROOT)], check=True)
    [path] = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_package_and_the_site_of_the_app(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {path.relative_to(ROOT).as_posix() for path in (ROOT / "g2is").rglob("*") if path.is_file()}
    for path in (ROOT / "app.py", *(ROOT / "pages").glob("*.py"), ROOT / ".streamlit" / "config.toml"):
        expected.add(f"g2is/app/site/{path.relative_to(ROOT).as_posix()}")
    assert held == {name for name in expected if "__pycache__" not in name}


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of commands of a fresh environment that holds the wheel and sees the libraries of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    scheme = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
    (Path(scheme) / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    python = ["--python", str(commands / "python")]
    subprocess.run([*pip, *python, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    return commands


def environment(home: Path) -> dict[str, str]:
    """Variables without those that a checkout or a user could bring along."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "G2IS_", "STREAMLIT_"))
    }
    return {**kept, "HOME": str(home), "HF_HUB_OFFLINE": "1"}


@contextmanager
def app(commands: Path, folder: Path, output: Path):
    """`g2is app` in a folder; yields its host and port. What the server prints goes to a file."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with output.open("wb") as file:
        server = subprocess.Popen(
            [commands / "g2is", "app", "--no-browser", "--port", str(port)],
            cwd=folder,
            env=environment(folder),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(600):
            with suppress(OSError):
                urlopen(f"http://localhost:{port}/_stcore/health").close()
                break
            assert server.poll() is None, output.read_text()
            time.sleep(0.1)
        yield f"localhost:{port}"
    finally:
        server.terminate()
        server.wait()


PAGES = """
import json, os, sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
from g2is.app.places import SITE
from g2is.app.shared import pages
assert SITE.name == "site" and Path.cwd() not in SITE.parents, SITE
shown = {}
for title, path in pages().items():
    app = AppTest.from_file(str(SITE / "app.py"), default_timeout=120)
    if title != "Home":
        app.switch_page(f"pages/{path.name}")
    app.run()
    assert not app.exception, app.exception
    shown[title] = [box.value for box in app.sidebar.selectbox]
print(json.dumps(shown))
"""


@pytest.mark.slow
def test_the_wheel_builds_the_demo_and_shows_it_in_an_empty_folder(installed, tmp_path):
    run = {"cwd": tmp_path, "env": environment(tmp_path), "check": True, "text": True}
    origin = subprocess.run(
        [installed / "python", "-c", "import g2is; print(g2is.__file__)"], **run, stdout=subprocess.PIPE
    )
    assert Path(origin.stdout.strip()).is_relative_to(installed.parent)
    version = subprocess.run([installed / "g2is", "--version"], **run, stdout=subprocess.PIPE).stdout
    assert version.strip() == __version__
    subprocess.run([installed / "g2is", "demo"], **run)
    assert (tmp_path / "cache" / "demo" / "manifest.json").is_file()
    demo = tmp_path / "cache" / "demo"
    assert (demo / "evaluations" / "demo" / "summary.csv").is_file() and list((demo / "sets").glob("*.json"))
    assert len(list((demo / "selections").glob("*[0-9].json"))) == 5
    subprocess.run([installed / "g2is", "verify", "demo"], **run)
    shown = subprocess.run([installed / "python", "-c", PAGES], **run, stdout=subprocess.PIPE).stdout
    pages = ast.literal_eval(shown.splitlines()[-1])
    assert {"Home", "Map", "Walk", "Export"} <= pages.keys()
    assert all("demo" in boxes for boxes in pages.values()), pages


def test_the_app_has_the_projects_own_settings_wherever_it_is_started(installed, tmp_path):
    other = '[theme]\nprimaryColor = "#FF0000"\n[server]\naddress = "0.0.0.0"\n[browser]\ngatherUsageStats = true\n'
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(other)
    own = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    with (
        app(installed, tmp_path, tmp_path / "printed") as host,
        connect(f"ws://{host}/_stcore/stream") as socket,
    ):
        socket.send(BackMsg(rerun_script=ClientState()).SerializeToString())
        messages = []
        while not messages or messages[-1].WhichOneof("type") != "script_finished":
            messages.append(ForwardMsg.FromString(socket.recv(timeout=120)))
    [session] = [message.new_session for message in messages if message.WhichOneof("type") == "new_session"]
    assert session.custom_theme.light.primary_color == own["theme"]["light"]["primaryColor"]
    assert not session.config.gather_usage_stats
    shown = b"".join(message.SerializeToString() for message in messages)
    assert b"G2IS Explorer" in shown and b"Traceback" not in shown
    printed = (tmp_path / "printed").read_text()
    assert f"http://{host}" in printed and "0.0.0.0" not in printed and "Network URL" not in printed


def test_the_app_opens_the_cache_that_is_set(monkeypatch):
    monkeypatch.setenv("G2IS_CACHE", "elsewhere")
    assert make_parser().parse_args(["app"]).cache == Path("elsewhere")
    assert make_parser().parse_args(["app", "--cache", "cache"]).cache == Path("cache")
    monkeypatch.delenv("G2IS_CACHE")
    assert make_parser().parse_args(["app"]).cache == Path("cache")


def test_a_port_that_cannot_be_is_rejected(capsys):
    assert main(["app", "--port", "70000"]) == 2
    assert "port = 70000: expected 1 to 65535" in capsys.readouterr().err


def test_a_cache_that_is_a_file_is_rejected(tmp_path, capsys):
    (tmp_path / "cache").touch()
    assert main(["app", "--cache", str(tmp_path / "cache")]) == 2
    assert "is a file" in capsys.readouterr().err
