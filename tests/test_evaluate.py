"""Fine-tuning on selections of a tiny run: what is scored, resumed, refused and compared."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from g2is.analysis import walks
from g2is.cli import main
from g2is.config import BuildConfig, EvaluationConfig, LoraSettings, ReadingConfig, walk_preset
from g2is.errors import InputError
from g2is.evaluation import fine_tuning
from g2is.evaluation.budgets import budget_of, by_budget
from g2is.evaluation.candidates import Candidate, baseline, saved
from g2is.evaluation.cells import cells, findings
from g2is.evaluation.fine_tuning import check, evaluate
from g2is.evaluation.grid import (
    ALL,
    grid,
    nested,
    of_method,
    of_preset,
    of_selection,
    read_budgets,
    read_sizes,
)
from g2is.evaluation.results import Evaluation, FineTuning, read_evaluations, read_left_out, summarise
from g2is.evaluation.testing import TestSet
from g2is.evaluation.work import Work, prepare
from g2is.figures.grid import grid_figure
from g2is.instructions import read_instructions
from g2is.knowledge import core_knowledge
from g2is.lm.evaluate import fine_tuned, greedy_answers, held_out_losses
from g2is.lm.model import inspect_model, load_model
from g2is.lm.text import Encoded, Encoder
from g2is.lm.tokenizer import load_tokenizer
from g2is.pipeline.build import build
from g2is.pipeline.inputs import Target
from g2is.run.run import Run
from g2is.run.selections import Selection, select
from g2is.run.some_examples import with_examples
from g2is.selectors import METHODS, round_robin
from g2is.selectors.ranking import best
from g2is.walk import component_affinities, gradient_walk
from tests.tiny import ARCHITECTURES, byte_tokenizer, random_samples, save_tiny_model, write_pool

QUICK = EvaluationConfig(seeds=2, epochs=1, batch_size=4, learning_rate=1e-2, answers=3, new_tokens=4)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with a run `cache/run`, its files, and a test file `test.jsonl`."""
    folder = tmp_path_factory.mktemp("evaluate")
    save_tiny_model(folder / "model")
    write_pool(folder / "pool.jsonl", 30)
    write_pool(folder / "target.jsonl", 6, seed=1)
    write_pool(folder / "test.jsonl", 8, seed=2)
    config = BuildConfig(
        model={"model": str(folder / "model"), "device": "cpu"},
        lora={"rank": 2, "dropout": 0.1},
        warmup={"fraction": 0.2, "epochs": 1, "batch_size": 4},
        gradients={"projection_dim": 32},
        graph={"neighbors": 5, "conflicts": 3},
    )
    build(
        folder / "cache" / "run", config, [folder / "pool.jsonl"], [Target("words", folder / "target.jsonl")]
    )
    return folder


@pytest.fixture
def run(built, tmp_path) -> Run:
    """A copy of the run, to write in."""
    shutil.copytree(built / "cache" / "run", tmp_path / "run")
    return Run.open(tmp_path / "run")


def candidates(count: int = 6) -> list[Candidate]:
    return [
        Candidate("first", "walk", lambda seed: range(count)),
        Candidate("random", "random", lambda seed: np.random.default_rng(seed).permutation(30)[:count]),
    ]


def run_evaluation(run: Run, built: Path, *, config=QUICK, **options) -> tuple[pd.DataFrame, list[str]]:
    said: list[str] = []
    tests = options.pop("tests", [Target("words", built / "test.jsonl")])
    some = options.pop("candidates", candidates())
    return evaluate(run, tests, some, config, say=said.append, **options), said


