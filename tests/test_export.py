"""Exports of a small hand-made run: every format keeps what it can and says what it cannot."""

import csv
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from g2is.cli import main, make_parser
from g2is.config import BuildConfig, ModelConfig, WalkParameters, walk_preset
from g2is.config.commands import walk_command
from g2is.config.grammar import given
from g2is.errors import InputError
from g2is.export import FORMATS, MANIFEST, export, manifest, preview
from g2is.instructions import read_instructions, to_frame
from g2is.instructions.fields import without_nulls
from g2is.run.paths import INSTRUCTIONS, SAMPLES
from g2is.run.run import FORMAT_VERSION, FileRecord, Manifest, Run, Stage
from g2is.run.selections import Selection
from g2is.run.texts import instructions_of
from g2is.storage.files import sha256
from g2is.storage.tables import write_frame

HOSTILE = (
    'emoji 👩‍👩‍👧 \U0001f600, separators \u2028\u2029\x85, quotes \' " ``` \\" \\, RTL \u202eabc, NUL \x00 bell \x07 '
    "del \x7f, tab \t, <b>$x$</b>, CRLF \r\n CR \r LF \n, NFD e\u0301, BOM \ufeff, end"
)
CALL = '{"name": "sum", "arguments": {"of": [1, 2]}}'
TOOLS = '[{"name": "sum", "parameters": {}}]'


def turns(*pairs: tuple[str, str], role: str = "role", content: str = "content") -> list[dict[str, str]]:
    return [{role: name, content: text} for name, text in pairs]


ALPACA = [
    {"instruction": "Add.", "input": "1 and 2", "output": "3", "id": 7},
    {"instruction": "Greet.", "input": "", "output": "Hello.", "task": "manners"},
    {
        "instruction": "And 3?",
        "output": "6",
        "system": "Be brief.",
        "history": [["1?", "one"], ["2?", "two"]],
    },
]
MESSAGES = [
    {"messages": turns(("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"))},
    {"messages": turns(("user", HOSTILE), ("assistant", HOSTILE))},
    {"messages": turns(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))},
]
CALLS = [
    {
        "conversations": turns(
            ("human", "1 + 2?"),
            ("function_call", CALL),
            ("observation", "3"),
            ("gpt", "It is 3."),
            role="from",
            content="value",
        ),
        "tools": TOOLS,
    },
    {
        "conversations": turns(("human", "Bye"), ("gpt", "Bye!"), role="from", content="value"),
        "tools": "[]",
    },
]
# No turns by turns: two system prompts, two questions, two replies.
RAGGED = [
    {
        "messages": turns(
            *(("system", "One."), ("system", "Two."), ("user", "a"), ("user", "b")),
            *(("assistant", "c"), ("assistant", "d")),
        )
    }
]
FORMULAS = [
    {"question": start + "1+1", "answer": "fine"} for start in ("=", "+", "-", "@", "\t", "\r", "\n", "＝")
] + [{"question": "'1", "answer": "-5"}, {"question": "1=1", "answer": "a,b;c"}]


def write_lines(path: Path, records: list[dict], *, ascii: bool = False) -> Path:
    path.write_bytes(b"".join(json.dumps(record, ensure_ascii=ascii).encode() + b"\n" for record in records))
    return path


