"""Small random models of several architectures, made on the spot."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GemmaConfig,
    GemmaForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from g2is.config import LoraSettings
from g2is.lm.model import add_adapter
from g2is.lm.text import Encoded

VOCABULARY = 97

SHAPE = {
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
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE)),
    "gemma": lambda: GemmaForCausalLM(GemmaConfig(**SHAPE, head_dim=8)),
    # Caps its logits after the output layer, and attends in windows on every second layer.
    "gemma2": lambda: Gemma2ForCausalLM(
        Gemma2Config(**SHAPE, head_dim=8, sliding_window=16, query_pre_attn_scalar=8)
    ),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=256)
    ),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=16)),
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


def byte_tokenizer(chat_template: str | None = None) -> PreTrainedTokenizerFast:
    """One token a byte, with an end-of-sequence and a padding token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<pad>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>")
    fast.chat_template = chat_template
    return fast


def save_tiny_model(folder: Path) -> Path:
    """A random Llama with a byte tokenizer, as files that `--model` reads."""
    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    config = LlamaConfig(
        **{**SHAPE, "vocab_size": len(tokenizer), "hidden_size": 16, "intermediate_size": 24}
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_pool(path: Path, count: int, *, seed: int = 0, letters: str = "abcdefgh") -> Path:
    """Short made-up instructions as JSON Lines with question and answer, no two alike."""
    random = np.random.default_rng(seed)
    with path.open("w") as file:
        for row in range(count):
            word = "".join(random.choice(list(letters), random.integers(3, 9)))
            file.write(json.dumps({"question": f"{row}: turn {word}", "answer": word[::-1]}) + "\n")
    return path
