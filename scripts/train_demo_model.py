"""Trains the base model of the demo: a byte-level BPE tokenizer and a small Llama, on plain statements.

The model sees what the skills state ("12 plus 7 is 19."), never a question or the instruction format, so
its gradients mean something and answering is still left to fine-tuning. The same seed, machine and
library versions give the same weights.

    python -m scripts.train_demo_model
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers import get_cosine_schedule_with_warmup as cosine_schedule

from g2is.demo import MODEL
from scripts.demo_data.files import plain_statements

SPECIAL = ["<pad>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>"]


def train_tokenizer(texts: Sequence[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer in which every digit is a token, which arithmetic needs."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


def make_model(tokenizer: PreTrainedTokenizerFast, hidden: int, layers: int, heads: int) -> LlamaForCausalLM:
    """An untrained Llama with tied embeddings."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            intermediate_size=3 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def pack(texts: Sequence[str], tokenizer: PreTrainedTokenizerFast, length: int) -> torch.Tensor:
    """All statements concatenated, each as <s> … </s>, and cut into rows: (rows, length)."""
    encoded = tokenizer(list(texts))["input_ids"]
    tokens = torch.tensor([token for ids in encoded for token in (*ids, tokenizer.eos_token_id)])
    rows = len(tokens) // length
    return tokens[: rows * length].view(rows, length)


def train(model: LlamaForCausalLM, rows: torch.Tensor, fresh: torch.Tensor, args: argparse.Namespace) -> None:
    """Train by AdamW with a cosine schedule; prints the loss, at the end also on new statements."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=args.learning_rate, betas=(0.9, 0.95), weight_decay=0.01
    )
    schedule = cosine_schedule(optimizer, num_warmup_steps=args.steps // 20, num_training_steps=args.steps)
    start = time.monotonic()
    order = torch.cat(
        [torch.randperm(len(rows)) for _ in range(math.ceil(args.steps * args.batch / len(rows)))]
    )
    for step, batch in enumerate(order.split(args.batch)[: args.steps], 1):
        loss = model(input_ids=rows[batch], labels=rows[batch]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 50 == 0:
            passed = time.monotonic() - start
            left = passed / step * (args.steps - step)
            print(
                f"step {step}/{args.steps}  loss {loss.item():.3f}  {passed:.0f} s, {left:.0f} s left",
                flush=True,
            )
    with torch.no_grad():
        print(f"loss on fresh statements {model(input_ids=fresh, labels=fresh).loss.item():.3f}")


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=MODEL, help="folder of the model")
    parser.add_argument("--statements", type=int, default=110_000, help="plain sentences to train on")
    parser.add_argument("--vocab-size", type=int, default=2048, help="tokens of the tokenizer")
    parser.add_argument("--hidden", type=int, default=128, help="hidden size")
    parser.add_argument("--layers", type=int, default=4, help="layers")
    parser.add_argument("--heads", type=int, default=4, help="attention heads")
    parser.add_argument("--length", type=int, default=128, help="tokens in a row")
    parser.add_argument("--batch", type=int, default=16, help="rows in a step")
    parser.add_argument("--steps", type=int, default=1400, help="optimizer steps")
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="peak of the schedule")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--seed", type=int, default=0, help="of the statements, the weights and the order")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    statements = list(plain_statements(args.statements, args.seed))
    tokenizer = train_tokenizer(statements, args.vocab_size)
    model = make_model(tokenizer, args.hidden, args.layers, args.heads)
    rows = pack(statements, tokenizer, args.length)
    fresh = pack(list(plain_statements(500, args.seed + 1)), tokenizer, args.length)
    print(
        f"{model.num_parameters():,} parameters, {len(tokenizer):,} tokens, {rows.numel():,} tokens of text"
    )
    train(model, rows, fresh, args)
    model.save_pretrained(args.output)
    tokenizer.save_pretrained(args.output)


if __name__ == "__main__":
    main()
