"""Which layers of a model read text, and which of them get an adapter."""

from __future__ import annotations

from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from g2is.errors import InputError

ALL_LINEAR = "all-linear"


def text_part(model: Any) -> dict[str, torch.nn.Module]:
    """Modules by name: all of a language model; of one that also sees images, its language model and output layer."""
    if model.config.get_text_config() is model.config:
        return dict(model.named_modules())
    inside = {*model.get_decoder().modules(), model.get_output_embeddings()}
    return {name: module for name, module in model.named_modules() if module in inside}


def linear_layers(model: Any) -> dict[str, Any]:
    """Linear layers of the text part by name, all but the output layer."""
    output = model.get_output_embeddings()
    return {
        name: module
        for name, module in text_part(model).items()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not output and not _routes(module)
    }


def _routes(module: torch.nn.Module) -> bool:
    """Whether this is the router of a mixture of experts, which some models derive from a linear layer."""
    return "router" in type(module).__name__.lower()


def adapted_layers(model: Any, targets: tuple[str, ...] | None) -> list[str]:
    """Full names of the layers that get an adapter, in the text part only.

    targets: names, or last parts of names, of modules, or `all-linear`; None: query, key, value and output of
    attention. Raises `InputError` where a target names no layer.
    """
    if targets is None:
        return _attention_projections(model)
    if targets == (ALL_LINEAR,):
        return list(linear_layers(model))
    names = [name for name in text_part(model) if name]
    for target in targets:
        if not any(_names(target, name) for name in names):
            last = sorted({name.split(".")[-1] for name in linear_layers(model)})
            raise InputError(
                f"target_modules: no layer is named {target!r}; expected {ALL_LINEAR} alone, "
                f"or some of {', '.join(last)}"
            )
    return [name for name in names if any(_names(target, name) for target in targets)]


def _names(target: str, name: str) -> bool:
    return name == target or name.endswith(f".{target}")


def _attention_projections(model: Any) -> list[str]:
    """The linear layers inside attention: their own names differ by architecture (q_proj, c_attn, query_key_value,
    kv_b_proj …), the name of what holds them does not."""

    def holder(name: str) -> str:
        named = [part for part in name.split(".")[:-1] if not part.isdigit()]
        return named[-1].lower() if named else ""

    linear = linear_layers(model)
    inside = [name for name in linear if any(word in holder(name) for word in ("attn", "attention"))]
    if not inside:
        last = sorted({name.split(".")[-1] for name in linear})
        raise InputError(f"found no attention layers; name target_modules yourself, of {', '.join(last)}")
    return inside
