"""The app over runs that are damaged, moved, rebuilt while it reads, and over many sessions: never a traceback."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
from websockets.sync.client import connect

from g2is.run.paths import MANIFEST, WARMUP
from g2is.run.run import Run
from tests.app.tiny_run import make_run
from tests.test_faults import DAMAGE, imported
from tests.test_faults import files as files

ROOT = Path(__file__).resolve().parents[2]
PAGES = [None, *sorted(path.stem for path in (ROOT / "pages").glob("[0-9]*.py"))]
RUN_PAGES = [page for page in PAGES if page != "8_Check_data"]
"""Those that show a run."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("whole") / "tiny").folder


@pytest.fixture
def run(whole, tmp_path) -> Run:
    """A copy to damage."""
    return Run.open(shutil.copytree(whole, tmp_path / "cache" / "tiny"))


def said(app) -> str:
    """All that the page says of what is wrong, and the commands beside it."""
    blocks = [*app.error, *app.warning, *app.info, *app.code]
    return "\n".join(block.value for block in blocks)


@pytest.mark.parametrize("kind", DAMAGE)
def test_every_page_names_the_damaged_file_and_the_command(open_app, run, kind):
    """Each page over another file."""
    names = [name for name in run.manifest.files if name != WARMUP]
    for place, page in enumerate(RUN_PAGES):
        name = names[(place + 3 * list(DAMAGE).index(kind)) % len(names)]
        kept = run.folder / "kept"
        shutil.copy(run.folder / name, kept)
        DAMAGE[kind](run.folder / name)
        shown = said(open_app(page, folder=run.folder.parent))
        assert name in shown and "g2is build --run tiny" in shown, page
        if (run.folder / name).is_dir():
            (run.folder / name).rmdir()
        kept.replace(run.folder / name)


@pytest.mark.parametrize("kind", ["missing", "truncate", "empty", "flip"])
def test_damaged_selections_are_reported_where_they_are_used(open_app, run, kind):
    for name in ("first-walk.json", "second-walk.json"):
        DAMAGE[kind](run.folder / "selections" / name)
    uses = {
        "selection": "first-walk",
        "within": "second-walk",
        "before": "first-walk",
        "after": "second-walk",
    }
    for page in PAGES:
        open_app(page, folder=run.folder.parent, **uses, compare=["first-walk", "second-walk"])
    if kind not in ("missing", "flip"):  # a byte that flips in the trace is none of what Export reads
        assert "first-walk.json" in said(
            open_app("7_Export", folder=run.folder.parent, selection="first-walk")
        )


@pytest.mark.parametrize("page", RUN_PAGES)
def test_a_run_without_its_manifest_is_listed_and_repaired_from_the_copy(open_app, run, page):
    run.manifest.write(run.folder)
    (run.folder / MANIFEST).unlink()
    app = open_app(page, folder=run.folder.parent)
    assert app.sidebar.selectbox[0].options == ["tiny"]
    assert "manifest.json`: missing" in app.error[0].value
    assert any("g2is build --run tiny" in code.value for code in app.code)


EDITS = [
    '{"stages": {"graph": {"found": null}}}',
    '{"stages": {"gradients": {"found": {"projection_dim": "many"}}}}',
    '{"stages": {"instructions": {"found": {"pool": 1e99}}}}',
    '{"stages": {"layout": {"found": null}}}',
    '{"stages": {"graph": {"seconds": Infinity}}}',
    '{"stages": {"graph": {"files": {"../../secret": {"sha256": "0", "bytes": 1}}}}}',
    '{"model": null}',
    '{"configuration": {"gradients": {"regimes": ["adam"]}}}',
    '{"versions": null, "created": 7}',
    '{"train": [{"name": "![x](http://evil.example/x.png)", "sha256": "", "bytes": -1}]}',
    '{"format_version": "two"}',
]


def merged(values: dict, changes: dict) -> dict:
    both = {name: merged(values[name], changes[name]) if isinstance(values.get(name), dict) and isinstance(
        changes[name], dict) else changes[name] for name in changes}  # fmt: skip
    return {**values, **both}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_manifest_is_one_line(open_app, run, edit):
    path = run.folder / MANIFEST
    path.write_text(json.dumps(merged(json.loads(path.read_text()), json.loads(edit))))
    page = RUN_PAGES[EDITS.index(edit) % len(RUN_PAGES)]
    shown = said(open_app(page, folder=run.folder.parent))
    assert "tiny/manifest.json" in shown or "repair it with: g2is " in shown
    assert f"{run.folder}/" not in shown, "where the runs lie is no visitor's business"