def test_loss_and_answers_are_those_of_plain_computations(built):
    from g2is.config import ModelConfig

    config = ModelConfig(model=str(built / "model"), device="cpu")
    base, tokenizer = load_model(config, inspect_model(config)), load_tokenizer(config)
    samples = Encoder(tokenizer, 256)(read_instructions([built / "test.jsonl"]).instructions)
    with fine_tuned(base, LoraSettings(rank=2, alpha=8.0), samples[:4], QUICK, 0) as model:
        losses = held_out_losses(model, samples, batch_tokens=100)
        answers = greedy_answers(model, tokenizer, samples, 5, batch_tokens=200)
        for sample, loss, answer in zip(samples, losses, answers, strict=True):
            ids = torch.from_numpy(sample.input_ids)[None]
            with torch.no_grad():
                logp = model(input_ids=ids).logits[0].log_softmax(-1)
            places = np.flatnonzero(sample.trained)
            assert loss == pytest.approx(-logp[places - 1, ids[0, places]].mean().item(), rel=1e-4)
            tokens = ids[:, : places[0]]
            start = tokens.shape[1]
            for _ in range(5):  # without batch, padding or cache
                with torch.no_grad():
                    best = model(input_ids=tokens, use_cache=False).logits[0, -1].argmax()
                tokens = torch.cat([tokens, best.view(1, 1)], dim=1)
                if best == tokenizer.eos_token_id:
                    break
            assert answer == tokenizer.decode(tokens[0, start:], skip_special_tokens=True).strip()


def test_test_files_are_read_as_other_files_are(built, run, tmp_path):
    """Broken records stop it unless they are to be left out, then they are counted; columns can be named."""
    odd = tmp_path / "odd.jsonl"
    odd.write_text('{"ask": "Say 1", "say": "1"}\n{"ask": "Say 2"}\n{"ask": "Say 3", "say": "3"}\n')
    test, columns = [Target("words", odd)], ("prompt=ask,response=say",)
    config = QUICK.replace(seeds=1, answers=0)
    with pytest.raises(InputError, match=r"odd.jsonl:2"):
        run_evaluation(run, built, config=config, tests=test, reading=ReadingConfig(columns=columns))
    reading = ReadingConfig(columns=columns, skip_bad=True)
    summary, said = run_evaluation(run, built, config=config, tests=test, reading=reading)
    assert summary["examples"].eq(2).all() and any("1 of 3 are left out" in line for line in said)
    with pytest.raises(InputError, match=r"made otherwise .*skip_bad.*columns"):
        run_evaluation(run, built, config=config, tests=[Target("words", built / "test.jsonl")])


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_an_answer_does_not_depend_on_its_batch(architecture):
    torch.manual_seed(0)
    model, tokenizer = ARCHITECTURES[architecture]().eval(), byte_tokenizer()
    samples = random_samples(7, shortest=4, longest=30)
    alone = greedy_answers(model, tokenizer, samples, 6, batch_tokens=1)
    assert greedy_answers(model, tokenizer, samples, 6, batch_tokens=1000) == alone


def test_the_base_is_bare_again_and_the_same_seed_trains_the_same():
    torch.manual_seed(0)
    base = ARCHITECTURES["llama"]().requires_grad_(False).eval()
    samples = random_samples(8)
    before = held_out_losses(base, samples, 200)
    settings = LoraSettings(rank=2, alpha=8.0, dropout=0.1)
    found = []
    for seed in (0, 0, 1):
        with fine_tuned(base, settings, samples, QUICK, seed) as model:
            found.append(held_out_losses(model, samples, 200))
        np.testing.assert_array_equal(held_out_losses(base, samples, 200), before)
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0] - found[2]).max() > 0 and found[0].mean() < before.mean()


def test_steps_are_the_same_for_every_selection():
    torch.manual_seed(0)
    base = ARCHITECTURES["llama"]().requires_grad_(False).eval()
    config = QUICK.replace(steps=5)
    for count in (3, 9):
        steps: list[float] = []
        with fine_tuned(
            base, LoraSettings(rank=2, alpha=8.0), random_samples(count), config, 0, steps.append
        ):
            assert len(steps) == 5


def test_an_evaluation_holds_every_example_and_reads_back(run, built):
    summary, said = run_evaluation(run, built)
    results = read_evaluations(Run.open(run.folder))
    assert len(results) == 2 * 2 * 8
    assert results.groupby(["selection", "seed"])["correct"].count().eq(3).all()
    assert results["loss"].gt(0).all() and results["answer"].notna().sum() == 2 * 2 * 3
    assert any("none between test, validation and pool" in line for line in said)
    written = pd.read_csv(run.folder / "evaluations" / "test" / "summary.csv")
    assert written["selection"].tolist() == summary["selection"].tolist() == ["first", "random"]
    # Nothing of the run itself changed, so its selections stay valid.
    assert Run.open(run.folder).hash == run.hash and run.check() == []


