"""Per-sample gradients: the engine compared with a bare forward and backward pass, and with the usual loop.

    python -m benchmarks.gradients [--quick]

All are measured in one run on one random Llama and the same samples; only ratios carry over to other machines.
"""

import argparse
import os
import resource
import statistics
from functools import partial
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.report import best_seconds, report
from g2is.config import GradientConfig, LoraSettings
from g2is.lm.batching import batches
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.layers import piece_sizes, pieces
from g2is.lm.model import add_adapter, train_own_weights
from g2is.lm.projection import RandomProjection, make_projection
from g2is.lm.text import Encoded
from g2is.lm.train import sample_losses, trainable

VOCABULARY = 8192


def base_model(hidden: int) -> Any:
    """A random Llama of four layers, the same for every call."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=hidden * 11 // 4,
        num_hidden_layers=4,
        num_attention_heads=8,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).requires_grad_(False).eval()


def adapted(rank: int, hidden: int) -> Any:
    """The model with a LoRA adapter."""
    model = add_adapter(base_model(hidden), LoraSettings(rank=rank, alpha=4.0 * rank, dropout=0.0), seed=0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.01)
    return model.eval()


def samples(count: int, length: int) -> list[Encoded]:
    """Samples around `length` tokens, half of each trained."""
    random = np.random.default_rng(0)
    lengths = random.integers(length * 3 // 4, length * 5 // 4, count)
    return [Encoded(random.integers(1, VOCABULARY, size), np.arange(size) >= size // 2) for size in lengths]


class DenseLoop:
    """The method of LESS: one sample at a time, autograd, Adam, dense random signs.

    The signs stay in memory where they take at most half of it; otherwise they are drawn again, block by
    block, for every sample, as TRAK's projector does.
    """

    def __init__(self, model: Any, dim: int) -> None:
        self.model = model
        self.dim = dim
        self.parameters = trainable(model)
        self.sizes = {name: parameter.numel() for name, parameter in self.parameters.items()}
        self.projection = make_projection(
            GradientConfig(projection="rademacher", projection_dim=dim), self.sizes, "cpu"
        )
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        self.resident = sum(self.sizes.values()) * dim * 4 <= memory / 2
        self.signs = {}
        if self.resident:
            generator = torch.Generator().manual_seed(0)
            for name, size in self.sizes.items():
                self.signs[name] = torch.empty(size, dim)
                for block in self.signs[name].split(1 << 12):  # the random bits are larger than the signs
                    block.copy_(
                        torch.randint(0, 2, block.shape, generator=generator, dtype=torch.int8) * 2 - 1
                    )

    def __call__(self, batch: list[Encoded]) -> torch.Tensor:
        rows = []
        for sample in batch:
            self.model.zero_grad()
            ids = torch.from_numpy(sample.input_ids).unsqueeze(0)
            labels = torch.where(torch.from_numpy(sample.trained), ids, -100)
            self.model(input_ids=ids, labels=labels).loss.backward()
            sketch = torch.zeros(1, self.dim)
            for name, parameter in self.parameters.items():
                g = parameter.grad.view(1, -1)
                adam = (0.9 * 1e-4 + 0.1 * g) / (0.999 * 1e-7 + 0.001 * g * g + 1e-8).sqrt()
                if self.resident:
                    sketch += adam @ self.signs[name]
                else:
                    self.projection.add(sketch, name, adam)
            rows.append(sketch[0])
        return torch.stack(rows)


def flat_averages(sizes: dict[str, int], device: str = "cpu") -> AdamAverages:
    """Adam's averages, plausible after a warm-up, the same for every coordinate."""
    return AdamAverages(
        {name: torch.full((size,), 1e-4, device=device) for name, size in sizes.items()},
        {name: torch.full((size,), 1e-7, device=device) for name, size in sizes.items()},
    )


def one_by_one(
    model: Any,
    parameters: dict[str, torch.nn.Parameter],
    projection: RandomProjection,
    averages: AdamAverages,
    pool: list[Encoded],
) -> dict[str, torch.Tensor]:
    """The same sketches as the engine's, (n, d) of each kind, from autograd on one sample at a time."""
    rows: dict[str, list[torch.Tensor]] = {"sgd": [], "adam": []}
    for sample in pool:
        model.zero_grad()
        sample_losses(model, [sample]).sum().backward()
        device = next(iter(parameters.values())).device
        sketches = {kind: torch.zeros(1, projection.dim, device=device) for kind in rows}
        for name, parameter in parameters.items():
            for piece, part in pieces(name, parameter.shape).items():
                gradient = parameter.grad[part].flatten().unsqueeze(0).float()
                projection.add(sketches["sgd"], piece, gradient)
                projection.add(sketches["adam"], piece, averages.adam_gradient(piece, gradient))
        for kind, sketch in sketches.items():
            rows[kind].append(sketch[0])
    return {kind: torch.stack(found) for kind, found in rows.items()}


