"""Runs with whitened gradients: made with a build or afterwards, without the model, whole or not at all."""

import shutil

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.comparison import Profiler
from g2is.arrays.whitening import DAMPING
from g2is.cli import main
from g2is.config import GradientConfig, walk_preset
from g2is.errors import InputError
from g2is.lm import model as lm_model
from g2is.pipeline.whiten import whiten
from g2is.run.run import Run
from g2is.run.selections import Selection, save_walk, select
from g2is.storage import files as storage_files
from g2is.storage.shards import ShardStore
from tests.test_pipeline import configuration, content, files, make  # noqa: F401
from tests.test_whitening import dense

WIDE, NARROW = {"projection_dim": 64}, {"projection_dim": 12}  # more and fewer than the 40 instructions


@pytest.fixture(scope="module", params=[WIDE, NARROW], ids=["wide", "narrow"])
def plain(files, tmp_path_factory, request) -> Run:  # noqa: F811
    config = configuration(files, gradients={**request.param, "regimes": ("sgd",), "store_dtype": "float32"})
    return make(tmp_path_factory.mktemp("plain") / "run", files, config)


@pytest.fixture
def run(plain, tmp_path) -> Run:
    return Run.open(shutil.copytree(plain.folder, tmp_path / "run"))


def quiet(folder, damping=None) -> Run:
    return whiten(folder, damping, lambda line: None)


def test_all_of_the_regime_is_that_of_the_preconditioned_rows(run, monkeypatch):
    monkeypatch.setattr(lm_model, "load_model", None)  # the model is not needed
    trace = walks.walk(run, walk_preset("recommended", count=6))
    save_walk(run.folder / "selections" / "before.json", run, trace)
    before, kept = run.hash, content(run.folder)
    run = quiet(run.folder, 0.05)
    assert run.regimes == ("sgd", "whitened") and run.complete and run.check() == [] and run.hash == before
    assert {name: data for name, data in content(run.folder).items() if name in kept} == kept
    assert Selection.read(run.folder / "selections" / "before.json", run).samples == trace.samples.tolist()

    sgd, whitened = run.regime("sgd"), run.regime("whitened")
    root = dense(np.asarray(sgd.gradients), 0.05)
    rows, validation = (
        np.asarray(rows, np.float64) @ root for rows in (sgd.gradients, run.validation_gradients)
    )
    np.testing.assert_allclose(whitened.norms, np.linalg.norm(rows, axis=1) * sgd.norms, rtol=1e-3)
    rows, directions = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (rows, validation))
    np.testing.assert_allclose(whitened.gradients, rows, atol=1e-4)
    np.testing.assert_allclose(whitened.validation_cosines, rows @ directions.T, atol=1e-4)
    np.testing.assert_allclose(run.validation_gradients_in("whitened"), validation, rtol=1e-2, atol=1e-4)
    between = rows @ rows.T
    np.fill_diagonal(between, -2)
    np.testing.assert_allclose(whitened.cosines[:, 0], between.max(axis=1), atol=1e-4)
    np.fill_diagonal(between, 2)
    np.testing.assert_allclose(whitened.conflict_cosines[:, 0], between.min(axis=1), atol=1e-4)
    assert len(run.communities("whitened").membership) == len(rows)
    assert np.isfinite(run.layout("pca", "whitened").validation).all()

    # A walk from every validation example takes first the instruction with the highest whitened cosine to it.
    taken = walks.walk(run, walk_preset("recommended", regime="whitened", count=6))
    assert taken.samples[0] == (rows @ directions.T)[:, 0].argmax()
    assert set(select(run, "gist", regime="whitened", count=5).samples) <= set(range(len(rows)))
    mean = directions.mean(axis=0) / np.linalg.norm(directions.mean(axis=0))
    assert Profiler(run, "whitened").alignment(np.array([3])) == pytest.approx(
        float(rows[3] @ mean), abs=1e-3
    )


def test_a_build_makes_the_same(plain, run, files, tmp_path):  # noqa: F811
    config = plain.manifest.configuration
    asked = config.replace(gradients=config.gradients.replace(regimes=("sgd", "whitened")))
    afterwards = content(quiet(run.folder).folder)
    assert content(make(tmp_path / "other", files, asked).folder) == afterwards
    assert content(make(run.folder, files, config).folder) == afterwards, "the build without it keeps it"
    again = Run.open(shutil.copytree(plain.folder, tmp_path / "again"))
    assert content(make(again.folder, files, asked).folder) == afterwards, "the build with it adds it"
    # Another graph is another one here, too.
    config = config.replace(graph=config.graph.replace(neighbors=3))
    changed = make(run.folder, files, config)
    assert changed.regime("whitened").neighbors.shape[1] == 3 and changed.check() == []


@pytest.mark.parametrize("after", [1, 4, 9, 14])
def test_stopped_at_any_file_it_leaves_the_run_as_it_was(run, monkeypatch, after):
    written = []
    write = storage_files.write_file

    def stopping(path, work, *size, **options):
        if len(written) == after:
            raise KeyboardInterrupt
        written.append(path)
        write(path, work, *size, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        for module in ("g2is.storage.files", "g2is.storage.shards"):
            patch.setattr(f"{module}.write_file", stopping)
        quiet(run.folder)
    left = Run.open(run.folder)
    assert left.regimes == ("sgd",) and left.complete and left.check() == []
    with pytest.raises(InputError, match="g2is whiten run"):
        left.regime("whitened")
    assert quiet(run.folder).check() == []


def test_damage_is_repaired_without_the_model(plain, run, files, monkeypatch):  # noqa: F811
    whole = content(quiet(run.folder, 0.2).folder)
    path = run.folder / "whitened" / "gradients.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert any("whitened/gradients.npy" in problem for problem in Run.open(run.folder).check())
    computed = []
    monkeypatch.setattr(ShardStore, "write", _noting(ShardStore.write, computed))
    make(run.folder, files, plain.manifest.configuration)
    assert content(run.folder) == whole and "shards" not in computed
    assert Run.open(run.folder).whitening.damping == 0.2


def _noting(write, computed: list[str]):
    def noted(store, *arguments):
        computed.append(store.folder.name)
        return write(store, *arguments)

    return noted


def test_another_lambda_takes_the_place_of_the_first(run):
    first = quiet(run.folder, 1.0)
    rows = np.array(first.regime("whitened").gradients)
    second = quiet(run.folder)
    assert second.whitening.damping == pytest.approx(DAMPING / rows.shape[1], rel=1e-3)
    assert abs(np.asarray(second.regime("whitened").gradients) - rows).max() > 1e-3 and second.check() == []


def test_wrong_input_is_one_line(run, files, tmp_path, capsys):  # noqa: F811
    with pytest.raises(InputError, match="made from sgd"):
        GradientConfig(regimes=("adam", "whitened"))
    with pytest.raises(InputError, match="whitening_lambda: is for"):
        GradientConfig(whitening_lambda=1)
    cache = ["--cache", str(run.folder.parent)]
    assert main(["whiten", "run", "--whitening-lambda", "0", *cache]) == 2
    adam = make(tmp_path / "adam", files, configuration(files, gradients={"regimes": ("adam",)}))
    assert main(["whiten", "adam", "--cache", str(adam.folder.parent)]) == 2
    assert "are made from sgd" in capsys.readouterr().err
    assert main(["whiten", "run", *cache]) == 0
    assert main(["walk", "run", "--regime", "whitened", "--count", "4", *cache]) == 0
    with pytest.raises(InputError, match="whitening_lambda: is for"):
        make(tmp_path / "x", files, configuration(files, gradients={"whitening_lambda": 2}))
