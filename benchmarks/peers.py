"""Gradients, and neighbours, beside programs that do the same, in one run.

    python -m benchmarks.peers [--quick] [--rounds 9] [--memory]

Sketches of each sample's LoRA gradients on the same random Llama and the same samples, in float32. Each round calls
every method once; the times are processor time of all threads, which other load on the machine changes least, and only
their ratios carry over to other machines. `share_of_bare`: median over the rounds, with the quartiles beside it.
`agreement`: correlation of the sketches' cosines with those of whole gradients by autograd, one sample at a time;
`rmse`: root mean square of their differences. Both on random weights and, in a table of its own, on the demo's
trained model. `peak_mb`, with `--memory`: of a process that does this method alone.

- bare: forward and backward pass over the same batches, as in training.
- ours: plain gradients, and plain and Adam's, of 8,192 numbers and of twice as many.
- loop: autograd on one sample at a time, with our sketch.
- bergson, dattri-llm: their hooks around the bare pass (which is kinder to bergson than its own, with full logits),
  projected to the same count of numbers a module. Where they are not installed they are left out; they belong in an
  environment of their own, since they ask for other versions than ours:
  `pip install . bergson dattri dattri-llm faiss-cpu`.

Neighbours: exact lists of ours, of faiss's flat index and of scikit-learn, one round as above.
"""

import argparse
import importlib.util
import math
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.gradients import adapted, flat_averages, one_by_one, samples
from benchmarks.report import interleaved, memory, report
from g2is.config import GradientConfig, LoraSettings, ModelConfig
from g2is.demo import MODEL
from g2is.graph.neighbors import exact_neighbors
from g2is.lm.batching import batches
from g2is.lm.gradients import GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.model import add_adapter, inspect_model, load_model
from g2is.lm.projection import NoProjection, make_projection
from g2is.lm.text import Encoded
from g2is.lm.train import sample_losses, trainable

Sketches = Callable[[], torch.Tensor | None]
"""Does all samples once, and gives their sketches in order."""


class Setting:
    """A model and samples. make: the model with its adapter, the same at every call, on the device. dim: numbers in a
    sketch."""

    def __init__(
        self,
        make: Callable[[], Any],
        pool: list[Encoded],
        dim: int,
        batch_tokens: int,
        device: str = "cpu",
    ) -> None:
        self.make, self.pool, self.dim, self.device = make, pool, dim, device
        self.groups = list(batches([*map(len, pool)], batch_tokens))

    def batch(self, group: list[int]) -> list[Encoded]:
        """Some samples."""
        return [self.pool[i] for i in group]

    def in_order(self, parts: list[torch.Tensor]) -> torch.Tensor:
        """Rows of all batches, in the order of the samples."""
        order = torch.tensor([i for group in self.groups for i in group])
        return torch.cat(parts)[order.argsort()]


def bare(setting: Setting) -> Sketches:
    model = setting.make()

    def run() -> None:
        for group in setting.groups:
            model.zero_grad()
            sample_losses(model, setting.batch(group)).sum().backward()

    return run


def ours(setting: Setting, *, adam: bool, times: int = 1) -> Sketches:
    model = setting.make()
    sizes = piece_sizes(trainable(model))
    projection = make_projection(GradientConfig(projection_dim=setting.dim * times), sizes, setting.device)
    engine = GradientEngine(model, projection, flat_averages(sizes, setting.device) if adam else None)
    return lambda: setting.in_order([engine(setting.batch(group))[0]["sgd"] for group in setting.groups])


def loop(setting: Setting) -> Sketches:
    model = setting.make()
    weights = trainable(model)
    sizes = piece_sizes(weights)
    projection = make_projection(GradientConfig(projection_dim=setting.dim), sizes, setting.device)
    averages = flat_averages(sizes, setting.device)
    return lambda: one_by_one(model, weights, projection, averages, setting.pool)["sgd"]


def modules(model: Any) -> list[str]:
    """Names of the linear layers of the adapter."""
    return [name.removesuffix(".weight") for name in trainable(model)]


