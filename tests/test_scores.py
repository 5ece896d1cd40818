"""Scores of every instruction as a table: numbers of the run, and reasons that agree with `explain`."""

import shutil

import numpy as np
import pandas as pd
import pytest

from g2is.analysis import walks
from g2is.analysis.reasons import NO_PLACE, NOT_REACHED, OUTSCORED, REASONS, TAKEN, reasons_of_walk
from g2is.analysis.scores import score
from g2is.cli import main
from g2is.config import WalkParameters, walk_preset
from g2is.errors import InputError
from g2is.pipeline.adding import target_from
from g2is.run.run import Run
from g2is.run.selections import Selection, save_walk, select
from g2is.walk.decimals import decimals
from tests.app.tiny_run import INVALID, POOL, make_run

WORDS = {"not reached": {OUTSCORED, NOT_REACHED}, "outranked": {OUTSCORED}, "no budget": {NO_PLACE}}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("scores") / "tiny", targets=("apples", "pears"))


@pytest.mark.parametrize(
    "parameters",
    [
        walk_preset("recommended", count=40),
        walk_preset("recommended", count=5),
        walk_preset("recommended", count=60, max_cosine=0.3, targets={"pears": 1}),
        walk_preset("recommended", count=30, bans=(3, 4), sources=("first.jsonl",)),
        walk_preset("recommended", count=40, share=("source=first.jsonl:0.1",)),
        walk_preset("official", count=40, regime="sgd"),
        walk_preset("official", count=120, regime="sgd", delta=1.0),
        WalkParameters(count=60, regime="sgd", knowledge="facets", facets=3, max_cosine=0.5, neighbors=3),
    ],
    ids=lambda parameters: f"{parameters.count}",
)
def test_the_reasons_of_all_are_those_of_each(run, parameters):
    trace = walks.walk(run, parameters)
    reasons = reasons_of_walk(run, trace)
    assert set(reasons.words) <= set(REASONS)
    for row in range(POOL):
        explanation, word = walks.explain(run, trace, row), reasons.words[row]
        assert (word == TAKEN) == (explanation.taken is not None) == (not reasons.sentences[row])
        if explanation.left_out is not None:
            assert word in {"left out", "no gradient", "share used up"}, row
        elif explanation.taken is None:
            closest = max(explanation.verdicts, key=lambda verdict: verdict.affinity)
            assert word in WORDS.get(closest.reason, {closest.reason}), (row, closest)
            if closest.member is not None:
                assert f"#{closest.member} (cosine {decimals(closest.value)})" in reasons.sentences[row]


def test_the_numbers_are_those_of_the_run(run):
    frame = score(run, "pears", count=20).frame()
    own = run.validation["target"].to_numpy() == "pears"
    cosines = np.asarray(run.regime("sgd").validation_cosines)[:, own]
    valid = run.valid
    assert frame["row"].tolist() == list(range(POOL)) and not valid[INVALID]
    np.testing.assert_array_equal(frame["best_cosine"][valid].astype(float), cosines.max(axis=1)[valid])
    np.testing.assert_array_equal(
        frame["best_example"][valid].astype(int), np.flatnonzero(own)[cosines.argmax(axis=1)][valid]
    )
    np.testing.assert_allclose(
        frame["mean_cosine"][valid].astype(float), cosines.mean(axis=1)[valid], atol=1e-6
    )
    assert frame.loc[INVALID, ["best_cosine", "best_example", "mean_cosine", "rank", "place"]].isna().all()
    assert frame.loc[INVALID, "why_not"] == run.instructions["problem"][INVALID]
    ranked = frame[valid].sort_values("rank")
    assert ranked["rank"].tolist() == list(range(1, int(valid.sum()) + 1))
    assert ranked["best_cosine"].is_monotonic_decreasing
    taken = frame[frame["place"].notna()].sort_values("place")["row"].tolist()
    assert (
        taken == walks.walk(run, walk_preset("recommended", count=20, targets={"pears": 1})).samples.tolist()
    )
    assert frame["community"][valid].tolist() == run.communities("sgd").membership[valid].tolist()


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_hold_the_same_in_blocks_of_any_size(run, tmp_path, monkeypatch, kind):
    table = score(run, fraction=0.1)
    expected = table.frame()
    blocks = table.blocks
    monkeypatch.setattr(type(table), "blocks", lambda self: blocks(64))
    path = tmp_path / f"scores.{kind}"
    table.write(path)
    read = pd.read_parquet(path) if kind == "parquet" else pd.read_csv(path, keep_default_na=False)
    assert list(read) == list(expected) and len(read) == POOL
    assert read["row"].tolist() == expected["row"].tolist()
    assert read["why_not"].tolist() == expected["why_not"].tolist()
    if kind == "parquet":
        assert read["rank"].fillna(-1).tolist() == expected["rank"].fillna(-1).tolist()


