"""Columns of the records: what is kept of any file, and what conditions and shares make of it."""

import csv
import json
import math
from fractions import Fraction
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g2is.analysis import walks
from g2is.analysis.comparison import column_kinds
from g2is.analysis.diagnosis import diagnose
from g2is.analysis.map_values import Categories, Quantity, map_values, scheme_title, schemes
from g2is.analysis.search import Filter, matching
from g2is.cli import main
from g2is.config import GraphConfig, ImportConfig, LayoutConfig, WalkParameters, walk_preset
from g2is.config.commands import walk_command
from g2is.errors import InputError
from g2is.export.writing import export
from g2is.figures.colouring import colouring
from g2is.instructions import Summary, each_instruction, read_instructions
from g2is.instructions.kept import FEW, FILE, LONGEST, MOST_COLUMNS, MOST_VALUES, PoolColumns
from g2is.pipeline.imported import import_run
from g2is.pipeline.inputs import Target
from g2is.run.columns import Columns
from g2is.run.run import Run
from g2is.run.selections import Selection, save_walk, select
from g2is.storage.tables import read_frame, write_frame
from g2is.walk.budget import Quotas
from tests.records import saved_trace

MANY = settings(max_examples=60, derandomize=True)
RTL = "\u202eevil\u202c \u0645"


def reading(folder, records, name="pool.jsonl"):
    (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    return read_instructions([folder / name])


def kept_of(folder, values, field="x", count=None):
    """What becomes of one field with these values; None where a record has none."""
    rows = [
        {"question": f"q{row}", "answer": str(row), **({} if value is None else {field: value})}
        for row, value in enumerate(values)
    ]
    columns = reading(folder, rows).columns
    return columns.frame(), columns.left_out


# ---- what is kept ----


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (["a", "b", "a", None], ["a", "b", "a", None]),
        ([True, False, True], ["true", "false", "true"]),
        ([1, 2.5, None, -3], [1, 2.5, math.nan, -3]),
        (["1", "2.5", "-3e2"], [1, 2.5, -300]),
        (["007", "008", "007"], ["007", "008", "007"]),
        ([1, "a", True, 2.5], ["1", "a", "true", "2.5"]),
        (["", None, "a", float("nan")], [None, None, "a", None]),
        ([2**60, 2**60, 5], [str(2**60), str(2**60), "5"]),
        ([{"y": 1}, {"y": 2}], None),
    ],
)
def test_values_and_their_kinds(tmp_path, values, kept):
    frame, left_out = kept_of(tmp_path, values)
    assert not left_out
    if kept is None:
        assert frame["x.y"].tolist() == [1, 2]
        return
    column = frame["x"]
    if column.dtype.kind == "f":
        np.testing.assert_array_equal(column, np.array(kept, float))
    else:
        assert [None if pd.isna(value) else value for value in column] == kept
        assert column.cat.categories.tolist() == sorted({value for value in kept if value is not None})


@pytest.mark.parametrize(
    ("field", "values", "problem"),
    [
        ("id", [1, 2, 3, 4], "an id"),
        ("question_id", ["a", "b", "c", "a"], "an id"),
        ("question_id", ["a", "b", "a", "b"], None),
        ("meta.uuid", list("abcdef"), "an id"),
        ("x", [f"v{row}" for row in range(FEW)], None),
        ("x", [f"v{row}" for row in range(FEW + 1)], "an id"),
        ("x", [f"v{row % (FEW + 1)}" for row in range(2 * FEW + 2)], None),
        ("x", [row / 7 for row in range(2000)], None),
        ("x", [f"v{row // 2}" for row in range(2 * MOST_VALUES)], None),
        ("x", [f"v{row // 2}" for row in range(2 * MOST_VALUES + 2)], f"more than {MOST_VALUES:,} values"),
        ("x", [f"v{row}" for row in range(10_000)], f"more than {MOST_VALUES:,} values"),
        ("x", [*range(5000), "a"], f"more than {MOST_VALUES:,} values"),
        ("x", ["a" * LONGEST, "b"], None),
        ("x", ["a", "b" * (LONGEST + 1)], f"text of more than {LONGEST} characters"),
        (FILE, ["a", "b"], "the name of a column of our own"),
        ("y" * 65, ["a", "b"], "a name of none or more than 64 characters"),
    ],
)
def test_ids_and_free_text_are_no_columns(tmp_path, field, values, problem):
    frame, left_out = kept_of(tmp_path, values, field)
    assert left_out == ({} if problem is None else {field: problem})
    assert frame.columns.tolist() == ([field] if problem is None else [])


