"""The texts of a pool: read from files, built with, searched and selected from without ever being all in memory."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g2is.analysis import walks
from g2is.analysis.search import Filter, matching
from g2is.config import ReadingConfig, walk_preset
from g2is.errors import InputError
from g2is.export import export
from g2is.instructions import find_sources, read_instructions, to_frame
from g2is.pipeline import growing, read_pool
from g2is.pipeline.adding import add_examples
from g2is.pipeline.extend import extend
from g2is.pipeline.inputs import Target
from g2is.pipeline.read_pool import ReadPool
from g2is.run import texts
from g2is.run.run import Run
from g2is.run.selections import select
from g2is.storage import groups, tables
from g2is.storage.stored_tables import StoredTable, open_table
from tests.pools import records_of, stored
from tests.test_pipeline import configuration, files, make  # noqa: F401
from tests.tiny import write_pool

WORDS = st.sampled_from(["a", "b", "ä\u2028", "long " * 40])
RECORDS = st.lists(
    st.one_of(
        st.builds(lambda q, a: {"question": q, "answer": a}, WORDS, WORDS),
        st.builds(lambda q, a: {"question": q, "answer": a, "task": "t"}, WORDS, WORDS),
        st.just({"neither": 1}),
    ),
    min_size=1,
    max_size=30,
)


@given(RECORDS, st.booleans())
@settings(max_examples=40)
def test_what_is_read_record_by_record_is_what_is_read_at_once(tmp_path_factory, given_records, dedupe):
    folder = tmp_path_factory.mktemp("read")
    path = folder / "pool.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in given_records))
    try:
        whole = read_instructions([path], skip_bad=True, dedupe=dedupe)
    except InputError as error:
        with pytest.raises(InputError) as other:
            ReadPool(find_sources([path]), ReadingConfig(skip_bad=True), folder, dedupe=dedupe)
        assert str(other.value) == str(error)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_pool, "AT_ONCE", 4)
        pool = ReadPool(find_sources([path]), ReadingConfig(skip_bad=True), folder, dedupe=dedupe)
    pool.write(folder / "pool.arrow")
    written = open_table(folder / "pool.arrow")
    assert list(pool) == whole.instructions and len(pool) == len(written)
    frame = to_frame(whole.instructions)
    for column in frame:
        kept, expected = (
            [None if value != value else value for value in values]
            for values in (written.values(range(len(frame)), column), frame[column].tolist())
        )
        assert kept == expected, column
    duplicate_of = np.full(len(frame), -1)
    for first, *copies in whole.duplicates:
        duplicate_of[copies] = first
    assert written.values(range(len(frame)), "duplicate_of") == duplicate_of.tolist()
    assert pool.duplicates == (duplicate_of >= 0).sum()
    assert pool.summary.rejected == whole.rejected and pool.summary.report() == whole.report()
    assert pool.summary.repeats == whole.repeats
    assert pool.summary.columns.described == whole.columns.described
    pool.close()
    assert sorted(path.name for path in folder.iterdir()) == ["pool.arrow", "pool.jsonl"]


def test_a_pool_that_grows_keeps_its_rows_and_finds_copies_in_all_of_it():
    earlier = pd.DataFrame({"messages": list("abcab"), "tools": pd.Series([None] * 5, dtype="str")})
    later = pd.DataFrame(
        {
            "messages": list("xbyxc"),
            "tools": pd.Series([None, None, None, None, "t"], dtype="str"),
            "template_kwargs": pd.Series([None] * 5, dtype="str"),
        }
    )
    earlier["duplicate_of"], later["duplicate_of"] = [-1, -1, -1, 0, 1], [-1, -1, -1, 0, -1]
    both = stored(earlier), stored(later)
    copies = growing.copies_among(*both)
    assert copies.tolist() == [-1, 1, -1, 5, -1]
    together = pd.concat([tables.frame_of(part) for part in growing.below(*both, copies)], ignore_index=True)
    assert together["messages"].tolist() == list("abcabxbyxc") and list(together) == list(later)
    assert together["duplicate_of"].tolist() == [-1, -1, -1, 0, 1, -1, 1, -1, 5, -1]
    assert together["template_kwargs"].isna().all()


@pytest.fixture
def most(monkeypatch) -> Counter:
    """The greatest number of rows that anything has read at once, of a column of texts."""
    greatest = Counter[str]()
    for module, name in ((groups, "GROUP_ROWS"), (texts, "AT_ONCE"), (read_pool, "AT_ONCE")):
        monkeypatch.setattr(module, name, 4)

    def watched(name: str) -> None:
        read = getattr(StoredTable, name)

        def spy(self: StoredTable, *arguments, **options):
            result = read(self, *arguments, **options)
            column = arguments[-1] if name == "values" else None
            columns = [column] if column else getattr(result, "columns", [])
            names = result.schema.names if name == "_read" else columns
            if set(names) & set(texts.TEXTS):
                greatest[name] = max(greatest[name], len(result))
            return result

        monkeypatch.setattr(StoredTable, name, spy)

    for name in ("take", "values", "frame", "_read"):
        watched(name)
    whole = tables.read_frame

    def no_pool(path: Path, *rows):
        assert not path.name.startswith("instructions."), "the pool is read as a whole"
        return whole(path, *rows)

    for module in ("g2is.run.files", "g2is.pipeline.writer", "g2is.pipeline.neighbor_worker"):
        monkeypatch.setattr(f"{module}.read_frame", no_pool)
    return greatest


def test_no_process_has_the_texts_of_the_whole_pool(most, files, tmp_path):  # noqa: F811
    said = lambda line: None  # noqa: E731
    small = configuration(
        files, warmup={"fraction": 0.15}, gradients={"shard_size": 8}, reading={"columns": ()}
    )
    run = make(tmp_path / "run", files, small)
    assert 0 < max(most.values()) <= 8, most
    more = write_pool(tmp_path / "more.jsonl", 7, seed=5)
    run = extend(run.folder, [more], say=said)
    add_examples(run.folder, [Target("more", write_pool(tmp_path / "examples.jsonl", 5, seed=7))], say=said)
    run = Run.open(run.folder)
    trace = walks.walk(run, walk_preset("recommended", count=5))
    assert matching(run, Filter(text="a")).size and len(run.instructions) == 47
    for method in ("length", "less"):
        chosen = select(run, method, count=6)
        export(run, chosen, "jsonl", tmp_path / method)
    assert [*run.records(trace.samples)["prompt"]] == run.prompts(trace.samples)
    assert 0 < max(most.values()) <= 8, most
    assert most["frame"] == 0
    most.clear()
    records_of(run)
    assert most["take"] == 47, "the watch sees what it should"
