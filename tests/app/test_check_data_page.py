"""The Check data page: no run needed, the same findings as `g2is inspect`, and nothing of a file is read as markup."""

import gzip
import json
import os
import shlex

import pytest
from playwright.sync_api import expect

from g2is.__main__ import main
from g2is.app.inspect import sources
from g2is.app.inspect.records import LONGEST, SHOWN, shortened_pieces
from g2is.cli import make_parser
from g2is.config import ReadingConfig
from g2is.config.grammar import read_settings
from g2is.errors import InputError
from tests.app.conftest import settle
from tests.app.tiny_run import HOSTILE

PAGE = "8_Check_data"
RECORDS = [
    {"question": "One?", "answer": "1", "level": 3, "images": ["a.png"]},
    {"question": "no answer"},
    *({"question": f"Number {n}?", "answer": n, "level": 1} for n in range(2, 9)),
]


def lines(records) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def check(open_app, *files: tuple[str, bytes], folder):
    app = open_app(PAGE, folder=folder)
    app.file_uploader[0].set_value([(name, data, "") for name, data in files]).run()
    assert not app.exception
    return app


def typed(app, key: str, text: str) -> None:
    """A value that is not among the options of a box, which AppTest itself cannot enter."""
    box = app.selectbox(key=key)
    box.options.append(text)
    box.set_value(text).run(timeout=120)
    assert not app.exception


def records_of(app) -> list[dict]:
    """The records that each file's component gets."""
    return [
        json.loads(element.proto.json)["records"]
        for element in app.get("bidi_component")
        if element.proto.component_name == "g2is_records"
    ]


def texts(app) -> str:
    kinds = (app.warning, app.error, app.markdown, app.caption, app.text, app.code, app.header)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_needs_no_run_and_shows_what_the_command_line_shows(open_app, tmp_path, capsys):
    (tmp_path / "pool.jsonl").write_bytes(lines(RECORDS))
    app = check(open_app, ("pool.jsonl", lines(RECORDS)), folder=tmp_path / "none")
    assert "**8 instructions** · 1 rejected · 0 exact duplicates" in texts(app)
    assert any("`images` that is not trained" in warning.value for warning in app.warning)
    assert any("A build stops" in warning.value for warning in app.warning)
    assert 'line 2: "answer" is missing' in texts(app)
    assert app.dataframe[0].value["what"].tolist()[-2:] == [
        "field level not trained",
        "field images not trained",
    ]
    (shown,) = records_of(app)
    assert [record["place"] for record in shown] == [f"pool.jsonl:{line}" for line in (1, 3, 4)]
    command = next(code.value for code in app.code if "inspect" in code.value)
    assert command == "g2is inspect pool.jsonl"
    assert main(["inspect", str(tmp_path / "pool.jsonl")]) == 0
    printed = capsys.readouterr().out
    for record in shown:
        marked = "".join(f"⟦{text}⟧" if trained else text for text, trained in record["pieces"])
        assert f"{record['place']}\n{marked}" in printed


def test_the_pager_shows_the_records_after(open_app, tmp_path):
    app = check(open_app, ("pool.jsonl", lines(RECORDS)), folder=tmp_path)
    app.get("pagination")[0].set_value(3).run()
    (shown,) = records_of(app)
    assert [record["place"] for record in shown] == ["pool.jsonl:8", "pool.jsonl:9"]
    assert len(RECORDS) - 1 == 2 * SHOWN + len(shown)


