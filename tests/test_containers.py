"""Files cut into records: every kind, with the line and the bytes of each record."""

import io
import json
import os
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from g2is.errors import InputError
from g2is.instructions import read_instructions
from g2is.instructions.containers import json_files, records
from g2is.instructions.containers.json_text import JsonText
from tests.records import GOOD, REPLY, USER, complaint, jsonl, turns, write


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_lines_may_have_a_mark_any_ending_blanks_and_any_unicode(tmp_path, bom, end):
    wide = json.dumps({"prompt": "a\u2028b\u0085\x7f", "completion": "😀 שלום"}, ensure_ascii=False).encode()
    spaced = b' \t{ "completion" :"4", "prompt":"q" }  '
    # A byte order mark within the file is what joining two files leaves.
    path = write(tmp_path, bom + end.join([b"", wide, b"  ", bom + spaced, wide]))
    reading = read_instructions([path])
    assert [(i.line, i.raw) for i in reading.instructions] == [(2, wide), (4, spaced), (5, wide)]
    assert reading.instructions[0].prompt == "a\u2028b\u0085\x7f"


def test_array_elements_keep_their_slice_and_line(tmp_path):
    first = b'{\r\n "prompt": "a ] } \\" [ {", "completion": "\\\\"}'
    second = '{"completion":"é","prompt":"b"}'.encode()
    path = write(
        tmp_path, b"\xef\xbb\xbf\n [\r\n" + first + b"\n,\n\n" + second + b" , " + second + b"\n]\n\n"
    )
    reading = read_instructions([path])
    assert [(i.line, i.raw) for i in reading.instructions] == [(3, first), (7, second), (7, second)]
    assert reading.instructions[0].prompt == 'a ] } " [ {'


def test_a_bad_element_over_several_lines_takes_no_other_with_it(tmp_path):
    bad = b'{\n"prompt": "a\\\n}",\n"completion": "b"}'  # a line break after a backslash is no JSON
    good = json.dumps(GOOD).encode()
    path = write(tmp_path, b"[" + good + b",\n" + bad + b",\n" + good + b"]")
    assert complaint([path]).startswith("pool.jsonl:2: bad JSON at line 2 of the record near")
    reading = read_instructions([path], skip_bad=True)
    assert [(r.line, r.raw) for r in reading.rejected] == [(2, bad)]
    assert [i.line for i in reading.instructions] == [1, 6]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ('[\nGOOD,\n{"prompt": "a', 3, """it holds '{"prompt": "a', expected whole records"""),
        ("[\nGOOD,\n[1, 2", 3, "it holds '[1, 2'"),
        ("[\nGOOD\nGOOD]", 3, """it holds '{"prompt": "2 + 2?", "completion": "4"}]'"""),
        (
            '[\nGOOD,\n{"prompt": "a, "completion": "b"},\nGOOD]',
            3,
            """it holds '{"prompt": "a, "completion""",
        ),
        ("[\nGOOD,\n]", 3, "it holds ']'"),
        ("[\n,GOOD]", 2, "it holds ',"),
        ("[\nGOOD", 2, "it holds the end of the file"),
        ("[\nGOOD,", 2, "it holds the end of the file"),
        ("[", 1, "it holds the end of the file"),
        ("[\nGOOD}", 2, "it holds '}'"),
        ("[\nGOOD]\n[GOOD]", 2, "the array ends here, but '[{"),
    ],
)
def test_an_array_that_breaks_off_stops_even_where_bad_records_are_skipped(tmp_path, content, line, what):
    path = write(tmp_path, content.replace("GOOD", json.dumps(GOOD)))
    for skip_bad in (False, True):
        text = complaint([path], skip_bad=skip_bad)
        assert text.startswith(f"pool.jsonl:{line}: the array ")
        assert what in text


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty, expected JSON Lines"),
        (b"\xef\xbb\xbf\n \r\n", "is empty, expected JSON Lines"),
        (b"[ ]", "holds no records"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (jsonl(GOOD).encode("utf-16-le"), "is UTF-16 or UTF-32 text, expected UTF-8"),
        (jsonl(GOOD).encode("utf-16-be"), "is UTF-16 or UTF-32 text, expected UTF-8"),
        (jsonl(GOOD).encode("utf-32"), "is UTF-16 or UTF-32 text, expected UTF-8"),
        (b"instruction: a\noutput: b\n", "starts with 'instruction: a\\n', expected JSON Lines"),
        (b"\0\0\0\0", "starts with '\\x00\\x00\\x00\\x00', expected"),
        (b"\x80\x04\x95 pickle", "starts with '\ufffd\\x04"),
        (b"PAR1 and no more", "is not a Parquet file that can be read"),
    ],
)
def test_other_kinds_of_files_are_refused_by_name(tmp_path, content, what):
    path = write(tmp_path, content, "odd\nname.json")
    text = complaint([path], skip_bad=True)
    assert text.startswith("odd\\nname.json: ")
    assert what in text


