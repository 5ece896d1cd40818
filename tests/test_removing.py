"""Instructions that are removed from a pool: all is as without them, and they come back as they were."""

import shutil

import igraph
import numpy as np
import pandas as pd
import pytest

from g2is.__main__ import main
from g2is.analysis import walks
from g2is.analysis.mixed import mixed_graph
from g2is.analysis.scores import score
from g2is.analysis.search import Filter, matching
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.export.writing import export
from g2is.graph.ego import ego_graph
from g2is.pipeline import removing
from g2is.pipeline.adding import target_from
from g2is.pipeline.removing import remove_instructions, restore_instructions
from g2is.run.gone import lists_without, marked
from g2is.run.manifest import Manifest
from g2is.run.run import Run
from g2is.run.selections import Selection, changes, read_walk, save_walk, select
from g2is.selectors import METHODS
from g2is.storage.files import write_bytes
from tests.app.tiny_run import DUPLICATE, INVALID, make_run
from tests.test_upgrade import Killed, bytes_of

COUNT = 80
ROWS = [3, 4, 5, DUPLICATE - 1, 20, 21, 22, 23, 24, 25, 26, 60, 61, 62, 63]
KEPT = pd.DataFrame(
    {
        "left": pd.Categorical(np.where(np.isin(np.arange(COUNT), ROWS), "no", "yes")),
        "number": np.arange(COUNT, dtype=float),
    }
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("whole") / "tiny", COUNT, columns=KEPT)


@pytest.fixture
def run(plain, tmp_path) -> Run:
    return Run.open(shutil.copytree(plain.folder, tmp_path / "tiny"))


@pytest.fixture(scope="module")
def less(plain, tmp_path_factory) -> Run:
    folder = shutil.copytree(plain.folder, tmp_path_factory.mktemp("less") / "tiny")
    return remove_instructions(folder, ROWS, note="by hand")


@pytest.mark.parametrize("seed", range(8))
def test_lists_keep_their_order_and_their_cosines(seed):
    random = np.random.default_rng(seed)
    count, kept = 30, 7
    lists = np.array([random.choice(count, kept, replace=False) for _ in range(count)], np.int32)
    cosines = random.random((count, kept)).astype(np.float32)
    lists[5:8], cosines[5:8] = -1, 0
    gone = random.random(count) < 0.4
    new, values = lists_without(lists, cosines, gone)
    for row in range(count):
        left = (
            []
            if gone[row]
            else [at for at in range(kept) if lists[row, at] >= 0 and not gone[lists[row, at]]]
        )
        filled = kept - len(left)
        assert new[row].tolist() == [*lists[row, left].tolist(), *[-1] * filled]
        assert values[row].tolist() == [*cosines[row, left].tolist(), *[0.0] * filled]


def test_the_first_copy_that_is_left_takes_the_place_of_the_original():
    pool = pd.DataFrame(
        {"valid": True, "problem": None, "duplicate_of": [-1, 0, 0, -1, 3, -1, 0]}, index=range(7)
    )
    gone = np.isin(np.arange(7), [0, 4])
    assert marked(pool, gone)["duplicate_of"].tolist() == [-1, -1, 1, -1, -1, -1, 1]
    assert marked(pool, np.zeros(7, bool))["duplicate_of"].tolist() == pool["duplicate_of"].tolist()


def test_nothing_is_rewritten_and_rows_stay(run):
    run.sets.write("some", [1, 2, 3, 4])
    before = bytes_of(run.folder)
    less = remove_instructions(run.folder, ROWS, note="by hand")
    after = bytes_of(run.folder)
    manifests = {name for name in before if "manifest" in name}
    assert {name: data for name, data in after.items() if name in before.keys() - manifests} == {
        name: data for name, data in before.items() if name not in manifests
    }
    assert after.keys() - before.keys() == {"gone/1/rows.npy"}
    assert less.hash == run.hash and less.state != run.state and less.check() == []
    assert less.size == COUNT - len(ROWS) and np.flatnonzero(less.gone).tolist() == sorted(ROWS)
    assert len(less.instructions) == COUNT and less.present.index.tolist() == [
        row for row in range(COUNT) if row not in ROWS
    ]
    (removal,) = less.removals
    assert (removal.number, removal.note, removal.count) == ("1", "by hand", len(ROWS))
    back, count = restore_instructions(run.folder, numbers=["1"])
    assert count == len(ROWS) and back.state == run.state and not back.gone.any()
    now = bytes_of(run.folder)
    assert {name: data for name, data in now.items() if name not in manifests} == {
        name: data for name, data in before.items() if name not in manifests
    }


