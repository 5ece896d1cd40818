"""Fine-tuning on samples, and the losses and greedy answers of the model afterwards.

This module knows tokens and models, not selections or results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from g2is.config import EvaluationConfig, LoraSettings
from g2is.lm.batching import batches
from g2is.lm.model import add_adapter
from g2is.lm.text import Encoded
from g2is.lm.train import sample_losses, train_adapter


@contextmanager
def fine_tuned(
    base: Any,
    lora: LoraSettings,
    samples: Sequence[Encoded],
    config: EvaluationConfig,
    seed: int,
    on_step: Callable[[float], None] = lambda loss: None,
) -> Iterator[Any]:
    """A context manager: the base model with a fresh adapter trained on the samples, which it removes afterwards.

    seed: of the adapter, the order of samples and dropout. samples: each has trained tokens. config: resolved.
    """
    if config.learning_rate is None or config.batch_size is None:
        raise ValueError("resolve the configuration first")
    model = add_adapter(base, lora, seed)
    try:
        train_adapter(
            model,
            samples,
            epochs=config.epochs or 1,
            steps=config.steps,
            learning_rate=config.learning_rate,
            schedule_warmup=config.schedule_warmup,
            batch_size=config.batch_size,
            batch_tokens=config.batch_tokens,
            seed=seed,
            on_step=on_step,
        )
        yield model
    finally:
        model.unload()


@torch.no_grad()
def held_out_losses(
    model: Any,
    samples: Sequence[Encoded],
    batch_tokens: int,
    on_batch: Callable[[int], None] = lambda count: None,
) -> np.ndarray:
    """(n,) float32: mean token loss of each sample's response, in the order given, model in eval mode."""
    model.eval()
    losses = np.zeros(len(samples), dtype=np.float32)
    for batch in batches([len(sample) for sample in samples], batch_tokens):
        losses[batch] = sample_losses(model, [samples[i] for i in batch]).cpu().numpy()
        on_batch(len(batch))
    return losses


@torch.no_grad()
def greedy_answers(
    model: Any,
    tokenizer: Any,
    samples: Sequence[Encoded],
    new_tokens: int,
    batch_tokens: int,
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """The model's answer to each sample's prompt by greedy decoding, until it ends or has `new_tokens`.

    The prompt is all before the last trained response, in the same tokens as in training. Padding is on the left and
    masked, so no answer depends on the other samples of its batch.
    """
    model.eval()
    device = next(model.parameters()).device
    prompts = [_prompt(sample) for sample in samples]
    rows = len(
        model.get_input_embeddings().weight
    )  # a padding token may be one that the model has no embedding for
    padding = next(
        t for t in (tokenizer.pad_token_id, tokenizer.eos_token_id, 0) if t is not None and t < rows
    )
    answers = [""] * len(samples)
    for batch in batches([len(prompt) + new_tokens for prompt in prompts], batch_tokens):
        longest = max(len(prompts[i]) for i in batch)
        ids = torch.full((len(batch), longest), padding, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, i in enumerate(batch):
            ids[row, longest - len(prompts[i]) :] = torch.from_numpy(prompts[i])
            mask[row, longest - len(prompts[i]) :] = 1
        generated = model.generate(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            do_sample=False,
            max_new_tokens=new_tokens,
            pad_token_id=padding,
            eos_token_id=tokenizer.eos_token_id,
            use_cache=True,
        )
        texts = tokenizer.batch_decode(generated[:, longest:].cpu(), skip_special_tokens=True)
        for i, text in zip(batch, texts, strict=True):
            answers[i] = text.strip()
        on_batch(len(batch))
    return answers


def _prompt(sample: Encoded) -> np.ndarray:
    """The tokens before the last response that is trained."""
    starts = np.flatnonzero(np.diff(sample.trained.astype(np.int8), prepend=0) == 1)
    return sample.input_ids[: starts[-1]]
