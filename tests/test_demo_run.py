"""What the demo has beside its run: saved once, never over what a user has made, and evaluated."""

from pathlib import Path

import numpy as np
import pytest

from g2is.app.shared.model import model_here
from g2is.cli import make_parser
from g2is.config import BuildConfig, walk_preset
from g2is.demo import MODEL, model_of
from g2is.demo import results as demo
from g2is.evaluation.budgets import by_budget
from g2is.evaluation.results import Evaluation, evaluations, read_evaluations
from g2is.pipeline.build import build
from g2is.pipeline.inputs import Target
from g2is.run.run import Run
from g2is.run.selections import Selection
from tests.tiny import save_tiny_model, write_pool


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A tiny run with the regimes of the demo, `run`, and a test file `test.jsonl`."""
    folder = tmp_path_factory.mktemp("demo")
    save_tiny_model(folder / "model")
    write_pool(folder / "pool.jsonl", 40)
    write_pool(folder / "target.jsonl", 6, seed=1)
    write_pool(folder / "test.jsonl", 5, seed=2)
    config = BuildConfig(
        model={"model": str(folder / "model"), "device": "cpu"},
        lora={"rank": 2},
        warmup={"fraction": 0.2, "epochs": 1, "batch_size": 4},
        gradients={"projection_dim": 32},
        graph={"neighbors": 5, "conflicts": 3},
    )
    build(folder / "run", config, [folder / "pool.jsonl"], [Target("words", folder / "target.jsonl")])
    return folder


def test_selections_are_saved_where_there_is_none_of_that_name(built):
    run = Run.open(built / "run")
    names = [f"{name}-2" for name in ("recommended", "official", "round-robin", "less", "random")]
    mine = Selection.of(run, np.array([7]), "by hand", {})
    mine.write(run.folder / "selections" / "less-2.json")
    assert demo.save_selections(run) == [name for name in names if name != "less-2"]
    found = {name: Selection.read(run.folder / "selections" / f"{name}.json", run) for name in names}
    assert found["less-2"] == mine
    assert {len(one.samples) for name, one in found.items() if name != "less-2"} == {2}
    preset = walk_preset("recommended", fraction=demo.FRACTION).model_dump(mode="json")
    assert Selection.model_validate_json(found["recommended-2"].model_dump_json()).parameters == preset
    assert found["recommended-2"].trace
    assert demo.save_selections(run) == []


def test_every_method_is_evaluated_at_both_budgets_and_a_finished_evaluation_stays(built, monkeypatch):
    run = Run.open(built / "run")
    monkeypatch.setattr(demo, "BUDGETS", (3, 6))
    monkeypatch.setattr(demo, "CONFIG", demo.CONFIG.replace(seeds=2, epochs=1))
    said: list[str] = []
    demo.evaluate_selections(run, built / "test.jsonl", said.append)
    evaluation = evaluations(run)["demo"]
    methods = ("recommended", "official", "round-robin", "less", "random")
    assert by_budget(evaluation.fine_tunings) == {
        3: [f"{method}-3" for method in methods],
        6: [f"{method}-6" for method in methods],
    }
    results = read_evaluations(run)
    assert len(results) == 10 * 2 * 5
    assert not (built / ".run.progress.json").exists()
    folder = run.folder / "evaluations" / "demo"
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    demo.evaluate_selections(run, built / "test.jsonl", said.append)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == times
    (folder / "less-3-1.parquet").unlink()
    demo.evaluate_selections(run, built / "test.jsonl", said.append)
    assert "19 of 20 fine-tunings are done already" in said
    assert read_evaluations(run).equals(results) and Evaluation.read(folder) == evaluation


def test_the_set_is_of_one_task(built):
    run = Run.open(built / "run")
    run.instructions["task"] = ["word_problem" if row in (3, 8, 9) else "other" for row in range(40)]
    demo.save_set(run)
    assert run.sets[demo.SET].rows.tolist() == [3, 8, 9]
    demo.save_set(run)


def test_a_demo_built_elsewhere_has_the_model_of_this_installation(built):
    run = Run.open(built / "run")
    assert model_of(run.manifest) == str(built / "model") and model_here(run) == built / "model"
    config = run.manifest.configuration
    elsewhere = config.replace(model=config.model.replace(model="/elsewhere/g2is/demo/model"))
    moved = run.manifest.model_copy(update={"configuration": elsewhere})
    assert moved.is_demo and model_of(moved) == str(MODEL)


def test_the_run_alone_can_be_asked_for():
    assert make_parser().parse_args(["demo", "--run-only"]).run_only
    assert not make_parser().parse_args(["demo"]).run_only