def test_of_records_that_come_to_a_pool_a_field_is_what_it_is_there(tmp_path):
    """A few records alone do not tell an id from a kind."""
    path = tmp_path / "more.jsonl"
    record = {"prompt": "a", "response": "b"}
    path.write_text(
        "".join(
            json.dumps({**record, "kind": f"kind {n}", "key": "one", "level": n, "new": "x"}) + "\n"
            for n in range(FEW + 1)
        )
    )
    alone, coming = Summary(), Summary()
    pool = PoolColumns(frozenset({"kind", "level"}), {"key": "an id"})
    for summary, columns in ((alone, None), (coming, pool)):
        assert len(list(each_instruction([path], summary, pool_columns=columns))) == FEW + 1
    assert list(alone.columns.described) == ["key", "level", "new"] and "kind" in alone.columns.left_out
    assert list(coming.columns.described) == ["kind", "level", "new"]
    assert coming.columns.left_out == {"key": "an id"}


def test_what_went_into_a_conversation_is_no_column(tmp_path):
    records = [
        {
            "instruction": "Add.",
            "input": "1 and 1" if row else "",
            "output": "2",
            "system": "s",
            "topic": "sum",
        }
        for row in range(4)
    ]
    columns = reading(tmp_path, records).columns
    assert columns.frame().columns.tolist() == ["topic"] and not columns.left_out
    turns = [
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "task": "t"}
    ]
    assert reading(tmp_path, turns).columns.frame()["task"].tolist() == ["t"]


def test_objects_are_looked_into_two_deep_and_lists_never(tmp_path):
    record = {
        "question": "q",
        "answer": "a",
        "meta": {"x": 1, "more": {"y": "b", "deeper": {"z": 1}}},
        "tags": ["t"],
    }
    assert reading(tmp_path, [record]).columns.frame().to_dict("list") == {
        "meta.x": [1.0],
        "meta.more.y": ["b"],
    }


def test_records_of_several_files_are_one_table(tmp_path):
    for name, more in (("a.jsonl", {"source": "flan"}), ("b.jsonl", {"level": 2})):
        (tmp_path / name).write_text(json.dumps({"question": "q", "answer": name, **more}) + "\n")
    columns = read_instructions([tmp_path / "a.jsonl", tmp_path / "b.jsonl"]).columns
    assert columns.described == {
        "source": "1 value, in 1 of 2",
        "level": "numbers from 2 to 2, in 1 of 2",
    }
    assert columns.report() == [
        "columns kept: source (1 value, in 1 of 2), level (numbers from 2 to 2, in 1 of 2)"
    ]


HOSTILE = {
    "<b>x</b>": "<script>alert(1)</script>",
    RTL: RTL,
    "a=b": "c=d",
    "a!": "=",
    "**m**": "a:0.5",
    "\ud800": "half \udc00",
    "nul\x00": "bell \x07",
    "line\nbreak": "two\nlines",
    "🙂": "👩‍🚀",
    ",": ";",
    "x.y": "dotted",
}