def test_columns_take_effect_at_once_and_are_in_both_commands(open_app, tmp_path):
    odd = lines([{"ask": "A?", "say": "B", "more": "C"}, {"ask": "D?", "say": "E", "more": "F"}])
    app = check(open_app, ("odd.jsonl", odd), ("pool.jsonl", lines(RECORDS[2:])), folder=tmp_path)
    assert "odd.jsonl" in texts(app) and not app.error
    app = check(open_app, ("odd.jsonl", odd), folder=tmp_path)
    assert "no format known" in app.error[0].value
    boxes = {box.label: box for box in app.selectbox}
    assert boxes["Prompt"].options == ["ask", "say", "more"]
    boxes["Prompt"].set_value("ask").run()
    typed(app, "column response of ", "{say} {more}")
    assert not app.error
    assert records_of(app)[0][0]["pieces"] == [["<|user|>\nA?\n<|assistant|>\n", False], ["B C</s>\n", True]]
    for code in app.code[-2:]:
        arguments = make_parser().parse_args(shlex.split(code.value)[1:])
        config = read_settings(ReadingConfig, arguments)
        assert config.columns == ("prompt=ask,response={say} {more}",)


def test_columns_of_one_file_leave_the_others_alone(open_app, tmp_path):
    odd = lines([{"ask": "A?", "answer": "B"}])
    app = check(open_app, ("odd.jsonl", odd), ("pool.jsonl", lines(RECORDS[2:4])), folder=tmp_path)
    app.selectbox(key="columns_of").set_value("odd.jsonl").run()
    next(box for box in app.selectbox if box.label == "Prompt").set_value("ask").run()
    assert not app.error and "**3 instructions**" in texts(app)
    assert all("--columns odd.jsonl:prompt=ask" in code.value for code in app.code[-2:])


def test_broken_records_are_left_out_when_asked(open_app, tmp_path):
    app = check(open_app, ("pool.jsonl", lines(RECORDS)), folder=tmp_path)
    app.toggle(key="check_data_skip").set_value(True).run()
    assert not any("A build stops" in warning.value for warning in app.warning)
    assert all("--skip-bad" in code.value for code in app.code[-2:])


def test_files_of_one_name_and_pasted_records(open_app, tmp_path):
    data = lines(RECORDS[2:4])
    app = check(open_app, ("a.jsonl", data), ("a.jsonl", gzip.compress(data)), folder=tmp_path)
    assert [heading.value for heading in app.header[:2]] == ["`a.jsonl`", "`a (2).jsonl`"]
    assert "**4 instructions** · 0 rejected · 2 exact duplicates" in texts(app)
    app.segmented_control(key="data_from").set_value(sources.PASTE).run()
    app.text_area(key="pasted").set_value('{"prompt": "a", "completion": "b"}').run()
    assert records_of(app)[0][0]["place"] == "pasted.jsonl:1"


def test_nothing_of_a_file_is_read_as_markup(open_app, tmp_path):
    name = "![x](http://evil.example/n.png).jsonl"
    records = [{"question": text, "answer": text, text: text, "images": text} for text in HOSTILE]
    app = check(open_app, (name, lines([*records, {HOSTILE[1]: 1}])), folder=tmp_path)
    for kind in (app.warning, app.error, app.markdown, app.caption, app.header):
        for element in kind:
            outside = "".join(element.value.split("`")[::2])
            assert "evil.example" not in outside and "<b>" not in outside
    (shown,) = records_of(app)
    assert "⟨U+202E⟩" not in shown[0]["pieces"][0][0]
    app.get("pagination")[0].set_value(2).run()
    assert HOSTILE[3][:10] in records_of(app)[0][0]["pieces"][0][0]


def test_a_model_decides_what_is_trained(open_app, tmp_path):
    from tests.tiny import byte_tokenizer

    template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% if m.role == 'assistant' %}</s>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    byte_tokenizer(template).save_pretrained(tmp_path / "model")
    records = [
        {"messages": [{"role": r, "content": r} for r in ("user", "assistant", "user", "assistant")]},
        {
            "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]
            * 2
        },
    ]
    records[1]["messages"][3] = {"role": "assistant", "content": "c"}
    app = check(open_app, ("chat.jsonl", lines(records)), folder=tmp_path / "none")
    typed(app, "check_data_model", str(tmp_path / "model"))
    assert not app.error, app.error[0].value
    pieces = records_of(app)[0][0]["pieces"]
    assert "".join(text for text, _ in pieces) == "[user]user[assistant]assistant</s>" * 2
    assert [text for text, trained in pieces if trained] == ["assistant</s>"] * 2
    assert any(text.value == "1 reply not trained: the file excludes them" for text in app.text)
    assert f"--model {tmp_path / 'model'}" in app.code[-1].value
    typed(app, "check_data_model", str(tmp_path))
    assert "holds no `tokenizer.json`" in app.error[0].value