def side(setting: Setting, count: int) -> int:
    """Rows and columns of a module's sketch, so that all modules have `dim` numbers."""
    return max(1, math.isqrt(setting.dim // count))


def bergson(setting: Setting) -> Sketches:
    from bergson import GradientProcessor, IndexConfig, InMemoryCollector
    from datasets import Dataset

    model = setting.make()
    inner = model.base_model
    names = [name.removeprefix("base_model.") for name in modules(model)]
    data = Dataset.from_dict({"length": [*map(len, setting.pool)]})
    folder = tempfile.mkdtemp()

    def run() -> torch.Tensor:
        collector = InMemoryCollector(
            model=inner,
            data=data,
            cfg=IndexConfig(run_path=folder),
            processor=GradientProcessor(projection_dim=side(setting, len(names))),
            target_modules=set(names),
        )
        with collector:
            for group in setting.groups:
                model.zero_grad()
                losses = sample_losses(model, setting.batch(group))
                losses.sum().backward()
                collector.process_batch(group, losses=losses)
        if not collector.gradients:
            collector.teardown()
        return torch.cat([collector.gradients[name].float() for name in sorted(collector.gradients)], dim=1)

    return run


def dattri(setting: Setting) -> Sketches:
    from dattri_llm import CaptureCallback, HookManager, HookManagerConfig

    model = setting.make()
    projected = {
        "proj_dim": side(setting, len(modules(model))),
        "proj_max_batch_size": 32,
        "proj_type": "rademacher",
    }
    config = HookManagerConfig(
        linear_io=[r"lora_"], capture_style="materialized", projection_kwargs={"__default__": projected}
    )
    capture = CaptureCallback()
    manager = HookManager(model, config=config, callbacks=[capture])

    def run() -> torch.Tensor:
        parts = []
        for group in setting.groups:
            model.zero_grad()
            with manager.collect():
                sample_losses(model, setting.batch(group)).sum().backward()
            found = capture.record.gradient.materialize()
            names = sorted(found.layer_names)
            parts.append(torch.cat([found.data[name].flatten(1) for name in names], dim=1))
        return setting.in_order(parts)

    return run


METHODS: dict[str, Callable[[Setting], Sketches]] = {
    "bare": bare,
    "ours, plain": lambda setting: ours(setting, adam=False),
    "ours, plain and Adam's": lambda setting: ours(setting, adam=True),
    "ours, both, twice the numbers": lambda setting: ours(setting, adam=True, times=2),
    "loop": loop,
    "bergson": bergson,
    "dattri-llm": dattri,
}
NEEDS = {"bergson": "bergson", "dattri-llm": "dattri_llm"}


def here() -> list[str]:
    """The methods whose packages are installed."""
    return [name for name in METHODS if name not in NEEDS or importlib.util.find_spec(NEEDS[name])]


def true_cosines(setting: Setting) -> np.ndarray:
    """Cosines of whole gradients by autograd."""
    model = setting.make()
    weights = trainable(model)
    sizes = piece_sizes(weights)
    averages = flat_averages(sizes, setting.device)
    found = one_by_one(model, weights, NoProjection(sizes), averages, setting.pool)
    return pairs(found["sgd"])


def pairs(rows: torch.Tensor) -> np.ndarray:
    """Cosines of all pairs of rows."""
    unit = torch.nn.functional.normalize(rows.cpu().double())
    return (unit @ unit.T)[tuple(torch.triu_indices(len(rows), len(rows), 1))].numpy()


def agreement(setting: Setting, rows: torch.Tensor, true: np.ndarray) -> dict[str, float]:
    """How well the cosines of sketches agree with the true ones."""
    found = pairs(rows)
    return {
        "numbers": rows.shape[1],
        "agreement": float(np.corrcoef(found, true)[0, 1]),
        "rmse": float(np.sqrt(np.mean((found - true) ** 2))),
    }


def random_setting(rank: int, quick: bool) -> Setting:
    """A random Llama."""
    hidden, count, dim = (64, 8, 1024) if quick else (512, 16, 8192)
    return Setting(lambda: adapted(rank, hidden), samples(count, 32 if quick else 128), dim, 4096)


def trained_setting(quick: bool) -> Setting:
    """The demo's trained model, with an adapter as after a short warm-up, and random tokens of its vocabulary."""
    config = ModelConfig(model=str(MODEL), device="cpu", dtype="float32")
    card = inspect_model(config)

    def make() -> Any:
        model = add_adapter(load_model(config, card), LoraSettings(rank=8, alpha=32.0, dropout=0.0), seed=0)
        torch.manual_seed(0)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.01)
        return model.eval()

    pool = samples(16 if quick else 48, 64)
    for sample in pool:
        sample.input_ids[:] = sample.input_ids % card.vocabulary
    return Setting(make, pool, 1024, 4096)


def peak_of(name: str, rank: int, quick: bool) -> float:
    """Peak memory in MB of one pass of a method in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (name, rank, quick))


def _peak(name: str, rank: int, quick: bool) -> float:
    METHODS[name](random_setting(rank, quick))()
    return memory("self", "VmHWM")


def compared(rank: int, quick: bool, rounds: int, memory: bool) -> list[dict[str, Any]]:
    """Speed, agreement and memory of every method at one rank, on random weights."""
    setting, names = random_setting(rank, quick), here()
    runs = {name: METHODS[name](setting) for name in names}
    sketches = {name: run() for name, run in runs.items()}  # warm: plans are made, functions compiled
    taken, true = interleaved(runs, rounds, time.process_time), true_cosines(setting)
    rows = []
    for name in names:
        shares = [bare / own for bare, own in zip(taken["bare"], taken[name], strict=True)]
        low, _, high = statistics.quantiles(shares, n=4) if rounds > 1 else shares * 3
        row = {"rank": rank, "method": name, "share_of_bare": statistics.median(shares)}
        row |= {"quartiles": f"{low:.2f}-{high:.2f}", "seconds": statistics.median(taken[name])}
        found = sketches[name]
        row |= agreement(setting, found, true) if found is not None else {}
        rows.append({**row, "peak_mb": peak_of(name, rank, quick)} if memory else row)
    return rows


def on_trained_weights(quick: bool) -> list[dict[str, Any]]:
    """Agreement of every method on trained weights."""
    setting = trained_setting(quick)
    true = true_cosines(setting)
    found = {name: METHODS[name](setting)() for name in here()}
    spread = float(true.std())
    return [
        {"method": name, **agreement(setting, rows, true), "spread_of_cosines": spread}
        for name, rows in found.items()
        if rows is not None
    ]


def neighbours(quick: bool, rounds: int) -> list[dict[str, Any]]:
    """Lists of the 50 nearest rows, by each program."""
    from sklearn.neighbors import NearestNeighbors

    count, dim = (500, 64) if quick else (4000, 1024)
    rows = np.random.default_rng(0).normal(size=(count, dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    valid = np.ones(count, bool)

    def of_faiss() -> np.ndarray:
        import faiss

        index = faiss.IndexFlatIP(dim)
        index.add(rows)
        return index.search(rows, 51)[1][:, 1:]

    def of_sklearn() -> np.ndarray:
        nearest = NearestNeighbors(metric="cosine", algorithm="brute").fit(rows)
        return nearest.kneighbors(n_neighbors=50)[1]

    runs: dict[str, Callable[[], np.ndarray]] = {
        "ours, and 10 conflicts": lambda: exact_neighbors(rows, valid, neighbors=50, conflicts=10).neighbors,
        "scikit-learn": of_sklearn,
    }
    if importlib.util.find_spec("faiss"):
        runs["faiss, flat"] = of_faiss
    lists = {name: run() for name, run in runs.items()}
    taken = interleaved(runs, rounds, time.process_time)
    own = next(iter(runs))
    return [
        {
            "method": name,
            "seconds": statistics.median(times),
            "over_ours": statistics.median(o / t for o, t in zip(taken[own], times, strict=True)),
            "same_entries": float((lists[name] == lists[own]).mean()),
        }
        for name, times in taken.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="a smaller model, shorter sketches and fewer samples"
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--memory", action="store_true", help="peak memory as well: a process for each method"
    )
    options = parser.parse_args()
    rows = [
        row for rank in (16, 128) for row in compared(rank, options.quick, options.rounds, options.memory)
    ]
    about = {"torch": torch.__version__, "threads": torch.get_num_threads(), "quick": options.quick}
    report("peers", rows, **about)
    report("peers_trained", on_trained_weights(options.quick), **about)
    report("peers_neighbours", neighbours(options.quick, options.rounds), **about)


if __name__ == "__main__":
    main()