def test_a_stopped_evaluation_resumes_and_ends_the_same(run, built, tmp_path):
    whole, _ = run_evaluation(run, built)
    stopped = tmp_path / "stopped"
    shutil.copytree(run.folder, stopped)
    here = stopped / "evaluations" / "test"
    (here / "first-1.parquet").unlink()
    (here / ".random-0.parquet.77.tmp").write_bytes(b"half")
    kept = {path.name: path.stat().st_mtime_ns for path in here.glob("*.parquet")}
    again, said = run_evaluation(Run.open(stopped), built)
    pd.testing.assert_frame_equal(again, whole)
    assert "3 of 4 fine-tunings are done already" in said
    assert all((here / name).stat().st_mtime_ns == time for name, time in kept.items())
    assert not list(here.glob(".*.tmp"))


def test_selections_and_seeds_can_be_added_but_not_changed(run, built):
    run_evaluation(run, built, candidates=candidates()[:1], config=QUICK.replace(seeds=1))
    summary, said = run_evaluation(run, built)
    assert "1 of 4 fine-tunings are done already" in said and len(summary) == 2
    with pytest.raises(InputError, match="other samples in first; other samples in random"):
        run_evaluation(run, built, candidates=candidates(7))
    with pytest.raises(InputError, match=r"learning_rate: 0\.01 -> 0\.1"):
        run_evaluation(run, built, config=QUICK.replace(learning_rate=0.1))
    summary, _ = run_evaluation(run, built, candidates=candidates(7), overwrite=True)
    assert summary["size"].tolist() == [7, 7]


def test_leaks_are_reported_before_training(run, built, tmp_path):
    lines = (built / "test.jsonl").read_text().splitlines()
    pool = (built / "pool.jsonl").read_text().splitlines()
    copy = json.loads(pool[4])
    copy["question"] = f"  {copy['question'].upper()} "
    (tmp_path / "leaky.jsonl").write_text("\n".join([*lines, json.dumps(copy)]) + "\n")
    _, said = run_evaluation(run, built, tests=[Target("words", tmp_path / "leaky.jsonl")], name="leaky")
    assert any(line.startswith("possible leaks: 1 of 9 samples of test words") for line in said)
    leaks = pd.read_csv(run.folder / "evaluations" / "leaky" / "leaks.csv")
    assert leaks[["of", "example", "copy_in", "row"]].values.tolist() == [["test words", 8, "pool", 4]]
    assert Evaluation.read(run.folder / "evaluations" / "leaky").leaks == {"test words in pool": 1}


def made_up(losses: dict[str, np.ndarray], task: list[str] | None = None) -> pd.DataFrame:
    """Results of selections from their losses (seeds, examples)."""
    rows = [
        {
            "evaluation": "e",
            "selection": name,
            "method": "walk",
            "size": 5,
            "seed": seed,
            "target": "t",
            "task": task[example] if task else None,
            "example": example,
            "loss": value,
            "correct": value < 1,
        }
        for name, table in losses.items()
        for seed, row in enumerate(table)
        for example, value in enumerate(row)
    ]
    return pd.DataFrame(rows).astype({"correct": "boolean"})


def test_the_summary_is_mean_spread_and_a_paired_test():
    random = np.random.default_rng(0)
    base = random.gamma(2, 1, (3, 20))
    losses = {"random": base, "better": base - 0.2 + random.normal(0, 0.05, (3, 20))}
    summary = summarise(made_up(losses)).set_index("selection")
    better = summary.loc["better"]
    assert better["loss"] == pytest.approx(losses["better"].mean())
    assert better["loss_spread"] == pytest.approx(losses["better"].mean(axis=1).std(ddof=1))
    assert better["exact"] == pytest.approx((losses["better"] < 1).mean())
    assert better["difference"] == pytest.approx((losses["better"] - base).mean())
    differences = (losses["better"] - base).mean(axis=0)
    t = differences.mean() / (differences.std(ddof=1) / np.sqrt(20))
    assert better["p_value"] == pytest.approx(2 * stats.t.sf(abs(t), 19))
    assert better["seeds"] == 3 and better["examples"] == 20
    assert pd.isna(summary.loc["random", "p_value"]) and pd.isna(summary.loc["random", "difference"])


