import json
import os
import subprocess
import sys
import time

import pytest

from g2is.app.shared import building
from g2is.pipeline.progress import Progress
from g2is.run.paths import progress_path
from tests.app.serving import ROOT
from tests.app.tiny_run import make_run

BAR = (
    "\rgradients:  0%|     | 0/900 [00:00<?, ? sample/s]"
    "\rgradients:  45%|####  | 405/900 [01:00<01:15, 6.60 sample/s]"
)
PROGRESS = Progress(stage="gradients", done=405, total=900, unit="sample", per_second=6.6, seconds_left=75)
SLEEPER = """
import subprocess, sys
print("begun", flush=True)
subprocess.run([sys.executable, "-c", "import time; time.sleep(99)"])
"""


def wait(condition) -> None:
    for _ in range(100):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("waited in vain")


def test_a_fresh_clone_explains_and_offers_the_demo(open_app, tmp_path):
    app = open_app(folder=tmp_path / "none")
    assert "few percent of the pool" in app.markdown.values[0]
    assert app.button[0].label == "Build the demo run"
    assert not app.error and not app.warning


def test_shows_a_run(open_app, run):
    app = open_app()
    assert {metric.label: metric.value for metric in app.metric} == {
        "Pool": "250",
        "Validation": "12",
        "With a gradient": "249",
        "Selections saved": "2",
    }
    regimes, stages, facts = (table.value for table in app.table)
    assert regimes["Gradients"].tolist() == ["Plain gradients"]
    found = run.manifest.stages["graph"].found["sgd"]
    assert regimes["Mean cosine"].tolist() == [f"{found['mean_cosine']:.3g}"]
    assert regimes["Conflicts"].tolist() == [f"{100 * found['conflict_share']:.3g} %"]
    times = ["0.5\u00a0s", "3\u00a0s", "1\u00a0min\u00a015\u00a0s", "0.25\u00a0s"]
    assert stages["Time"].tolist() == [*times, "2\u00a0s", "0.5\u00a0s", "0.25\u00a0s"]
    # Other tests may have exported from this run by now, which is a table more.
    sources, targets, selections, *_ = (frame.value for frame in app.dataframe)
    assert sources["instructions"].tolist() == [125, 125]
    assert targets[["name", "examples", "from"]].values.tolist() == [["apples", 12, "the build"]]
    assert sorted(selections["instructions"]) == [5, 12]
    assert run.hash in facts["Value"].tolist()
    assert any(caption.startswith("1 exact duplicates") for caption in app.caption.values)
    assert app.query_params == {"run": "tiny"}


def test_leads_with_one_action_on_the_newest_finished_run(open_app, tmp_path):
    make_run(tmp_path / "older")
    make_run(tmp_path / "newer", seed=1)
    half = make_run(tmp_path / "unfinished", seed=2)
    del half.manifest.stages["graph"]
    (half.folder / "manifest.json").write_text(half.manifest.model_dump_json())
    for age, name in enumerate(("unfinished", "newer", "older")):
        os.utime(tmp_path / name / "manifest.json", (1e9 - age, 1e9 - age))
    app = open_app(folder=tmp_path)
    assert app.query_params["run"] == "unfinished"
    (action,) = [link.proto for link in app.get("page_link") if link.proto.label == "Select a subset"]
    assert action.page == "Walk" and "run=newer" in action.query_string
    action = next(
        link.proto
        for link in open_app(folder=tmp_path, run="older").get("page_link")
        if link.proto.label == "Select a subset"
    )
    assert "run=older" in action.query_string, "the run that the reader chose"
    assert not any(button.label == "Build the demo run" for button in app.button)


def test_the_tour_leads_through_five_pages_and_can_be_left(open_app):
    app = open_app()
    app.button[0].click().run()
    seen = []
    scripts = {"Walk": "4_Walk", "Map": "1_Map", "Compare": "6_Compare", "Export": "7_Export"}
    for number in range(1, 6):
        assert app.query_params["tour"] == str(number)
        (words,) = [text.value for text in app.markdown if text.value.startswith("**Tour, ")]
        assert words.startswith(f"**Tour, {number} of 5: ")
        following = [link.proto for link in app.get("page_link") if link.proto.label.startswith("Next: ")]
        seen.append(words.partition(": ")[2].partition(".")[0])
        if following:
            assert f"tour={number + 1}" in following[0].query_string
            app = open_app(scripts[following[0].label.removeprefix("Next: ")], tour=str(number + 1))
    assert seen == ["Home", "Walk", "Map", "Compare", "Export"]
    next(button for button in app.button if button.label == "End the tour").click().run()
    assert "tour" not in app.query_params and not any("Tour" in text.value for text in app.markdown)
    off = open_app("5_Instructions", tour="3")
    assert any(link.proto.label == "Go on at Map" for link in off.get("page_link"))


