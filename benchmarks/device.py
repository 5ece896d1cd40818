"""The costly stages on a device: gradients of a large random model, and exact neighbours of many rows.

    python -m benchmarks.device [--output bench] [--device cuda] [--tokens 300] [--samples 256] [--rows 270000] …

One command of 10 to 15 minutes for a machine with a GPU; it needs no files and no network. Each row is written to
`device.json` in the folder `--output` as soon as it is known, and what fails becomes a row with the reason. The model
has the shape of Llama-3.1-8B, random weights, and LoRA of rank 128 on query, key, value and output; samples have 300
tokens on average, with a long tail, half of them trained. In this order:

1. A real build of a part of the demo, all stages, on the device; once more without reading ahead and writing behind.
2. Gradients; on the same model and samples, the best of a few rounds:

- bare: forward and backward pass over the same batches, as in training (gradients summed over the batch);
- engine: this project's sketches of each sample's gradient, plain only, and plain and Adam;
- without sketches, and forward alone: the same passes without what the sketches add, and without gradients: the parts
  of a batch are the differences;
- without one kernel, without fused norms, with a mask: plain and Adam, each thing that is done for a GPU left out by
  itself; `share_of_engine` is the speed as a share of the engine's with all of them;
- loop: autograd on one sample at a time, then the same two sketches. This compares batching only, without the dense
  projections of other tools (see benchmarks.gradients).

All of them multiply the adapter's float32 numbers in the precision of the engine: TF32 beside weights of 16 bits.

3. Gradients at other sizes of a batch, until memory runs out, and with the adapter's products in float32 proper.
4. Gradients in float32 of a few samples, and the lowest cosine of their sketches to those in the model's own type.
5. Exact neighbours.
6. The methods of `benchmarks.peers` on the same model and a part of the samples, each by itself: bergson and dattri-llm
   where they are installed (see there for how). `agreement`, `rmse`: of their cosines with those of a million numbers
   by the loop, since whole gradients do not fit.

FLOP are those of `pipeline.cost`. `share_of_peak`: share of the chip's published peak without sparsity.
`share_of_product`: share of the rate of a large matrix product of the same dtype in the same run.
`planned_seconds`: what `g2is plan` expects of this card, where its rates are known (published, or given as options).
`least_cosine`: lowest cosine of a sample's sketches by engine and loop. Neighbours: random unit rows in half precision,
memory-mapped from a temporary file (4.4 GB in TMPDIR), multiplied as in a build, in half precision with sums in float32
on a GPU and in float32 on a CPU, reading included; the lists of a few rows are checked against float64
(`largest_error`).

Not tried yet: any GPU. All of it ran on a CPU at tiny sizes only, in float32 and bfloat16.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from benchmarks import peers
from benchmarks.gradients import flat_averages, one_by_one
from benchmarks.left_out import attention_mask, no_overlap, several_kernels, written_norms
from benchmarks.report import best_seconds, machine, save
from g2is.config import (
    BuildConfig,
    GradientConfig,
    Hardware,
    LayoutConfig,
    LoraSettings,
    ModelConfig,
    RegimeName,
    WarmupConfig,
    Workload,
)
from g2is.demo import MODEL, copy_demo
from g2is.graph.neighbors import block_rows, exact_neighbors
from g2is.lm.batching import batches
from g2is.lm.gradients import GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.model import DTYPES, add_adapter
from g2is.lm.norms import fuse_norms
from g2is.lm.one_kernel import described
from g2is.lm.precision import float32_products
from g2is.lm.projection import make_projection
from g2is.lm.shape import shape_of
from g2is.lm.text import Encoded
from g2is.lm.train import sample_losses, trainable
from g2is.pipeline.build import build
from g2is.pipeline.cost import Plan
from g2is.pipeline.inputs import Target

LLAMA_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
NEIGHBORS, CONFLICTS, CHECKED = 50, 10, 16
LONGEST = 6
"""The longest sample, in means."""
PRODUCTS = 10
DRAWN = 65_536
"""Rows drawn at once."""
WHOLE = 1 << 20
"""Numbers in a sketch that stands for a whole gradient: its cosines are off by a thousandth."""

Rows = Iterator[dict[str, Any]]

RATES = {
    "tflops": "peak in 10^12 FLOP/s in 16 bits, without sparsity",
    "tf32_tflops": "the same in TF32",
    "float32_tflops": "the same in float32",
    "bandwidth": "memory in 10^12 bytes/s",
}
"""Rates of a device, as `Hardware` names them."""
CARDS = {
    "H200 NVL": (835.0, 417.0, 60.0, 4.8),
    "H200": (989.0, 494.0, 67.0, 4.8),
    "H100 PCIe": (756.0, 378.0, 51.0, 2.0),
    "H100 NVL": (835.0, 417.0, 60.0, 3.9),
    "H100": (989.0, 494.0, 67.0, 3.35),
    "A100": (312.0, 156.0, 19.5, 2.0),
}
"""The same from NVIDIA's data sheets, by part of the device's name."""


class Device:
    """The device that is measured. given: rates by name, in place of the published ones."""

    def __init__(self, name: str, **given: float | None) -> None:
        self.name = name
        self.on_gpu = name != "cpu"
        self.model = torch.cuda.get_device_name(name) if name.startswith("cuda") else machine()["processor"]
        known = next((rates for part, rates in CARDS.items() if part in self.model), (None,) * len(RATES))
        self.rates = {rate: given.get(rate) or value for rate, value in zip(RATES, known, strict=True)}
        short = self.rates["tflops"]
        self.peaks = {"bfloat16": short, "float16": short, "float32": self.rates["float32_tflops"]}
        self.reached: dict[str, float] = {}

    @property
    def hardware(self) -> Hardware | None:
        """The device as a plan sees it; None where a rate is not known."""
        rates = {name: rate for name, rate in self.rates.items() if rate}
        return Hardware(**rates) if len(rates) == len(RATES) else None

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


def llama(options: argparse.Namespace) -> LlamaConfig:
    """The model's configuration."""
    return LlamaConfig(**{name: getattr(options, name) for name in LLAMA_8B}, tie_word_embeddings=False)


