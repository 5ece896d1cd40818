"""Stage `warmup`: a short training of the adapter, which also gives Adam's averages."""

from __future__ import annotations

from typing import Any

from g2is.config import BuildConfig
from g2is.errors import InputError
from g2is.lm.lazy import LazyModel
from g2is.lm.model import DTYPES
from g2is.lm.notes import count_notes, note_lines
from g2is.lm.train import TrainingState, mean_rates
from g2is.lm.warmup import Checkpoint, checkpoint_epochs, draw, save_state, warm_up
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import BUILDING, WARMUP, warmup_file
from g2is.run.texts import instructions_of


def write_warmup(writer: RunWriter, config: BuildConfig, lazy: LazyModel) -> StageResult:
    """Train on a random share of the pool; keep the trained parameters and Adam's averages.

    A stopped warm-up resumes after its last complete epoch. Of a run with several checkpoints the states at each are
    kept, with the mean learning rate up to it as a share of the highest. Raises `InputError` if none of the samples
    has trained tokens.
    """
    pool = writer.open_pool()
    rows = draw(len(pool), config.warmup)
    if config.warmup.capped(len(pool)):
        writer.say(
            f"warm-up: on {len(rows):,} instructions, fewer than {config.warmup.fraction:g} of {len(pool):,}: at most "
            "that many (--warmup-most)"
        )
    encoded = lazy.encoder(instructions_of(pool, rows))
    for line in note_lines(count_notes(sample.notes for sample in encoded)):
        writer.say(f"warm-up: of {len(encoded):,} samples drawn, {line}")
    samples = [sample for sample in encoded if sample.problem is None]
    if not samples:
        raise InputError("warm-up: no sample drawn has anything to train on; give a larger warmup fraction")
    if lazy.trains_own_weights and not config.warmup.epochs and config.gradients.computed == ("sgd",):
        # Nothing is trained and no averages are needed: the file would be a copy of the model.
        save_state(writer.folder / WARMUP, TrainingState({}, {}, {}, 0))
        return [WARMUP], {"samples": 0, "steps": 0, "trained_parameters": 0}
    checkpoint = Checkpoint(writer.folder / BUILDING, "warmup")
    steps = -(-len(samples) // (config.warmup.batch_size or 1)) * config.warmup.epochs
    per_epoch = steps // max(1, config.warmup.epochs)
    ends = [
        epoch * per_epoch
        for epoch in checkpoint_epochs(config.warmup.epochs, config.gradients.checkpoints)
        if epoch
    ]

    def keep(reached: TrainingState) -> None:
        # The checkpoint that a stopped warm-up resumes from comes last, so that none before it is missing.
        if reached.step in ends[:-1]:
            save_state(writer.folder / warmup_file(reached.step), reached)
        checkpoint.write(reached)

    with writer.progress("warm-up", steps, "step") as bar:
        state = warm_up(
            # An adapter is float32 already; own weights in a shorter type would lose small steps to rounding.
            lazy.model.float() if lazy.trains_own_weights else lazy.model,
            samples,
            config.warmup,
            batch_tokens=config.gradients.batch_tokens,
            resume=checkpoint.read(),
            on_step=bar.step,
            on_epoch=keep,
        )
    if lazy.trains_own_weights:
        lazy.model.to(DTYPES[lazy.card.dtype])
    save_state(writer.folder / WARMUP, state)
    found: dict[str, Any] = {
        "samples": len(samples),
        "steps": state.step,
        "trained_parameters": sum(tensor.numel() for tensor in state.parameters.values()),
    }
    if len(ends) > 1:
        rates = mean_rates(ends, steps, config.warmup.schedule_warmup)
        found["checkpoints"] = dict(zip(map(str, ends), rates, strict=True))
    return [WARMUP, *map(warmup_file, ends[:-1])], found