def test_any_name_and_value_survives_the_file_and_can_be_asked_for(tmp_path):
    records = [{"question": f"q{row}", "answer": "a", **({} if row % 2 else HOSTILE)} for row in range(6)]
    columns = reading(tmp_path, records).columns
    assert not columns.left_out
    write_frame(tmp_path / "columns.arrow", columns.frame())
    frame = read_frame(tmp_path / "columns.arrow")
    pool = pd.DataFrame({"source": ["pool.jsonl"] * 6, "task": [None] * 6})
    opened = Columns.of(pool, frame)
    assert len(opened) == len(HOSTILE) + 1
    for name, value in HOSTILE.items():
        name, value = (text.encode("utf-8", "backslashreplace").decode() for text in (name, value))
        assert opened[name].texts(np.arange(6)) == [value, None] * 3
        if name != "a!":
            assert opened.matching([f"{name}={value}"]).tolist() == [True, False] * 3
            assert opened.matching([f"{name}!={value}"]).tolist() == [False, True] * 3
        assert opened.matching([f"{name}="]).tolist() == [False, True] * 3
        quotas = opened.quotas([f"{name}={value}:0.25"])
        assert quotas.groups.tolist() == [0, 1] * 3 and quotas.shares == (Fraction(1, 4), Fraction(3, 4))
    assert str(main_error(opened, "no such=1")).isprintable()


def main_error(columns, condition):
    with pytest.raises(InputError) as error:
        columns.matching([condition])
    return error.value


def test_thousands_of_fields_cost_a_bounded_number_of_columns(tmp_path):
    record = {"question": "q", "answer": "a", **{f"f{at}": "v" for at in range(10_000)}}
    columns = reading(tmp_path, [record, {**record, "question": "p"}]).columns
    assert len(columns.frame().columns) == MOST_COLUMNS
    assert columns.frame().columns.tolist() == [f"f{at}" for at in range(MOST_COLUMNS)]
    assert max(map(len, columns.report())) < 5000


# ---- conditions, beside plain Python ----

VALUES = {"source": ["flan", "cot", None, "a..b"], "level": [1, 2.5, None, 4, -1]}


def table(rows, seed):
    random = np.random.default_rng(seed)
    records = [
        {name: values[random.integers(len(values))] for name, values in VALUES.items()} for _ in range(rows)
    ]
    records += [
        {"source": "flan", "level": 1},
        {"source": "cot", "level": 4},
        {"source": "a..b", "level": -1},
    ]
    frame = pd.DataFrame(
        {
            "source": pd.Categorical([record["source"] for record in records]),
            "level": np.array([record["level"] for record in records], float),
        }
    )
    pool = pd.DataFrame({"source": ["one.jsonl", "two.jsonl"] * len(records)})[: len(records)]
    return records, Columns.of(pool.assign(task=None), frame)


CONDITIONS = {
    "source=flan": lambda r: r["source"] == "flan",
    "source=a..b": lambda r: r["source"] == "a..b",
    "source=": lambda r: r["source"] is None,
    "level=4": lambda r: r["level"] == 4,
    "level=4.0": lambda r: r["level"] == 4,
    "level=1..3": lambda r: r["level"] is not None and 1 <= r["level"] <= 3,
    "level=..1": lambda r: r["level"] is not None and r["level"] <= 1,
    "level=2.5..": lambda r: r["level"] is not None and r["level"] >= 2.5,
    "level=-1..-0.5": lambda r: r["level"] == -1,
    "level=": lambda r: r["level"] is None,
}


@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.sampled_from(sorted(CONDITIONS)), st.booleans()), max_size=5),
)
@MANY
def test_conditions_mean_any_value_of_each_column_and_none_excluded(seed, asked):
    records, columns = table(20, seed)
    texts = [text.replace("=", "!=", 1) if excluded else text for text, excluded in asked]
    expected = []
    for record in records:
        fits = not any(CONDITIONS[text](record) for text, excluded in asked if excluded)
        for name in VALUES:
            own = [text for text, excluded in asked if not excluded and text.startswith(name)]
            fits &= not own or any(CONDITIONS[text](record) for text in own)
        expected.append(fits)
    try:
        assert columns.matching(texts).tolist() == expected
    except InputError as error:  # a value that no row drew
        assert "no instruction has level=" in str(error)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("sourc=flan", "where = 'sourc=flan': no column 'sourc'; there are source (file), source, level"),
        ("source=Flan", "no instruction has source=Flan; there are a..b, cot, flan"),
        ("level=9", "no instruction has level=9; there are -1 to 4"),
        ("level=high", "level=high: expected a number, or a range such as 3..5, 3.. or ..5"),
        ("level=..", "level=..: expected a number, or a range"),
        ("level=nan", "level=nan: expected a number"),
        ("source (file)=x", r"no instruction has source (file)=x; there are one.jsonl, two.jsonl"),
    ],
)
def test_what_no_row_can_fit_is_said_in_one_line(condition, message):
    _, columns = table(5, 0)
    assert str(main_error(columns, condition)).startswith(message)