def test_a_named_selection_with_and_without_a_trace(run, capsys, tmp_path):
    trace = walks.walk(run, walk_preset("official", count=12, regime="sgd"))
    save_walk(run.folder / "selections" / "mine.json", run, trace)
    less = select(run, "less", regime="sgd", count=9)
    less.write(tmp_path / "less.json")
    cache = ["--cache", str(run.folder.parent)]
    for selection, samples in (("mine", trace.samples.tolist()), (str(tmp_path / "less.json"), less.samples)):
        out = tmp_path / f"{len(samples)}.csv"
        assert main(["scores", run.name, "--selection", selection, "--output", str(out), *cache]) == 0
        frame = pd.read_csv(out)
        assert frame.dropna(subset=["place"]).sort_values("place")["row"].tolist() == samples
        assert f"{POOL:,} instructions written to {out}: " in capsys.readouterr().err
    assert frame["reason"].value_counts()["not chosen"] == run.valid.sum() - 9
    assert isinstance(score(run, selection=Selection.read(tmp_path / "less.json", run)).frame(), pd.DataFrame)


def test_scores_and_reasons_are_for_the_same_targets(run, tmp_path, capsys):
    own = Run.open(shutil.copytree(run.folder, tmp_path / "cache" / "tiny"))
    before = score(own, count=20).frame()
    rows = [3, 4, 5, 6]
    more = target_from(own, rows, name="more")
    # A target that comes later changes nothing of what is for those of the build.
    pd.testing.assert_frame_equal(score(more, count=20).frame(), before)
    own_cosines = np.asarray(more.regime("sgd").validation_cosines)[:, -len(rows) :]
    alone = score(more, "more", count=20)
    both = score(more, ["pears", "more"], count=20)
    assert alone.targets == ("more",) and both.targets == ("pears", "more")
    assert alone.frame()["best_cosine"][10] == pytest.approx(own_cosines[10].max())
    assert both.frame()["best_cosine"][10] == pytest.approx(
        max(own_cosines[10].max(), score(more, "pears", count=5).frame()["best_cosine"][10])
    )
    # A selection is scored for what it was made for, and a draw by chance for the targets of the build.
    save_walk(
        more.folder / "selections" / "new.json",
        more,
        walks.walk(more, walk_preset("recommended", count=9, targets={"more": 1})),
    )
    select(more, "random", count=9).write(more.folder / "selections" / "drawn.json")
    of_new = score(more, selection=more.folder / "selections" / "new.json")
    assert of_new.targets == ("more",) and not set(rows) & set(of_new.samples.tolist())
    assert score(more, selection=more.folder / "selections" / "drawn.json").targets == ("apples", "pears")
    output = ["--cache", str(tmp_path / "cache"), "--overwrite", "--output", str(tmp_path / "s.csv")]
    for given, said in (
        ([], "scores are for targets apples, pears; --target gives those of others"),
        (["--selection", "new"], "scores are for target more; --target gives those of others"),
        (["--target", "more", "pears"], "scores are for targets more, pears\n"),
    ):
        assert main(["scores", "tiny", *given, *output]) == 0
        assert said in capsys.readouterr().err


def test_wrong_input_is_one_line(run, tmp_path):
    with pytest.raises(InputError, match="no such target; there are 'apples', 'pears'"):
        score(run, "plums")
    with pytest.raises(InputError, match="its own budget"):
        score(run, selection=tmp_path / "x.json", count=3)
    cache = ["--cache", str(run.folder.parent)]
    assert main(["scores", run.name, "--output", str(tmp_path / "table.txt"), *cache]) == 2
    assert main(["scores", run.name, "--fraction", "2", "--output", str(tmp_path / "t.csv"), *cache]) == 2