def random_model(options: argparse.Namespace, device: str) -> Any:
    """A random Llama with an adapter that is not zero, created on the device, the same at every call."""
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(llama(options), dtype=DTYPES[options.dtype])
    model = model.requires_grad_(False).eval()
    adapter = LoraSettings(rank=options.rank, alpha=4.0 * options.rank, dropout=0.0)
    model = add_adapter(model, adapter, seed=0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.01)
    fuse_norms(model)
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


def planned(
    options: argparse.Namespace,
    device: Device,
    work: Workload,
    regimes: tuple[RegimeName, ...] = ("adam", "sgd"),
) -> Plan:
    """The planned cost of such a build, to compare."""
    config, adapter = llama(options), LoraSettings(rank=options.rank)
    gradients = GradientConfig(projection_dim=options.dim, batch_tokens=options.batch_tokens, regimes=regimes)
    model = ModelConfig(model="random", dtype=options.dtype, device=device.name)
    build = BuildConfig(model=model, lora=adapter, gradients=gradients)
    return Plan(
        shape_of(config, adapter),
        build.resolve(config.hidden_size, None),
        work,
        device.hardware or Hardware(),
    )


def planned_seconds(device: Device, plan: Plan, stage: str) -> float | None:
    """What the plan expects of a stage; None where the device's rates are not known."""
    hours = {stage.name: stage.hours for stage in plan.stages}
    return 3600 * hours[stage] if device.hardware else None


