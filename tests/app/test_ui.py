"""The URL, literal text, and what every page has in common."""

import os
import re
import shlex
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from g2is.app import shared as ui
from g2is.cli import make_parser
from g2is.config import BuildConfig
from g2is.config.grammar import read_settings
from tests.app.conftest import settle
from tests.app.serving import ROOT
from tests.app.tiny_run import HOSTILE

PAGES = [None, *(path.stem for path in sorted((ROOT / "pages").glob("*.py")))]
WITHOUT_RUN = "8_Check_data"


def test_numbers_have_separators_and_three_digits():
    assert [ui.number(value) for value in (1234567, 0.012345, 2.0, float("nan"), None, 12345.6)] == [
        "1,234,567",
        "0.0123",
        "2",
        "–",
        "–",
        "12,346",
    ]
    assert ui.number(np.int64(1234)) == "1,234"
    assert [ui.percent(share) for share in (0.2766, 0, 3e-6)] == ["27.7 %", "0 %", "< 0.01 %"]
    assert [ui.duration(seconds) for seconds in (0.234, 130.4, 7300)] == [
        "0.234 s",
        "2 min 10 s",
        "2 h 1 min",
    ]


def test_characters_that_hide_or_reorder_are_shown():
    assert ui.visible("a\x00b\u202ec\ud800\u200bd") == "a⟨U+0000⟩b⟨U+202E⟩c⟨U+D800⟩⟨U+200B⟩d"
    kept = "two\nlines\tand \U0001f469\u200d\U0001f680 \u0645\u0631\u062d\u0628\u0627"
    assert ui.visible(kept) == kept


def test_a_message_is_a_sentence_with_what_is_quoted_as_code():
    for message, shown in {
        "count = 0: expected 1 to 3,000": "`count = 0`: expected 1 to 3,000",
        "name = '../a b': expected letters a-z (such as my-set), 2.5 or 5 %": "`name = '../a b'`: expected letters a-z "
        "(such as my-set), 2.5 or 5 %",
        "x: missing, repair it: g2is build --run tiny --cache /tmp … (with the same)": "x: missing, repair it: `g2is "
        "build --run tiny --cache /tmp …` (with the same)",
        "x/a.json: holds 'it' and it's --overwrite": "`x/a.json`: holds `'it'` and it's `--overwrite`",
        "1. a :b: (:c:), f(x). __d__ a_b": "`1`. a `:b`: (`:c`:), `f(x)`. `__d__` a_b",
    }.items():
        assert ui.prose(message) == shown


@given(some.text("ab1 _*`:./!()[]'\"=<\n") | some.text())
def test_no_text_in_a_message_is_markup(message):
    shown = ui.prose(message)
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", shown)
    assert "\n" not in shown and not re.search(
        r"[\\`*\[\]<>#~$|&@/+]|\b_|_\b|\w:\w|\w\.[^\W\d]|^\d+[.)]", outside
    )


def test_literal_text_is_one_piece_of_code():
    assert ui.literal("![x](http://evil)") == "`![x](http://evil)`"
    assert ui.literal("a `b` ``c``") == "``` a `b` ``c`` ```"
    assert "\n" not in ui.literal("a\nb")


def test_the_build_command_repeats_the_settings(run):
    command = ui.build_command(run.manifest, run.name)
    assert command.startswith("g2is build --run tiny --train first.jsonl ")
    assert "--regimes sgd" in command
    arguments = make_parser().parse_args(shlex.split(command)[1:])
    assert read_settings(BuildConfig, arguments) == run.manifest.configuration


def test_pages_import_no_heavy_library(cache):
    """In a process of its own: here the tests themselves have imported torch."""
    pages = [f"pages/{page}.py" for page in PAGES if page]
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=60).run()
for page in {pages!r}:
    assert not app.switch_page(page).run().exception, page
