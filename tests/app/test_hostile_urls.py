"""Addresses made to harm: every parameter that a page reads gets values that it does not expect."""

import os
import re
from pathlib import Path

import pytest
from streamlit.runtime.state.query_params_proxy import QueryParamsProxy

from g2is.run.run import Run
from tests.app.test_damage import PAGES
from tests.app.tiny_run import make_run
from tests.test_hostile import confined

ROUNDS = max(2, int(os.environ.get("G2IS_FUZZ", "0")) // 10)
VALUES = [
    *("../../secret", "/etc/passwd", "abc", "1e99", "-1", "nan", "inf", "", "0", "9" * 400, "٣", "\x00"),
    *("\u202e", "<img src=x>", "![x](http://evil.example/x.png)", "__import__('os').abort()", "%2e%2e%2f"),
    *("a" * 3000, "(a+)+$", "[", "1.5", "true", "first-walk/../first-walk", "sgd", "7", "1", "basket", "{}"),
]


@pytest.fixture
def run(tmp_path) -> Run:
    (tmp_path / "secret").write_text("nobody's business")
    return make_run(tmp_path / "cache" / "tiny")


@pytest.mark.parametrize("page", PAGES)
def test_any_address_is_answered_and_nothing_outside_is_touched(open_app, run, page, monkeypatch):
    names: dict[str, None] = {}
    get_all = QueryParamsProxy.get_all

    def asked(proxy: QueryParamsProxy, name: str) -> list[str]:
        names[name] = None
        return get_all(proxy, name)

    monkeypatch.setattr(QueryParamsProxy, "get_all", asked)
    open_app(page, folder=run.folder.parent)
    assert "run" in names
    places = run.folder.parent, Path("/dev/null")
    for turn in range(ROUNDS):
        query = {name: VALUES[(7 * place + 11 * turn) % len(VALUES)] for place, name in enumerate(names)}
        with confined(*places, pickles=True):
            app = open_app(page, folder=run.folder.parent, **query)
        shown = [element.value for kind in (app.warning, app.error) for element in kind]
        assert shown and not any("\n" in text for text in shown)


@pytest.mark.parametrize("page", ["1_Map", "2_Neighbourhood", "4_Walk"])
def test_what_an_address_says_is_never_read_as_markup(open_app, run, page):
    names = ("bans", "pins", "delta", "facets", "target.apples", "preset", "trail", "view", "step")
    app = open_app(page, folder=run.folder.parent, **dict.fromkeys(names, "![x](http://evil.example/x.png)"))
    shown = [element.value for kind in (app.warning, app.error) for element in kind]
    assert len(shown) >= 4
    for text in shown:
        assert "![x]" not in re.sub(r"(`+).*?\1", "", text), text


@pytest.mark.parametrize(("page", "name"), [("4_Walk", "step"), ("3_Core_knowledge", "component")])
def test_a_number_longer_than_python_reads(open_app, run, page, name):
    app = open_app(page, folder=run.folder.parent, **{name: "9" * 5000})
    assert any("expected a whole number" in warning.value for warning in app.warning)