def make_run(folder: Path, files: list[Path]) -> Run:
    """A run as far as exports look at it: the pool and what is known of each sample."""
    folder.mkdir(parents=True)
    pool = to_frame(read_instructions(files).instructions).assign(duplicate_of=-1)
    known = pd.DataFrame(
        {"problem": None, "valid": True, "loss": 1.0, "tokens": 10, "trained_tokens": 4, "cut": 0},
        index=pool.index,
    )
    found = {
        "instructions": {"pool": len(pool), "validation": 0, "duplicates": 0, "rejected": 0},
        "gradients": {"valid": len(pool), "invalid": 0, "projection_dim": 2},
    }
    stages = {}
    for stage, name, frame in (("instructions", INSTRUCTIONS, pool), ("gradients", SAMPLES, known)):
        write_frame(folder / name, frame)
        record = FileRecord(sha256=sha256(folder / name), bytes=(folder / name).stat().st_size)
        stages[stage] = Stage(seconds=0, files={name: record}, found=found[stage])
    written = Manifest(
        format_version=FORMAT_VERSION,
        created="2025-01-01T00:00:00+00:00",
        configuration=BuildConfig(model=ModelConfig(model="none")),
        train=[],
        validation=[],
        model={"fingerprint": "none", "device": "cpu", "dtype": "float32", "hidden_size": 2},
        versions={},
        stages=stages,
    )
    (folder / "manifest.json").write_text(written.model_dump_json())
    return Run.open(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("pool")
    files = [
        write_lines(folder / "alpaca.jsonl", ALPACA),
        write_lines(folder / "messages.jsonl", MESSAGES),
        write_lines(folder / "calls.jsonl", CALLS, ascii=True),
        write_lines(folder / "ragged.jsonl", RAGGED),
        write_lines(folder / "formulas.jsonl", FORMULAS),
    ]
    return make_run(folder / "cache" / "small", files)


# Rows of the pool; out of order, because the order of choice is what an export keeps.
ORDER = [4, 0, 8, 2, 6, 1, 7, 5, 3]
FORMULA_ROWS = list(range(9, 19))


def select(run: Run, samples: list[int], method: str = "by_hand", **parameters) -> Selection:
    return Selection.of(run, samples, method, parameters)


def written(folder: Path, name: str) -> Path:
    """The one data file of an export."""
    (path,) = folder.glob("train.*")
    assert path.name == name
    return path


def load(cache: Path, builder: str, path: Path, **options) -> list[dict]:
    import datasets

    datasets.disable_progress_bars()
    return list(
        datasets.load_dataset(builder, data_files=str(path), split="train", cache_dir=str(cache), **options)
    )


def conversations(path: Path) -> list[tuple]:
    return [(i.messages, i.tools) for i in read_instructions([path]).instructions]


def expected(run: Run, samples: list[int]) -> list[tuple]:
    return [(i.messages, i.tools) for i in instructions_of(run.texts, samples)]


# What each format holds


def test_jsonl_gives_the_sources_bytes_in_order_of_choice(run, tmp_path):
    export(run, select(run, ORDER), "jsonl", tmp_path / "out")
    lines = written(tmp_path / "out", "train.jsonl").read_bytes().split(b"\n")
    assert lines == [*run.texts.values(ORDER, "raw"), b""]


def test_jsonl_joins_records_that_spread_over_lines_and_says_so(tmp_path):
    records = [*ALPACA, {"instruction": "a\nb  \n  c", "output": HOSTILE, "n": [1.50, 1e5]}]
    (tmp_path / "array.json").write_text(json.dumps(records, indent=2).replace("\n", "\r\n"), newline="")
    (tmp_path / "lines.jsonl").write_bytes(b'{"question": "a" ,  "answer": "b"}\r\n')
    run = make_run(tmp_path / "cache" / "r", [tmp_path / "array.json", tmp_path / "lines.jsonl"])
    exported = export(run, select(run, [0, 1, 2, 3, 4]), "jsonl", tmp_path / "out")
    lines = written(tmp_path / "out", "train.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in lines[:4]] == records
    assert lines[3].startswith(b'{"instruction": "a\\nb  \\n  c","output": ')
    assert lines[4] == b'{"question": "a" ,  "answer": "b"}'
    assert "4 of 5 records, first array.json:2." in exported.notes[0]


@pytest.mark.parametrize("format", ["sharegpt", "messages", "llama_factory", "parquet"])
def test_what_is_written_reads_back_as_the_same_conversations(run, tmp_path, format):
    samples = ORDER + FORMULA_ROWS
    export(run, select(run, samples), format, tmp_path / "out")
    (path,) = (tmp_path / "out").glob("train.*")
    assert conversations(path) == expected(run, samples)


def test_trl_reads_back_when_prompt_and_completion_are_joined(run, tmp_path):
    exported = export(run, select(run, ORDER), "trl", tmp_path / "out")
    records = [json.loads(line) for line in preview(run, select(run, ORDER), "trl", 99)]
    joined = [{"messages": r["prompt"] + r["completion"], "tools": r["tools"]} for r in records]
    assert conversations(write_lines(tmp_path / "joined.jsonl", joined)) == expected(run, ORDER)
    for record in records:
        assert record["prompt"][-1]["role"] != "assistant"  # TRL adds the mark of a reply after the prompt
        assert {turn["role"] for turn in record["completion"]} == {"assistant"}
        assert isinstance(json.loads(record["tools"]), list)
    assert any("Earlier replies" in note and "3 of 9" in note for note in exported.notes)


def test_alpaca_keeps_input_system_and_history_and_marks_what_it_cannot_hold(run, tmp_path):
    exported = export(run, select(run, ORDER), "alpaca", tmp_path / "out")
    path = written(tmp_path / "out", "train.json")
    held = [row for row in ORDER if row not in (6, 8)]
    found = conversations(path)
    assert [found[ORDER.index(row)] for row in held] == expected(run, held)

    records = dict(zip(ORDER, json.loads(path.read_text()), strict=True))
    assert records[0] | {"id": 7} == ALPACA[0] | {"system": "", "history": [], "tools": "[]"}
    assert records[2] == ALPACA[2] | {"input": "", "tools": "[]"}
    assert records[6]["instruction"] == f"[user]\n1 + 2?\n\n[assistant]\n{CALL}\n\n[tool]\n3"
    assert records[6]["output"] == "It is 3."
    assert "2 of 9 records, first ragged.jsonl:1." in exported.notes[0]
    assert (
        exported.notes[1]
        == "Tool calls are JSON in the text of the reply: 1 of 9 records, first calls.jsonl:1."
    )
    assert exported.notes[2].startswith("Fields beside the conversation are left out (id, task)")


def test_alpaca_of_plain_records_has_the_three_classic_fields(run):
    (record,) = preview(run, select(run, [1]), "alpaca")
    assert json.loads(record) == {"instruction": "Greet.", "input": "", "output": "Hello."}


def test_sharegpt_marks_calls_as_the_source_did(run):
    (record,) = preview(run, select(run, [6]), "sharegpt")
    assert json.loads(record) == CALLS[0]


def test_sharegpt_says_which_calls_llama_factory_could_not_read(tmp_path):
    calls = [{"function": {"name": "sum", "arguments": "[1]"}}]
    asked = [{"role": "user", "content": "1?"}, {"role": "assistant", "content": None, "tool_calls": calls}]
    done = turns(("tool", "1"), ("assistant", "1"))
    source = write_lines(tmp_path / "openai.jsonl", [{"messages": asked + done, "tools": "free text"}])
    run = make_run(tmp_path / "cache" / "r", [source])
    exported = export(run, select(run, [0]), "llama_factory", tmp_path / "out")
    assert [note.split(":")[0] for note in exported.notes] == [
        "Tools that are no JSON list, which the trainer cannot read",
        "Tool calls that are not JSON with a name and an object of arguments are ordinary replies",
    ]
    line = json.loads(written(tmp_path / "out", "train.jsonl").read_text())
    assert [turn["from"] for turn in line["conversations"]] == ["human", "gpt", "observation", "gpt"]


def test_messages_of_plain_records_have_nothing_but_messages(run):
    assert preview(run, select(run, [3]), "messages") == [json.dumps(MESSAGES[0])]


def test_fields_are_in_all_records_or_in_none(run):
    for format in ("alpaca", "sharegpt", "messages", "trl"):
        records = [json.loads(line) for line in preview(run, select(run, ORDER), format, 99)]
        assert len({tuple(record) for record in records}) == 1


def test_csv_cells_run_nothing_in_a_spreadsheet(run, tmp_path):
    exported = export(run, select(run, FORMULA_ROWS), "csv", tmp_path / "out")
    with written(tmp_path / "out", "train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["prompt"], row["response"]) for row in rows[:8]] == [
        ("'" + record["question"], "fine") for record in FORMULAS[:8]
    ]
    assert [(row["prompt"], row["response"]) for row in rows[8:]] == [("'1", "'-5"), ("1=1", "a,b;c")]
    assert "9 of 10 records, first formulas.jsonl:1." in exported.notes[0]


# LLaMA-Factory's data/README.md: the keys of a dataset description

COLUMN_KEYS = {
    *("prompt", "query", "response", "history", "messages", "system", "tools"),
    *("images", "videos", "audios", "chosen", "rejected", "kto_tag"),
}
TAG_DEFAULTS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


@pytest.mark.parametrize("samples", [ORDER, [1]])
def test_llama_factory_folder_is_described_by_its_documented_keys(run, tmp_path, samples):
    export(run, select(run, samples), "llama_factory", tmp_path)
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    ((name, described),) = info.items()
    assert name in FORMATS["llama_factory"].purpose
    assert described.keys() == {"file_name", "formatting", "columns", "tags"}
    assert (tmp_path / described["file_name"]).is_file()
    assert described["formatting"] == "sharegpt"
    assert described["columns"].keys() <= COLUMN_KEYS
    assert described["tags"] == TAG_DEFAULTS
    for line in (tmp_path / described["file_name"]).read_text().splitlines():
        record = json.loads(line)
        assert record.keys() == set(described["columns"].values())
        names = {turn["from"] for turn in record["conversations"]}
        assert names <= set(TAG_DEFAULTS.values())


def test_llama_factory_says_which_conversations_it_skips(run, tmp_path):
    exported = export(run, select(run, ORDER), "llama_factory", tmp_path)
    assert exported.notes[0].startswith("LLaMA-Factory skips")
    assert "1 of 9 records, first ragged.jsonl:1." in exported.notes[0]


# What is written loads in `datasets`


@pytest.mark.parametrize("format", ["alpaca", "sharegpt", "messages", "llama_factory", "trl"])
def test_json_loads_in_datasets(run, tmp_path, format):
    samples = ORDER + FORMULA_ROWS
    export(run, select(run, samples), format, tmp_path / "out")
    (path,) = (tmp_path / "out").glob("train.*")
    records = [json.loads(line) for line in preview(run, select(run, samples), format, 99)]
    assert load(tmp_path / "cache", "json", path) == records
    # Small pieces, as of a file of gigabytes: types must hold from the first to the last.
    if format in ("messages", "trl"):  # tool calls are in one record only: the folder has their types
        import datasets

        found = datasets.load_dataset(
            str(path.parent), split="train", cache_dir=str(tmp_path / "cache"), chunksize=64
        )
        assert [without_nulls(record) for record in found] == records
    else:
        assert load(tmp_path / "cache", "json", path, chunksize=64) == records


def test_jsonl_loads_in_datasets(run, tmp_path):
    export(run, select(run, [4, 3, 5]), "jsonl", tmp_path / "out")
    path = written(tmp_path / "out", "train.jsonl")
    assert load(tmp_path / "cache", "json", path) == [MESSAGES[1], MESSAGES[0], MESSAGES[2]]


def test_parquet_loads_in_datasets(run, tmp_path):
    export(run, select(run, ORDER), "parquet", tmp_path / "out")
    found = load(tmp_path / "cache", "parquet", written(tmp_path / "out", "train.parquet"))
    for record in found:
        record["messages"] = without_nulls(record["messages"])
    assert found == [json.loads(line) for line in preview(run, select(run, ORDER), "parquet", 99)]
    pool = run.records(ORDER)
    for column in ("prompt", "response", "source", "line"):
        assert [row[column] for row in found] == pool[column].tolist()
    assert found[ORDER.index(1)]["task"] == "manners"


def test_csv_loads_in_datasets(run, tmp_path):
    samples = [*ORDER, 17]
    export(run, select(run, samples), "csv", tmp_path / "out")
    path = written(tmp_path / "out", "train.csv")
    found = load(tmp_path / "cache", "csv", path, keep_default_na=False)
    pool = run.records(samples)
    assert [row["prompt"] for row in found] == pool["prompt"].tolist()
    assert [row["response"] for row in found] == [*pool["response"].iloc[:-1], "'-5"]
    assert [row["source"] for row in found] == pool["source"].tolist()


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_loads_by_its_name_alone(run, tmp_path, format):
    import datasets

    folder = tmp_path / "test validation" / "out"
    export(run, select(run, [3, 5]), format, folder)
    found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in found.items()} == {"train": 2}


# Preview, manifest, commands


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "parquet"])
def test_preview_is_what_is_written(run, tmp_path, format):
    export(run, select(run, ORDER), format, tmp_path / "out")
    (path,) = (tmp_path / "out").glob("train.*")
    text = path.read_bytes().decode()
    for record in preview(run, select(run, ORDER), format):
        assert record in text
        text = text.split(record, 1)[1]
    assert len(preview(run, select(run, ORDER), format)) == 3