def test_no_method_and_no_walk_takes_them(less):
    whole = less.whole
    assert not whole.gone.any() and whole.whole is whole
    settings = {"random": {"seed": 3}, "tagcos": {"clusters": 4}}
    for name, method in METHODS.items():
        if name in ("gradfiltering", "rds_plus", "semantic"):  # this run has no such stages
            continue
        values = {"count": 12} if "count" in method.model_fields else {}
        values |= settings.get(name, {}) | ({"regime": "sgd"} if "regime" in method.model_fields else {})
        expected = select(whole, name, **values, where=("left=yes",)).samples
        assert select(less, name, **values).samples == expected, name
    for preset in ("recommended", "graph", "official"):
        for changes_of in ({}, {"dedupe": True}, {"where": ("number=0..50",)}):
            settings_of = walk_preset(preset, regime="sgd", count=10, **changes_of)
            if preset == "graph":
                settings_of = settings_of.replace(neighbors=8)
            banned = settings_of.replace(bans=tuple(ROWS))
            taken = walks.walk(less, settings_of).samples
            if not changes_of.get("dedupe"):  # of a group the first that is left
                assert taken.tolist() == walks.walk(whole, banned).samples.tolist(), preset
            assert not less.gone[taken].any()
    fraction = walks.walk(less, walk_preset("recommended", fraction=0.5)).samples
    assert len(fraction) == int(0.5 * int(less.valid.sum()))
    with pytest.raises(InputError, match=r"instruction 20 .* was removed from the pool"):
        walks.walk(less, walk_preset("recommended", count=5, pins=(20,)))
    assert (
        "removed from the pool"
        in walks.explain(less, walks.walk(less, walk_preset("recommended", count=5)), 20).text
    )


def test_nothing_finds_shows_or_counts_them(less):
    gone = set(ROWS)
    pool, columns = less.instructions, less.columns
    assert not gone & set(matching(less, Filter(text="apples")).tolist())
    assert set(matching(less, Filter(state="gone")).tolist()) == gone
    assert matching(less, Filter(text="#20")).tolist() == [20]
    assert not gone & set(np.flatnonzero(less.matching(["number!=1"])).tolist())
    assert columns["left"].kinds() == [("yes", COUNT - len(gone))]
    assert not gone & set(np.flatnonzero(less.valid)) and not less.valid[INVALID]
    assert pool["problem"][20] == "removed from the pool" and pool["duplicate_of"][DUPLICATE] == -1
    graph = less.regime("sgd")
    for lists in (graph.neighbors, graph.conflicts):
        assert not np.isin(lists, ROWS).any() and (lists[ROWS] == -1).all()
    assert np.isnan(less.layout("pca", "sgd").samples[ROWS]).all()
    communities = less.communities("sgd")
    assert (communities.membership[ROWS] == -1).all() and communities.sizes.sum() == less.valid.sum()
    assert not np.isin(less.spanning_forest("sgd")[0], ROWS).any()
    assert not gone & set(less.leaks["sample"]) and gone & set(less.whole.leaks["sample"])
    assert less.near_duplicates[ROWS].tolist() == ROWS
    nodes = ego_graph(less, "sgd", 10, hops=2).nodes
    assert not gone & set(nodes["id"][nodes["kind"] == "train"])
    with pytest.raises(InputError, match="has a gradient"):
        ego_graph(less, "sgd", 20)
    mixed: igraph.Graph = mixed_graph(less, links=2)
    rows = [vertex["row"] for vertex in mixed.vs if vertex["kind"] == "train"]
    assert rows == [row for row in range(COUNT) if row not in gone]
    table = score(less, count=5).frame()
    assert len(table) == less.size and not gone & set(table["row"])
    assert table["rank"].dropna().astype(int).sort_values().tolist() == [*range(1, int(less.valid.sum()) + 1)]


def test_what_was_made_before_is_said_to_hold_some(run, tmp_path):
    walked = walks.walk(run, walk_preset("recommended", count=30))
    path = run.folder / "selections" / "before.json"
    save_walk(path, run, walked)
    run.sets.write("mine", [1, 20, 21])
    of_set = run.sets["mine"].reference
    taken = [row for row in walked.samples.tolist() if row in ROWS]
    assert taken
    less = remove_instructions(run.folder, ROWS)
    selection = Selection.read(path, less)
    said = f"{len(taken)} of its 30 instructions {'is' if len(taken) == 1 else 'are'} gone since"
    assert selection.gone == said and said in changes(less, selection)
    assert selection.samples == [row for row in walked.samples.tolist() if row not in ROWS]
    assert (
        read_walk(path, less)[0] == selection
        and read_walk(path, less)[1].samples.tolist() == walked.samples.tolist()
    )
    exported = export(less, selection, "jsonl", tmp_path / "subset")
    assert exported.samples == 30 - len(taken)
    with_trace = score(less, selection=path).frame()
    assert with_trace["place"].notna().sum() == 30 - len(taken) and not set(with_trace["row"]) & set(ROWS)
    mine = less.sets["mine"]
    assert mine.rows.tolist() == [1] and mine.gone == "2 of its 3 instructions are gone since"
    assert mine.reference == of_set and less.sets.union([of_set]).tolist() == [1]
    less.sets.annotate("mine", "a note")
    remove_instructions(run.folder, [1])
    with pytest.raises(InputError, match="all instructions of mine were removed"):
        walks.walk(Run.open(run.folder), walk_preset("recommended", count=5, only_sets=("mine",)))
    back, _ = restore_instructions(run.folder, range(COUNT))
    assert back.sets["mine"].rows.tolist() == [1, 20, 21] and back.sets["mine"].note == "a note"
    assert Selection.read(path, back).samples == walked.samples.tolist()


