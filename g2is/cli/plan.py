"""The command that estimates the cost of a build before anything runs: plan."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from g2is.cli.runs import say
from g2is.config import BuildConfig, Hardware, Workload
from g2is.config.grammar import AddCommand, add_settings, given, named, read_settings

if TYPE_CHECKING:
    from g2is.pipeline.cost import Plan

COUNTED = 2_000
"""Samples of the pool that are tokenized; the others are assumed to have the same lengths."""


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command(
        "plan", plan, "what a build will cost, from the model's configuration alone: nothing runs"
    )
    parser.add_argument(
        "--train",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="the pool, to count its tokens",
    )
    parser.add_argument(
        "--validation",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="examples of a target, to count",
    )
    add_settings(parser, Workload)
    add_settings(parser, Hardware)
    add_settings(parser, BuildConfig)


def plan(arguments: argparse.Namespace) -> None:
    config = read_settings(BuildConfig, arguments)
    hardware = read_settings(Hardware, arguments)
    read_settings(Workload, arguments)  # checked before the files are read
    stated = given(Workload, arguments)
    from g2is.instructions import check_there

    check_there([*arguments.train, *(file for _, file in map(named, arguments.validation))])
    from g2is.lm.shape import read_shape
    from g2is.pipeline.cost import Plan

    shape = read_shape(config.model, config.lora)
    config = config.resolve(shape.hidden_size, shape.positions)
    counts, notes = _counted(arguments, config, "tokens" not in stated, shape.vocabulary)
    work = Workload(**{**counts, **stated})
    print("\n".join([describe(Plan(shape, config, work, hardware)), *notes]))


def _counted(
    arguments: argparse.Namespace, config: BuildConfig, tokens: bool, vocabulary: int
) -> tuple[dict[str, Any], list[str]]:
    """The fields of `Workload` computed from the files, and lines on replies that are not trained as they are."""
    import numpy as np

    from g2is.instructions import find_sources, read_instructions
    from g2is.lm.notes import count_notes, note_lines
    from g2is.lm.text import Encoder
    from g2is.lm.tokenizer import load_tokenizer
    from g2is.lm.vocabulary import check_tokens
    from g2is.pipeline.read_pool import ReadPool

    reading = dict(config.reading)
    counts: dict[str, Any] = {}
    lines: list[str] = []
    if arguments.validation:
        paths = [Path(path) for _, path in map(named, arguments.validation)]
        read = read_instructions(paths, **reading)
        for line in read.report():
            say(line)
        counts["validation_samples"] = len(read.instructions)
    if arguments.train:
        paths = [Path(path) for path in arguments.train]
        pool = ReadPool(find_sources(paths), config.reading, None, dedupe=config.dedupe)
        for line in pool.summary.report():
            say(line)
        counts["samples"] = len(pool)
        if tokens:
            drawn = np.random.default_rng(0).permutation(len(pool))[:COUNTED]
            encoder = Encoder(load_tokenizer(config.model), config.model.max_length or 2048)
            some = pool.take(drawn)
            check_tokens(config.model.model, vocabulary, encoder, some)
            samples = encoder(some)
            notes = note_lines(count_notes(sample.notes for sample in samples))
            lines = [f"replies    of {len(samples):,} samples: {note}" for note in notes]
            encoded = [sample for sample in samples if sample.problem is None]
            if encoded:
                total = sum(map(len, encoded))
                counts["tokens"] = total / len(encoded)
                counts["trained_share"] = sum(int(sample.trained.sum()) for sample in encoded) / total
    return counts, lines


def describe(plan: Plan) -> str:
    """The plan as text for a person."""
    shape, config, work, hardware = plan.shape, plan.config, plan.work, plan.hardware
    gigabytes = 1e9
    merged = f" (adapter merged into {shape.merged_into})" if shape.merged_into else ""
    lines = [
        f"model      {config.model.model}{merged}: {_big(shape.parameters)} parameters, {shape.layers} layers of "
        f"{shape.hidden_size:,}; gradients of {_big(plan.trained)} "
        + (f"(its own weights, {plan.own})" if plan.own else f"(LoRA, rank {config.lora.rank})"),
        f"pool       {work.samples:,} samples x {work.tokens:,.0f} tokens = {_big(plan.tokens)} tokens, "
        f"{work.trained_share:.0%} of them trained; {work.validation_samples:,} validation examples",
        *(
            [f"gradients  at {checkpoints} checkpoints: passes, rows and trained state that many times"]
            if (checkpoints := config.gradients.checkpoints) > 1
            else []
        ),
        f"rate       {hardware.peak_share:.0%} of {hardware.tflops:,.0f} TFLOP/s in 16 bits, "
        f"{hardware.tf32_tflops:,.0f} in TF32 and {hardware.float32_tflops:,.0f} in float32, and of "
        f"{hardware.bandwidth:g} TB/s",
        f"devices    {_devices(plan)}",
        *(
            [
                f"warm-up    on {config.warmup.most:,} instructions, fewer than {config.warmup.fraction:.3g} of the "
                "pool: --warmup-most"
            ]
            if config.warmup.capped(work.samples)
            else []
        ),
        "",
        f"{'':10} {'FLOP':>9} {'TB moved':>10} {'hours':>8}",
    ]
    lines += [
        f"{stage.name:10} {stage.flop:9.2g} {stage.moved / 1e12:10,.3g} {stage.hours:8,.3g}"
        for stage in plan.stages
    ]
    lines += [
        f"{'all':10} {sum(s.flop for s in plan.stages):9.2g} "
        f"{sum(s.moved for s in plan.stages) / 1e12:10,.3g} {plan.hours:8,.3g}",
        "",
        f"memory     {plan.warmup_bytes / gigabytes:,.0f} GB in the warm-up, {plan.gradients_bytes / gigabytes:,.0f} "
        f"GB for gradients: weights {plan.weights_bytes / gigabytes:,.1f}, a batch of "
        f"{config.gradients.batch_tokens:,} tokens {plan.activations_bytes / gigabytes:,.1f}",
        *(
            [
                f"whitening  on the host: {plan.whitening_bytes / gigabytes:,.1f} GB for the eigenvectors of a matrix "
                f"of {min(work.samples, plan.width):,}, at {hardware.host_tflops:g} TFLOP/s"
            ]
            if plan.whitened
            else []
        ),
        f"disk       {plan.disk_bytes / gigabytes:,.1f} GB: {len(config.regimes)} regime(s) of "
        f"{plan.regime_bytes / gigabytes:,.2f} each, what was trained with Adam's averages "
        f"{plan.state_bytes / gigabytes:,.2f}"
        + (
            f"; while it is built {plan.building_bytes / gigabytes:,.1f}"
            if plan.building_bytes > plan.disk_bytes
            else ""
        ),
        "",
        "An estimate: batches are taken to be full and padding to be little; reading and tokenizing come on top. "
        "Less memory: --batch-tokens, --load-in-4bit. Less time and disk: --regimes sgd.",
    ]
    return "\n".join(lines)


def _devices(plan: Plan) -> str:
    """How many devices there are, how many the model needs at least, and what that gives."""
    least, given = plan.least_devices, plan.hardware.devices
    text = f"{given:,} of {plan.hardware.memory:g} GB; the model needs at least {least:,}"
    if given < least:
        return f"{text}: more --devices, or --load-in-4bit or a smaller --batch-tokens; the hours are those of one copy"
    copies = f"{plan.replicas:,} cop{'y' if plan.replicas == 1 else 'ies'} of it compute{'s' * (plan.replicas == 1)}"
    spread = " (--device-map auto; layers on several devices work one after the other)" if least > 1 else ""
    return f"{text}{spread}: {copies} gradients"


def _big(number: float) -> str:
    """Three digits and a word for the size: 8.03 B, 109 M."""
    for size, word in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,.0f}"