def test_manifest_says_what_was_chosen_and_how(run, tmp_path):
    chosen = select(run, ORDER, "walk", **walk_preset("recommended", count=9).model_dump())
    exported = export(run, chosen, "alpaca", tmp_path / "my subset")
    content = json.loads((tmp_path / "my subset" / MANIFEST).read_text())
    assert content["run"] == {"name": "small", "hash": run.hash}
    assert content["method"] == "walk"
    assert content["parameters"]["facets"] == 32
    assert content["samples"][:2] == [
        {"sample": 4, "place": "messages.jsonl:2"},
        {"sample": 0, "place": "alpaca.jsonl:1"},
    ]
    assert [entry["sample"] for entry in content["samples"]] == ORDER
    assert content["counts"] == {"samples": 9, "tokens": 90, "trained_tokens": 36}
    assert (exported.samples, exported.tokens, exported.trained_tokens) == (9, 90, 36)
    assert content["notes"] == list(exported.notes)
    assert {path.name for path in exported.files} == {MANIFEST, "train.json"}
    assert content["files"] == {"train.json": sha256(tmp_path / "my subset" / "train.json")}
    assert content["commands"] == [
        "g2is walk small --preset recommended --count 9 --output selection.json",
        "g2is export small --selection selection.json --format alpaca --output 'my subset'",
    ]
    assert str(tmp_path) not in json.dumps(content)
    before = json.loads(json.dumps(manifest(run, chosen, "alpaca", "my subset")))
    assert before == {key: value for key, value in content.items() if key != "files"}


