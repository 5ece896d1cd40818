"""Small random models of several architectures, made on the spot."""

from typing import Any

import numpy as np
import torch
from transformers import (
    GemmaConfig,
    GemmaForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from g2is.config import LoraSettings
from g2is.lm.model import add_adapter
from g2is.lm.text import Encoded

VOCABULARY = 97

_SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
}

ARCHITECTURES = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**_SHAPE)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**_SHAPE)),
    "gemma": lambda: GemmaForCausalLM(GemmaConfig(**_SHAPE, head_dim=8)),
    # Caps its logits after the output layer, and attends in windows on every second layer.
    "gemma2": lambda: Gemma2ForCausalLM(
        Gemma2Config(**_SHAPE, head_dim=8, sliding_window=16, query_pre_attn_scalar=8)
    ),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=256)
    ),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**_SHAPE, sliding_window=16)),
}


def adapted_model(architecture: str, *, rank: int = 4, seed: int = 0) -> Any:
    """A random float32 model with an adapter whose B matrices are not zero, as after a warm-up."""
    torch.manual_seed(seed)
    model = ARCHITECTURES[architecture]().requires_grad_(False)
    model = add_adapter(model, LoraSettings(rank=rank, alpha=2.0 * rank, dropout=0.1), seed=seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    return model.eval()


def random_samples(count: int, *, seed: int = 0, shortest: int = 6, longest: int = 60) -> list[Encoded]:
    """Samples of random tokens; the last half or so of each is trained."""
    random = np.random.default_rng(seed)
    samples = []
    for length in random.integers(shortest, longest, count, endpoint=True):
        trained = np.arange(length) >= random.integers(1, length)
        samples.append(Encoded(random.integers(1, VOCABULARY, length), trained))
    return samples
