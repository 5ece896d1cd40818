"""One process of a build that several share, and that is killed at work; started by test_sharing."""

import os
import signal
import sys
import time
from pathlib import Path

import torch

import g2is.pipeline.neighbor_worker as graph
from g2is.config import BuildConfig
from g2is.lm.sketches import ShardGradients
from tests.test_pipeline import configuration, make


def shared_configuration(files: Path) -> BuildConfig:
    return configuration(files, gradients={"projection_dim": 64, "shard_size": 4, "batch_tokens": 256})


def build(files: Path, folder: Path, role: str, stage: str) -> list[str]:
    """Take part in a build; gives what it said.

    doomed: stops for good in its first piece of work of that stage, for somebody to kill it. patient: begins its own
    only when a doomed one holds one. suicidal: rank 1 of torchrun kills itself there, unless it was started again.
    """
    held = folder.with_name("held")
    at, name = (ShardGradients, "__call__") if stage == "gradients" else (graph, "neighbor_block")
    work = getattr(at, name)
    ends = os.environ.get("RANK") == "1" and os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0"

    def watched(*arguments, **options):
        if role == "doomed" or (role == "suicidal" and ends):
            held.touch()
            if ends:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(600)
        while role in ("patient", "suicidal") and not held.exists():
            time.sleep(0.02)
        return work(*arguments, **options)

    setattr(at, name, watched)
    torch.set_num_threads(1)  # sums split over more threads round differently
    said: list[str] = []
    make(folder, files, shared_configuration(files), said=said)
    folder.with_name(f"said-{role}-{os.getpid()}").write_text("\n".join(said))
    return said


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