def test_paths_are_for_files_of_records_alone(tmp_path):
    good = tmp_path / "pool.jsonl"
    good.write_bytes(lines(RECORDS))
    (tmp_path / ".hidden").mkdir()
    for name in (".hidden/pool.jsonl", ".pool.jsonl", "id_rsa"):
        (tmp_path / name).write_bytes(good.read_bytes())
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "id_rsa")
    (tmp_path / "link2.jsonl").symlink_to(tmp_path / ".hidden/pool.jsonl")
    assert [source.path for source in sources.readable_files([str(good)])] == [good]
    refused = (
        ".hidden/pool.jsonl",
        ".pool.jsonl",
        "id_rsa",
        "pipe.jsonl",
        "link.jsonl",
        "link2.jsonl",
        "none.jsonl",
    )
    for name in (
        *(str(tmp_path / name) for name in refused),
        "-",
        "/dev/stdin",
        "hf:owner/name",
        "\0",
        "*.jsonl",
    ):
        with pytest.raises(InputError) as caught:
            sources.readable_files([name])
        assert "\n" not in str(caught.value)


def test_large_data_is_for_the_command_line(tmp_path, monkeypatch):
    (tmp_path / "pool.jsonl").write_bytes(lines(RECORDS))
    monkeypatch.setattr(sources, "LARGEST", 100)
    with pytest.raises(InputError, match="g2is inspect"):
        sources.readable_files([str(tmp_path)])


def test_paths_are_offered_only_where_no_other_machine_reaches_the_app(open_app, tmp_path, monkeypatch):
    assert sources.PATH in open_app(PAGE, folder=tmp_path).segmented_control(key="data_from").options
    monkeypatch.setenv("G2IS_URL", "https://example.org/g2is")
    assert sources.PATH not in open_app(PAGE, folder=tmp_path).segmented_control(key="data_from").options


def test_a_long_record_is_cut_where_it_is_sent():
    sent = shortened_pieces([("a" * LONGEST, False), ("b" * 1500, True)])
    assert sent == [["a" * LONGEST, False], [" … and 1,500 characters more", None]]
    assert shortened_pieces([("a", False), ("b", True)]) == [["a", False], ["b", True]]


def test_in_a_browser_the_trained_part_is_marked_and_text_stays_text(page, server):
    page.goto(f"{server.url}/Check_data")
    data = lines([{"question": HOSTILE[1], "answer": HOSTILE[0]}, *RECORDS[2:]])
    page.locator("input[type=file]").set_input_files(
        {"name": "pool.jsonl", "mimeType": "text/plain", "buffer": data}
    )
    expect(page.locator(".record")).to_have_count(SHOWN)
    settle(page)
    first = page.locator(".record").first
    assert first.locator(".text").inner_text().rstrip() == (
        f"<|user|>\n{HOSTILE[1]}\n<|assistant|>\n{HOSTILE[0]}</s>"
    )
    mark = first.locator("mark")
    assert mark.inner_text().rstrip() == f"{HOSTILE[0]}</s>"
    style = mark.evaluate("node => getComputedStyle(node).textDecorationLine")
    assert style == "underline"
    assert page.locator(".record img, .record b, .record script, .record a").count() == 0
    page.get_by_test_id("stPagination").get_by_text("2", exact=True).click()
    expect(page.locator(".record .place").first).to_have_text("pool.jsonl:4")
