"""Tables on disk: what is written is read back, from the file itself and not from a copy."""

import shutil

import pandas as pd
import pyarrow as pa
import pytest

from g2is.errors import InputError
from g2is.run.paths import INSTRUCTIONS
from g2is.run.run import Manifest, Run
from g2is.storage.tables import read_frame, write_frame
from tests.app.tiny_run import make_run
from tests.pools import records_of


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "text": ["one", "zwei \x00 \u202e", "", "\U0001f469\u200d\U0001f680"],
            "none": pd.Series([None] * 4, dtype="object"),
            "some": [None, "a", None, "b"],
            "raw": [b"\xff\x00", b"", b"{}", b"\n"],
            "number": [1, -1, 2**40, 0],
        }
    )


@pytest.mark.parametrize("name", ["table.arrow", "table.parquet"])
def test_what_is_written_is_read_back(tmp_path, frame, name):
    write_frame(tmp_path / name, frame)
    back = read_frame(tmp_path / name)
    assert back["text"].tolist() == frame["text"].tolist()
    assert back["raw"].tolist() == frame["raw"].tolist()
    assert isinstance(back["raw"].iloc[0], bytes)
    assert back["number"].tolist() == frame["number"].tolist()
    assert back["none"].isna().all() and back["some"].isna().tolist() == [True, False, True, False]


def test_the_same_table_has_the_same_bytes(tmp_path, frame):
    write_frame(tmp_path / "a.arrow", frame)
    write_frame(tmp_path / "b.arrow", frame.copy())
    assert (tmp_path / "a.arrow").read_bytes() == (tmp_path / "b.arrow").read_bytes()


def test_text_is_not_copied_into_memory(tmp_path):
    write_frame(tmp_path / "long.arrow", pd.DataFrame({"text": ["x" * 1000] * 5000}))
    before = pa.total_allocated_bytes()
    back = read_frame(tmp_path / "long.arrow")
    assert back["text"].iloc[4999] == "x" * 1000
    assert pa.total_allocated_bytes() - before < 100_000


def test_places_outside_the_file_are_found_before_a_row_is_read(tmp_path):
    path = tmp_path / "table.arrow"
    write_frame(path, pd.DataFrame({"text": ["abcdefgh"] * 100}))
    data = bytearray(path.read_bytes())
    offset = data.index((8).to_bytes(8, "little") + (16).to_bytes(8, "little"))
    data[offset + 8 : offset + 16] = (2**40).to_bytes(8, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match="not a complete table"):
        read_frame(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="not a complete table"):
        read_frame(path)


def test_a_run_that_holds_parquet_opens(tmp_path):
    run = make_run(tmp_path / "tiny", 40)
    pool = read_frame(run.folder / INSTRUCTIONS)
    old = shutil.copytree(run.folder, tmp_path / "old")
    (old / INSTRUCTIONS).unlink()
    write_frame(old / "instructions.parquet", pool)
    manifest = Manifest.read(old)
    files = manifest.stages["instructions"].files
    del files[INSTRUCTIONS]
    from g2is.run.parts import record

    files["instructions.parquet"] = record(old / "instructions.parquet")
    (old / "manifest.json").write_text(manifest.model_dump_json())
    assert records_of(Run.open(old)).equals(records_of(run))