def test_the_records_source_comes_before_the_file(tmp_path):
    _, columns = table(5, 0)
    assert columns.matching(["source=flan"]).tolist() != columns.matching([f"{FILE}=one.jsonl"]).tolist()
    pool = pd.DataFrame({"source": ["one.jsonl", "two.jsonl"], "task": [None, None]})
    assert Columns.of(pool, None).matching(["source=two.jsonl"]).tolist() == [False, True]


@pytest.mark.parametrize("text", ["source", "=flan", "!=flan", "", "x" * 2000 + "=1"])
def test_a_condition_of_no_form_is_refused(text):
    with pytest.raises(InputError, match="expected COLUMN=VALUE"):
        WalkParameters(count=1, where=(text,))


@pytest.mark.parametrize(
    "text",
    [
        "source=flan",
        "source=flan:",
        "source=flan:x",
        "source=flan:1.5",
        "source=flan:-1",
        ":0.1",
        "a=b:1/2",
        "a=b:nan",
    ],
)
def test_a_share_of_no_form_is_refused(text):
    with pytest.raises(InputError, match="expected COLUMN=VALUE:SHARE"):
        WalkParameters(count=1, share=(text,))


def test_shares_of_more_than_all_are_refused():
    with pytest.raises(InputError, match=r"add up to 1\.1, expected at most 1"):
        WalkParameters(count=1, share=("a=b:0.7", "a=c:0.4"))
    assert WalkParameters(count=1, share=("a=b:0.7", "a=c:0.2", "a=d:0.1")).share


def test_shares_are_of_one_column_and_apart():
    _, columns = table(9, 0)
    with pytest.raises(InputError, match="share: of the columns source and level, expected one"):
        columns.quotas(["source=flan:0.1", "level=1:0.1"])
    with pytest.raises(InputError, match=r"share: level=1 and level=\.\.2 overlap, expected apart"):
        columns.quotas(["level=1:0.1", "level=..2:0.1"])
    with pytest.raises(InputError, match="share = 'x=1': no column 'x'"):
        columns.quotas(["x=1:0.1"])
    with pytest.raises(InputError, match=r"share = 'source!=flan:0\.1': expected one value"):
        columns.quotas(["source!=flan:0.1"])
    assert columns.quotas([]) is None


@given(st.integers(0, 500), st.lists(st.integers(0, 1000), min_size=1, max_size=6))
@MANY
def test_quotas_are_the_largest_remainders(total, weights):
    whole = sum(weights) or 1
    shares = [Fraction(weight, whole) for weight in weights]
    shares.append(1 - sum(shares))
    quotas = Quotas(np.zeros(0, int), shares, [""] * len(shares)).of(total)
    assert quotas.sum() == total
    up = [quota - math.floor(total * share) for quota, share in zip(quotas, shares, strict=True)]
    assert set(up) <= {0, 1}
    rest = [(total * share) % 1 for share in shares]
    for raised in np.flatnonzero(up):
        for other in np.flatnonzero(np.array(up) == 0):
            assert (rest[raised], -raised) > (rest[other], -other)


# ---- a run ----

