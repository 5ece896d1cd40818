"""Tiny configurations of many architectures, as transformers makes them: tens of thousands of random parameters."""

from typing import Any

import torch
from transformers import AutoConfig

from g2is.lm.source import auto_class
from tests.tiny import SHAPE, VOCABULARY

_TEXT = {**SHAPE, "bos_token_id": 1, "eos_token_id": 2}
_HEADS = {**_TEXT, "head_dim": 8}
_WINDOWS = {**_HEADS, "sliding_window": 16, "query_pre_attn_scalar": 8}
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 16}
_LATENT = {
    **_TEXT,
    "num_key_value_heads": 4,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 4,
    "v_head_dim": 8,
}
_LATENT_EXPERTS = {
    **_LATENT,
    **_EXPERTS,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
    "n_group": 1,
    "topk_group": 1,
}
_DELTA = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "layer_types": ["linear_attention", "full_attention"],
}
_IMAGES = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
_QWEN_IMAGES = {
    "depth": 1,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_heads": 2,
    "out_hidden_size": 32,
    "patch_size": 14,
}
_QWEN_MARKS = {
    "image_token_id": 90,
    "video_token_id": 91,
    "vision_start_token_id": 92,
    "vision_end_token_id": 93,
}

LATENT: dict[str, dict[str, Any]] = {
    "deepseek_v2": _LATENT_EXPERTS,
    "deepseek_v2_lite": {**_LATENT_EXPERTS, "model_type": "deepseek_v2", "q_lora_rank": None},
    "deepseek_v3": _LATENT_EXPERTS,
    "glm4_moe_lite": _LATENT_EXPERTS,
    "minicpm3": _LATENT,
}
"""Multi-head latent attention: keys and values from a few numbers a token."""

SEEING: dict[str, dict[str, Any]] = {
    "gemma3": {
        "text_config": _WINDOWS,
        "vision_config": _IMAGES,
        "mm_tokens_per_image": 4,
        "image_token_index": 90,
        "boi_token_index": 91,
        "eoi_token_index": 92,
    },
    "gemma4": {
        "text_config": {
            **_HEADS,
            "global_head_dim": 8,
            "sliding_window": 16,
            "hidden_size_per_layer_input": 8,
            "vocab_size_per_layer_input": VOCABULARY,
            "num_kv_shared_layers": 0,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        "vision_config": {**_IMAGES, "num_key_value_heads": 2, "head_dim": 8, "global_head_dim": 8},
        "audio_config": None,
    },
    "mistral3": {
        "text_config": {**_HEADS, "model_type": "mistral"},
        "vision_config": {**_IMAGES, "model_type": "pixtral", "head_dim": 8},
        "image_token_index": 90,
    },
    "qwen2_5_vl": {
        "text_config": {**_TEXT, "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}},
        "vision_config": {**_QWEN_IMAGES, "fullatt_block_indexes": [0]},
        **_QWEN_MARKS,
    },
    "qwen3_vl": {
        "text_config": {
            **_HEADS,
            "rope_scaling": {"rope_type": "default", "mrope_section": [1, 1, 2], "mrope_interleaved": True},
        },
        "vision_config": {**_QWEN_IMAGES, "deepstack_visual_indexes": [0], "num_position_embeddings": 16},
        **_QWEN_MARKS,
    },
    "llava": {
        "text_config": {**_TEXT, "model_type": "llama"},
        "vision_config": {**_IMAGES, "model_type": "clip_vision_model"},
        "image_token_index": 90,
    },
}
"""Models that also see images, under one class with their text part."""

_WITHOUT_GROUPS = {name: value for name, value in _TEXT.items() if name != "num_key_value_heads"}

TEXT: dict[str, dict[str, Any]] = {
    "phi3": _TEXT,
    "gpt_neox": _WITHOUT_GROUPS,
    "mixtral": {**_TEXT, "num_local_experts": 4},
    "qwen3_moe": {**_HEADS, **_EXPERTS, "num_experts": 4},
    "gemma3_text": _WINDOWS,
    "gpt_oss": {**_HEADS, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 16},
    "qwen3_next": {
        **_HEADS,
        **_EXPERTS,
        **_DELTA,
        "num_experts": 4,
        "shared_expert_intermediate_size": 16,
    },
    "llama4_text": {**_HEADS, "intermediate_size_mlp": 48, "num_local_experts": 4, "num_experts_per_tok": 1},
    "lfm2": {**_TEXT, "layer_types": ["conv", "full_attention"]},
    "granitemoehybrid": {
        **_TEXT,
        "layer_types": ["mamba", "attention"],
        "mamba_n_heads": 4,
        "mamba_d_head": 16,
        "mamba_d_state": 8,
        "mamba_n_groups": 1,
        "num_local_experts": 0,
        "shared_intermediate_size": 48,
    },
    "falcon": _WITHOUT_GROUPS,
    "bloom": {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4},
    "opt": {**_WITHOUT_GROUPS, "ffn_dim": 48, "word_embed_proj_dim": 32},
    "cohere": _TEXT,
    "olmo2": _TEXT,
    "smollm3": _TEXT,
}

CONFIGURATIONS = {**LATENT, **SEEING, **TEXT}


def configuration(name: str) -> Any:
    """The configuration of an architecture, of the class that transformers has for it."""
    values = dict(CONFIGURATIONS[name])
    return AutoConfig.for_model(values.pop("model_type", name), **values)


def random_model(name: str, seed: int = 0) -> Any:
    """A random float32 model of the class that a build loads; no weight is zero, as in a trained model."""
    torch.manual_seed(seed)
    made = configuration(name)
    model = auto_class(made).from_config(made).eval().requires_grad_(False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    return model
