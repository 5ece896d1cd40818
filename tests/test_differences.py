"""Differences between fine-tuned selections, and the verdict that stands on them."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from g2is.analysis.verdict import conflicts, digest, measured, verdict, verdict_table
from g2is.app.compare.verdict import _shown
from g2is.config import EvaluationConfig
from g2is.evaluation.differences import Difference, difference, half_width, sentence
from g2is.evaluation.results import Evaluation, FineTuning
from g2is.run.run import Run
from tests.app.tiny_run import make_run


def results(losses: dict[str, np.ndarray], tasks: int = 4, evaluation: str = "e") -> pd.DataFrame:
    """From losses (seeds, examples)."""
    return pd.DataFrame(
        [
            (evaluation, name, "walk", 5, seed, "t", f"task {example % tasks}", example, value, "", None)
            for name, table in losses.items()
            for seed, row in enumerate(table)
            for example, value in enumerate(row)
        ],
        columns="evaluation selection method size seed target task example loss answer correct".split(),
    )


def test_a_difference_is_the_mean_of_pairs_with_both_kinds_of_chance():
    random = np.random.default_rng(0)
    other = random.gamma(2, 1, (3, 40))
    mine = other - 0.3 + random.normal(0, 0.1, (1, 40)) + random.normal(0, 0.05, (3, 1))
    found = difference(results({"mine": mine, "other": other}), "mine", "other")
    values = mine - other
    assert found is not None and found.mean == pytest.approx(values.mean())
    examples = values.mean(axis=0).var(ddof=1) / 40
    seeds = values.mean(axis=1).var(ddof=1) / 3
    freedom = (examples + seeds) ** 2 / (examples**2 / 39 + seeds**2 / 2)
    assert found.half == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(examples + seeds))
    assert (found.better, found.tasks, found.seeds, found.examples) == (4, 4, 3, 40)
    reverse = difference(results({"mine": mine, "other": other}), "other", "mine")
    assert reverse is not None and (reverse.mean, reverse.better) == (pytest.approx(-found.mean), 0)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        examples, seeds = random.normal(0, 0.3, (30, 1)), random.normal(0, 0.1, (1, 3))
        values = 0.5 + examples + seeds + random.normal(0, 0.2, (30, 3))
        held += abs(values.mean() - 0.5) <= half_width(values)
    assert 0.94 * 400 <= held < 400  # 95 %, rather too wide


def test_only_what_both_were_tested_on_is_compared():
    table = results({"a": np.ones((2, 6)), "b": np.zeros((3, 6))})
    table = table[~((table["selection"] == "a") & (table["example"] == 3) & (table["seed"] == 1))]
    found = difference(table, "a", "b")
    assert found is not None and (found.seeds, found.examples, found.mean) == (2, 5, 1)
    assert difference(table, "a", "nobody") is None
    one = difference(results({"a": np.ones((1, 1)), "b": np.zeros((1, 1))}), "a", "b")
    assert one is not None and np.isnan(one.half) and one.level


def test_the_sentence_says_better_level_worse():
    def of(other: str, mean: float, half: float, better: int) -> Difference:
        return Difference("mine", other, mean, half, better, 12, 3, 200)

    found = [of("level", -0.001, 0.07, 6), of("worst", -0.9, 0.2, 12), of("random", -0.31, 0.08, 11)]
    assert sentence(found) == (
        "is better than worst by 0.90 ± 0.20 (on 12 of 12 subtasks) and random by 0.31 ± 0.08 (on 11 of 12 subtasks); "
        "level with level (0.00 ± 0.07)"
    )
    assert sentence([of("good", 0.4, 0.1, 1)]) == "is worse than good by 0.40 ± 0.10 (on 11 of 12 subtasks)"
    assert sentence([]) == ""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("verdict") / "tiny")


SELECTIONS = {
    "walk": [3, 9, 12, 40, 41],
    "same": [41, 40, 12, 9, 3],
    "other": [100, 101, 3, 102, 103],
    "none": [5],
}


def evaluated(run: Run, name: str, losses: dict[str, np.ndarray], samples: dict[str, list[int]]) -> Path:
    folder = run.folder / "evaluations" / name
    folder.mkdir(parents=True)
    done = [
        FineTuning(selection=one, seed=seed, method="walk", size=5, digest=digest(samples[one]))
        for one, table in losses.items()
        for seed in range(len(table))
    ]
    about = Evaluation(
        run=run.hash, model={}, configuration=EvaluationConfig(), tests=[], leaks={}, fine_tunings=done
    )
    (folder / "evaluation.json").write_text(about.model_dump_json())
    table = results(losses)
    for one in done:
        mine = table[(table["selection"] == one.selection) & (table["seed"] == one.seed)]
        mine[["target", "task", "example", "loss", "answer", "correct"]].to_parquet(folder / one.file)
    return folder


def test_the_verdict_counts_service_overlap_and_conflicts(run):
    table = verdict_table(run, SELECTIONS, "sgd", None).set_index("selection")
    assert table.loc["walk", ["samples", "trained_tokens", "most_like", "shared"]].tolist() == [
        5,
        45,
        "same",
        5,
    ]
    assert table.loc["other", ["most_like", "shared"]].tolist() == ["walk", 1]
    assert (table[["well", "badly", "not"]].sum(axis=1) == len(run.validation)).all()
    regime = run.regime("sgd")
    rows = np.asarray(regime.gradients[SELECTIONS["walk"]], np.float64)
    closest = np.asarray(regime.validation_cosines[SELECTIONS["walk"]]).argmax(axis=1)
    pairs = [(i, j) for i in range(5) for j in range(i)]
    for same, share in ((True, table.loc["walk", "within"]), (False, table.loc["walk", "across"])):
        negative = [rows[i] @ rows[j] < 0 for i, j in pairs if (closest[i] == closest[j]) == same]
        assert share == pytest.approx(np.mean(negative)) if negative else np.isnan(share)
    assert np.isnan(conflicts(regime, [4]).across)
    told = verdict(verdict_table(run, SELECTIONS, "sgd", None), None)
    assert "validation examples well" in told[0] and "not measured" in told[1]
    assert "walk and same are the same 5 instructions." in told
    assert verdict(verdict_table(run, {}, "sgd", None), None) == []


def test_only_selections_of_like_size_are_ranked(run):
    sizes = {"walk": 3, "a": 20, "b": 20, "c": 19}
    chosen = {name: list(range(size)) for name, size in sizes.items()}
    table = verdict_table(run, chosen, "sgd", None)
    told = verdict(table, None)
    assert told[0].startswith("Of those with 19 to 20 instructions, ") and "walk" not in told[0]
    assert told[2].startswith("walk (3) has another size and cannot be ranked with others")
    told = verdict(verdict_table(run, {name: chosen[name] for name in ("walk", "a")}, "sgd", None), None)
    assert told[0].startswith("a (20) and walk (3) have sizes of their own") and "validation" not in told[0]
    alone = verdict(verdict_table(run, {"walk": chosen["walk"]}, "sgd", None), None)
    assert alone[0].startswith("walk serves")
    loss = table.assign(loss=[0.1, 0.2, 0.3, 0.4])
    frame = _shown(loss.assign(loss=np.nan))
    assert frame["selection"].tolist()[-1] == "walk" and _shown(loss)["selection"].tolist()[0] == "walk"


def test_losses_are_found_by_the_instructions_not_the_name(run):
    random = np.random.default_rng(0)
    base = random.gamma(2, 1, (3, 20))
    losses = {"renamed": base - 0.5 + random.normal(0, 0.02, base.shape), "b": base}
    samples = {"renamed": SELECTIONS["walk"], "b": SELECTIONS["other"]}
    evaluated(run, "two", losses, samples)
    evaluated(run, "one", {"b": base + 9}, samples)
    found = measured(run, SELECTIONS)
    assert found is not None and found.evaluation == "two"
    assert found.names == {"walk": "renamed", "other": "b"}
    assert found.loss("walk")[0] == pytest.approx(losses["renamed"].mean())
    table = verdict_table(run, SELECTIONS, "sgd", found)
    told = verdict(table, found)
    assert told[0].startswith("By test loss after fine-tuning, walk is better than other by 0.50 ±")
    assert told[1] == "Not fine-tuned: same, none."
    assert measured(run, {"none": [5]}) is None


def test_losses_are_found_though_instructions_were_removed_since(run):
    losses = {"mine": np.full((2, 20), 1.5), "there": np.full((2, 20), 1.0)}
    samples = {"mine": [60, 61, 62, 63], "there": [70, 71]}
    evaluated(run, "removed", losses, samples)
    as_made = {"less": samples["mine"], "whole": samples["there"], "new": [80, 81]}
    left = {**as_made, "less": [60, 62, 63], "new": [80]}
    assert "less" not in measured(run, left).names
    found = measured(run, left, as_made=as_made)
    assert (
        found is not None
        and found.names == {"less": "mine", "whole": "there"}
        and found.loss("less")[0] == 1.5
    )
    assert found.with_gone == ["less"]
    told = verdict(verdict_table(run, left, "sgd", found), found)
    assert any(
        line.startswith("less was fine-tuned on as made, with instructions that are removed") for line in told
    )
    # Once it is fine-tuned on as it is now, that is what counts.
    evaluated(
        run,
        "removed-again",
        {"mine": np.ones((1, 20)), "there": losses["there"]},
        samples | {"mine": left["less"]},
    )
    again = measured(run, left, as_made=as_made)
    assert again.loss("less")[0] == 1 and not again.with_gone


def test_a_few_that_one_has_more_do_not_hide_that_two_are_alike(run):
    chosen = {"whole": list(range(100, 200)), "less": list(range(100, 199)), "small": list(range(100, 110))}
    told = verdict(verdict_table(run, chosen, "sgd", None), None)
    assert "whole and less share 99 of 99 and 100 instructions." in told
    assert not any("small" in line and "share" in line for line in told)


def test_a_digest_is_that_of_the_evaluation():
    assert (
        digest([1, 2]) == hashlib.sha256(np.array([1, 2], "<i8").tobytes()).hexdigest()[:16] != digest([2, 1])
    )