def test_what_later_pages_need_is_loaded_once_the_first_is_drawn():
    code = """
import gc, sys
from g2is.app import warming
from g2is.app.shared import pages
warming._drawn.wait = lambda _: print("sklearn" in sys.modules) or True
warming.begin().join()
assert warming.begin() is warming.begin()
names = [path.read_text().partition("from ")[2].partition(" import")[0] for path in pages().values()]
print(len(names) == 9 and {*names, "sklearn.decomposition"} <= set(sys.modules))
print(len(gc.get_objects()) < 10_000 < 100_000 < gc.get_freeze_count())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "True", "True"], (
        "not before; and no work for each run's collection"
    )


def test_an_unfinished_run_names_the_stage_and_the_command(open_app, tmp_path):
    run = make_run(tmp_path / "half")
    del run.manifest.stages["graph"]
    (run.folder / "manifest.json").write_text(run.manifest.model_dump_json())
    app = open_app(folder=tmp_path)
    assert "graph" in app.warning[0].value
    assert any("g2is build --run half" in code.value for code in app.code)
    assert "This page needs the stage **graph**" in open_app("7_Export", folder=tmp_path).error[0].value


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", "not readable"),
        ('{"format_version": 99}', "newer than the newest that this version reads"),
        ('{"format_version": 1}', "not a manifest of a run"),
        ("[]", "not a manifest of a run"),
    ],
)
def test_a_damaged_run_says_what_is_wrong(open_app, tmp_path, text, said):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text(text)
    assert said in open_app(folder=tmp_path).error[0].value
    assert said in open_app("5_Instructions", folder=tmp_path).error[0].value


def test_a_missing_file_says_which(open_app, tmp_path):
    run = make_run(tmp_path / "torn")
    (run.folder / "instructions.arrow").unlink()
    app = open_app(folder=tmp_path)
    assert "instructions.arrow`: missing" in app.error[0].value


def test_runs_are_listed_with_their_state(open_app, tmp_path):
    make_run(tmp_path / "whole")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    app = open_app(folder=tmp_path, run="whole")
    states = dict(zip(app.dataframe[0].value["run"], app.dataframe[0].value["state"], strict=True))
    assert states == {"whole": "complete", "broken": "cannot be opened"}


def test_a_log_has_the_last_state_of_each_bar(tmp_path):
    (tmp_path / ".demo.build.log").write_text(f"model: small\n{BAR}\nwritten")
    assert building.log_lines(tmp_path) == ["model: small", BAR.rpartition("\r")[2], "written"]


def test_reads_the_progress_that_a_build_writes(tmp_path):
    assert building.progress(tmp_path) is None
    PROGRESS.write(progress_path(tmp_path / "demo"))
    assert building.progress(tmp_path) == PROGRESS and PROGRESS.share == 0.45
    (file,) = tmp_path.iterdir()
    for damaged in ("", "{", '{"stage": "gradients", "done": -1}', "[]"):
        file.write_text(damaged)
        assert building.progress(tmp_path) is None


def test_a_build_runs_apart_and_is_cancelled_alone(tmp_path):
    """A build and a process it started end; the one that started the build goes on."""
    assert building.start(tmp_path, [sys.executable, "-c", SLEEPER])
    wait(lambda: building.log_lines(tmp_path) == ["begun"])
    assert building.running(tmp_path)
    assert not building.start(tmp_path, [sys.executable, "-c", "pass"]), "a second one is not started"
    number = int((tmp_path / ".demo.build.pid").read_text())
    assert os.getpgid(number) != os.getpgid(0)
    building.cancel(tmp_path)
    wait(lambda: not building.running(tmp_path))
    building.cancel(tmp_path)


def test_home_follows_a_build_and_opens_the_run(open_app, tmp_path, monkeypatch):
    ready = tmp_path / "ready"
    make_run(ready)
    cache = tmp_path / "cache"
    code = f"""
import os, time
while not os.path.exists({str(tmp_path / "go")!r}): time.sleep(0.05)
os.rename({str(ready)!r}, {str(cache / "demo")!r})
"""
    monkeypatch.setattr(building, "command", lambda _: [sys.executable, "-c", code])
    app = open_app(folder=cache)
    app.button[0].click().run()
    app.run()
    assert app.get("progress")[0].proto.text.startswith("Starting")
    PROGRESS.write(progress_path(cache / "demo"))
    app.run()
    assert app.get("progress")[0].proto.value == 45
    assert "405 of 900 · 1 min" in app.get("progress")[0].proto.text
    assert [button.label for button in app.button] == ["Cancel"]
    (tmp_path / "go").touch()
    wait(lambda: not building.running(cache))
    app.run()
    assert not app.exception
    assert app.metric[0].value == "250"
    assert app.query_params["run"] == "demo"


def test_a_failed_build_shows_its_log_and_can_be_taken_up(open_app, tmp_path, monkeypatch):
    monkeypatch.setattr(
        building, "command", lambda _: [sys.executable, "-c", "print('error: disk is **full**')"]
    )
    app = open_app(folder=tmp_path)
    app.button[0].click().run()
    wait(lambda: not building.running(tmp_path))
    app.run()
    assert app.button[0].label == "Resume building the demo run"
    assert app.code[0].value == "error: disk is **full**"


def test_an_imported_run_has_no_model(open_app, tmp_path):
    run = make_run(tmp_path / "imported")
    content = json.loads(run.manifest.model_dump_json())
    content["configuration"] = {"regime": "sgd"}
    content["model"] = {}
    del content["stages"]["warmup"]
    (run.folder / "manifest.json").write_text(json.dumps(content))
    app = open_app(folder=tmp_path)
    assert not app.error
    assert "gradients computed elsewhere" in app.table[-1].value["Value"].tolist()
