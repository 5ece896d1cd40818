"""The costly stages on a device: gradients of a large random model, and exact neighbours of many rows.

    python -m benchmarks.device [--device cuda] [--tokens 300] [--samples 256] [--rows 270000] …

One command for a machine with a GPU; it needs no files and no network. The model has the shape of Llama-3.1-8B, random
weights, and LoRA of rank 128 on query, key, value and output; all samples have 300 tokens, half of them trained.
Measured in one run, the best of a few rounds, on the same model and samples:

- bare: forward and backward pass over the same batches, as in training (gradients summed over the batch);
- engine: this project's sketches of each sample's gradient, plain only, and plain and Adam;
- loop: autograd on one sample at a time, then the same two sketches. This compares batching only, without the dense
  projections of other tools (see benchmarks.gradients).

FLOP are those of `pipeline.cost`. `share_of_peak`: share of the chip's published peak without sparsity.
`share_of_product`: share of the rate of a large matrix product of the same dtype in the same run. `least_cosine`:
lowest cosine of a sample's sketches by engine and loop. Neighbours: random unit rows in half precision, memory-mapped
from a temporary file (4.4 GB in TMPDIR), compared in float32 as in a build, reading included; the lists of a few rows
are checked against float64 (`largest_error`).

Not tried yet: any GPU. All of it ran on a CPU at tiny sizes only, in float32 and bfloat16. So nobody has seen yet
whether the default batch of 4,096 tokens fits (planned: some 51 GB, written beside the memory measured), whether the
device's clock and memory readings are right, and what a temporary disk does to the time of the neighbours.
"""

import argparse
import gc
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from benchmarks.gradients import flat_averages, one_by_one
from benchmarks.report import best_seconds, machine, report
from g2is.config import BuildConfig, GradientConfig, Hardware, LoraSettings, ModelConfig, Workload
from g2is.graph.neighbors import block_rows, exact_neighbors
from g2is.lm.batching import batches
from g2is.lm.gradients import GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.model import DTYPES, add_adapter
from g2is.lm.projection import make_projection
from g2is.lm.shape import shape_of
from g2is.lm.text import Encoded
from g2is.lm.train import sample_losses, trainable
from g2is.pipeline.cost import Plan

LLAMA_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
NEIGHBORS, CONFLICTS, CHECKED = 50, 10, 16
PRODUCTS = 10

PEAKS = {
    "H200 NVL": (835.0, 60.0),
    "H200": (989.0, 67.0),
    "H100 PCIe": (756.0, 51.0),
    "H100 NVL": (835.0, 60.0),
    "H100": (989.0, 67.0),
    "A100": (312.0, 19.5),
}
"""Published peaks by part of the device's name, in 10^12 FLOP/s: bfloat16 without sparsity, and float32."""


class Device:
    """The device that is measured, and its peak rates."""

    def __init__(self, name: str, tflops: float | None, float32_tflops: float | None) -> None:
        self.name = name
        self.on_gpu = name != "cpu"
        self.model = torch.cuda.get_device_name(name) if name.startswith("cuda") else machine()["processor"]
        known = next((peaks for part, peaks in PEAKS.items() if part in self.model), (None, None))
        self.peaks = {"bfloat16": tflops or known[0], "float32": float32_tflops or known[1]}
        self.peaks["float16"] = self.peaks["bfloat16"]
        self.reached: dict[str, float] = {}

    def seconds(self, functions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
        """Shortest time of each, until the device has finished."""

        def finished(work: Callable[[], Any]) -> None:
            work()
            if self.on_gpu:
                torch.accelerator.synchronize()

        return best_seconds({name: partial(finished, work) for name, work in functions.items()}, rounds)

    def row(
        self, what: str, dtype: str, count: int, seconds: float, flop: float, **more: Any
    ) -> dict[str, Any]:
        """One line of the table: `count` samples in so many seconds, which take `flop` by the plan."""
        rate, peak = flop / seconds / 1e12, self.peaks[dtype]
        return {
            "what": what,
            "dtype": dtype,
            "count": count,
            "seconds": seconds,
            "per_s": count / seconds,
            "TFLOP_per_s": rate,
            "share_of_peak": rate / peak if peak else None,
            "share_of_product": rate / self.reached.setdefault(dtype, rate),
            **more,
        }

    def peak_gigabytes(self) -> float | None:
        """Peak memory of tensors on the device since the last call, where it can be measured."""
        if not self.name.startswith("cuda"):
            return None
        most = torch.cuda.max_memory_allocated(self.name) / 1e9
        torch.cuda.reset_peak_memory_stats(self.name)
        return most


def products(device: Device, dtype: str, size: int, rounds: int) -> dict[str, Any]:
    """The rate of a large matrix product, an upper bound in practice."""
    left, right = (torch.randn(size, size, device=device.name).to(DTYPES[dtype]) for _ in range(2))

    def work() -> None:
        for _ in range(PRODUCTS):
            left @ right

    seconds = device.seconds({"product": work}, rounds)["product"]
    return device.row("matrix product", dtype, PRODUCTS, seconds, PRODUCTS * 2 * size**3)


def random_model(config: LlamaConfig, device: str, dtype: str, rank: int) -> Any:
    """A random Llama with an adapter that is not zero, created on the device."""
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=DTYPES[dtype])
    model = model.requires_grad_(False).eval()
    model = add_adapter(model, LoraSettings(rank=rank, alpha=4.0 * rank, dropout=0.0), seed=0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.01)
    return model.eval()


