"""g2is inspect: how files are read and which tokens are trained, without building anything."""

import gzip
import json

import pytest

from g2is.__main__ import main
from g2is.instructions import read_instructions
from g2is.lm.preview import text_pieces, token_pieces
from g2is.lm.text import Encoder
from tests.records import GOOD, REPLY, USER, jsonl, write
from tests.tiny import byte_tokenizer, save_tiny_model

MARKED = {"messages": [USER, {**REPLY, "train": False}, {**USER, "content": "again"}, REPLY]}


def shown(capsys, *words: object) -> str:
    assert main(["inspect", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_records_are_shown_as_they_will_be_trained(tmp_path, capsys):
    path = write(tmp_path, jsonl(MARKED, *[GOOD] * 4, {**GOOD, "completion": ""}))
    said = shown(capsys, path, "--records", 2)
    assert "pool.jsonl  JSON Lines, 6 instructions" not in said
    assert "pool.jsonl  JSON Lines, 5 instructions" in said
    assert "4 x prompt_completion: prompt, completion" in said and "1 x messages: messages" in said
    assert "reply marked as not to be trained in 1 of 5 instructions" in said
    assert 'pool.jsonl:6: "completion" is empty' in said and "a build stops at such a record" in said
    assert "<|assistant|>\nhello</s>\n<|user|>\nagain\n<|assistant|>\n⟦hello</s>\n⟧" in said
    assert "\npool.jsonl:2\n" in said and "\npool.jsonl:3\n" not in said
    assert "5 instructions, 3 exact duplicates" in said
    assert "a build stops" not in shown(capsys, path, "--skip-bad")


def test_rejected_records_that_are_not_named_are_counted(tmp_path, capsys):
    path = write(tmp_path, jsonl(GOOD, *[{"nothing": 1}] * 8))
    said = shown(capsys, path)
    assert said.count(f"{path.name}:") == 4, "three that were rejected, and the one that is shown"
    assert "  … 5 more rejected; --rejected 8 names all\n" in said
    said = shown(capsys, path, "--rejected", 8)
    assert said.count(f"{path.name}:") == 9 and "more rejected" not in said


def test_several_files_each_with_its_records(tmp_path, capsys):
    one = write(tmp_path, gzip.compress(jsonl({**GOOD, "options": ["a"]}).encode()), "one.gz")
    two = write(tmp_path, json.dumps([GOOD, GOOD]), "two.json")
    said = shown(capsys, one, two)
    assert "one.gz  JSON object, 1 instruction\n" in said and "two.json  JSON array, 2 instructions" in said
    assert said.count("⟦4</s>\n⟧") == 3


def test_with_a_model_the_tokens_are_shown(tmp_path, capsys):
    model = save_tiny_model(tmp_path / "model")
    said = shown(capsys, write(tmp_path, jsonl(MARKED)), "--model", model)
    assert "hello</s>\n<|user|>\nagain\n<|assistant|>\n⟦hello</s>\n⟧" in said
    assert "1 reply not trained: the file excludes them" in said


def test_text_that_steers_a_terminal_is_shown_as_text(tmp_path, capsys):
    said = shown(capsys, write(tmp_path, jsonl({**GOOD, "prompt": "a\x1b[31mb\u202e"})))
    assert "\x1b" not in said and "a\\x1b[31mb\\u202e" in said


def test_nothing_is_trained_outside_the_marks(tmp_path):
    [instruction] = read_instructions([write(tmp_path, jsonl(MARKED))]).instructions
    assert [text for text, trained in text_pieces(instruction) if trained] == ["hello</s>\n"]
    tokenizer = byte_tokenizer()
    [sample] = Encoder(tokenizer, 256)([instruction])
    pieces = token_pieces(tokenizer, sample)
    assert [text for text, trained in pieces if trained] == ["hello</s>\n"]
    assert "".join(text for text, _ in pieces) == tokenizer.decode(sample.input_ids)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["none.jsonl"], "none.jsonl: cannot be read: No such file"),
        (["POOL", "--records", "-1"], "records = -1: expected 0 or more"),
        (["POOL", "--rejected", "-1"], "rejected = -1: expected 0 or more"),
        (["POOL", "--columns", "x=y"], "names no part of an instruction"),
        (["POOL", "--records", "1", "--records", "2"], "argument --records: is given twice, expected once"),
    ],
)
def test_wrong_input_is_one_line(tmp_path, capsys, words, what):
    path = write(tmp_path, jsonl(GOOD))
    assert main(["inspect", *(str(path) if word == "POOL" else word for word in words)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and what in said and said.count("\n") == 1
