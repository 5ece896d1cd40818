import io
import json
import shutil
import zipfile

import pytest

from g2is.analysis import walks
from g2is.app.shared.naming import fitting_name
from g2is.config import walk_preset
from g2is.config.names import check_name
from g2is.export import FORMATS, preview
from g2is.run.selections import Selection, save_walk, select
from tests.app.conftest import settle
from tests.app.tiny_run import make_run

PAGE = "7_Export"


def walk(run, name: str = "first-walk") -> Selection:
    return Selection.read(run.folder / "selections" / f"{name}.json", run)


@pytest.mark.parametrize("format", FORMATS)
def test_previews_what_will_be_written(open_app, run, format):
    app = open_app(PAGE, selection="first-walk", format=format)
    records = [code.value for code in app.code if code.language == "json"]
    assert records == preview(run, walk(run), format)
    values = {metric.label: metric.value for metric in app.metric}
    chosen = run.instructions.iloc[walk(run).samples]
    assert values == {
        "Instructions": "12",
        "Tokens": str(chosen["tokens"].sum()),
        "Tokens of responses": str(12 * 9),
    }


def test_the_selection_is_in_the_url(open_app):
    app = open_app(PAGE)
    assert app.query_params["selection"] in ("first-walk", "second-walk")
    app.selectbox(key="selection").set_value("second-walk").run()
    assert app.query_params["selection"] == "second-walk"
    assert app.metric[0].value == "5"
    assert app.text_input(key="name").value == "second-walk-jsonl"


def test_it_opens_on_the_walk_at_hand_and_never_unasked_on_a_baseline(open_app, tmp_path):
    run = make_run(tmp_path / "tiny", 60)
    shutil.rmtree(run.folder / "selections")

    def save(name: str, selection: Selection) -> None:
        selection.write(run.inside("selections", f"{name}.json"))

    def saved_walk(name: str, **settings) -> None:
        parameters = walk_preset("recommended", **settings)
        save_walk(run.inside("selections", f"{name}.json"), run, walks.walk(run, parameters))

    def opens(**address) -> str:
        app = open_app(PAGE, folder=tmp_path, **address)
        captions = [one.value for one in app.caption]
        assert not app.exception and not app.error
        assert "Chosen by chance, as a baseline." in captions or app.metric[0].value != "5"
        assert app.query_params["selection"] == app.selectbox(key="selection").value
        return app.selectbox(key="selection").value

    save("drawn", select(run, "random", count=5))
    assert opens() == "drawn"  # and it says so
    run.sets.write("mine", [1, 2, 3])
    assert opens() == "set:mine"
    save("less", select(run, "less", regime="sgd", count=7))
    save("drawn-later", select(run, "random", count=5, seed=3))
    assert opens() == "less"
    saved_walk("other", count=9, max_cosine=0.9)
    save("less-later", select(run, "less", regime="sgd", count=8))
    assert opens() == "other"
    saved_walk("large", count=12)
    saved_walk("small", count=3)
    assert opens(count="11") == opens(fraction="0.2") == "large" and opens() == opens(count="4") == "small"
    assert opens(max_cosine="0.9") == "other"
    app = open_app(PAGE, folder=tmp_path, selection="nope")
    assert "this page uses `small` instead" in app.warning[0].value
    app.selectbox(key="selection").set_value("drawn-later").run()
    assert app.selectbox(key="selection").value == app.query_params["selection"] == "drawn-later"
    app.selectbox(key="selection").set_value("small").run()
    assert app.selectbox(key="selection").value == "small" and not app.warning


def test_bad_values_in_the_url_are_reported(open_app):
    app = open_app(PAGE, format="docx", name="../../etc", selection="nope")
    said = " ".join(warning.value for warning in app.warning)
    for value in ("`format=docx`", "`selection=nope`"):
        assert value in said


