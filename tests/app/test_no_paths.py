"""Where others are served, no page says where anything lies on the server."""

import ast
import json
import shutil
from pathlib import Path

import pytest

from g2is.app.shared.text import prose, said
from g2is.errors import InputError
from g2is.run.paths import INSTRUCTIONS, MANIFEST
from g2is.run.run import Run
from g2is.run.saved import KINDS, delete

APP = Path(__file__).resolve().parents[2] / "g2is" / "app"
MODEL = "/srv/models/of our own/llama"
PAGES = [
    None,
    "1_Map",
    "2_Neighbourhood",
    "3_Core_knowledge",
    "4_Walk",
    "5_Instructions",
    "6_Compare",
    "7_Export",
]


@pytest.fixture
def served(run, tmp_path, monkeypatch) -> Run:
    """A copy of a run whose saved things are damaged, on a server for others."""
    folder = shutil.copytree(run.folder, tmp_path / "runs of all" / "tiny")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["configuration"]["model"]["model"] = MODEL
    (folder / MANIFEST).write_text(json.dumps(manifest))
    for name in (
        "selections/bad.json",
        "sets/bad.json",
        "evaluations/bad/evaluation.json",
        "exports/bad/g2is.json",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{")
    monkeypatch.setenv("G2IS_URL", "https://example.org/g2is")
    return Run.open(folder)


def sent(app) -> str:
    """All that a page sends to the browser."""

    def blocks(block):
        for child in block.children.values():
            yield from blocks(child) if hasattr(child, "children") else (str(child.proto),)

    return "\n".join([*blocks(app.main), *blocks(app.sidebar)])


def check(app, run) -> str:
    shown = sent(app)
    for path in (run.folder.parent, run.folder.parent.parent, Path("/srv/models")):
        at = shown.find(str(path))
        assert at < 0, shown[max(0, at - 200) : at + 200]
    return shown


@pytest.mark.parametrize("page", PAGES)
def test_no_page_over_damaged_things_says_where_they_lie(open_app, served, page):
    shown = check(open_app(page, folder=served.folder.parent), served)
    if page == "6_Compare":
        assert "tiny/evaluations/bad/evaluation.json" in shown, "it says what is damaged"


@pytest.mark.parametrize(("page", "query"), [("7_Export", {"selection": "bad"}), ("1_Map", {"path": "bad"})])
def test_what_is_damaged_is_named_from_the_run_on(open_app, served, page, query):
    assert "tiny/selections/bad.json" in check(open_app(page, folder=served.folder.parent, **query), served)


def test_commands_have_blanks_for_what_only_the_server_knows(open_app, served, monkeypatch):
    (served.folder / INSTRUCTIONS).unlink()
    [command] = [
        block.value for block in open_app(folder=served.folder.parent).code if "--run tiny" in block.value
    ]
    check(open_app(folder=served.folder.parent), served)
    assert command.endswith("--cache '…'"), command
    monkeypatch.delenv("G2IS_URL")
    commands = [block.value for block in open_app(folder=served.folder.parent).code]
    assert any(
        f"--cache '{served.folder.parent}'" in text and f"--model '{MODEL}'" in text for text in commands
    )


def test_an_export_says_its_place_in_the_run(open_app, served, monkeypatch):
    app = open_app("7_Export", folder=served.folder.parent, selection="first-walk")
    app.button[[button.label for button in app.button].index("Write the folder")].click().run()
    assert "tiny/exports/" in check(app, served)
    [command] = [block.value for block in app.code if "g2is export" in block.value]
    assert "--selection first-walk " in command and command.endswith("--cache '…'")


def test_fine_tuning_reads_and_names_no_file_that_a_visitor_sends(open_app, served, monkeypatch):
    from g2is.app.compare import fine_tuning

    monkeypatch.setattr(fine_tuning, "model_here", lambda run: Path(MODEL))
    monkeypatch.setattr(fine_tuning, "can_compute", lambda: True)
    monkeypatch.setattr(
        fine_tuning, "demo_test", lambda run: served.folder.parent / "tiny-data" / "test.jsonl"
    )
    asked = []
    monkeypatch.setattr(fine_tuning, "tests_of", lambda text: asked.append(text) or [])
    monkeypatch.setattr(fine_tuning, "suggested_evaluation", lambda run, name: name)
    app = open_app("6_Compare", folder=served.folder.parent, view="results")
    assert app.text_input(key="tune test").value == "tiny-data/test.jsonl"
    check(app, served)
    app.session_state["tune test"] = "/etc/passwd"  # as a browser may send it in spite of the box
    [button] = [button for button in app.button if button.label == "Check and estimate"]
    button.click().run()
    assert asked == [str(served.folder.parent / "tiny-data" / "test.jsonl")]


def test_a_restore_that_fails_does_not_say_where(open_app, served):
    from g2is.run.saved import restore

    removed = delete(served, KINDS["selection"], "first-walk")
    (removed.folder / "note.txt").mkdir()
    with pytest.raises(InputError) as caught:
        restore(served, KINDS["selection"], "first-walk")
    assert str(served.folder.parent) in str(caught.value)
    app = open_app(folder=served.folder.parent)
    app.button(key="restore deleted").click().run()
    assert "tiny/" in "\n".join(error.value for error in app.error)
    check(app, served)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{cache}/demo/sets/x.json: not a set", "demo/sets/x.json: not a set"),
        ("written to {cache}", "written to …"),
        ("{cache}2/x: no", "…/x: no"),
        ("/tmp/g2is-ab/x.jsonl:3: no", "…/x.jsonl:3: no"),
        ("test=/data/a/b.jsonl, '/data/c/d'", "test=…/b.jsonl, '…/d'"),
        ("g2is walk demo --cache {cache} --output a/b.json", "g2is walk demo --cache … --output a/b.json"),
        ("--model '/srv/our own/llama' --x 'a b'", "--model '…/llama' --x 'a b'"),
        (
            "https://example.org/a/b and/or 1/2 / 3, /settings",
            "https://example.org/a/b and/or 1/2 / 3, /settings",
        ),
    ],
)
def test_paths_are_shortened_for_others_alone(monkeypatch, tmp_path, text, shown):
    monkeypatch.setenv("G2IS_CACHE", str(tmp_path / "cache"))
    text = text.format(cache=tmp_path / "cache")
    monkeypatch.setenv("G2IS_READ_ONLY", "on")
    assert said(text) == shown == said(said(text))
    monkeypatch.delenv("G2IS_READ_ONLY")
    assert said(text) == text.replace(f"{tmp_path / 'cache'}/", "")


def test_a_setting_of_the_server_that_does_not_fit_can_be_said(monkeypatch):
    monkeypatch.setenv("G2IS_URL", "nowhere")
    assert prose("/a/b/c: no") == "`…/c`: no"


def test_what_an_error_says_goes_through_one_place():
    """`prose` and `said` know what visitors may read: nothing else turns an error into text that is shown."""
    wrong = []
    for path in APP.rglob("*.py"):
        tree = ast.parse(path.read_text())
        inside = {
            id(part)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call)
            and getattr(call.func, "id", getattr(call.func, "attr", "")) in PASSED_ON
            for part in ast.walk(call)
        }
        for node in ast.walk(tree):
            text = ast.unparse(node) if isinstance(node, ast.Call | ast.FormattedValue) else ""
            if text in ("str(error)", "{error}", "f'{error}'") and id(node) not in inside:
                wrong.append(f"{path.relative_to(APP)}:{node.lineno}")
            if "language='bash'" in text and path.name != "text.py":
                wrong.append(f"{path.relative_to(APP)}:{node.lineno}")
    assert not wrong


PASSED_ON = ("InputError", "prose", "said", "literal_line")