def test_only_a_walk_has_a_command_for_the_selection(run):
    assert len(manifest(run, select(run, [1]), "jsonl")["commands"]) == 1


@pytest.mark.parametrize(
    "parameters",
    [
        walk_preset("official", fraction=0.05),
        walk_preset("recommended", count=7),
        walk_preset(
            "recommended",
            component_budgets=(3, 0, 2),
            conflict_threshold=-0.25,
            center=False,
            no_conflict=False,
            unit_rows=True,
            pins=(3, 1),
            sources=("a b.jsonl", "c's.json"),
            targets={"gsm8k": 0.3, "bbh": 0.7},
            unspent="pass_on",
        ),
        WalkParameters(count=5, regime="adam_without_momentum", components=4, neighbors=10, orient=True),
        walk_preset("graph", count=5, dedupe=True, bans=(3,)),
        # Nothing that is typed takes the preset's 20 neighbours away.
        walk_preset("graph", count=5, neighbors=None),
    ],
)
def test_the_walk_command_gives_the_same_parameters(parameters):
    stored = json.loads(parameters.model_dump_json())
    words = shlex.split(walk_command("demo", stored, output="selection.json"))
    assert words[0] == "g2is"
    arguments = make_parser().parse_args(words[1:])
    assert (arguments.run, str(arguments.output)) == ("demo", "selection.json")
    assert walk_preset(arguments.preset, **given(WalkParameters, arguments)) == parameters


