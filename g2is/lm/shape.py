"""The sizes of a model from its configuration alone, by making it without memory for its weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from g2is.config import LoraSettings, ModelConfig
from g2is.lm.model import add_adapter
from g2is.lm.size import ModelShape
from g2is.lm.source import auto_class, find_source, read_configuration, readable
from g2is.lm.text_part import linear_layers


def read_shape(config: ModelConfig, lora: LoraSettings) -> ModelShape:
    """Count the weights that a build of this model would train and multiply; none are read or made.

    Raises `InputError` where the configuration cannot be read or no layer is named as `lora` asks.
    """
    source = find_source(config.model)
    configuration = read_configuration(source, config)
    shape = shape_of(configuration, lora, trust_remote_code=config.trust_remote_code)
    return replace(shape, merged_into=source.base if source.adapter else None)


def shape_of(configuration: Any, lora: LoraSettings, *, trust_remote_code: bool = False) -> ModelShape:
    """The same from a configuration of transformers that is already read."""
    with readable(configuration.name_or_path or configuration.model_type), torch.device("meta"):
        model = auto_class(configuration).from_config(configuration, trust_remote_code=trust_remote_code)
    text = configuration.get_text_config()
    output = model.get_output_embeddings().weight
    linear = tuple(_size(module) for module in linear_layers(model).values())
    parameters = sum(parameter.numel() for parameter in model.parameters())
    # The experts of a layer are one tensor for all of them, of which a token passes a few.
    experts = sum(p.numel() for name, p in model.named_parameters() if ".experts." in name and p.dim() == 3)
    count = next(
        (
            getattr(text, name)
            for name in ("num_local_experts", "num_experts", "n_routed_experts")
            if hasattr(text, name)
        ),
        None,
    )
    with torch.device("meta"):
        adapted = add_adapter(model, lora.replace(rank=1, alpha=1.0), seed=0)
    return ModelShape(
        hidden_size=text.hidden_size,
        positions=getattr(text, "max_position_embeddings", None),
        layers=text.num_hidden_layers,
        attention_width=text.num_attention_heads
        * (getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads),
        vocabulary=output.shape[0],
        parameters=parameters,
        linear=linear,
        adapted=tuple(
            (module.lora_B.default.out_features, module.lora_A.default.in_features)
            for module in adapted.modules()
            if hasattr(module, "lora_B") and "default" in module.lora_B
        ),
        experts=experts,
        experts_seen=text.num_experts_per_tok / count if experts and count else 1.0,
    )


def _size(layer: Any) -> tuple[int, int]:
    """(out, in) of a linear layer; GPT-2's are kept transposed, under names of their own."""
    if isinstance(layer, Conv1D):
        return layer.nf, layer.nx
    return layer.out_features, layer.in_features
