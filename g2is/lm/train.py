"""Losses of samples, and the training loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from g2is.errors import InputError
from g2is.lm.batching import batches
from g2is.lm.text import Encoded

BETAS = (0.9, 0.999)
EPSILON = 1e-8


def sample_losses(model: Any, batch: Sequence[Encoded]) -> torch.Tensor:
    """Mean token loss of each sample over its trained tokens: (b,) float32.

    Samples are padded on the right, so no sample sees another's padding. The output layer runs only
    where a trained token is predicted: at a vocabulary of 128k, full logits cost more than the model.
    """
    input_ids, mask = pad(batch, model)
    length = input_ids.shape[1]
    # Found on the CPU: a GPU would be waited for to learn how many there are.
    trained = [np.flatnonzero(sample.trained) for sample in batch]
    predicts = np.concatenate([row * length + places - 1 for row, places in enumerate(trained)])
    expected = np.concatenate(
        [sample.input_ids[places] for sample, places in zip(batch, trained, strict=True)]
    )

    def keep_predicting(module: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        places = sent(torch.from_numpy(predicts), inputs[0].device)
        return (inputs[0].flatten(0, 1).index_select(0, places).unsqueeze(0), *inputs[1:])

    # A hook on the output layer rather than a call of it, so that what a model does to its logits afterwards
    # (Gemma caps, Cohere scales them) remains part of the loss.
    hook = model.get_output_embeddings().register_forward_pre_hook(keep_predicting)
    try:
        logits = model(input_ids=input_ids, attention_mask=needed(mask, model), use_cache=False).logits[0]
    finally:
        hook.remove()
    labels = sent(torch.from_numpy(expected), logits.device)
    losses = F.cross_entropy(logits.float(), labels, reduction="none")
    return torch.stack([part.mean() for part in losses.split([*map(len, trained)])])


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the CPU on a device; the copy to a GPU waits for nothing that the GPU has to do before."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def pad(batch: Sequence[Encoded], model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids, and mask of those that are no padding: (b, t) each, padded on the right.

    They are on the device of the model. Raises `InputError` for a token that the model has no embedding for, whose
    look-up on a GPU would end the process.
    """
    length = max(len(sample) for sample in batch)
    input_ids = torch.zeros(len(batch), length, dtype=torch.long)
    mask = torch.zeros_like(input_ids)
    for row, sample in enumerate(batch):
        input_ids[row, : len(sample)] = torch.from_numpy(sample.input_ids)
        mask[row, : len(sample)] = 1
    if (largest := int(input_ids.max())) >= (rows := len(model.get_input_embeddings().weight)):
        raise InputError(
            f"the tokenizer is larger than the model's embedding: token {largest:,}, and {rows:,} rows; expected the "
            "tokenizer that the model was trained with"
        )
    device = next(model.parameters()).device
    return sent(input_ids, device), sent(mask, device)


def needed(mask: torch.Tensor, model: Any) -> torch.Tensor | None:
    """The mask (b, t) of a batch padded on the right; None where every layer of attention sees only what came before.

    There the padding, which comes last, is seen by itself alone, and attention without a mask is much faster.
    """
    causal = [vars(module)["is_causal"] for module in model.modules() if "is_causal" in vars(module)]
    return None if causal and all(causal) else mask


def trainable(model: Any) -> dict[str, torch.nn.Parameter]:
    """Trained parameters by name: the adapter's, or the model's own."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


@dataclass
class TrainingState:
    """What a stopped training needs to resume exactly: tensors by parameter name, and the step."""

    parameters: dict[str, torch.Tensor]
    exp_avg: dict[str, torch.Tensor]
    exp_avg_sq: dict[str, torch.Tensor]
    step: int


def train_adapter(
    model: Any,
    samples: Sequence[Encoded],
    *,
    epochs: int,
    learning_rate: float,
    schedule_warmup: float,
    batch_size: int,
    batch_tokens: int,
    seed: int,
    steps: int | None = None,
    resume: TrainingState | None = None,
    on_step: Callable[[float], None] = lambda loss: None,
    on_epoch: Callable[[TrainingState], None] = lambda state: None,
) -> TrainingState:
    """Train the model's trainable parameters with AdamW, a linear schedule and no weight decay.

    The loss of an optimizer step is the mean over its samples of their mean token loss. Order and dropout are seeded
    by step, so that resuming after an epoch gives the same as an uninterrupted training. steps: number of optimizer
    steps, in as many passes as they take, instead of `epochs`.
    """
    parameters = trainable(model)
    optimizer = torch.optim.AdamW(
        parameters.values(), lr=learning_rate, betas=BETAS, eps=EPSILON, weight_decay=0.0
    )
    per_epoch = math.ceil(len(samples) / batch_size)
    total = per_epoch * epochs if steps is None else steps
    rising = math.ceil(total * schedule_warmup)
    step = 0
    if resume is not None:
        _restore(optimizer, parameters, resume)
        step = resume.step

    model.train()
    while step < total:
        epoch, position = divmod(step, per_epoch)
        order = np.random.default_rng((seed, epoch)).permutation(len(samples))
        chosen = [samples[i] for i in order[position * batch_size : (position + 1) * batch_size]]
        torch.manual_seed(seed * 1_000_003 + step)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * _schedule(step, rising, total)
        step_loss = 0.0
        for batch in batches([len(sample) for sample in chosen], batch_tokens):
            loss = sample_losses(model, [chosen[i] for i in batch]).sum() / len(chosen)
            loss.backward()
            step_loss += loss.item()
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        on_step(step_loss)
        if step % per_epoch == 0:
            on_epoch(_state(optimizer, parameters, step))
    model.eval()
    return _state(optimizer, parameters, step)


def _schedule(step: int, rising: int, total: int) -> float:
    """Share of the learning rate: a linear rise, not from zero, then a linear fall to zero."""
    if step < rising:
        return (step + 1) / rising
    return (total - step) / max(1, total - rising)


def mean_rates(ends: Sequence[int], total: int, schedule_warmup: float) -> list[float]:
    """Mean share of the learning rate over the steps up to each of `ends`, from the end before it.

    total: steps of the training whose schedule it is.
    """
    rising = math.ceil(total * schedule_warmup)
    rates = [_schedule(step, rising, total) for step in range(total)]
    return [float(np.mean(rates[start:end])) for start, end in zip([0, *ends], ends, strict=False)]


def _state(
    optimizer: torch.optim.Optimizer, parameters: dict[str, torch.nn.Parameter], step: int
) -> TrainingState:
    """A copy of the parameters and of Adam's averages, which are zero before the first step."""

    def average(key: str) -> dict[str, torch.Tensor]:
        return {
            name: optimizer.state.get(parameter, {})
            .get(key, torch.zeros_like(parameter))
            .detach()
            .cpu()
            .clone()
            for name, parameter in parameters.items()
        }

    values = {name: parameter.detach().cpu().clone() for name, parameter in parameters.items()}
    return TrainingState(values, average("exp_avg"), average("exp_avg_sq"), step)


def _restore(
    optimizer: torch.optim.Optimizer, parameters: dict[str, torch.nn.Parameter], state: TrainingState
) -> None:
    for name, parameter in parameters.items():
        parameter.data.copy_(state.parameters[name])
        optimizer.state[parameter] = {
            "step": torch.tensor(float(state.step)),
            "exp_avg": state.exp_avg[name].to(parameter),
            "exp_avg_sq": state.exp_avg_sq[name].to(parameter),
        }