def test_apart_says_whether_every_seed_is_better():
    seeds = np.array([[1.0, 1.0], [1.2, 1.2], [1.4, 1.4]])
    summary = summarise(made_up({"random": seeds, "all": seeds - 0.5, "some": seeds - 0.3})).set_index(
        "selection"
    )
    assert summary.loc["all", "apart"] and not summary.loc["some", "apart"]


def test_subtasks_are_summarised_on_their_own():
    losses = {"random": np.arange(4.0)[None], "other": np.arange(4.0)[None] + 1}
    summary = summarise(made_up(losses, ["x", "x", "y", "y"]))
    assert summary["task"].tolist() == ["", "", "x", "x", "y", "y"]
    assert summary.set_index(["task", "selection"]).loc[("y", "random"), "loss"] == 2.5


def test_the_command_evaluates_selections_and_baselines(run, built, capsys, tmp_path):
    Selection.of(run, np.arange(5), "walk", {}).write(run.folder / "selections" / "mine.json")
    arguments = [
        "evaluate",
        str(run.folder),
        "--test",
        f"words={built / 'test.jsonl'}",
        "--selection",
        "mine",
    ]
    arguments += ["--method", "random", "--seeds", "2", "--epochs", "1", "--answers", "0"]
    assert main([*arguments, "--output", str(tmp_path / "results.csv")]) == 0
    assert pd.read_csv(tmp_path / "results.csv")["selection"].tolist() == ["mine", "random"]
    about = Evaluation.read(run.folder / "evaluations" / "test")
    assert {one.size for one in about.fine_tunings} == {5}
    drawn = {one.seed: one.digest for one in about.fine_tunings if one.selection == "random"}
    assert len(set(drawn.values())) == 2
    capsys.readouterr()
    assert main(["evaluate", str(run.folder), "--test", "nowhere.jsonl", "--selection", "mine"]) == 2
    assert main(["evaluate", str(run.folder), "--test", str(built / "test.jsonl"), "--method", "random"]) == 2
    assert "give --fraction or --count" in capsys.readouterr().err


def test_a_base_model_that_is_not_the_runs_is_refused(run, built, tmp_path):
    other = save_tiny_model(tmp_path / "other")
    (other / "config.json").write_text((other / "config.json").read_text().replace("256", "255"))
    with pytest.raises(InputError, match="is not the one that run"):
        run_evaluation(run, built, model=str(other))


def test_what_cannot_be_trained_or_scored_is_counted_and_said_first(run, built, tmp_path):
    lines = (built / "test.jsonl").read_text().splitlines()
    turns = [{"role": "user", "content": "1?"}, {"role": "assistant", "content": "2", "train": False}]
    wrong = {"prompt": "1 + 1?", "completion": "3", "label": False}
    some = [*lines, json.dumps({"messages": turns}), json.dumps(wrong)]
    (tmp_path / "some.jsonl").write_text("\n".join(some) + "\n")
    tests = [Target("words", tmp_path / "some.jsonl")]
    said: list[str] = []
    check(run, tests, candidates(), QUICK, say=said.append)
    lines = [line for line in said if line.startswith("test words")]
    reason = '"label" is false: an example of what not to answer, which is not trained'
    assert lines == [
        f"test words: 1 of 10 are left out: {why}" for why in (reason, "the response has no tokens")
    ]
    assert not (run.folder / "evaluations").exists()
    _, again = run_evaluation(run, built, tests=tests, config=QUICK.replace(seeds=1))
    assert again[1:3] == lines
    left_out = read_left_out(run.folder / "evaluations" / "test")
    assert left_out.values.tolist()[1] == ["test words", 1, 10, "the response has no tokens"]
    assert set(read_evaluations(run)["example"]) == set(range(8))


def prepared(run: Run, tests: list, config: EvaluationConfig, rows: list[int], encoder) -> Work:
    one = FineTuning(selection="some", seed=0, method="walk", size=len(rows), digest="0")
    return prepare(run, {one: rows}, tests, encoder, config)


