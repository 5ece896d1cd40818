"""The table that a walk ends with, on gradients made so that the answer is known."""

from pathlib import Path

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.diagnosis import diagnose, mean_pairwise_cosine
from g2is.config import GraphConfig, ImportConfig, LayoutConfig, walk_preset
from g2is.pipeline.imported import import_run
from g2is.pipeline.inputs import Target
from g2is.run.run import Run
from tests.tiny import write_pool


def run_of(folder: Path, gradients: np.ndarray) -> Run:
    half = len(gradients) // 2
    write_pool(folder / "first.jsonl", half)
    write_pool(folder / "second.jsonl", len(gradients) - half, seed=1)
    np.save(folder / "train.npy", gradients)
    np.save(folder / "validation.npy", np.eye(gradients.shape[1])[:4])
    return import_run(
        folder / "run",
        ImportConfig(regime="sgd", graph=GraphConfig(neighbors=4), layout=LayoutConfig(umap=False)),
        [folder / "first.jsonl", folder / "second.jsonl"],
        [folder / "train.npy"],
        [Target("axes", folder / "validation.npy")],
        say=lambda line: None,
    )


def test_it_counts_what_was_taken_and_from_where(tmp_path):
    run = run_of(tmp_path, np.abs(np.random.default_rng(0).normal(size=(20, 6))))
    trace = walks.walk(run, walk_preset("recommended", count=6, delta=0))
    found = diagnose(run, trace)
    assert found.components["taken"].sum() == found.sources["taken"].sum() == 6
    assert found.sources["taken"].tolist() == [
        int((trace.samples < 10).sum()),
        int((trace.samples >= 10).sum()),
    ]
    assert found.sources["pool_share"].tolist() == [0.5, 0.5]
    rows = np.asarray(run.regime("sgd").gradients)[trace.samples]
    pairs = (rows @ rows.T)[~np.eye(6, dtype=bool)]
    assert found.mean_cosine == pytest.approx(pairs.mean(), abs=1e-6)
    assert "target" not in found.components  # there is only one


def test_without_conflicts_a_remark_says_that_the_rule_has_no_effect(tmp_path):
    run = run_of(tmp_path, np.abs(np.random.default_rng(0).normal(size=(20, 6))))
    idle = "No pair of instructions conflicts in plain gradients, so the no-conflict rule has no effect."
    assert idle in diagnose(run, walks.walk(run, walk_preset("recommended", count=6))).remarks
    off = walk_preset("recommended", count=6, no_conflict=False)
    assert idle not in diagnose(run, walks.walk(run, off)).remarks


def test_a_walk_that_stops_short_says_why(tmp_path):
    # Nothing but opposite pairs: after an anchor there is no sample without a conflict or a loss.
    axes = np.repeat(np.eye(6), 2, axis=0) * np.tile([1, -1], 6)[:, None]
    run = run_of(tmp_path, axes)
    trace = walks.walk(run, walk_preset("recommended", count=8, facets=1, delta=1.0))
    found = diagnose(run, trace)
    assert len(trace.steps) < 8
    assert any(
        remark.startswith(f"{len(trace.steps)} of 8 instructions were chosen") for remark in found.remarks
    )
    assert "no instruction passes the rules" in found.components["stopped"].tolist()
    assert "no instruction passes the rules" in str(found)


def test_mean_pairwise_cosine_needs_two():
    assert np.isnan(mean_pairwise_cosine(np.eye(3), np.array([1])))
    assert mean_pairwise_cosine(np.eye(3), np.array([0, 2])) == pytest.approx(0)


def test_where_the_settings_allow_too_few_it_names_them_and_advises_nothing(tmp_path):
    run = run_of(tmp_path, np.abs(np.random.default_rng(0).normal(size=(20, 6))))

    def said(**changes):
        trace = walks.walk(run, walk_preset("recommended", count=8, delta=0, **changes))
        return diagnose(run, trace).remarks[0]

    assert said(only=(3,)) == (
        "1 of 8 instructions were chosen: the settings allow only 1 (only these), and every one is taken."
    )
    assert "allow only 5 (only these, banned), and every" in said(only=(1, 2, 3, 4, 5, 6), bans=(6,))
    source = run.source_names[1]
    assert "allow only 4 (source files, banned)" in said(sources=(source,), bans=tuple(range(14, 20)))
    assert "(only these)" in said(only=(3, 4), pins=(9,)) and "allow only 3" in said(only=(3, 4), pins=(9,))
    assert "A smaller delta" not in said(only=(3,))