@pytest.mark.parametrize("page", PAGES)
def test_a_run_moved_while_a_page_is_open(open_app, run, page):
    cache = run.folder.parent
    app = open_app(page, folder=cache, run="tiny")
    run.folder.rename(cache / "moved")
    app.run()
    assert not app.exception and "`run=tiny`" in app.warning[0].value
    (cache / "moved").rename(cache.parent / "away")
    app.run()
    assert not app.exception
    (cache.parent / "away").rename(cache / "tiny")
    app.run()
    assert not app.exception


def test_pages_read_while_a_run_is_built_and_built_again(open_app, files, tmp_path, monkeypatch):
    """After each file that is written another page opens."""
    from g2is.storage import files as g2is_files

    cache = tmp_path / "cache"
    shown, most = [], [16]
    replace = Path.replace

    def replacing(path: Path, target: Path) -> Path:
        done = replace(path, target)
        if str(target).startswith(str(cache)) and len(shown) < most[0]:
            shown.append(said(open_app(PAGES[len(shown) % len(PAGES)], folder=cache)))
        return done

    monkeypatch.setattr(g2is_files.Path, "replace", replacing)
    imported(cache / "run", files)
    assert any("needs the stage" in text for text in shown)
    # Page by page again, now over a run whose graph is made anew: nothing is called damaged that is in the making.
    shown.clear()
    most[0] = 10
    imported(cache / "run", files, neighbors=6)
    assert len(shown) == 10
    assert any("g2is import --run run" in text for text in shown)
    assert not any("damaged" in text for text in shown)


def test_clocks_that_jump_do_not_hide_a_change(open_app, run):
    path = run.folder / MANIFEST
    os.utime(path, (2**33, 2**33))
    assert "needs the stage" not in said(open_app("4_Walk", folder=run.folder.parent))
    changed = run.manifest.model_copy(deep=True)
    del changed.stages["targets"], changed.stages["graph"]
    path.write_text(changed.model_dump_json())
    os.utime(path, (2**33, 2**33))
    assert "graph" in said(open_app("4_Walk", folder=run.folder.parent))


def test_two_hundred_changes_keep_no_more_than_a_few_walks(run):
    """Every change is kept for the way back, but only so many of them."""

    def script(folder: str) -> None:
        import gc

        import streamlit as st

        from g2is.analysis import walks
        from g2is.app.shared.walked import Walked, walked
        from g2is.config import walk_preset
        from g2is.run.run import Run

        run = Run.open(folder)
        held = []
        for change in range(200):
            kinds = {"delta": change / 200, "facets": 1 + change % 4, "seed": change % 3, "count": 3}
            walked(run, walk_preset("recommended", **kinds))
            if change in (59, 199):
                gc.collect()
                held.append(sum(type(thing) is Walked for thing in gc.get_objects()))
        st.session_state["held"] = held, len(walks._kept[run].entries)

    app = AppTest.from_function(script, args=(str(run.folder),), default_timeout=120).run()
    assert not app.exception, app.exception[0].message
    (after_sixty, after_all), knowledge = app.session_state["held"]
    assert 0 < after_all <= after_sixty <= 40 and knowledge <= 4


def test_ten_sessions_at_once_each_get_their_own_answer(server):
    """Over the protocol that the browser speaks, so that ten cost no ten browsers."""

    def answer(focus: int) -> list[ForwardMsg]:
        asked = BackMsg()
        asked.rerun_script.query_string = f"run=tiny&focus={focus}"
        asked.rerun_script.page_name = "Instructions"
        address = server.url.replace("http", "ws") + "/_stcore/stream"
        messages = []
        with connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=60) as socket:
            socket.send(asked.SerializeToString())
            while not messages or messages[-1].WhichOneof("type") != "script_finished":
                messages.append(ForwardMsg.FromString(socket.recv(timeout=120)))
        return messages

    samples = range(20, 30)
    with ThreadPoolExecutor(len(samples)) as threads:
        for sample, messages in zip(samples, threads.map(answer, samples), strict=True):
            elements = [m.delta.new_element for m in messages if m.WhichOneof("type") == "delta"]
            assert not [e for e in elements if e.WhichOneof("type") == "exception"]
            bodies = [e.markdown.body for e in elements if e.WhichOneof("type") == "markdown"]
            heads = [body for body in bodies if body.startswith("**Instruction ")]
            assert len(heads) == 1 and heads[0].startswith(f"**Instruction {sample}**")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_a_run_of_an_earlier_version(open_app, page):
    for folder in (ROOT / "tests" / "data").glob("run-format-*"):
        app = open_app(page, folder=folder, run="run", selection="recommended")
        assert not app.error, app.error[0].value