@contextmanager
def training(parameters: dict[str, torch.nn.Parameter]) -> Iterator[None]:
    """Let autograd train the adapter, which the engine does not need, so that one model serves for both."""
    for parameter in parameters.values():
        parameter.requires_grad_()
    try:
        yield
    finally:
        for parameter in parameters.values():
            parameter.requires_grad_(False)
            parameter.grad = None


def planned(config: LlamaConfig, options: argparse.Namespace) -> Plan:
    """The planned cost of such a build with one regime, to compare."""
    adapter = LoraSettings(rank=options.rank)
    shape = shape_of(config, adapter)
    gradients = GradientConfig(projection_dim=options.dim, batch_tokens=options.batch_tokens)
    build = BuildConfig(
        model=ModelConfig(model="random", dtype=options.dtype), lora=adapter, gradients=gradients
    )
    work = Workload(samples=options.samples, tokens=options.tokens)
    return Plan(shape, build.resolve(config.hidden_size, None), work, Hardware())


def samples(options: argparse.Namespace) -> list[Encoded]:
    """Random tokens, the second half of each sample trained."""
    random = np.random.default_rng(0)
    trained = np.arange(options.tokens) >= options.tokens // 2
    ids = random.integers(1, options.vocab_size, (options.samples, options.tokens))
    return [Encoded(row, trained) for row in ids]


