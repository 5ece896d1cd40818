"""What --train may name: files, folders, globs, pipes, data sets of the Hub, and which split of them."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from g2is.errors import InputError
from g2is.instructions import find_sources, read_instructions, short_name
from tests.records import GOOD, complaint, jsonl, write

OTHER = {"prompt": "3 + 3?", "completion": "6"}


def names(*values: object) -> list[str]:
    return [source.name for source in find_sources(list(values))]


def responses(*values: object, **options: object) -> list[str]:
    return [i.response for i in read_instructions(list(values), **options).instructions]


def arrow_folder(folder: Path, *parts: list[dict]) -> Path:
    """A folder as `save_to_disk` of `datasets` leaves it."""
    pa = pytest.importorskip("pyarrow")
    folder.mkdir(parents=True)
    files = [f"data-{place:05}-of-{len(parts):05}.arrow" for place in range(len(parts))]
    for name, records in zip(files, parts, strict=True):
        table = pa.Table.from_pylist(records)
        with pa.ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(table)
    (folder / "dataset_info.json").write_text("{}")
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in files]}))
    return folder


def test_a_folder_is_its_files_of_records_in_the_order_of_their_numbers(tmp_path):
    for name in (
        "part-10.jsonl",
        "part-9.jsonl",
        "deeper/part-1.jsonl.gz",
        ".hidden.jsonl",
        "README.md",
        "odd.txt",
    ):
        content = jsonl({**GOOD, "completion": name}).encode()
        write(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    write(tmp_path, "{}", "dataset_info.json")
    assert names(tmp_path) == ["part-1.jsonl.gz", "part-9.jsonl", "part-10.jsonl"]
    assert responses(tmp_path) == ["deeper/part-1.jsonl.gz", "part-9.jsonl", "part-10.jsonl"]


def test_a_glob_that_no_shell_has_expanded(tmp_path):
    for name in ("a/2.jsonl", "a/1.jsonl", "b/3.jsonl", "c[1].jsonl"):
        write(tmp_path, jsonl({**GOOD, "completion": name}), name)
    assert responses(f"{tmp_path}/a/*.jsonl") == ["a/1.jsonl", "a/2.jsonl"]
    assert responses(f"{tmp_path}/**/*.jsonl")[:3] == ["a/1.jsonl", "a/2.jsonl", "b/3.jsonl"]
    assert responses(f"{tmp_path}/c[1].jsonl") == ["c[1].jsonl"]  # a file of that very name
    assert complaint([f"{tmp_path}/x*"]) == f"{tmp_path}/x*: no file is called so, expected at least one"


def test_shards_with_splits(tmp_path):
    for split in ("train", "test"):
        for place in range(2):
            name = f"data/{split}-0000{place}-of-00002.jsonl"
            write(tmp_path, jsonl({**GOOD, "completion": f"{split}{place}"}), name)
    assert responses(tmp_path) == ["train0", "train1"]
    assert responses(f"{tmp_path}:test") == ["test0", "test1"]
    reading = read_instructions([tmp_path])
    assert any("split train is read, test is not" in line for line in reading.report())
    assert "has no split 'validation', expected one of test, train" in complaint([f"{tmp_path}:validation"])


def test_saved_data_sets(tmp_path):
    one = arrow_folder(tmp_path / "one", [GOOD], [OTHER, GOOD])
    reading = read_instructions([one])
    assert [i.response for i in reading.instructions] == ["4", "6", "4"]
    assert [(i.source, i.line) for i in reading.instructions] == [
        ("data-00000-of-00002.arrow", 1),
        ("data-00001-of-00002.arrow", 1),
        ("data-00001-of-00002.arrow", 2),
    ]
    both = tmp_path / "both"
    arrow_folder(both / "train", [GOOD])
    arrow_folder(both / "test", [OTHER])
    (both / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert responses(both) == ["4"]
    assert responses(f"{both}:test") == ["6"]
    (one / "state.json").write_text('{"_data_files": [{"filename": "../both/train/x.arrow"}]}')
    assert "state.json does not list its files" in complaint([one])


def test_what_datasets_saves_is_read(tmp_path):
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_list([GOOD, OTHER])
    datasets.DatasetDict(train=data, test=data.select([1])).save_to_disk(tmp_path / "saved")
    assert responses(tmp_path / "saved") == ["4", "6"]
    assert responses(f"{tmp_path / 'saved'}:test") == ["6"]


@pytest.mark.parametrize(
    ("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zst", None)]
)
def test_compressed_files(tmp_path, suffix, pack):
    if pack is None:
        pa = pytest.importorskip("pyarrow")

        def pack(data: bytes) -> bytes:
            return pa.Codec("zstd").compress(data, asbytes=True)

    content = jsonl(GOOD, OTHER).encode()
    path = write(
        tmp_path, pack(content) + pack(content), f"odd name of {suffix}"
    )  # two streams, as `cat` joins them
    reading = read_instructions([path])
    assert [(i.line, i.response) for i in reading.instructions] == [(1, "4"), (2, "6"), (3, "4"), (4, "6")]
    torn = write(tmp_path, pack(jsonl(*[GOOD] * 5000).encode())[:-20], "torn")
    assert complaint([torn]).startswith(f"torn: cannot be unpacked with {'zstd' if suffix == 'zst' else ''}")


def test_a_pipe_is_read_once_and_named_the_same_each_time(tmp_path):
    for _ in range(2):
        read, written = os.pipe()
        with os.fdopen(written, "wb") as pipe:
            pipe.write(jsonl(GOOD).encode())
        with os.fdopen(read):
            [source] = find_sources([f"/dev/fd/{read}"])
        assert (source.name, source.label) == ("pipe", "pipe")
        for _ in range(2):
            assert responses(source) == ["4"]


def test_a_named_pipe(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(jsonl(GOOD),))
    writer.start()
    reading = read_instructions([path])
    writer.join()
    assert [(i.source, i.response) for i in reading.instructions] == [("fifo", "4")]


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(jsonl(GOOD).encode())))
    reading = read_instructions(["-"])
    assert [(i.source, i.line) for i in reading.instructions] == [("stdin", 1)]


@pytest.mark.parametrize(
    ("layout", "line"),
    [
        ('{"version": 1, "data": [\nGOOD,\nOTHER]}', 2),
        ('{"data": [GOOD, OTHER]}', 1),
        ('{"test": [OTHER], "train": [\nGOOD, OTHER], "more": {}}', 2),
        ('{"questions": [\n\nGOOD, OTHER]}', 3),
        ('{"prompt": ["2 + 2?", "3 + 3?"], "completion": ["4", "6"]}', 1),
        ('{"prompt": {"0": "2 + 2?", "1": "3 + 3?"}, "completion": {"0": "4", "1": "6"}}', 1),
        ('{"first": GOOD, "second": OTHER}', 1),
        ('{\n"prompt": "2 + 2?",\n"completion": "4"\n}\n\n{"prompt": "3 + 3?",\n"completion": "6"}', 1),
        ("GOOD OTHER", 1),
        ("GOOD\rOTHER", 1),
    ],
)
def test_layouts_of_json_that_hold_several_records(tmp_path, layout, line):
    text = layout.replace("GOOD", json.dumps(GOOD)).replace("OTHER", json.dumps(OTHER))
    reading = read_instructions([write(tmp_path, text)])
    assert [i.response for i in reading.instructions] == ["4", "6"]
    assert reading.instructions[0].line == line


def test_a_split_of_a_file(tmp_path):
    path = write(tmp_path, json.dumps({"train": [GOOD], "dev": [OTHER]}))
    assert responses(path) == ["4"]
    assert responses(f"{path}:dev") == responses(f"{path}:validation") == ["6"]
    assert responses(path, f"{path}:dev") == ["4", "6"]
    assert "has no split 'test', expected one of train, dev" in complaint([f"{path}:test"])
    assert "has the parts a, b, expected one" in complaint(
        [write(tmp_path, json.dumps({"a": [GOOD], "b": [GOOD]}))]
    )
    lines = write(tmp_path, jsonl(GOOD), "lines.jsonl")
    assert "has no splits, expected the file without :test" in complaint([f"{lines}:test"])


def test_a_broken_record_inside_a_wrapped_list_takes_no_other_along(tmp_path):
    good = json.dumps(GOOD)
    path = write(tmp_path, f'{{"data": [\n{good},\n{{"prompt": 1,}},\n{good}]}}')
    assert complaint([path]).startswith("pool.jsonl:3: bad JSON at column 14")
    assert [i.line for i in read_instructions([path], skip_bad=True).instructions] == [2, 4]


def test_one_record_alone_is_a_record(tmp_path):
    turn = {"role": "user", "content": "q"}, {"role": "assistant", "content": "4"}
    for record in (
        {"messages": list(turn), "tools": [{"name": "f"}, {"name": "g"}]},
        {"prompt": [turn[0]], "completion": [turn[1]]},
        {"question": "q", "choices": [{"label": "A", "text": "4"}], "answer": "4"},
    ):
        for indent in (None, 1):
            assert responses(write(tmp_path, json.dumps(record, indent=indent))) == ["4"]


def test_tables_of_text(tmp_path):
    text = 'prompt,completion,id\n"a ""b"", c\nd",4,007\n\nx,6,\n'
    for name, mark, table in (
        ("a.csv", "", text),
        ("b", "\ufeff", text),
        ("c.tsv", "", text.replace(", c", "; c").replace(",", "\t")),
        ("d", "", text.replace(", c", "| c").replace(",", ";")),
    ):
        path = write(tmp_path, (mark + table).replace("\n", "\r\n" if mark else "\n"), name)
        reading = read_instructions([path])
        assert [(i.line, i.response) for i in reading.instructions] == [(2, "4"), (5, "6")], name
        assert reading.instructions[0].prompt.startswith('a "b"')
        assert json.loads(reading.instructions[0].raw)["id"] == "007"


@pytest.mark.parametrize(
    ("table", "line", "what"),
    [
        ("prompt,completion\na,b\nc\n", 3, "the row has 1 cells, expected 2 as in the header"),
        ("prompt,completion\na,b\nc,d,e\n", 3, "the row has 3 cells, expected 2"),
        ("prompt,completion\na,b\nc,\n", 3, '"completion" is empty'),
        ("prompt,completion\na,b\nc,d\ufffd\n", 3, "invalid UTF-8"),
    ],
)
def test_a_bad_row_is_named_by_its_line_or_left_out(tmp_path, table, line, what):
    path = write(tmp_path, table.encode().replace("\ufffd".encode(), b"\xff"), "pool.csv")
    assert complaint([path]).startswith(f"pool.csv:{line}: {what}")
    assert [i.line for i in read_instructions([path], skip_bad=True).instructions] == [2]


def test_a_table_that_cannot_be_read_on(tmp_path):
    path = write(tmp_path, 'prompt,completion\na,b\nc,"d\n', "pool.csv")
    assert complaint([path], skip_bad=True).startswith(
        "pool.csv:3: no row of a table can be read from here on"
    )
    path = write(tmp_path, "prompt,prompt\na,b\n", "twice.csv")
    assert "has two columns of one name" in complaint([path])


def test_utf_16_is_read_where_it_begins_with_its_mark(tmp_path):
    records = {**GOOD, "prompt": "שלום\u2028😀"}, OTHER
    for encoding in ("utf-16", "utf-16-be"):
        mark = "\ufeff" if encoding == "utf-16-be" else ""
        text = mark + "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        reading = read_instructions([write(tmp_path, text.encode(encoding))])
        assert [i.prompt for i in reading.instructions] == [record["prompt"] for record in records]
    torn = write(tmp_path, jsonl(GOOD).encode("utf-16") + b"\x00\xd8" + b"\n\0")
    assert "begins as UTF-16, but is none" in complaint([torn])


def test_a_data_set_of_the_hub(monkeypatch):
    datasets = pytest.importorskip("datasets")
    asked = []

    def load(path: str, configuration: str | None, split: str) -> object:
        asked.append((path, configuration, split))
        return datasets.Dataset.from_list([{**GOOD, "completion": split}, {**OTHER, "score": float("nan")}])

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda *_: ["test", "train"])
    reading = read_instructions(["hf:owner/name"])
    assert [(i.source, i.line, i.response) for i in reading.instructions] == [
        ("hf:owner/name:train", 1, "train"),
        ("hf:owner/name:train", 2, "6"),
    ]
    assert responses("hf:owner/name/main:train[:10]") == ["train[:10]", "6"]
    assert responses("hf:name:test") == ["test", "6"]
    assert asked == [
        ("owner/name", None, "train"),
        ("owner/name", "main", "train[:10]"),
        ("name", None, "test"),
    ]
    assert find_sources(["hf:owner/name:test"])[0].label == "hf:owner/name:test"
    with pytest.raises(InputError, match=r"hf:/x: expected hf:owner/name"):
        find_sources(["hf:/x"])


def test_a_name_of_the_hub_without_a_network_is_one_line():
    code = (
        "from g2is.errors import InputError\nfrom g2is.instructions import find_sources\n"
        "try:\n    find_sources(['hf:nobody/nothing:train'])\nexcept InputError as error:\n    print(error)"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    said = done.stdout.strip()
    assert said.startswith("hf:nobody/nothing:train: cannot be loaded from the Hub: ") and "\n" not in said
    assert "give its files" in said


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("a/gsm8k.jsonl", "gsm8k"),
        ("a/gsm8k.jsonl.gz", "gsm8k"),
        ("a/v1.2.jsonl", "v1.2"),
        ("a/folder", "folder"),
        ("a/bbh-*.jsonl", "bbh"),
        ("hf:openai/gsm8k/main:test", "gsm8k"),
        ("hf:gsm8k:test", "gsm8k"),
        ("-", "stdin"),
        ("/dev/fd/63", "pipe"),
    ],
)
def test_short_names(value, name):
    assert short_name(value) == name


FIELDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(str.strip)
TABLES = st.lists(st.tuples(FIELDS, FIELDS | st.just(""), FIELDS), min_size=2, max_size=5)


def containers(folder: Path, records: list[dict]) -> list[Path]:
    """The same records in every kind of file."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    table = pa.Table.from_pylist(records)
    text = jsonl(*records)
    cells = io.StringIO()
    writer = csv.DictWriter(cells, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    columns = {name: [record[name] for record in records] for name in records[0]}
    paths = [
        write(folder, content, name)
        for name, content in {
            "a": text,
            "b": json.dumps(records),
            "c": json.dumps(records, indent=1, ensure_ascii=False),
            "d": json.dumps({"data": records}),
            "e": json.dumps(columns),
            "f": "".join(json.dumps(record, indent=2) for record in records),
            "g": cells.getvalue(),
            "h": gzip.compress(text.encode()),
            "i": text.encode("utf-16"),
        }.items()
    ]
    pq.write_table(table, folder / "j")
    with pa.ipc.new_file(folder / "k", table.schema) as file:
        file.write_table(table)
    shards = [
        write(folder, jsonl(*records[:1]), "l/1.jsonl"),
        write(folder, jsonl(*records[1:]), "l/2.jsonl"),
    ]
    return [*paths, folder / "j", folder / "k", shards[0].parent]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=TABLES)
def test_the_container_changes_nothing(tmp_path, rows):
    records = [{"instruction": a, "input": b, "output": c} for a, b, c in rows]
    expected, *others = [
        [i.messages for i in read_instructions([path]).instructions] for path in containers(tmp_path, records)
    ]
    assert len(expected) == len(records)
    assert all(messages == expected for messages in others)