def test_paths_that_cannot_be_read(tmp_path):
    good = write(tmp_path, jsonl(GOOD))
    assert "missing.jsonl: cannot be read: No such file" in complaint([good, tmp_path / "missing.jsonl"])
    (tmp_path / "empty").mkdir()
    assert "is a folder without files of records, expected" in complaint([tmp_path / "empty"])
    assert f"{tmp_path}/*.csv: no file is called so" in complaint([tmp_path / "*.csv"])
    assert "cannot be read: File name too long" in complaint([tmp_path / ("a" * 999)])
    assert "cannot be read: embedded null byte" in complaint([tmp_path / "a\0b"])
    assert "no instruction files given" in complaint([])
    assert "given twice" in complaint([good, str(good)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path):
    path = write(tmp_path, jsonl(GOOD))
    path.chmod(0)
    assert "cannot be read: Permission denied" in complaint([path])


def test_a_read_that_fails_midway_is_an_input_error(tmp_path, monkeypatch):
    class Torn(io.BytesIO):
        def peek(self, size: int) -> bytes:
            return self.getvalue()[:size]

        def readline(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().readline(size)

    path = write(tmp_path, jsonl(GOOD, GOOD))
    monkeypatch.setattr(Path, "open", lambda *_: Torn(jsonl(GOOD, GOOD).encode()))
    assert complaint([path], skip_bad=True).endswith("pool.jsonl: cannot be read: Input/output error")


def test_files_of_one_name_are_told_apart_by_as_much_path_as_needed(tmp_path):
    paths = [
        write(tmp_path, jsonl(GOOD), name)
        for name in ("a/x/pool.json", "b/x/pool.json", "b/y/pool.json", "z.json")
    ]
    reading = read_instructions([str(path) for path in paths])
    sources = [i.source for i in reading.instructions]
    assert sources == [
        str(Path("a/x/pool.json")),
        str(Path("b/x/pool.json")),
        str(Path("y/pool.json")),
        "z.json",
    ]
    assert reading.formats == {(source, "prompt_completion"): 1 for source in sources}


def test_lines_are_streamed(tmp_path):
    path = write(tmp_path, jsonl({**GOOD, "prompt": "a" * 10_000}) * 1_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in records(path, "pool")) == 1_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b'[{"a": "'
        + b'\\"' * 300_000,  # no closing quote: each escaped one must not start a search of its own
        b"[" + b'{"a": 1},\n' * 100_000,  # line numbers counted from the start for each record
        b"[" * 500_000,
    ],
)
def test_hostile_arrays_are_cut_in_linear_time(tmp_path, monkeypatch, content):
    work = Counter()

    class Counted(JsonText):
        def _end(self):
            work["values looked for"] += 1
            return super()._end()

        def _end_by_brackets(self):
            work["characters searched for brackets"] += len(self._text) - self._at
            return super()._end_by_brackets()

        def _more(self):
            work["characters copied"] += len(self._text) - self._at
            return super()._more()

        def _move(self, to):
            work["characters passed"] += to - self._at
            super()._move(to)

    monkeypatch.setattr(json_files, "JsonText", Counted)
    with pytest.raises(InputError, match="the array breaks off"):
        list(records(write(tmp_path, content), "pool"))
    assert work.pop("values looked for") <= content.count(b"}") + 20
    assert all(characters <= 2 * len(content) for characters in work.values()), work


def parquet(folder: Path, columns: dict[str, object]) -> Path:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = folder / "pool.json"  # the name says nothing
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_rows_are_records(tmp_path):
    import datetime

    path = parquet(
        tmp_path,
        {
            "messages": [[USER, {**REPLY, "tool_calls": None}], None, None],
            "prompt": [None, "a\u2028", "q"],
            "completion": [None, "é", " "],
            "score": [0.5, float("nan"), float("inf")],
            "day": [datetime.date(2025, 1, 2)] * 3,
        },
    )
    reading = read_instructions([path], skip_bad=True)
    assert [(i.line, i.format) for i in reading.instructions] == [(1, "messages"), (2, "prompt_completion")]
    assert reading.instructions[1].raw.decode() == (
        '{"messages": null, "prompt": "a\u2028", "completion": "é", "score": null, "day": "2025-01-02"}'
    )
    assert [(r.line, r.reason) for r in reading.rejected] == [(3, '"completion" is empty, expected text')]
    assert b'"score": null' in reading.rejected[0].raw
    assert complaint([path]).startswith('pool.json:3: "completion" is empty')