print(sorted({{"torch", "transformers", "peft", "umap"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "G2IS_CACHE": str(cache)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_that_a_run_is_not_there(open_app, page):
    app = open_app(page, run="nope")
    assert "`run=nope`" in app.warning[0].value and "`tiny`" in app.warning[0].value


@pytest.mark.parametrize("page", [page for page in PAGES if page and page != WITHOUT_RUN])
def test_every_page_needs_a_finished_run(open_app, tmp_path, page):
    assert "no run yet" in open_app(page, folder=tmp_path).info[0].value


def test_of_a_list_only_what_cannot_be_read_is_left_out():
    def script():
        import streamlit as st

        from g2is.app import shared as ui

        ui.start_page("Home")
        st.multiselect("digits", range(10), **ui.in_url("digits", [], ui.whole(0, 9)))

    for texts, kept, said in (
        (
            ["1", "x", "3"],
            [1, 3],
            "`digits=x`: expected a whole number from 0 to 9. It is not used; the others are.",
        ),
        (
            ["12", "1", "x"],
            [1],
            "`digits=12&digits=x`: expected a whole number from 0 to 9. They are not used; the other is.",
        ),
        (["x"], [], "`digits=x`: expected a whole number from 0 to 9. It is not used."),
    ):
        app = AppTest.from_function(script)
        app.query_params["digits"] = texts
        app.run()
        assert app.multiselect[0].value == kept
        assert [warning.value for warning in app.warning] == [f"The address of this page has {said}"]


def test_a_bad_value_is_reported_and_not_used():
    def script():
        import streamlit as st

        from g2is.app import shared as ui

        ui.start_page("Home")
        st.number_input("step", 0, 9, **ui.in_url("step", 3, ui.whole(0, 9)))
        st.slider("range", 0.0, 1.0, **ui.in_url("range", (0.2, 0.8), ui.real(0, 1)))

    for bad in ("abc", "10", "-1", "1.5", "", "٣", "9" * 99):
        app = AppTest.from_function(script)
        app.query_params["step"] = bad
        app.run()
        assert app.number_input[0].value == 3
        assert "expected a whole number from 0 to 9" in app.warning[0].value
    app = AppTest.from_function(script)
    app.query_params["range"] = "0.5"
    app.run()
    assert app.slider[0].value == (0.2, 0.8) and "expected 2 values" in app.warning[0].value
    app.query_params["range"] = ["0.1", "nan"]
    app.run()
    assert "expected a number from 0 to 1" in app.warning[0].value
    app.query_params["range"] = ["0.1", "0.3"]
    app.query_params["step"] = "7"
    app.run()
    assert (app.slider[0].value, app.number_input[0].value, len(app.warning)) == ((0.1, 0.3), 7, 0)


def test_the_url_holds_what_differs_from_the_default():
    def script():
        import streamlit as st

        from g2is.app import shared as ui

        ui.start_page("Home")
        st.number_input("step", 0, 9, **ui.in_url("step", 3, ui.whole(0, 9)))
        st.text_input("text", **ui.in_url("text", ""))
        st.button("away", on_click=ui.set_url, kwargs={"step": None, "focus": 5})

    app = AppTest.from_function(script).run()
    app.number_input[0].set_value(4)
    app.text_input[0].set_value("a&b=c").run()
    assert app.query_params == {"step": "4", "text": "a&b=c"}
    app.button[0].click().run()
    assert app.query_params == {"text": "a&b=c", "focus": "5"}
    assert app.number_input[0].value == 3
    app.text_input[0].set_value("").run()
    assert app.query_params == {"focus": "5"}


def test_an_older_url_writes_nothing_back():
    """The browser sends the URL it shows: where changes come quickly, one from before the last of them."""

    def script():
        import streamlit as st

        from g2is.app import shared as ui

        ui.start_page("Home")
        st.number_input("step", 0, 9, **ui.in_url("step", 3, ui.whole(0, 9)))
        st.button("look", on_click=ui.set_url, kwargs={"focus": 5})

    app = AppTest.from_function(script).run()
    app.number_input[0].set_value(4).run()
    app.button[0].click().run()
    for older in ({}, {"step": "4"}):
        app.query_params.clear()
        app.query_params.update(older)
        app.run()
        assert app.number_input[0].value == 4
        assert app.query_params == {"step": "4", "focus": "5"}
    app.query_params.clear()
    app.number_input[0].set_value(5).run()
    assert app.query_params == {"step": "5", "focus": "5"}
    app.number_input[0].set_value(4).run()
    assert app.query_params == {"step": "4", "focus": "5"}, "the same once more is a change like any other"
    app.query_params["step"] = "8"
    app.run()
    assert app.number_input[0].value == 8, "one that the page never had is a link"


@pytest.mark.slow
def test_quick_presses_on_a_slider_all_count_and_back_undoes_them(server, page):
    page.goto(f"{server.url}/Walk?run=tiny&preset=recommended&count=40&delta=0.5")
    page.wait_for_selector(".card", timeout=120_000)
    settle(page)
    page.get_by_role("button", name="Rules").click()
    slider = page.get_by_role("slider", name="Delta")
    slider.focus()
    for pause in (0, 0, 0, 60, 60, 60, 200, 60, 0, 0):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(pause)
    page.wait_for_url("**delta=0.6*")
    settle(page)
    expect(slider).to_have_value("0.6")
    for _ in range(10):
        page.go_back()
        settle(page)
        before = parse_qs(urlsplit(page.url).query)["delta"][0]
        expect(slider).to_have_value(before)
        if before == "0.5":
            break
    assert before == "0.5"
    page.go_forward()
    settle(page)
    after = parse_qs(urlsplit(page.url).query)["delta"][0]
    assert after != "0.5"
    expect(slider).to_have_value(after)


@pytest.mark.slow
def test_links_restart_and_back_reproduce_the_view(server, page):
    address = f"{server.url}/Instructions?run=tiny&search=Question&source=first.jsonl&focus=30"
    page.goto(address)
    settle(page)
    search = page.get_by_label("Search in prompts and responses")

    def shows(text: str, sample: int) -> None:
        expect(search).to_have_value(text)
        expect(page.get_by_text(f"Instruction {sample}", exact=True)).to_be_visible()

    shows("Question", 30)
    page.get_by_role("button", name="Next Shortcut").click()
    settle(page)
    shows("Question", 31)
    search.fill("apples are 3")
    search.press("Enter")
    page.wait_for_url("**search=apples*")
    settle(page)
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", name="G2IS Explorer", level=1)).to_be_visible()
    assert "focus=31" in page.url and "search" not in page.url
    page.get_by_role("link", name="Instructions").first.click()
    shows("apples are 3", 31)
    page.go_back()
    settle(page)
    for text, sample in (("apples are 3", 31), ("Question", 31), ("Question", 30)):
        page.go_back()
        shows(text, sample)
    server.restart()
    page.goto(address)
    shows("Question", 30)


def test_two_windows_do_not_see_each_other(server, new_page):
    first, second = new_page(), new_page()
    for window, focus in ((first, 40), (second, 50)):
        window.goto(f"{server.url}/Instructions?run=tiny&focus={focus}")
        settle(window)
    first.get_by_role("button", name="Into the basket").click()
    expect(first.get_by_role("button", name="Out of the basket")).to_be_visible()
    second.get_by_role("button", name="Next Shortcut").click()
    expect(second.get_by_text("Instruction 51", exact=True)).to_be_visible()
    assert second.get_by_role("button", name="Out of the basket").count() == 0
    assert first.get_by_text("Instruction 40", exact=True).count() == 1


def test_hostile_text_is_literal_and_fetches_nothing(server, page):
    """`page` fails at its end if anything was asked from another machine."""
    page.goto(f"{server.url}/Instructions?run=tiny&focus=0&task=*counting*&task=adding")
    for sample, text in enumerate(HOSTILE):
        expect(page.get_by_text(f"Instruction {sample}", exact=True)).to_be_visible()
        page.get_by_text("Source record").click()
        expect(page.locator('[data-testid="stCode"] code').first).to_have_text(ui.visible(text))
        assert page.locator('[data-testid="stMain"] img').count() == 0
        page.get_by_role("button", name="Next Shortcut").click()
    for place in ("Export?selection=first-walk&format=csv&", "?"):
        page.goto(f"{server.url}/{place}run=![i](http://evil.example/z.png)")
        expect(page.get_by_text("![i](http://evil.example/z.png)", exact=False)).to_be_visible()
        settle(page)


def test_the_settings_of_the_walk_go_along(server, page):
    page.goto(f"{server.url}/Walk?run=tiny&preset=recommended&count=40&target.apples=2&step=3")
    settle(page)
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Instructions").first.click()
    page.wait_for_url("**/Instructions**")
    settle(page)
    for text in ("preset=recommended", "count=40", "target.apples=2"):
        assert text in page.url
    assert "step" not in page.url
    page.get_by_role("link", name="Walk").first.click()
    page.wait_for_url("**/Walk**step=3**")
    assert "count=40" in page.url


def test_a_link_takes_out_what_a_change_empties(open_app, run):
    """All bans pinned: the link must not lead to a walk with samples both pinned and banned."""
    app = open_app("1_Map", bans="30", preset="recommended")
    app.session_state[f"basket of {run.hash}"] = [30, 31]
    app.run()
    links = {link.proto.label: parse_qs(link.proto.query_string) for link in app.get("page_link")}
    assert links["Pin them"]["pins"] == ["30, 31"] and "bans" not in links["Pin them"]
    assert links["Ban them"]["bans"] == ["30, 31"]
    assert links["Walk"]["bans"] == ["30"]