@pytest.mark.parametrize("name", ["../evil", "my subset", "-x", ""])
def test_a_name_that_cannot_be_stays_in_the_box_and_nothing_is_written(open_app, run, name):
    app = open_app(PAGE, selection="first-walk")
    app.text_input(key="name").set_value(name).run()
    assert app.text_input(key="name").value == name and not app.warning
    assert "expected up to 80 letters" in app.error[0].value
    assert "Write the folder" not in [button.label for button in app.button]
    assert not [code for code in app.code if code.language == "bash"] and app.metric[0].value == "12"
    app.text_input(key="name").set_value("fine").run()
    assert not app.error and any(
        caption.value == "The folder will be written to: `tiny/exports/fine`." for caption in app.caption
    )


def test_names_that_pages_suggest_fit_the_rule():
    for wanted in ("my file", "-x", ".hidden", "../a", "a" * 100, "日本", ""):
        check_name(fitting_name(wanted, "-jsonl"))
    assert fitting_name("first-walk", "-jsonl") == "first-walk-jsonl"


def test_writes_a_folder_and_asks_before_it_replaces_one(open_app, run):
    app = open_app(PAGE, selection="first-walk", format="messages", name="mine")
    button = next(button for button in app.button if button.label == "Write the folder")
    button.click().run()
    assert any("12 instructions" in success.value for success in app.success)
    folder = run.folder / "exports" / "mine"
    content = json.loads((folder / "g2is.json").read_text())
    assert [sample["sample"] for sample in content["samples"]] == walk(run).samples
    next(button for button in app.button if button.label == "Write the folder").click().run()
    assert "Tick **Overwrite if it exists**" in app.error[0].value
    app.checkbox[0].check()
    next(button for button in app.button if button.label == "Write the folder").click().run()
    assert not app.error and any("12 instructions" in success.value for success in app.success)


def test_the_command_line_gives_the_same_files(open_app, run, tmp_path):
    import shlex

    from g2is.cli import main

    app = open_app(PAGE, selection="first-walk", format="alpaca", name="by-command")
    command = next(code.value for code in app.code if code.language == "bash")
    arguments = shlex.split(command)
    assert arguments[0] == "g2is"
    arguments[arguments.index("by-command")] = str(tmp_path / "by-command")
    assert main(arguments[1:]) == 0
    written = json.loads((tmp_path / "by-command" / "train.json").read_text())
    assert [json.dumps(record, ensure_ascii=False) for record in written[:3]] == [
        json.dumps(json.loads(record), ensure_ascii=False) for record in preview(run, walk(run), "alpaca")
    ]


def test_the_basket_is_kept_as_a_selection(open_app, run, cache):
    app = open_app("5_Instructions", focus="33")
    next(button for button in app.button if button.label == "Into the basket").click().run()
    app.switch_page("pages/7_Export.py")
    app.query_params["selection"] = "basket"
    app.run()
    assert app.metric[0].value == "1"
    app.text_input[0].set_value("kept")
    next(button for button in app.button if button.label == "Save").click().run()
    path = cache / "tiny" / "selections" / "kept.json"
    assert Selection.read(path, run).samples == [33]
    assert app.query_params["selection"] == "kept"
    path.unlink()


def test_with_nothing_to_export_it_says_what_to_do(open_app, tmp_path):
    run = make_run(tmp_path / "bare")
    for path in (run.folder / "selections").iterdir():
        path.unlink()
    assert "nothing to export yet" in open_app(PAGE, folder=tmp_path).info[0].value


def test_a_selection_of_another_run_is_refused(open_app, tmp_path):
    run = make_run(tmp_path / "other")
    path = run.folder / "selections" / "first-walk.json"
    content = json.loads(path.read_text())
    content["run"]["hash"] = "0" * 16
    path.write_text(json.dumps(content))
    assert (
        "row numbers would mean other"
        in open_app(PAGE, folder=tmp_path, selection="first-walk").error[0].value
    )


def test_downloads_the_same_as_a_zip(server, page, run):
    page.goto(f"{server.url}/Export?run=tiny&selection=first-walk&format=jsonl&name=packed")
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as zip").click()
    assert download.value.suggested_filename == "packed.zip"
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert sorted(archive.namelist()) == ["packed/g2is.json", "packed/train.jsonl"]
        lines = archive.read("packed/train.jsonl").split(b"\n")
    assert lines[:-1] == run.texts.values(walk(run).samples, "raw")