def peak_mb() -> float:
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(rank: int, hidden: int, dim: int, length: int, count: int, rounds: int) -> dict[str, Any]:
    """Samples a second of the three at one rank."""
    pool = samples(count, length)
    groups = list(batches([len(sample) for sample in pool], batch_tokens=4096))
    model = adapted(rank, hidden)
    sizes = {name: parameter.numel() for name, parameter in trainable(model).items()}
    averages = flat_averages(sizes)
    projection = make_projection(GradientConfig(projection_dim=dim), sizes, "cpu")
    engine = GradientEngine(adapted(rank, hidden), projection, averages)
    loop = DenseLoop(model, dim)
    few = pool[: 4 if loop.resident else 1]

    def bare() -> None:
        for group in groups:
            model.zero_grad()
            sample_losses(model, [pool[i] for i in group]).sum().backward()

    def ours() -> None:
        for group in groups:
            engine([pool[i] for i in group])

    seconds = best_seconds({"bare": bare, "engine": ours, "loop": lambda: loop(few)}, rounds)
    rate = {"bare": count / seconds["bare"], "engine": count / seconds["engine"]}
    rate["loop"] = len(few) / seconds["loop"]
    before = peak_mb()
    for _ in range(4):
        ours()
    return {
        "rank": rank,
        "adapter_parameters": sum(sizes.values()),
        "mean_tokens": statistics.mean(len(sample) for sample in pool),
        "loop_signs": "in memory" if loop.resident else "drawn again",
        "bare_per_s": rate["bare"],
        "engine_per_s": rate["engine"],
        "loop_per_s": rate["loop"],
        "engine_over_bare": rate["engine"] / rate["bare"],
        "engine_over_loop": rate["engine"] / rate["loop"],
        "peak_growth_mb_over_4x_samples": peak_mb() - before,
    }


def measure_own(
    parameters: str, hidden: int, dim: int, length: int, count: int, rounds: int
) -> dict[str, Any]:
    """Samples a second with gradients of own weights, beside a plain training pass (which sums them over the
    batch) and a loop over samples with the same sketch."""
    pool = samples(count, length)
    groups = list(batches([len(sample) for sample in pool], batch_tokens=4096))
    watched, plain = (train_own_weights(base_model(hidden), parameters) for _ in range(2))
    weights = trainable(plain)
    sizes = piece_sizes(weights)
    projection = make_projection(GradientConfig(projection_dim=dim), sizes, "cpu")
    averages = flat_averages(sizes)
    engines = {
        "engine_sgd": GradientEngine(watched, projection),
        "engine": GradientEngine(train_own_weights(watched, parameters), projection, averages),
    }

    def bare() -> None:
        for group in groups:
            plain.zero_grad()
            sample_losses(plain, [pool[i] for i in group]).sum().backward()

    def loop() -> None:
        one_by_one(plain, weights, projection, averages, pool[:4])

    def run(engine: GradientEngine) -> None:
        for group in groups:
            engine([pool[i] for i in group])

    seconds = best_seconds(
        {"bare": bare, "loop": loop, **{name: partial(run, engine) for name, engine in engines.items()}},
        rounds,
    )
    rate = {name: (4 if name == "loop" else count) / taken for name, taken in seconds.items()}
    return {
        "parameters": parameters,
        "trained_parameters": sum(sizes.values()),
        **{f"{name}_per_s": value for name, value in rate.items()},
        "engine_over_bare": rate["engine"] / rate["bare"],
        "engine_sgd_over_bare": rate["engine_sgd"] / rate["bare"],
        "engine_over_loop": rate["engine"] / rate["loop"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="a smaller model, shorter sketches and fewer samples"
    )
    quick = parser.parse_args().quick
    hidden, dim, count, rounds = (128, 1024, 16, 2) if quick else (512, 8192, 64, 3)
    about = {"hidden_size": hidden, "layers": 4, "projection_dim": dim, "load_average": os.getloadavg()[0]}
    own = [measure_own(parameters, hidden, dim, 128, count, rounds) for parameters in ("all-linear", "full")]
    report("gradients_own_weights", own, **about, mean_tokens=128)
    rows = [measure(rank, hidden, dim, 128, count, rounds) for rank in (16, 128)]
    report("gradients", rows, **about, kinds="adam and sgd")


if __name__ == "__main__":
    main()