def test_the_export_command_gives_the_same_bytes(run, tmp_path, monkeypatch, capsys):
    chosen = select(run, ORDER)
    first = export(run, chosen, "llama_factory", tmp_path / "a" / "out")
    (command,) = json.loads((tmp_path / "a" / "out" / MANIFEST).read_text())["commands"]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "cache").symlink_to(run.folder.parent)
    chosen.write(tmp_path / "b" / "selection.json")
    monkeypatch.chdir(tmp_path / "b")
    assert main(shlex.split(command)[1:]) == 0
    for path in first.files:
        assert (tmp_path / "b" / "out" / path.name).read_bytes() == path.read_bytes()
    said = capsys.readouterr().err
    assert "9 instructions, 90 tokens written" in said
    assert f"note: {first.notes[0]}" in said

    assert main(shlex.split(command)[1:]) == 2
    assert "holds an earlier export; replace it with --overwrite" in capsys.readouterr().err
    assert main([*shlex.split(command)[1:], "--overwrite"]) == 0


def test_tokens_are_none_before_gradients(run, tmp_path):
    early = Run(run.folder, run.manifest.model_copy(update={"stages": {**run.manifest.stages}}))
    del early.manifest.stages["gradients"]
    exported = export(early, select(early, [0]), "jsonl", tmp_path / "out")
    assert (exported.samples, exported.tokens, exported.trained_tokens) == (1, None, None)


