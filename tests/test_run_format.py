"""A run that an earlier version wrote opens for ever, and gives the answers that it gave then."""

import json
from pathlib import Path

import numpy as np
import pytest

from g2is.__main__ import main
from g2is.analysis import walks
from g2is.config import WalkParameters, walk_preset
from g2is.run.manifest import FORMAT_VERSION
from g2is.run.run import Run
from g2is.run.selections import Selection, read_walk, select
from g2is.walk import replay

DATA = Path(__file__).parent / "data"
VERSIONS = range(1, FORMAT_VERSION + 1)


@pytest.fixture(params=VERSIONS)
def stored(request) -> tuple[Run, dict]:
    folder = DATA / f"run-format-{request.param}"
    return Run.open(folder / "run"), json.loads((folder / "answers.json").read_text())


def test_it_is_whole(stored):
    run, answers = stored
    assert run.hash == answers["hash"]
    assert main(["verify", str(run.folder)]) == 0
    assert run.damage() == []


def test_it_reads_as_it_was_written(stored):
    run, answers = stored
    assert [raw.decode() for raw in run.texts.values(range(run.files.pool), "raw")] == answers["raw"]
    assert set(run.validation["target"]) == {"words", "digits"}
    for name in run.regimes:
        regime = run.regime(name)
        rows = np.asarray(regime.gradients, np.float32)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), run.valid, atol=1e-2)
        row, first = np.arange(len(rows)), regime.neighbors[:, 0]
        np.testing.assert_allclose((rows[row] * rows[first]).sum(axis=1), regime.cosines[:, 0], atol=1e-2)
        for kind in run.layouts:
            layout = run.layout(kind, name)
            assert np.isfinite(layout.samples).all() and len(layout.validation) == len(run.validation)
        edges, cosines = run.spanning_forest(name)
        assert len(edges) == len(cosines) and (np.diff(cosines) <= 0).all()
    assert run.communities("sgd").membership.tolist() == answers["communities"]
    assert list(run.leaks) == ["sample", "validation", "kind", "similarity"]


def test_walks_and_selectors_give_the_recorded_results(stored):
    run, answers = stored
    # `official` stays what it is; what `recommended` means may change, what a file of it says may not.
    assert walks.walk(run, walk_preset("official", count=12)).samples.tolist() == answers["walks"]["official"]
    for preset, expected in answers["walks"].items():
        path = run.folder / "selections" / f"{preset}.json"
        selection = Selection.read(path, run)
        assert selection.samples == expected
        assert walks.walk(run, WalkParameters(**selection.parameters)).samples.tolist() == expected, preset
        _, trace = read_walk(path, run)
        assert trace is not None
        assert replay(trace).tolist() == expected
        assert walks.walk(run, trace.parameters).samples.tolist() == expected
    for method, expected in answers["selections"].items():
        assert select(run, method, count=12).samples == expected, method
