"""Examples become a target from the app: read, shown, started, followed, walked for; or a file from another machine."""

import json
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from g2is.app.new_target import check, following, job, view
from g2is.app.new_target.elsewhere import compute_command
from g2is.app.shared import model as models
from g2is.app.shared.jobs import Job
from g2is.cli import make_parser
from g2is.cli.build import targets
from g2is.config import ImportConfig, ReadingConfig
from g2is.errors import InputError
from g2is.instructions import Source
from g2is.pipeline.adding import compute
from g2is.pipeline.inputs import Target
from g2is.run.run import Run
from tests.app.conftest import settle
from tests.app.serving import serving
from tests.app.test_check_data_page import lines, records_of, texts
from tests.test_pipeline import files, make  # noqa: F401
from tests.tiny import byte_tokenizer, write_pool

PAGE = "3_Core_knowledge"
HOSTILE_NAMES = (
    "-x",
    "<b>b</b> ![i](http://evil.example/i.png)",
    "a/../b",
    "ü 🚀",
    "x" * 100,
    "$HOME `id`",
    "--",
)
SLEEPER = "print('begun', flush=True); import time; time.sleep(60)"
EXAMPLES = [{"question": f"Number {n}?", "answer": str(n), "level": 1} for n in range(5)]


@pytest.fixture
def own(run, tmp_path) -> Run:
    """A run of the test's own, whose model, which has a tokenizer alone, is at hand."""
    folder = shutil.copytree(run.folder, tmp_path / "tiny")
    byte_tokenizer(None).save_pretrained(tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text("{}")
    return at(Run.open(folder), str(tmp_path / "model"))


def at(run: Run, model: str) -> Run:
    """The run with its model elsewhere."""
    config = run.manifest.configuration
    changed = run.manifest.model_copy(
        update={"configuration": config.replace(model=config.model.replace(model=model))}
    )
    (run.folder / "manifest.json").write_text(changed.model_dump_json())
    return Run.open(run.folder)


@pytest.fixture(scope="module")
def built(files, tmp_path_factory) -> Run:  # noqa: F811
    return make(tmp_path_factory.mktemp("built") / "run", files)


@pytest.fixture
def opened(open_app):
    def open_page(run: Run, records: bytes | None = None, name: str = "new.jsonl", **query):
        app = open_app(PAGE, folder=run.folder.parent, add="True", **query)
        if records is not None:
            app.file_uploader[0].set_value([(name, records, "")]).run(timeout=120)
            assert not app.exception, app.exception[0].message
        return app

    return open_page


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_the_commands_are_read_back_whatever_the_names_are(own, name, tmp_path):
    asked = job.Asked(name=name, files=["a b.jsonl", "c.json:test"], columns=["prompt=-q"], skip_bad=True)
    parsed = make_parser().parse_args(asked.words(own))
    (target,) = targets(parsed.names)
    folder = job.folder_of(own)
    assert (parsed.action, parsed.run, target.name) == ("add", "tiny", name)
    assert (target.path, target.more) == (folder / "a b.jsonl", (folder / "c.json:test",))
    assert parsed.columns == ["prompt=-q"] and parsed.skip_bad == "on" and Path(parsed.cache) == tmp_path
    command = compute_command("tiny", name, [Source(Path("x"), "../my.jsonl", copied=True)], ReadingConfig())
    parsed = make_parser().parse_args(shlex.split(command)[1:])
    assert targets(parsed.names)[0].name == name and parsed.output == Path("target.g2is")
    assert parsed.action == "compute" and targets(parsed.names)[0].path == Path("_my.jsonl")
    check.check_name(own, name)
    assert job.Asked.model_validate_json(asked.model_dump_json()) == asked


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\u202eb", "a=b", "apples"])
def test_a_name_that_cannot_be_is_told_in_one_line(own, name):
    with pytest.raises(InputError) as caught:
        check.check_name(own, name)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_names_of_files_and_suggestions(own):
    for name in (
        "../../etc/passwd",
        ".hidden",
        "a:b",
        "-",
        "",
        "x" * 500 + ".jsonl",
        "🚀" * 300,
        "\0",
        "a/b\\c",
    ):
        plain = job.plain_name(name)
        assert Path(plain).name == plain and not plain.startswith((".", "-")) and len(plain.encode()) < 200
    assert job.plain_name("x" * 500 + ".jsonl").endswith("x.jsonl")

    def suggested(name: str) -> str:
        return check.suggested_name(own, [Source(Path("x"), name, copied=True)])

    assert suggested("gsm8k.jsonl.gz") == "gsm8k" and suggested("apples.csv") == "apples 2"
    assert suggested("a=b.jsonl") == "a b" and suggested("pasted.jsonl") == "examples"


def test_only_what_it_wrote_itself_is_tried_again(own):
    file = own.folder.parent / ".tiny.target.json"
    for text in (
        "",
        "{",
        "[]",
        '{"name": "x", "files": ["../x"]}',
        '{"name": "x", "files": []}',
        '{"name": 1}',
    ):
        file.write_text(text)
        assert job.last(own) is None, text
    file.write_text('{"name": "x", "files": ["x.jsonl"]}')
    assert job.last(own) == job.Asked(name="x", files=["x.jsonl"])


def test_what_is_said_of_copies_and_failures(own):
    texts_of_pool = list(
        own.records(range(20, 23))[["prompt", "response"]].itertuples(index=False, name=None)
    )
    copies = check.copies_in_pool(own, [*texts_of_pool[:2], ("another", "text")])
    assert copies["sample"].tolist()[:2] == [20, 21]
    assert "2 of the 3 examples stand in the pool: 2 instructions are" in check.copies_text(copies, 3)
    assert check.copies_text(copies.iloc[:0], 3) == ""
    assert check.summary(1, 0, 0) == "**1 example**" and "2 broken records" in check.summary(3, 2, 1)
    assert job.reason(["loading", "error: no *model*", "", "x"]) == "no *model*"
    assert (
        following.failure("a", "b `c`") == "Target `a` was not added, and the run is as it was: b `` `c` ``"
    )
    assert "cancelled" in following.failure("a", "")


def test_home_core_knowledge_and_walk_lead_to_it(open_app, own):
    app = open_app(None, folder=own.folder.parent)
    assert "Add a target" in [link.proto.label for link in app.get("page_link")]


def test_the_way_there_and_back_stands_in_the_address(open_app, own):
    """On the page itself: a link to it would change what is drawn and leave the address."""
    app = open_app(PAGE, folder=own.folder.parent)
    app.button(key="link Add a target").click().run()
    assert app.query_params["add"] == "True" and "Add a target" in [one.value for one in app.header]
    app.button(key="link Back to core knowledge").click().run()
    assert "add" not in app.query_params and "Add a target" not in [one.value for one in app.header]


def test_examples_are_shown_as_they_will_be_read_and_trained(opened, own):
    copy = {"question": own.record(30)["prompt"], "answer": own.record(30)["response"]}
    app = opened(own, lines([*EXAMPLES, EXAMPLES[0], copy]), name="mine.jsonl")
    said = texts(app)
    assert check.few_text(7) in said and check.few_text(20) == check.few_text(1) == ""
    assert "**7 examples** · 1 exact duplicate" in said and "7 x question_answer: question, answer" in said
    assert "1 of the 7 examples stand in the pool" in said
    table = next(frame.value for frame in app.dataframe if "kind" in frame.value)
    assert table["sample"].tolist() == [30] and table["kind"].tolist() == ["same text"]
    assert any("field level not trained" in str(frame.value.values) for frame in app.dataframe)
    pieces = records_of(app)[0][1]["pieces"]
    assert [text.strip() for text, trained in pieces if trained] == ["1</s>"]
    assert app.text_input(key="new target name").value == "mine"
    assert [button.label for button in app.button if button.key == "start new target"] and not app.error


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (b"", "is empty, expected a file of examples"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "new.jsonl"),
        (lines(EXAMPLES[:1]), "holds 1 example, expected at least 2"),
        (lines([*EXAMPLES, {"question": "no answer"}]), "has broken records; repair them, or leave them out"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line_and_nothing_can_be_started(opened, own, records, said):
    app = opened(own, records)
    assert len(app.error) == 1 and said in app.error[0].value and "\n" not in app.error[0].value
    assert not [button for button in app.button if button.key == "start new target"]


def test_a_large_file_is_for_the_command_line(opened, own, tmp_path, monkeypatch):
    large = tmp_path / "large.jsonl"
    with large.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(InputError, match=r"100,000,000 bytes, expected at most 50,000,000.*g2is target add"):
        check.check_size([Source(large, "large.jsonl")])
    monkeypatch.setattr(check, "LARGEST", 100)
    app = opened(own, lines(EXAMPLES))
    assert "expected at most 100 on this page" in app.error[0].value


def test_a_name_that_is_taken_can_be_changed(opened, own):
    app = opened(own, lines(EXAMPLES))
    app.text_input(key="new target name").set_value("apples").run()
    assert "has one of this name" in app.error[0].value
    names = [
        element.key or element.type
        for element in app.main
        if element.type in ("text_input", "error", "button")
    ]
    place = names.index("new target name")
    assert names[place : place + 3] == ["new target name", "error", "start new target"], names
    assert app.button(key="start new target").disabled
    app.text_input(key="new target name").set_value("pears").run()
    assert not app.error and not app.button(key="start new target").disabled


def wait(done) -> None:
    for _ in range(600):
        if done():
            return
        time.sleep(0.1)
    raise AssertionError("waited for a minute")


def test_it_is_started_followed_cancelled_tried_again_and_forgotten(opened, own, monkeypatch):
    started = []

    def start(self, arguments):
        started.append(list(arguments))
        return real_start(self, [sys.executable, "-c", SLEEPER if len(started) == 1 else FAILS])

    real_start = Job.start
    monkeypatch.setattr(Job, "start", start)
    app = opened(own, lines(EXAMPLES), name="mine.jsonl")
    app.button(key="start new target").click().run()
    assert not app.exception and not app.error
    (folder,) = own.folder.parent.glob(".tiny.target")
    assert (folder / "mine.jsonl").read_bytes() == lines(EXAMPLES)
    running = job.job_of(own)
    try:
        again = opened(own)  # as after a reload
        assert again.get("progress")[0].proto.text.startswith("Starting")
        assert any("Adding `mine`" in text for text in again.markdown.values)
        assert not job.start(own, job.Asked(name="other", files=["x"])), "one at a time"
        with pytest.raises(InputError, match="is being added"):
            job.copy_examples(own, [])
        wait(running.log_lines)
        again.button(key="cancel new target").click().run()
        wait(lambda: not running.running())
    finally:
        running.cancel()
    stopped = opened(own)
    assert "it was cancelled" in stopped.error[0].value and "begun" in stopped.code[0].value
    stopped.button(key="retry new target").click().run()
    wait(lambda: not running.running())
    assert started[0] == started[1]
    failed = opened(own)
    assert "the run is as it was: no `*model*` here" in failed.error[0].value
    failed.button(key="forget new target").click().run()
    assert not failed.error and job.last(own) is None and not folder.exists()


FAILS = "import sys; sys.exit('error: no *model* here')"


def test_a_folder_is_asked_for_where_the_model_is_not_and_commands_are_for_elsewhere(opened, own, tmp_path):
    moved = at(own, "/nowhere/model")
    app = opened(moved, lines(EXAMPLES), name="mine.jsonl")
    assert "not where it was" in app.info[0].value
    assert app.code[-1].value == "g2is target compute tiny mine=mine.jsonl --output target.g2is"
    assert app.get("download_button")[0].proto.label == "Download `mine.jsonl`"
    app.text_input(key="new target model").set_value(str(tmp_path)).run()
    assert "holds no model" in app.error[0].value
    app.text_input(key="new target model").set_value(str(tmp_path / "model")).run(timeout=120)
    assert [error.value for error in app.error] == [] and app.button(key="start new target")


def test_without_torch_the_page_prepares_it(opened, own, monkeypatch):
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: None)
    app = opened(own, lines(EXAMPLES), name="mine.jsonl")
    assert "not installed on this machine" in app.info[0].value
    assert "g2is target compute tiny mine=mine.jsonl" in app.code[-1].value


def test_what_cannot_take_a_target_says_so(opened, own, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    app = opened(own)
    assert "read-only here" in app.info[0].value and not app.file_uploader
    monkeypatch.undo()
    assert view.why_not(own) == ""
    changed = own.manifest.model_copy(update={"configuration": ImportConfig(regime="sgd")})
    (own.folder / "manifest.json").write_text(changed.model_dump_json())
    app = opened(Run.open(own.folder))
    assert "come from another program" in app.info[0].value and not app.file_uploader


@pytest.fixture(scope="module")
def sent(built, tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("sent")
    compute(built.folder, Target("more", write_pool(folder / "more.jsonl", 5, seed=7)), folder / "t.g2is")
    return (folder / "t.g2is").read_bytes()


def test_a_file_from_another_machine_is_checked_and_added_without_the_model(
    opened, own, built, sent, tmp_path
):
    run = at(Run.open(shutil.copytree(built.folder, tmp_path / "other" / "run")), "/nowhere/model")
    app = opened(run)
    app.segmented_control(key="new target from").set_value(view.FILE).run()
    app.file_uploader[0].set_value([("t.g2is", sent[:-1] + bytes([sent[-1] ^ 1]), "")]).run()
    assert app.error[0].value.startswith("`t.g2is`: ") and "\n" not in app.error[0].value
    app.file_uploader[0].set_value([("t.g2is", sent, "")]).run()
    assert not app.exception and not app.error
    assert any("5 examples" in text and "They fit this run" in text for text in app.markdown.values)
    app.text_input(key="new target name").set_value("from afar").run()
    app.button(key="start new target").click().run()
    wait(lambda: not job.job_of(run).running())
    app = opened(run)
    assert "Target `from afar` is there: 5 examples" in app.success[0].value, job.job_of(run).log_lines()
    assert [one.name for one in Run.open(run.folder).targets] == ["words", "from afar"]
    assert not job.folder_of(run).exists()
    app.button(key="another target").click().run()
    assert not app.success and job.last(run) is None
    other = opened(own)
    other.segmented_control(key="new target from").set_value(view.FILE).run()
    other.file_uploader[0].set_value([("t.g2is", sent, "")]).run()
    assert "expected" in other.error[0].value or "another run" in other.error[0].value
    assert not [button for button in other.button if button.key == "start new target"]


def test_in_a_browser_pasted_examples_end_as_a_walk_for_them(page, built, tmp_path):
    cache = tmp_path / "cache"
    shutil.copytree(built.folder, cache / "run")
    records = [{"question": f"say {word}", "answer": word[::-1]} for word in ("one", "two", "three", "four")]
    with serving(cache) as server:
        page.goto(f"{server.url}/Core_knowledge?add=True")
        page.get_by_text("Paste", exact=True).click()
        box = page.get_by_label("Records")
        box.fill("\n".join(map(json.dumps, records)))
        box.press("Control+Enter")
        expect(page.locator(".record mark").first).to_be_visible(timeout=120_000)
        page.get_by_label("Name of the target").fill("mine")
        page.get_by_label("Name of the target").press("Enter")
        settle(page)
        page.get_by_role("button", name="Take their gradients").click()
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        page.reload()
        expect(page.get_by_text("is there: 4 examples")).to_be_visible(timeout=180_000)
        page.get_by_role("link", name="Walk for it").click()
        expect(page.get_by_text("for mine")).to_be_visible(timeout=60_000)
        assert "target.mine=1" in page.url
    assert [one.name for one in Run.open(cache / "run").targets] == ["words", "mine"]