def samples(options: argparse.Namespace) -> list[Encoded]:
    """Random tokens, the second half of each sample trained; most are short, a few are several times the mean."""
    random = np.random.default_rng(0)
    lengths = random.lognormal(0, 0.7, options.samples)
    lengths = np.clip(lengths * options.tokens / lengths.mean(), 4, LONGEST * options.tokens).astype(int)
    ids = [random.integers(1, options.vocab_size, length) for length in lengths]
    return [Encoded(row, np.arange(len(row)) >= len(row) // 2) for row in ids]


class NoSketch:
    """In place of a projection: what is left is the time of all else."""

    dim = 1

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        """Does nothing."""


class Gradients:
    """The model, its samples and what is measured of them."""

    def __init__(self, device: Device, options: argparse.Namespace) -> None:
        self.device, self.options = device, options
        self.pool = samples(options)
        self.plan = self._planned(("adam", "sgd"))
        self.model = random_model(options, device.name)
        self.parameters = trainable(self.model)
        sizes = piece_sizes(self.parameters)
        self.averages = flat_averages(sizes, device.name)
        self.projection = make_projection(self.plan.config.gradients, sizes, device.name)
        self.few = sorted(self.pool, key=len)[len(self.pool) // 2 :][: options.loop_samples]
        self.engine = self._engine(self.projection, self.averages)

    def _planned(self, regimes: tuple[RegimeName, ...]) -> Plan:
        # Two of the samples stand for validation examples, whose gradients a plan counts, too.
        tokens = sum(map(len, self.pool)) / len(self.pool)
        work = Workload(samples=len(self.pool) - 2, tokens=tokens, validation_samples=2)
        return planned(self.options, self.device, work, regimes)

    def _engine(self, projection: Any, averages: Any = None) -> GradientEngine:
        with training(self.parameters):
            return GradientEngine(self.model, projection, averages)

    def groups(self, batch_tokens: int) -> list[list[Encoded]]:
        """The batches of all samples."""
        return [[self.pool[i] for i in group] for group in batches([*map(len, self.pool)], batch_tokens)]

    def run(self, engine: GradientEngine, groups: list[list[Encoded]]) -> None:
        """One pass over batches."""
        for group in groups:
            engine(group)

    def loop(self) -> dict[str, torch.Tensor]:
        """Sketches of a few samples, one at a time."""
        with training(self.parameters):
            return one_by_one(self.model, self.parameters, self.projection, self.averages, self.few)

    def row(self, what: str, pool: list[Encoded], seconds: float, **more: Any) -> dict[str, Any]:
        """One line about so many samples."""
        flop = sum(map(len, pool)) * self.plan.flop_per_token
        return self.device.row(what, self.options.dtype, len(pool), seconds, flop, **more)

    def compared(self) -> Rows:
        """Bare passes, the engine with and without its parts, and the loop; and how well these agree."""
        groups = self.groups(self.options.batch_tokens)

        def bare() -> None:
            with training(self.parameters):
                for group in groups:
                    sample_losses(self.model, group).sum().backward()

        def forward() -> None:
            with torch.no_grad():
                for group in groups:
                    sample_losses(self.model, group)

        def without(left_out: AbstractContextManager[object]) -> None:
            with left_out:
                self.run(self.engine, groups)

        works = {
            "bare": bare,
            "engine, sgd": partial(self.run, self._engine(self.projection), groups),
            "engine, adam and sgd": partial(self.run, self.engine, groups),
            "loop": self.loop,
            "forward": forward,
            "engine without sketches": partial(self.run, self._engine(NoSketch()), groups),
            "engine without one kernel": lambda: without(several_kernels()),
            "engine without fused norms": lambda: without(written_norms(self.model)),
            "engine with a mask": lambda: without(attention_mask()),
        }
        self.device.peak_gigabytes()
        self.run(self.engine, groups)
        peak = self.device.peak_gigabytes()
        with float32_products(self.engine._precision):
            taken = self.device.seconds(works, self.options.rounds)
            expected, found = self.loop(), self.engine(self.few)[0]
        cosines = [torch.cosine_similarity(expected[kind], found[kind]).min() for kind in ("sgd", "adam")]
        plans = {"engine, sgd": self._planned(("sgd",)), "engine, adam and sgd": self.plan}
        for what, seconds in taken.items():
            row = self.row(what, self.few if what == "loop" else self.pool, seconds)
            row["share_of_bare"] = row["per_s"] / (len(self.pool) / taken["bare"])
            row["over_loop"] = row["per_s"] / (len(self.few) / taken["loop"])
            row["share_of_engine"] = row["per_s"] / (len(self.pool) / taken["engine, adam and sgd"])
            if what in plans:
                row["planned_seconds"] = planned_seconds(self.device, plans[what], "gradients")
            if what == "engine, adam and sgd":
                row |= {
                    "planned_gigabytes": self.plan.gradients_bytes / 1e9,
                    "measured_gigabytes": peak,
                    "least_cosine": float(min(cosines)),
                    "sketches": described(next(self.model.parameters()).device),
                }
            yield row

    def swept(self) -> Rows:
        """Other sizes of a batch, and both precisions of the adapter's products."""
        for batch_tokens in sorted({self.options.batch_tokens // 4, *self.options.sweep}):
            groups = self.groups(batch_tokens)
            for precision in ("tf32", "ieee"):
                what = f"batches of {batch_tokens:,} tokens, {precision}"
                self.engine._precision = precision
                self.device.peak_gigabytes()
                try:
                    seconds = self.device.seconds({what: partial(self.run, self.engine, groups)}, 2)[what]
                except torch.OutOfMemoryError:
                    yield {"what": what, "failed": "out of memory"}
                    break
                yield self.row(what, self.pool, seconds, measured_gigabytes=self.device.peak_gigabytes())

    def against_float32(self) -> Rows:
        """The lowest cosine of a sample's sketches in the model's type to those in float32."""
        precise = self._engine(self.projection, self.averages)
        lowest: dict[str, torch.Tensor] = dict(self.engine(self.few)[0])
        self.model.float()
        precise._precision = "ieee"
        found = precise(self.few)[0]
        cosines = {
            f"least_cosine_{kind}": float(torch.cosine_similarity(rows, found[kind]).min())
            for kind, rows in lowest.items()
        }
        yield {"what": "against float32", "dtype": self.options.dtype, "count": len(self.few), **cosines}


def real_build(device: Device, options: argparse.Namespace) -> Rows:
    """A build of a part of the demo, all stages."""
    with tempfile.TemporaryDirectory() as folder:
        files = copy_demo(Path(folder) / "data")
        lines = files.train[0].read_bytes().splitlines(keepends=True)[: options.build_instructions]
        files.train[0].write_bytes(b"".join(lines))
        config = BuildConfig(
            model=ModelConfig(model=str(MODEL), device=device.name),
            warmup=WarmupConfig(epochs=1),
            layout=LayoutConfig(umap=False),
        )
        for what, overlap in (
            ("build of the demo", nullcontext()),
            ("build of the demo, one step after the other", no_overlap()),
        ):
            start = time.perf_counter()
            with overlap:
                run = build(
                    Path(folder) / f"run{len(what)}",
                    config,
                    [files.train[0]],
                    [Target("demo", files.validation)],
                    say=lambda line: None,
                )
            seconds = time.perf_counter() - start
            yield {
                "what": what,
                "count": len(lines),
                "seconds": seconds,
                "gradients_seconds": run.manifest.stages["gradients"].seconds,
                "valid": int(run.instructions["valid"].sum()),
                "per_s": len(lines) / seconds,
            }


def random_rows(path: Path, count: int, dim: int, device: str) -> np.ndarray:
    """Unit rows (n, d) in half precision, memory-mapped."""
    rows = np.lib.format.open_memmap(path, "w+", np.float16, (count, dim))
    torch.manual_seed(0)
    for start in range(0, count, DRAWN):
        part = rows[start : start + DRAWN]
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


def neighbours(device: Device, options: argparse.Namespace) -> Rows:
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
                    block=block_rows(device.name, rows),
                )
            )

        seconds = device.seconds({"neighbours": work}, 1)["neighbours"]
        chosen = np.random.default_rng(0).choice(len(rows), min(CHECKED, len(rows)), replace=False)
        error = largest_error(rows, found[0].cosines, chosen)
    plan = planned(options, device, Workload(samples=options.rows), ("sgd",))
    yield device.row(
        "exact neighbours",
        "float16" if device.name.startswith("cuda") else "float32",
        options.rows,
        seconds,
        2 * options.rows**2 * options.dim,
        planned_seconds=planned_seconds(device, plan, "neighbours"),
        largest_error=error,
    )


def beside_others(device: Device, options: argparse.Namespace) -> Rows:
    """The methods of `benchmarks.peers`, one after the other: each has a model of its own, and the memory to itself."""
    pool = samples(options)[: options.peer_samples]
    setting, wide = (
        peers.Setting(
            partial(random_model, options, device.name), pool, dim, options.batch_tokens, device.name
        )
        for dim in (options.dim, WHOLE)
    )
    tokens = sum(map(len, pool))
    flop = tokens * planned(options, device, Workload(tokens=tokens / len(pool))).flop_per_token
    # As the engine has it, for all.
    alike = partial(float32_products, "ieee" if options.dtype == "float32" else "tf32")
    with alike():
        whole = peers.pairs(peers.loop(wide)())
    taken: dict[str, float] = {}

    def method(name: str) -> Rows:
        with alike():
            run = peers.METHODS[name](setting)
            sketches = run()  # memory is planned, kernels are compiled
            device.peak_gigabytes()
            taken[name] = device.seconds({name: run}, options.rounds)[name]
        row = device.row(f"beside others: {name}", options.dtype, len(pool), taken[name], flop)
        row["measured_gigabytes"] = device.peak_gigabytes()
        if "bare" in taken:
            row["share_of_bare"] = taken["bare"] / taken[name]
        yield row | ({} if sketches is None else peers.agreement(setting, sketches, whole))

    for name in peers.here():
        yield from attempted(f"beside others: {name}", partial(method, name))


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
        ("tokens", 300, "of a sample, on average"),
        ("build-instructions", 1000, "of the demo in the real build"),
        ("samples", 256, "samples in a round"),
        ("loop-samples", 16, "samples that the loop takes in a round"),
        ("peer-samples", 64, "samples that each method of benchmarks.peers takes in a round"),
        ("batch-tokens", 4096, "tokens in a batch"),
        ("rounds", 3, "rounds, of which the best counts"),
        ("dim", 8192, "numbers in a sketch, and in a row whose neighbours are sought"),
        ("rows", 270_000, "rows whose neighbours are sought"),
        ("product-size", 8192, "rows and columns of the matrix product"),
    ):
        parser.add_argument(f"--{name}", type=int, default=size, help=f"{meaning} ({size:,})")
    parser.add_argument("--output", type=Path, default=Path("bench"), help="folder for device.json (bench)")
    parser.add_argument(
        "--sweep", type=int, nargs="*", default=[2048, 8192, 16384, 32768], help="tokens in a batch to try"
    )
    known = ", ".join(CARDS)
    for name, meaning in RATES.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=float, help=f"{meaning}, where the device is not {known}"
        )
    return parser


def measured(device: Device, options: argparse.Namespace) -> Rows:
    """All rows, one after the other; what fails is a row with the reason."""

    def of_gradients() -> Rows:
        work = Gradients(device, options)
        for part in (work.compared, work.swept, work.against_float32):
            yield from attempted(part.__name__, part)

    # The rate of a matrix product first: the others are given as shares of it.
    of_neighbours = ["float16"] if device.name.startswith("cuda") else []
    for dtype in dict.fromkeys((options.dtype, "float32", *of_neighbours)):
        yield products(device, dtype, options.product_size, options.rounds)
    for name, part in (
        ("build of the demo", partial(real_build, device, options)),
        ("gradients", of_gradients),
        ("exact neighbours", partial(neighbours, device, options)),
        ("beside others", partial(beside_others, device, options)),
    ):
        yield from attempted(name, part)


def attempted(name: str, part: Callable[[], Rows]) -> Rows:
    """The rows of a part, and one more if it fails; memory of the device that it held is given back."""
    try:
        yield from part()
    except Exception as error:  # the other parts are worth having
        yield {"what": name, "failed": f"{type(error).__name__}: {error}".splitlines()[0]}
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def main(given: list[str] | None = None) -> None:
    options = arguments().parse_args(given)
    device = Device(options.device, **{name: getattr(options, name) for name in RATES})
    print(f"on {device.model}")
    about = {"device": device.model, "torch": torch.__version__, "options": vars(options)}
    rows: list[dict[str, Any]] = []
    for row in measured(device, options):
        rows.append(row)
        path = save("device", rows, options.output, **about)
        print({name: round(v, 4) if isinstance(v, float) else v for name, v in row.items()}, flush=True)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