# Folders


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_an_empty_folder_is_taken_and_nothing_else_is_left(run, tmp_path):
    (tmp_path / "out").mkdir()
    export(run, select(run, [0]), "jsonl", tmp_path / "out")
    assert set(snapshot(tmp_path)) == {"out", "out/g2is.json", "out/train.jsonl"}


def test_an_earlier_export_is_replaced_only_when_asked(run, tmp_path):
    export(run, select(run, [0]), "llama_factory", tmp_path / "out")
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match="holds an earlier export; replace it with --overwrite"):
        export(run, select(run, [1]), "csv", tmp_path / "out")
    assert snapshot(tmp_path) == before
    export(run, select(run, [1]), "csv", tmp_path / "out", overwrite=True)
    assert set(snapshot(tmp_path)) == {"out", "out/g2is.json", "out/train.csv"}


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "g2is.json"])
def test_foreign_files_are_never_touched(run, tmp_path, name):
    if name != MANIFEST:
        export(run, select(run, [0]), "jsonl", tmp_path / "out")
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / name).write_text('{"mine": true}')
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match=rf"holds '{name}', which is not part of an earlier export"):
        export(run, select(run, [1]), "jsonl", tmp_path / "out", overwrite=True)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_way_is_refused(run, tmp_path, place):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file or lies in one, expected a folder"):
        export(run, select(run, [0]), "jsonl", tmp_path / place)
    assert snapshot(tmp_path) == {"file": b"mine"}


def test_a_full_disk_leaves_everything_as_it_was(run, tmp_path, monkeypatch):
    export(run, select(run, [0]), "jsonl", tmp_path / "out")
    before = snapshot(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"could not be written \(No space left on device\)"):
        export(run, select(run, [1]), "jsonl", tmp_path / "out", overwrite=True)
    with pytest.raises(InputError, match="could not be written"):
        export(run, select(run, [1]), "jsonl", tmp_path / "new")
    assert snapshot(tmp_path) == before


def test_a_rename_that_fails_puts_the_earlier_export_back(run, tmp_path, monkeypatch):
    export(run, select(run, [0]), "jsonl", tmp_path / "out")
    before = snapshot(tmp_path)
    rename = Path.rename

    def fails_for_new(path: Path, target: Path) -> Path:
        if path.name.endswith(".new"):
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails_for_new)
    with pytest.raises(InputError, match="could not be written"):
        export(run, select(run, [1]), "jsonl", tmp_path / "out", overwrite=True)
    assert snapshot(tmp_path) == before


# Wrong input


def test_wrong_input_is_one_clear_line(run, tmp_path):
    other = select(run, [0]).model_copy(update={"run": select(run, [0]).run.model_copy(update={"hash": "x"})})
    for selection, format, message in (
        (select(run, []), "jsonl", "holds no samples, expected at least one"),
        (select(run, [0]), "xml", "format = 'xml': expected one of jsonl, alpaca"),
        (other, "jsonl", r"was made on run small \(x\)"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            export(run, selection, format, tmp_path / "out")
        assert "\n" not in str(caught.value)
        with pytest.raises(InputError, match=message):
            preview(run, selection, format)
    assert not (tmp_path / "out").exists()


def test_exports_need_no_model_library(run, tmp_path):
    select(run, [0]).write(tmp_path / "selection.json")
    code = """
import sys
from g2is.cli import main
code = main(sys.argv[1:])
assert not {"torch", "transformers", "peft", "datasets"} & set(sys.modules)
sys.exit(code)
"""
    arguments = ["export", str(run.folder), "--selection", str(tmp_path / "selection.json")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--format", "parquet", "--output", str(tmp_path / "out")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