def gradients(device: Device, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Measure bare passes, the engine, and the loop."""
    config = LlamaConfig(**{name: getattr(options, name) for name in LLAMA_8B}, tie_word_embeddings=False)
    plan = planned(config, options)
    model = random_model(config, device.name, options.dtype, options.rank)
    parameters = trainable(model)
    sizes = piece_sizes(parameters)
    averages = flat_averages(sizes, device.name)
    projection = make_projection(plan.config.gradients, sizes, device.name)
    engine = GradientEngine(model, projection, averages)
    with training(parameters):
        plain_engine = GradientEngine(model, projection)
    pool = samples(options)
    few = pool[: options.loop_samples]
    groups = [
        [pool[i] for i in group] for group in batches([options.tokens] * len(pool), options.batch_tokens)
    ]

    def bare() -> None:
        with training(parameters):
            for group in groups:
                sample_losses(model, group).sum().backward()

    def loop() -> dict[str, torch.Tensor]:
        with training(parameters):
            return one_by_one(model, parameters, projection, averages, few)

    def run(engine: GradientEngine) -> None:
        for group in groups:
            engine(group)

    works = {
        "bare": bare,
        "engine, sgd": partial(run, plain_engine),
        "engine, adam and sgd": partial(run, engine),
        "loop": loop,
    }
    device.peak_gigabytes()
    run(engine)
    peak = device.peak_gigabytes()
    taken = device.seconds(works, options.rounds)
    expected, found = loop(), engine(few)[0]
    agreement = torch.stack(
        [torch.cosine_similarity(expected[kind], found[kind]).min() for kind in ("sgd", "adam")]
    )
    rows = []
    for what, seconds in taken.items():
        count = len(few) if what == "loop" else len(pool)
        row = device.row(what, options.dtype, count, seconds, count * options.tokens * plan.flop_per_token)
        row["share_of_bare"] = row["per_s"] / (len(pool) / taken["bare"])
        row["over_loop"] = row["per_s"] / (len(few) / taken["loop"])
        rows.append(row)
    return rows, {
        "parameters": plan.shape.parameters,
        "adapter_parameters": plan.trained,
        "planned_gigabytes": plan.gradients_bytes / 1e9,
        "measured_gigabytes": peak,
        "least_cosine": float(agreement.min()),
    }


def random_rows(path: Path, count: int, dim: int, device: str) -> np.ndarray:
    """Unit rows (n, d) in half precision, memory-mapped."""
    rows = np.lib.format.open_memmap(path, "w+", np.float16, (count, dim))
    torch.manual_seed(0)
    for start in range(0, count, block_rows(device)):
        part = rows[start : start + block_rows(device)]
        part[:] = torch.nn.functional.normalize(torch.randn(part.shape, device=device)).half().cpu().numpy()
    rows.flush()
    return np.load(path, mmap_mode="r")


def largest_error(rows: np.ndarray, cosines: np.ndarray, chosen: np.ndarray) -> float:
    """Largest difference of some rows' (n, k) cosines from the largest ones found in float64."""

    def unit(part: np.ndarray) -> np.ndarray:
        part = part.astype(np.float64)
        return part / np.linalg.norm(part, axis=1, keepdims=True)

    mine = unit(rows[chosen])
    every = np.hstack([mine @ unit(rows[start : start + 4096]).T for start in range(0, len(rows), 4096)])
    every[np.arange(len(chosen)), chosen] = -np.inf
    best = -np.sort(-every, axis=1)[:, : cosines.shape[1]]
    return float(np.abs(best - cosines[chosen]).max())


def neighbours(device: Device, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Exact neighbours of all rows, once."""
    with tempfile.TemporaryDirectory() as folder:
        rows = random_rows(Path(folder) / "rows.npy", options.rows, options.dim, device.name)
        found = []

        def work() -> None:
            found.append(
                exact_neighbors(
                    rows,
                    np.ones(len(rows), bool),
                    neighbors=NEIGHBORS,
                    conflicts=CONFLICTS,
                    device=device.name,
                    block=block_rows(device.name),
                )
            )

        seconds = device.seconds({"neighbours": work}, 1)["neighbours"]
        chosen = np.random.default_rng(0).choice(len(rows), min(CHECKED, len(rows)), replace=False)
        error = largest_error(rows, found[0].cosines, chosen)
    flop = 2 * options.rows**2 * options.dim
    row = device.row("exact neighbours", "float32", options.rows, seconds, flop)
    return [row], {"dim": options.dim, "largest_error": error}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="bfloat16", choices=list(DTYPES))
    for name, size in LLAMA_8B.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=int, default=size, help=f"of the model ({size:,})"
        )
    for name, size, meaning in (
        ("rank", 128, "of the adapter"),
        ("tokens", 300, "of each sample"),
        ("samples", 256, "samples in a round"),
        ("loop-samples", 16, "samples that the loop takes in a round"),
        ("batch-tokens", 4096, "tokens in a batch"),
        ("rounds", 3, "rounds, of which the best counts"),
        ("dim", 8192, "numbers in a sketch, and in a row whose neighbours are sought"),
        ("rows", 270_000, "rows whose neighbours are sought"),
        ("product-size", 8192, "rows and columns of the matrix product"),
    ):
        parser.add_argument(f"--{name}", type=int, default=size, help=f"{meaning} ({size:,})")
    known = ", ".join(PEAKS)
    for name, meaning in (("tflops", "16 bits"), ("float32-tflops", "float32")):
        parser.add_argument(
            f"--{name}",
            type=float,
            help=f"peak in 10^12 FLOP/s in {meaning}, where the device is not {known}",
        )
    return parser


def main(given: list[str] | None = None) -> None:
    options = arguments().parse_args(given)
    device = Device(options.device, options.tflops, options.float32_tflops)
    # The rate of a matrix product first: the others are given as shares of it.
    rows = [
        products(device, dtype, options.product_size, options.rounds)
        for dtype in dict.fromkeys((options.dtype, "float32"))
    ]
    about: dict[str, Any] = {"device": device.model, "torch": torch.__version__, "options": vars(options)}
    for name, measure in (("gradients", gradients), ("neighbours", neighbours)):
        found, about[name] = measure(device, options)
        rows += found
        gc.collect()
        if device.name.startswith("cuda"):
            torch.cuda.empty_cache()
    print(f"on {device.model}")
    report("device", rows, **about)
    for name in ("gradients", "neighbours"):
        print(f"{name}: {about[name]}")


if __name__ == "__main__":
    main()