COUNT, DIM = 40, 6
SOURCES = ("flan", "cot", "<b>x</b>")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of forty records with columns; the third source is rare."""
    folder = tmp_path_factory.mktemp("columns")
    with (folder / "pool.jsonl").open("w") as file:
        for row in range(COUNT):
            fields = {
                "id": f"r{row}",
                "source": SOURCES[2] if row % 10 == 9 else SOURCES[row % 2],
                "difficulty": row % 5,
                "line": "odd" if row % 2 else "even",
                "meta": {"split": "gold" if row < 8 else None},
            }
            file.write(
                json.dumps({"question": f"What is {row}?", "answer": f"It is {row}.", **fields}) + "\n"
            )
    random = np.random.default_rng(0)
    np.save(folder / "train.npy", random.normal(size=(COUNT, DIM)) + 0.5)
    np.save(folder / "validation.npy", random.normal(size=(4, DIM)) + 0.5)
    lines = []
    import_run(
        folder / "cache" / "run",
        ImportConfig(regime="sgd", graph=GraphConfig(neighbors=6), layout=LayoutConfig(umap=False)),
        [folder / "pool.jsonl"],
        [folder / "train.npy"],
        [Target("axes", folder / "validation.npy")],
        say=lines.append,
    )
    (folder / "said").write_text("\n".join(lines))
    return folder


@pytest.fixture
def run(folder):
    return Run.open(folder / "cache" / "run")


def sources(samples):
    return [SOURCES[2] if row % 10 == 9 else SOURCES[row % 2] for row in samples]


def test_a_build_keeps_columns_and_says_so(folder, run):
    kept = "source (3 values), difficulty (numbers from 0 to 4), line (2 values), meta.split (1 value, in 8 of 40)"
    assert f"columns kept: {kept}\nno columns: id (an id)" in (folder / "said").read_text()
    found = run.manifest.stages["instructions"]
    assert "columns.arrow" in found.files and found.found["columns_left_out"] == {"id": "an id"}
    assert run.check() == [] and [*run.columns] == [FILE, "source", "difficulty", "line", "meta.split"]


def test_inspect_says_what_would_be_kept(folder, capsys):
    assert main(["inspect", str(folder / "pool.jsonl"), "--records", "0"]) == 0
    out = capsys.readouterr().out
    assert "columns kept: source (3 values)" in out and "no columns: id (an id)" in out


def test_a_walk_takes_what_fits_alone(run):
    trace = walks.walk(
        run, walk_preset("recommended", count=6, delta=0, where=("source=flan", "difficulty=2..4"))
    )
    assert len(trace.samples) and set(sources(trace.samples)) == {"flan"}
    assert all(row % 5 >= 2 for row in trace.samples)
    assert "it does not fit source=flan, difficulty=2..4" in walks.explain(run, trace, 1).text
    with pytest.raises(InputError, match=r"where: no instruction fits source=flan line=odd; widen it"):
        walks.walk(run, walk_preset("recommended", count=6, where=("source=flan", "line=odd")))


@pytest.mark.parametrize("order", ["in_turn", "sequential"])
def test_shares_of_the_budget_are_kept_and_what_is_unspent_is_said(run, order):
    loose = {"no_conflict": False, "consistency": False, "order": order}
    parameters = walk_preset(
        "recommended", count=10, share=("source=cot:0.3", "source=<b>x</b>:0.7"), **loose
    )
    trace = walks.walk(run, parameters)
    assert sorted(sources(trace.samples)) == ["<b>x</b>"] * 4 + ["cot"] * 3
    found = diagnose(run, trace)
    assert found.shares.to_dict("list") == {
        "group": ["source=cot", "source=<b>x</b>", "all others"],
        "share": [0.3, 0.7, 0.0],
        "budget": [3, 7, 0],
        "taken": [3, 4, 0],
    }
    unspent = (
        "Shares of the budget that were not used up, and are passed on to no other: source=<b>x</b> (4 of 7)."
    )
    assert unspent in found.remarks and unspent in str(found)
    taken = set(trace.samples.tolist())
    for row in range(COUNT):
        if row not in taken:
            share = {
                "cot": "the share of source=cot, 3 samples, was used up",
                "flan": "all others, 0 samples, has no",
            }
            assert share[sources([row])[0]] in walks.explain(run, trace, row).text


def test_without_rules_a_walk_for_one_direction_is_the_best_by_affinity_within_quotas(run):
    parameters = walk_preset(
        "recommended", facets=1, count=12, no_conflict=False, consistency=False, share=("source=flan:0.25",)
    )
    affinity = walks.affinities(run, parameters)[:, 0]
    left, expected = {True: 3, False: 9}, []
    for row in np.argsort(-affinity, kind="stable").tolist():
        flan = sources([row])[0] == "flan"
        if left[flan]:
            left[flan] -= 1
            expected.append(row)
    assert walks.walk(run, parameters).samples.tolist() == expected


def test_pins_use_up_their_share(run):
    pins = [row for row in range(COUNT) if sources([row])[0] == "flan"][:3]
    loose = {"no_conflict": False, "consistency": False, "pins": pins, "count": 10}
    trace = walks.walk(run, walk_preset("recommended", share=("source=flan:0.4",), **loose))
    assert sources(trace.samples).count("flan") == 4 and len(trace.samples) == 10
    with pytest.raises(InputError, match="pins: 3 samples of source=flan, which has 2 of the budget"):
        walks.walk(run, walk_preset("recommended", share=("source=flan:0.2",), **loose))


def test_other_methods_honour_conditions(run):
    for method in ("random", "round_robin", "less", "tagcos", "length"):
        regime = {"regime": "sgd"} if method in ("less", "tagcos") else {}
        chosen = select(run, method, count=5, where=("source!=flan", "line=odd"), **regime).samples
        assert len(chosen) == 5 and all(row % 2 for row in chosen) and "flan" not in sources(chosen)
    everything = select(run, "full", where=("source=<b>x</b>",))
    assert everything.samples == [9, 19, 29, 39]
    assert everything.parameters == {"where": ["source=<b>x</b>"], "dedupe": False}
    with pytest.raises(InputError, match="where: 4 valid samples fit, fewer than the budget of 9"):
        select(run, "random", count=9, where=("source=<b>x</b>",))


def test_the_command_line_writes_and_repeats_a_walk(folder, run, capsys):
    output = folder / "mine.json"
    words = ["walk", "run", "--cache", str(folder / "cache"), "--output", str(output), "--count", "10"]
    words += [
        "--where",
        "difficulty=0..3",
        "--where",
        "line!=odd",
        "source!=cot",
        "--share",
        "source=flan:0.5",
    ]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "source=flan" in printed and "all others" in printed
    selection = Selection.read(output, run)
    assert [*selection.parameters["where"]] == ["difficulty=0..3", "line!=odd", "source!=cot"]
    assert saved_trace(output).parameters.share == ("source=flan:0.5",)
    command = walk_command("run", selection.parameters, output="again.json", cache=folder / "cache")
    assert "--where difficulty=0..3 'line!=odd' 'source!=cot' --share source=flan:0.5" in command
    words = ["select", "run", "--cache", str(folder / "cache"), "--method", "random", "--count", "3"]
    assert main([*words, "--where", "source=cot", "--output", str(folder / "random.json")]) == 0
    assert sources(Selection.read(folder / "random.json", run).samples) == ["cot"] * 3
    assert (
        main(["walk", "run", "--cache", str(folder / "cache"), "--count", "3", "--where", "sorce=cot"]) == 2
    )
    assert "no column 'sorce'" in capsys.readouterr().err


def test_a_selection_of_an_earlier_version_is_read(run, tmp_path):
    save_walk(tmp_path / "old.json", run, walks.walk(run, walk_preset("recommended", count=4)))
    content = json.loads((tmp_path / "old.json").read_text())
    for name in ("where", "share"):
        del content["parameters"][name]
    (tmp_path / "old.json").write_text(json.dumps(content))
    old = Selection.read(tmp_path / "old.json", run)
    assert WalkParameters(**old.parameters) == walk_preset("recommended", count=4)


def test_a_search_filters_by_columns_and_looks_into_one(run):
    def find(**asked):
        return matching(run, Filter(**asked)).tolist()

    assert find(where=("source=<b>x</b>",)) == [9, 19, 29, 39]
    assert find(text="<B>", column="source") == [9, 19, 29, 39]
    assert find(text="<b>") == [] and find(text="gold", column="meta.split") == list(range(8))
    assert find(text=r"^4$", regular_expression=True, column="difficulty") == list(range(4, COUNT, 5))


def test_the_column_that_tasks_were_read_from_is_offered_once():
    pool = pd.DataFrame({"source": ["a", "a", "b"], "task": ["sum", None, "sort"]})
    tasks = pd.DataFrame({"task": pd.Categorical(["sum", None, "sort"])})
    others = pd.DataFrame({"task": pd.Categorical(["1", "2", "3"])})
    assert Columns.of(pool, tasks).has_tasks and Columns.of(pool, None).has_tasks
    assert not Columns.of(pool, others).has_tasks
    assert not Columns.of(pool.assign(task=None), None).has_tasks


def test_the_map_colours_by_columns(run):
    names = [name for name in schemes(run) if name.startswith("column:")]
    assert names == ["column:source", "column:difficulty", "column:line", "column:meta.split"]
    assert scheme_title("column:source") == "source (column)" and scheme_title("column:line") == "line"
    parameters = walk_preset("recommended", count=4)
    values = map_values(run, "column:source", "sgd", parameters, None)
    assert isinstance(values, Categories)
    legend = {entry.name: entry.count for entry in colouring(values).categories}
    assert legend == {"flan": 20, "cot": 16, "<b>x</b>": 4}
    numbers = map_values(run, "column:difficulty", "sgd", parameters, None)
    assert isinstance(numbers, Quantity) and colouring(numbers).scale.whole
    assert colouring(map_values(run, "column:meta.split", "sgd", parameters, None)).none == "none"


def test_the_mix_is_by_value_or_by_quarters(run):
    assert column_kinds(run.columns["source"]).tolist() == sources(range(COUNT))
    assert column_kinds(run.columns["difficulty"])[:5].tolist() == ["0", "1", "2", "3", "4"]
    many = Columns.of(
        pd.DataFrame({"source": ["a"] * 101, "task": None}),
        pd.DataFrame({"x": [*map(float, range(100)), np.nan]}),
    )
    assert column_kinds(many["x"]).value_counts().to_dict() == {
        "0 to 24.75": 25, "24.75 to 49.5": 25, "49.5 to 74.25": 25, "74.25 to 99": 25, "(none)": 1
    }  # fmt: skip


def test_exports_carry_columns_where_they_can(run, tmp_path):
    selection = select(run, "full")
    told = export(run, selection, "csv", tmp_path / "csv")
    rows = list(csv.DictReader(StringIO((tmp_path / "csv" / "train.csv").read_text())))
    assert [row["source (column)"] for row in rows] == sources(range(COUNT))
    assert [row["source"] for row in rows] == ["pool.jsonl"] * COUNT
    assert [row["line (column)"] for row in rows[:2]] == ["even", "odd"] and rows[6]["difficulty"] == "1"
    assert any("left out (id, meta)" in note for note in told.notes)
    export(run, selection, "parquet", tmp_path / "parquet")
    frame = pd.read_parquet(tmp_path / "parquet" / "train.parquet")
    assert frame["source (column)"].tolist() == sources(range(COUNT)) and frame["difficulty"].dtype == float
    assert frame["meta.split"].notna().sum() == 8
    for format in ("messages", "alpaca", "trl"):
        told = export(run, selection, format, tmp_path / format)
        assert any("left out (id, source, difficulty, line, meta)" in note for note in told.notes)


def test_records_of_any_shape_are_told_what_an_export_loses(tmp_path):
    from g2is.export.formats import FORMATS

    records = reading(tmp_path, [{"prompt": "p", "response": "r", "topic": "t"}]).instructions
    for format in FORMATS.values():
        lost = [note for note in format.notes(records) if "left out" in note]
        assert bool(lost) == (format.name != "jsonl") and all("(topic)" in note for note in lost)