def test_some_come_back_and_the_rest_stays(run):
    remove_instructions(run.folder, [1, 2, 3], note="one")
    less = remove_instructions(run.folder, [3, 4, 5], note="two")
    assert [(one.number, one.note, one.count) for one in less.removals] == [("1", "one", 3), ("2", "two", 2)]
    back, count = restore_instructions(run.folder, [2, 4, 50])
    assert count == 2 and np.flatnonzero(back.gone).tolist() == [1, 3, 5] and back.check() == []
    assert sorted((one.note, one.count) for one in back.removals) == [("one", 2), ("two", 1)]
    assert len([*run.folder.glob("gone/*/rows.npy")]) == 2
    again, count = restore_instructions(run.folder, numbers=[back.removals[0].number])
    assert count == back.removals[0].count and len(again.removals) == 1


def test_what_makes_no_sense_is_refused_and_changes_nothing(run):
    remove_instructions(run.folder, [3])
    before = bytes_of(run.folder)
    for rows, said in (
        ([3], "nothing to remove"),
        ([], "nothing to remove"),
        ([COUNT], "expected rows of the pool, 0 to 79"),
        ([-1], "expected rows of the pool"),
        (range(COUNT), "no instruction with a gradient would be left"),
    ):
        with pytest.raises(InputError, match=said):
            remove_instructions(run.folder, rows)
    for options, said in (
        ({"rows": [5]}, "nothing to restore"),
        ({"numbers": ["9"]}, "removal = '9': expected one of 1"),
        ({}, "nothing to restore"),
    ):
        with pytest.raises(InputError, match=said):
            restore_instructions(run.folder, **options)
    assert bytes_of(run.folder) == before


@pytest.mark.parametrize("action", ["remove", "restore some", "restore all"])
@pytest.mark.parametrize("at", ["before", "between", "after"])
def test_killed_it_is_as_it_was_or_done_and_goes_on(run, action, at, monkeypatch):
    def act() -> Run:
        if action == "remove":
            return remove_instructions(run.folder, [30, 31])
        some = {"rows": [4, 20]} if action == "restore some" else {"numbers": ["1"]}
        return restore_instructions(run.folder, **some)[0]

    less = remove_instructions(run.folder, ROWS)
    state = less.state

    def killed(*arguments, **options):
        raise Killed

    written = []

    def write_one(path, data):  # the manifest is there, its copy is that of the run before
        written.append(path)
        write_bytes(path, data) if len(written) == 1 else killed()

    with monkeypatch.context() as patch:
        if at == "before":
            patch.setattr(Manifest, "write", killed)
        elif at == "between":
            patch.setattr("g2is.run.manifest.write_bytes", write_one)
        else:
            patch.setattr(removing, "remove_folder", killed)
            patch.setattr(removing.Run, "open", killed)
        with pytest.raises(Killed):
            act()
    left = Run.open(run.folder)
    assert left.check() == [] and (left.state == state) == (at == "before")
    expected = {
        "remove": sorted({*ROWS, 30, 31}),
        "restore some": sorted({*ROWS} - {4, 20}),
        "restore all": [],
    }[action]
    if at != "before":
        assert np.flatnonzero(left.gone).tolist() == expected
    else:
        assert np.flatnonzero(act().gone).tolist() == expected
    target_from(
        Run.open(run.folder), [40, 41], name="later"
    )  # any later write may come; nothing is in its way
    last = remove_instructions(run.folder, [50])
    assert last.check() == [] and last.gone[50]
    listed = {last.folder / name for name in last.manifest.files if name.startswith("gone/")}
    assert {*last.folder.glob("gone/*/*")} >= listed


