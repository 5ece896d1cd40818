"""Tables of which rows are read from their file: the same as the whole table, with little of it in memory."""

import io
import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g2is.analysis.search import Filter, matching
from g2is.errors import InputError
from g2is.storage import groups, stored_tables
from g2is.storage.groups import InMemory, write_groups
from g2is.storage.stored_tables import StoredTable, open_table, write_table
from g2is.storage.tables import read_frame, to_table, write_frame

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)


def table(count: int, seed: int = 0) -> pd.DataFrame:
    """Texts of different lengths, some missing, bytes and numbers."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 400, count)
    return pd.DataFrame(
        {
            "line": np.arange(count),
            "prompt": pd.Series([f"{row} ä" + "x" * n for row, n in enumerate(lengths)], dtype="str"),
            "tools": pd.Series([None if row % 3 else f"t{row}" for row in range(count)], dtype="str"),
            "none": pd.Series([None] * count, dtype="str"),
            "raw": [bytes([row % 256, 255]) * (row % 7) for row in range(count)],
        }
    )


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return table(3000)


@pytest.fixture(params=["groups", "one group", "large group", "parquet"], scope="module")
def stored(request, frame, tmp_path_factory) -> StoredTable:
    """The table as this version writes it, and as earlier ones did."""
    folder = tmp_path_factory.mktemp("tables")
    if request.param == "groups":
        write_table(folder / "t.arrow", [to_table(frame)])
        return open_table(folder / "t.arrow")
    path = folder / ("t.parquet" if request.param == "parquet" else "t.arrow")
    write_frame(path, frame)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "large group":
            patch.setattr(stored_tables, "LARGEST", 1000)
        return open_table(path)


@given(st.data())
@settings(max_examples=60)
def test_rows_in_any_order_are_those_of_the_whole_table(stored, frame, data):
    rows = data.draw(st.lists(st.integers(0, len(frame) - 1), max_size=40))
    columns = data.draw(st.lists(st.sampled_from(list(frame)), unique=True, min_size=1))
    found = stored.take(rows, columns)
    assert list(found) == columns and len(found) == len(rows)
    for name in columns:
        values = frame[name].iloc[rows].tolist()
        assert [None if v != v else v for v in found[name].tolist()] == [
            None if v != v else v for v in values
        ]
        assert [v for v in stored.values(rows, name) if v is not None] == [v for v in values if v == v]


def test_whole_columns_and_blocks_are_those_of_the_table(stored, frame):
    assert len(stored) == len(frame) and stored.columns == list(frame)
    assert stored.frame(["tools", "line"]).equals(frame[["tools", "line"]])
    seen = 0
    for start, block in stored.blocks(["prompt", "raw"]):
        assert start == seen and block.schema.names == ["prompt", "raw"]
        assert block.column(0).to_pylist() == frame["prompt"][start : start + len(block)].tolist()
        seen += len(block)
    assert seen == len(frame)
    for wrong in ([-1], [0, len(frame)]):
        with pytest.raises(IndexError):
            stored.take(wrong)


def test_an_earlier_program_reads_what_is_written(frame, tmp_path):
    """It reads all batches of an Arrow file at once."""
    write_table(tmp_path / "t.arrow", [to_table(frame)])
    assert read_frame(tmp_path / "t.arrow")["raw"].tolist() == frame["raw"].tolist()


@given(st.lists(st.lists(TEXTS, max_size=9), min_size=1, max_size=6))
@settings(max_examples=40)
def test_groups_do_not_depend_on_how_rows_come(parts):
    def written(tables: list[pa.Table]) -> bytes:
        file = io.BytesIO()
        assert write_groups(file, tables) == sum(map(len, tables))
        return file.getvalue()

    def of(texts: list[str]) -> pa.Table:
        return pa.table({"t": pa.array(texts, pa.large_string())})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "GROUP_ROWS", 4)
        patch.setattr(groups, "GROUP_BYTES", 20)
        whole = written([of([text for part in parts for text in part])])
        assert written([of(part) for part in parts]) == whole
    batches = [*pa.ipc.open_file(pa.BufferReader(whole)).read_all().to_batches()]
    for batch in batches:
        sizes = [len(text.encode()) for text in batch.column(0).to_pylist()]
        assert len(sizes) <= 4 and sum(sizes[:-1]) < 20
        assert sizes or not any(parts)


def test_only_the_columns_and_groups_asked_for_are_read(frame, tmp_path, monkeypatch):
    write_table(tmp_path / "t.arrow", [to_table(frame)])
    read = Counter[str]()
    pread = os.pread

    def counted(handle: int, size: int, place: int) -> bytes:
        data = pread(handle, size, place)
        read["bytes"] += len(data)
        return data

    monkeypatch.setattr(os, "pread", counted)
    opened = open_table(tmp_path / "t.arrow")
    read.clear()
    opened.values([5, 7, 5], "prompt")
    group = frame["prompt"][:1024].str.encode("utf-8").str.len().sum()
    assert group < read["bytes"] < group + 16_000, "one column of one group"
    read.clear()
    opened.values([1000, 6], "prompt")
    assert not read["bytes"], "it is kept"
    opened.values([6, 2000], "tools")
    assert 0 < read["bytes"] < 50_000


def test_what_is_kept_is_bounded(frame, tmp_path, monkeypatch):
    write_table(tmp_path / "t.arrow", [to_table(frame)])
    kept = stored_tables._Kept(300_000)
    monkeypatch.setattr(stored_tables, "_kept", kept)
    opened = open_table(tmp_path / "t.arrow")
    before = pa.total_allocated_bytes()
    for row in (5, 1500, 2500, 2501, 5):
        assert opened.values([row], "prompt") == [frame["prompt"][row]]
        assert 0 < kept.bytes <= 300_000
        assert kept.bytes == sum(array.nbytes for array in kept._arrays.values())
        assert pa.total_allocated_bytes() - before < kept.bytes + 50_000, "not all columns of the group"


def test_an_open_table_says_that_its_file_changed(frame, tmp_path):
    path = tmp_path / "t.arrow"
    write_table(path, [to_table(frame)])
    whole = path.read_bytes()
    for damage in (b"", whole[:4000], bytes(len(whole))):
        path.write_bytes(whole)
        opened = open_table(path)
        assert opened.values([3], "prompt") == [frame["prompt"][3]]
        path.write_bytes(damage)
        for read in (
            lambda opened=opened: opened.values([3], "prompt"),  # kept, but no longer what the file holds
            lambda opened=opened: opened.take([2900]),
            lambda opened=opened: [*opened.blocks(["prompt"])],
            lambda opened=opened: opened.frame(["line"]),
        ):
            with pytest.raises(InputError, match=r"t\.arrow: was cut off or overwritten while it was open"):
                read()
        assert opened.overwritten


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_a_damaged_file_is_one_line_with_its_remedy(frame, tmp_path, kind):
    path = tmp_path / f"t.{kind}"
    if kind == "arrow":
        write_table(path, [to_table(frame)])
    else:
        write_frame(path, frame)
    whole = path.read_bytes()
    for data in (b"", b"no table", whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"t\.{kind}: not a complete table \(.*\); build it again"):
            open_table(path, "build it again")


def test_places_outside_the_file_are_found_before_a_row_is_read(tmp_path):
    path = tmp_path / "t.arrow"
    write_table(path, [to_table(pd.DataFrame({"text": ["abcdefgh"] * 100, "line": 0}))])
    data = bytearray(path.read_bytes())
    offset = data.index((8).to_bytes(8, "little") + (16).to_bytes(8, "little"))
    data[offset + 8 : offset + 16] = (2**40).to_bytes(8, "little")
    path.write_bytes(data)
    opened = open_table(path)
    with pytest.raises(InputError, match="not a complete table"):
        opened.values([1], "text")


@given(
    words=st.sampled_from(["x 1", "ä", "10", "nothing", "t9", "[", "#12"]),
    expression=st.booleans(),
)
@settings(max_examples=30)
def test_a_search_by_groups_finds_what_a_search_of_all_does(frame, stored, words, expression):
    pool = frame.assign(response=frame["tools"].fillna("nothing here"))
    file = io.BytesIO()
    write_groups(file, [to_table(pool)])
    file.seek(0)
    run = SimpleNamespace(instructions=pool, texts=_in_memory(file), columns={})
    try:
        found = matching(run, Filter(text=words, regular_expression=expression)).tolist()
    except InputError:
        assert expression and words == "["
        return
    if words == "#12" and not expression:
        assert found == [12]
        return
    both = pool["prompt"].str.contains(words, case=False, regex=expression) | pool["response"].str.contains(
        words, case=False, regex=expression
    )
    assert found == np.flatnonzero(both).tolist()


def _in_memory(file: io.BytesIO) -> StoredTable:
    return StoredTable(Path("memory"), InMemory(pa.ipc.open_file(file).read_all()))
