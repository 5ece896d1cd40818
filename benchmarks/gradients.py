"""Per-sample gradients: the engine beside a bare forward and backward pass, and beside the usual loop.

    python -m benchmarks.gradients [--quick]

All are measured in one run on one random Llama and the same samples; only the ratios travel.
"""

import argparse
import resource
import statistics
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.report import best_seconds, report
from g2is.config import GradientConfig, LoraSettings
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.model import add_adapter
from g2is.lm.projection import make_projection
from g2is.lm.text import Encoded
from g2is.lm.train import batches, sample_losses, trainable

VOCABULARY, DIM = 8192, 1024


def adapted(rank: int, hidden: int) -> Any:
    """A random Llama of four layers with a LoRA adapter, the same for every call."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=hidden * 11 // 4,
        num_hidden_layers=4,
        num_attention_heads=8,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).requires_grad_(False).eval()
    model = add_adapter(model, LoraSettings(rank=rank, alpha=4.0 * rank, dropout=0.0), seed=0)
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
    """What LESS does: one sample at a time, autograd, Adam over the whole vector, dense signs."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.parameters = list(trainable(model).values())
        size = sum(parameter.numel() for parameter in self.parameters)
        generator = torch.Generator().manual_seed(0)
        self.signs = torch.empty(size, DIM)
        for block in self.signs.split(1 << 16):  # in blocks: the random bits are larger than the signs
            block.copy_(torch.randint(0, 2, block.shape, generator=generator, dtype=torch.int8) * 2 - 1)
        self.exp_avg, self.exp_avg_sq = torch.full((size,), 1e-4), torch.full((size,), 1e-7)

    def __call__(self, batch: list[Encoded]) -> torch.Tensor:
        rows = []
        for sample in batch:
            self.model.zero_grad()
            ids = torch.from_numpy(sample.input_ids).unsqueeze(0)
            labels = torch.where(torch.from_numpy(sample.trained), ids, -100)
            self.model(input_ids=ids, labels=labels).loss.backward()
            g = torch.cat([parameter.grad.flatten() for parameter in self.parameters])
            adam = (0.9 * self.exp_avg + 0.1 * g) / (0.999 * self.exp_avg_sq + 0.001 * g * g + 1e-8).sqrt()
            rows.append(adam @ self.signs)
        return torch.stack(rows)


def peak_mb() -> float:
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(rank: int, hidden: int, length: int, count: int, rounds: int) -> dict[str, Any]:
    """Samples a second of the three at one rank."""
    pool = samples(count, length)
    groups = list(batches([len(sample) for sample in pool], batch_tokens=4096))
    model = adapted(rank, hidden)
    sizes = {name: parameter.numel() for name, parameter in trainable(model).items()}
    averages = AdamAverages(
        {name: torch.full((size,), 1e-4) for name, size in sizes.items()},
        {name: torch.full((size,), 1e-7) for name, size in sizes.items()},
    )
    projection = make_projection(GradientConfig(projection_dim=DIM), sizes, "cpu")
    engine = GradientEngine(adapted(rank, hidden), projection, averages)
    loop = DenseLoop(model)
    few = pool[:: max(1, count // 4)][:4]

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
        "bare_per_s": rate["bare"],
        "engine_per_s": rate["engine"],
        "loop_per_s": rate["loop"],
        "engine_over_bare": rate["engine"] / rate["bare"],
        "engine_over_loop": rate["engine"] / rate["loop"],
        "peak_growth_mb_over_4x_samples": peak_mb() - before,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller model and fewer samples")
    quick = parser.parse_args().quick
    hidden, count, rounds = (256, 16, 2) if quick else (512, 64, 3)
    rows = [measure(rank, hidden, 128, count, rounds) for rank in (16, 128)]
    report("gradients", rows, hidden_size=hidden, layers=4, projection_dim=DIM, kinds="adam and sgd")


if __name__ == "__main__":
    main()