def test_a_damaged_removal_names_its_remedy(run, capsys):
    remove_instructions(run.folder, ROWS)
    path = run.folder / "gone/1/rows.npy"
    path.write_bytes(path.read_bytes()[:-8])
    damaged = Run.open(run.folder)
    assert len(damaged.check()) == 1
    with pytest.raises(InputError, match="pool restore tiny 1"):
        _ = damaged.valid
    back, count = restore_instructions(run.folder, numbers=["1"])
    assert count == len(ROWS) and back.check() == []


def test_the_command_line(run, capsys):
    folder = str(run.folder)
    run.sets.write("some", [1, 2, 3])
    assert main(["pool", "remove", folder, "--sets", "some", "--rows", "10-12"]) == 0
    assert "6 instructions are removed" in (said := capsys.readouterr().err)
    assert f"{COUNT - 6} instructions, and 6 that are gone" in said
    assert main(["pool", "remove", folder, "--where", "left=no"]) == 0
    assert main(["pool", "list", folder]) == 0
    listed = capsys.readouterr().out
    assert "--rows 10-12 --sets some" in listed and "--where left=no" in listed
    assert main(["set", "list", folder]) == 0
    assert "3 of its 3 instructions are gone since" in capsys.readouterr().out
    assert main(["pool", "restore", folder, "2"]) == 0
    assert main(["pool", "restore", folder, "--where", "number=10..11"]) == 0
    assert np.flatnonzero(Run.open(folder).gone).tolist() == [1, 2, 3, 12]
    assert main(["pool", "restore", folder, "--search", "apples"]) == 0
    assert main(["verify", folder]) == 0
    for words, said in (
        (["remove", folder], "give --rows, --sets, --selections, --where, --search or --community"),
        (["restore", folder], "give the number of a removal (3), or --rows, --sets"),
        (
            ["remove", folder, "1"],
            f"'1' after the run, expected nothing there; give instructions by an argument, such as g2is pool remove "
            f"{folder} --rows 1",
        ),
        (["list", folder, "1"], "list: '1' after the run, expected nothing there"),
        (["list", folder, "--rows", "1"], "is for remove and restore"),
        (["list", folder, "--note", "x"], "is for remove, not for list"),
    ):
        capsys.readouterr()
        assert main(["pool", *words]) == 2 and said in capsys.readouterr().err


def test_what_is_asked_for_and_was_removed_is_said(run, capsys):
    """Whatever takes rows leaves out what is gone, and says which; nothing is left: an error."""
    folder, cache = str(run.folder), ["--cache", str(run.folder.parent)]
    run.sets.write("some", [4, 5, 6])
    assert main(["pool", "remove", folder, "--rows", "5"]) == 0
    said = capsys.readouterr().err
    assert "1 instruction is removed" in said and "brings it back" in said and "1 that is gone" in said
    gone = f"removed from the pool: row 5; g2is pool restore {run.name} --rows 5"
    only = ["--only", "4", "5", "--output"]
    for words, said in (
        (
            ["set", "make", folder, "mine", "--rows", "5", "3"],
            f"set = 'mine': 1 of 2 instructions is left out, {gone}",
        ),
        (
            ["set", "make", folder, "mine2", "--sets", "some"],
            f"set = 'mine2': 1 of 3 instructions is left out, {gone}",
        ),
        (
            ["target", "from", folder, "alike", "--rows", "3-6"],
            f"from: 1 of 4 instructions is left out, {gone}",
        ),
        (
            ["walk", folder, "--count", "1", *only, str(run.folder / "x.json")],
            f"only: 1 of 2 instructions is left out, {gone}",
        ),
        (
            ["walk", folder, "--count", "1", "--only-sets", "some", "--output", str(run.folder / "y.json")],
            "only_sets: set some: 1 of its 3 instructions is gone since",
        ),
        (
            ["export", folder, "--set", "some", "--output", str(run.folder / "out")],
            "left out: 1 of its 3 instructions is gone since",
        ),
        (["pool", "remove", folder, "--rows", "5-7"], f"remove: 1 of 3 instructions is left out, {gone}"),
    ):
        assert main([*words, *cache]) == 0
        assert said in capsys.readouterr().err
    assert run.sets["mine"].recorded.tolist() == [3]
    assert main(["pool", "remove", folder, "--rows", "8-9"]) == 0
    for words, said in (
        (
            ["set", "make", folder, "none", "--rows", "5"],
            "set = 'none': nothing is left without what was removed",
        ),
        (
            ["walk", folder, "--count", "1", "--only", "5", "9", "--output", str(run.folder / "z.json")],
            "only: ",
        ),
        (["target", "grow", folder, "apples", "--accept", "5"], "row 5: is removed from the pool"),
    ):
        capsys.readouterr()
        assert main([*words, *cache]) == 2
        assert said in capsys.readouterr().err
    assert not (run.folder / "z.json").exists()