def test_parquet_that_cannot_be_rows(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = parquet(tmp_path, {"prompt": ["a"], "completion": ["b"]})
    path.write_bytes(path.read_bytes()[:-20])
    assert "pool.json: is not a Parquet file that can be read" in complaint([path])

    pq.write_table(pa.table([["a"], ["b"]], names=["prompt", "prompt"]), path)
    assert "two columns of one name" in complaint([path])

    pq.write_table(pa.table({"prompt": pa.array([], pa.string())}), path)
    assert "holds no records" in complaint([path])

    offsets, latin1 = pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")
    pq.write_table(pa.table({"prompt": pa.Array.from_buffers(pa.string(), 1, [None, offsets, latin1])}), path)
    assert "pool.json: holds text that is not UTF-8 after row 0" in complaint([path])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("timestamp[ms]", 2**60),
        ("timestamp[us]", 2**62),
        ("date32", 2**31 - 1),
        ("duration[s]", 2**62),
        ("duration[ms]", 2**62),
    ],
)
def test_parquet_with_dates_that_no_calendar_has(tmp_path, kind, value):
    pa = pytest.importorskip("pyarrow")
    kind = pa.type_for_alias(kind)
    when = pa.array([value], pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)
    path = parquet(tmp_path, {"prompt": ["q"], "completion": ["r"], "when": when})
    for skip_bad in (False, True):
        assert "holds a date or a duration that is out of range" in complaint([path], skip_bad=skip_bad)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.builds(
    lambda extra, prompt, completion: {**extra, "prompt": f"p{prompt}", "completion": f"c{completion}"},
    st.dictionaries(TEXT, VALUES, max_size=3),
    TEXT,
    TEXT,
)


@st.composite
def written(draw: st.DrawFn, indents: list[object]) -> bytes:
    """One JSON value as some program may write it."""
    value = draw(RECORDS | VALUES)
    if isinstance(value, dict):
        value = dict(draw(st.permutations(list(value.items()))))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :  ")]))
    indent, ascii_only = draw(st.sampled_from(indents)), draw(st.booleans())
    return json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only).encode()


BLANKS = st.text(" \t\r\n", max_size=3).map(str.encode)
PER_FUNCTION = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check_nothing_is_lost(path: Path, places: list[tuple[int, bytes]]) -> None:
    reading = read_instructions([path], skip_bad=True)
    found = [(record.line, record.raw) for record in [*reading.instructions, *reading.rejected]]
    assert Counter(found) == Counter(places)
    lines = [instruction.line for instruction in reading.instructions]
    assert lines == sorted(lines)
    for instruction in reading.instructions:
        record = json.loads(instruction.raw)
        if instruction.format == "prompt_completion":
            assert turns(instruction)[-2:] == [
                ("user", record["prompt"]),
                ("assistant", record["completion"]),
            ]
    for rejected in reading.rejected:
        value = json.loads(rejected.raw)
        assert not (isinstance(value, dict) and {"prompt", "completion"} <= value.keys() and len(value) == 2)


@PER_FUNCTION
@given(
    first=st.builds(json.dumps, RECORDS).map(str.encode),
    lines=st.lists(written([None]) | st.just(b""), max_size=6),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_lines_come_back_byte_for_byte(tmp_path, first, lines, end):
    lines = [first, *lines]
    path = write(tmp_path, end.join(lines))
    check_nothing_is_lost(path, [(number, line) for number, line in enumerate(lines, 1) if line])


@PER_FUNCTION
@given(
    data=st.data(),
    first=st.builds(json.dumps, RECORDS).map(str.encode),
    elements=st.lists(written([None, 0, 1, "\t"]), max_size=6),
)
def test_array_elements_come_back_byte_for_byte(tmp_path, data, first, elements):
    content, places = data.draw(BLANKS) + b"[", []
    for number, element in enumerate([first, *elements]):
        content += b"," * (number > 0) + data.draw(BLANKS)
        places.append((1 + content.count(b"\n"), element))
        content += element + data.draw(BLANKS)
    path = write(tmp_path, content + b"]" + data.draw(BLANKS))
    check_nothing_is_lost(path, places)


@PER_FUNCTION
@given(
    content=st.binary(max_size=60)
    | st.lists(
        st.sampled_from([b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b"\n", b"\xff", b"\0", b"PAR1"])
        | st.just(json.dumps(GOOD).encode()),
        max_size=12,
    ).map(b"".join),
    skip_bad=st.booleans(),
)
def test_any_bytes_give_a_reading_or_one_clear_line(tmp_path, content, skip_bad):
    path = write(tmp_path, content)
    try:
        reading = read_instructions([path], skip_bad=skip_bad)
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert reading.instructions or reading.rejected
        for record in [*reading.instructions, *reading.rejected]:
            assert record.raw in content