def test_the_work_is_counted_in_instructions_steps_and_tokens(run, built):
    def encoder(samples):
        return [
            Encoded(np.zeros(10, int), np.ones(10, bool), problem="refused" if place == 2 else None)
            for place, sample in enumerate(samples)
        ]

    tests = [TestSet("words", [None] * 4, [Encoded(np.zeros(6, int), np.ones(6, bool))] * 4, Counter())]
    config = EvaluationConfig(epochs=3, batch_size=2, learning_rate=0.1, answers=0)
    work = prepared(run, tests, config, [4, 9, 12, 20], encoder)
    (load,) = work.loads.values()
    assert (load.usable, load.tokens, load.left_out) == (3, 30, {"refused": 1})
    assert load.steps(config) == 3 * 2 and load.trained(config) == 90
    assert load.steps(config.replace(steps=5)) == 5 and load.trained(config.replace(steps=5)) == 5 * 2 * 10
    assert work.left_out.values.tolist() == [["selection some", 1, 4, "refused"]]
    warmup = run.manifest.stages["warmup"]
    mean = run.instructions["tokens"].mean()
    rate = warmup.seconds / (warmup.found["samples"] * mean)  # one epoch
    assert work.seconds(list(work.loads)) == pytest.approx(rate * (90 + 24 / 3))
    with pytest.raises(InputError, match="none of its samples has anything to train on"):
        prepared(
            run,
            tests,
            config,
            [1],
            lambda samples: [Encoded(np.zeros(0, int), np.zeros(0, bool), problem="no")],
        )


def test_selections_are_chosen_again_at_each_budget(run):
    less = select(run, "less", count=6)
    found = saved(run, "less-6", less, [3, 9])
    assert [one.name for one in found] == ["less-3", "less-9"]
    assert list(found[0].choose(0)) == less.samples[:3] and len(found[1].choose(2)) == 9
    walk = Selection.of(
        run,
        walks.walk(run, walk_preset("recommended", count=4)).samples,
        "walk",
        walk_preset("recommended", count=4).model_dump(),
    )
    (again,) = saved(run, "mine", walk, [7])
    assert list(again.choose(0)) == walks.walk(run, walk_preset("recommended", count=7)).samples.tolist()
    hand = Selection.of(run, np.array([3, 1, 2]), "by hand", {})
    assert list(saved(run, "hand", hand, [2])[0].choose(0)) == [3, 1]
    with pytest.raises(InputError, match="made by hand and has 3 instructions"):
        saved(run, "hand", hand, [2, 4])
    drawn = baseline(run, "random", [{"count": 5}], named=True)[0]
    assert drawn.name == "random-5" and list(drawn.choose(0)) != list(drawn.choose(1))


@pytest.mark.parametrize(
    "name, size, expected",
    [
        ("less-60", 60, ("less", 60)),
        ("walk-60", 58, ("walk", 60)),
        ("less-60-2", 60, ("less-60-2", 60)),
        ("mine", 4, ("mine", 4)),
    ],
)
def test_the_budget_of_a_name(name, size, expected):
    assert budget_of(name, size) == expected


def test_selections_are_grouped_by_budget_where_each_has_several():
    def done(**sizes):
        return [
            FineTuning(selection=name.replace("_", "-"), seed=seed, method="walk", size=size, digest="0")
            for name, size in sizes.items()
            for seed in (0, 1)
        ]

    assert by_budget(done(less_60=60, walk_9=9, less_9=9, walk_60=58)) == {
        9: ["walk-9", "less-9"],
        60: ["less-60", "walk-60"],
    }
    assert by_budget(done(mine=40, random=60)) == {0: ["mine", "random"]}
    assert by_budget(done(mine=40, random=40)) == {40: ["mine", "random"]}


def test_the_command_checks_without_training_and_takes_budgets(run, built, capsys):
    words = ["evaluate", str(run.folder), "--test", f"words={built / 'test.jsonl'}", "--method", "random"]
    words += ["--method", "less", "--budgets", "3", "5", "--seeds", "2", "--epochs", "1", "--answers", "0"]
    assert main([*words, "--check"]) == 0
    said = capsys.readouterr().err
    assert "4 selections, 8 fine-tunings, each scored on 8 test examples" in said
    assert "at the speed of the run's warm-up" in said and not (run.folder / "evaluations").exists()
    assert main([*words, "--count", "4"]) == 2
    assert main([*words[:-7], "--budgets", "0", *words[-6:]]) == 2


def test_words_become_budgets_and_sizes(run):
    usable = int(run.valid.sum())
    assert read_budgets(run, ["9,5", "0.5", "5"]) == sorted({5, 9, usable // 2})
    assert read_sizes(["32,8", "all", "8"]) == [8, 32, ALL]
    for words in ("many", "0", "-3", "0.0", "1.5", "nan", "1e3", "9" * 5000):
        with pytest.raises(InputError, match=r"expected numbers|count|fraction"):
            read_budgets(run, [words])
    for words in ("1", "0", "-8", "some", "0.5", "9" * 5000):
        with pytest.raises(InputError, match=r"expected numbers of examples from 2"):
            read_sizes([words])


def test_smaller_draws_of_examples_are_parts_of_larger_ones_and_seeds_differ(run):
    draws = {size: nested(run, ["words"], size, 0).tolist() for size in (2, 4, ALL)}
    assert set(draws[2]) < set(draws[4]) < set(draws[ALL]) and draws[ALL] == list(range(6))
    assert len({tuple(nested(run, ["words"], 3, seed)) for seed in range(8)}) > 3


@pytest.mark.parametrize("method", ["recommended", "round_robin", "less"])
def test_a_run_with_some_examples_selects_as_one_that_has_no_others(run, method):
    rows = [4, 1]
    view = with_examples(run, rows)
    assert view.validation["line"].tolist() == run.validation["line"].iloc[rows].tolist()
    assert [(target.name, target.size) for target in view.targets] == [("words", 2)]
    if method == "recommended":
        chosen = walks.walk(view, walk_preset(method, count=7, neighbors=5)).samples
        alone = gradient_walk(
            run.regime("sgd").gradients,
            run.regime("sgd").neighbors,
            run.regime("sgd").cosines,
            knowledge := core_knowledge(run.validation_gradients[rows], walk_preset(method, count=7)),
            walk_preset(method, count=7, neighbors=5),
            valid=run.valid,
            affinities=component_affinities(run.regime("sgd").gradients, knowledge),
        ).samples
    else:
        regime = METHODS[method].model_fields["regime"].default
        chosen = select(view, method, count=7).samples
        cosines = run.regime(regime).validation_cosines[:, rows]
        tasks = ["words", "words"]
        alone = (
            round_robin(cosines, tasks, run.valid, 7)
            if method == "round_robin"
            else best(cosines.mean(axis=1), run.valid, 7)
        )
    assert list(chosen) == list(alone)
    assert len(run.validation) == 6, "the run itself is as it was"


def test_a_grid_is_every_place_once_and_what_ignores_the_examples_once_a_budget(run):
    choosers = [of_preset("recommended"), of_method("less"), of_method("random")]
    made = grid(run, choosers, [4, 8], [2, ALL], ["words"])
    places = [(one.label, one.budget, one.validation, one.target) for one in made]
    assert len(set(places)) == len({one.name for one in made}) == len(made) == 2 + 2 * 2 * 2
    assert [place for place in places if place[0] == "random"] == [
        ("random", 4, None, None),
        ("random", 8, None, None),
    ]
    whole = next(one for one in made if (one.label, one.budget, one.validation) == ("less", 8, ALL))
    assert whole.choose(0) == select(run, "less", count=8).samples
    with pytest.raises(InputError, match=r"test 'other': no target of the run has that name"):
        grid(run, choosers, [4], targets=["other"])
    with pytest.raises(InputError, match=r"target 'words' has 6 examples, fewer than 7"):
        grid(run, choosers, [4], [7])
    by_hand = Selection.of(run, [1, 2], "map", {})
    with pytest.raises(InputError, match=r"'mine': was made by hand"):
        of_selection("mine", by_hand)
    with pytest.raises(InputError, match=r"method full: has no budget"):
        of_method("full")


def test_the_command_evaluates_a_grid_resumes_it_and_ends_with_a_table_and_a_picture(run, built, capsys):
    words = [
        "evaluate",
        str(run.folder),
        "--test",
        f"words={built / 'test.jsonl'}",
        "--by-target",
        "--answers",
        "0",
    ]
    words += [
        "--preset",
        "recommended",
        "--method",
        "round_robin",
        "--method",
        "random",
        "--budgets",
        "3,0.2",
    ]
    words += ["--seeds", "2", "--epochs", "1", "--batch-size", "4", "--learning-rate", "0.01"]
    assert main([*words, "--validation-sizes", "2"]) == 0
    said = capsys.readouterr()
    folder = run.folder / "evaluations" / "test"
    first = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    assert len(first) == 2 * (1 + 2) * 2
    assert re.search(r"\d+ fine-tunings, about \d+ s in all \(from \d+ s to \d+ s, by the fastest", said.err)
    assert "recommended against round-robin: " in said.out and "| words | random |" in said.out
    assert main([*words, "--validation-sizes", "2,4,all", "--against", "round-robin"]) == 0
    said = capsys.readouterr()
    assert "12 of 28 fine-tunings are done already" in said.err
    assert all((folder / name).stat().st_mtime_ns == then for name, then in first.items())
    table = pd.read_csv(folder / "table.csv")
    assert sorted(table["validation"].dropna().unique()) == [0, 2, 4] and set(table["budget"]) == {3, 6}
    beside = table[table["method"] == "recommended"]
    assert (beside["against"] == "round-robin").all() and set(beside["verdict"]) <= {
        "better",
        "level",
        "worse",
    }
    assert (table.loc[table["method"] == "round-robin", "verdict"] == "alone").all()
    results = read_evaluations(run)
    losses = results.groupby(["selection", "seed"])["loss"].mean().groupby("selection").mean()
    assert table["loss"].tolist() == pytest.approx(losses[table["selection"]].tolist(), abs=1e-6)
    assert "recommended, all validation examples against 2: " in (folder / "table.md").read_text()
    assert "held-out loss" in (folder / "picture.html").read_text()


def test_the_same_samples_are_trained_once(run, built, monkeypatch):
    trained = []
    plain = fine_tuning._results
    monkeypatch.setattr(
        fine_tuning, "_results", lambda run, work, one, bar: trained.append(one) or plain(run, work, one, bar)
    )
    same = [Candidate(name, "walk", lambda seed: range(5)) for name in ("one", "two")]
    other = Candidate("three", "walk", lambda seed: range(4, -1, -1))
    summary, said = run_evaluation(run, built, candidates=[*same, other])
    assert sorted(one.selection for one in trained) == ["one", "one", "three", "three"]
    assert "2 of the fine-tunings take the results of another with the same samples, target and seed" in said
    losses = summary.set_index("selection")["loss"]
    assert losses["one"] == losses["two"]


def test_a_table_compares_within_a_place_and_says_level():
    def one(name, validation=None, **place):
        return FineTuning(
            selection=name, seed=0, method="m", size=5, digest="", budget=5, validation=validation, **place
        )

    tunings = [one(f"a{n}", n, label="a", target="t") for n in (8, 0)]
    tunings += [one(f"b{n}", n, label="b", target="t") for n in (8, 0)] + [one("r", label="random")]
    random = np.random.default_rng(0)
    noise = random.standard_normal(200)
    shifts = {"a8": -0.5, "a0": -0.9, "b8": 0.0, "b0": -0.9, "r": 0.0}
    rows = [
        {"selection": name, "target": target, "task": "", "example": at, "seed": seed, "size": 5,
         "loss": 3 + shift + noise[at] + 0.1 * random.standard_normal(), "correct": None}
        for name, shift in shifts.items()
        for target in (("t", "u") if name == "r" else ("t",))
        for at in range(200)
        for seed in range(3)
    ]  # fmt: skip
    about = Evaluation(run="", model={}, configuration=QUICK, tests=[], leaks={}, fine_tunings=tunings)
    results = pd.DataFrame(rows)
    table = cells(about, results)
    got = {
        (r.method, r.validation, r.target): (r.verdict, r.against)
        for r in table.fillna({"validation": -1}).itertuples()
    }
    assert got["a", 8, "t"] == got["a", 0, "t"] == got["b", 0, "t"] == ("better", "random")
    assert got["b", 8, "t"] == ("level", "random") and got["random", -1, "u"][0] == "alone"
    assert table[table["method"] == "a"]["validation"].tolist() == [8, 0], "all come last"
    lines = findings(table, results)
    assert lines[0].startswith("a against b: better in 1, level in 1 of 2; mean loss −")
    assert any(
        line.startswith("a, all validation examples against 8: better in 1; mean loss −1") for line in lines
    )
    figure = grid_figure(table)
    assert {trace.name for trace in figure.data} == {"a", "b", "random"}
    assert list(figure.layout.xaxis.ticktext) == ["8", "all"]
