"""Write tests/data/run-format-N: a run of today's format and what a walk over it answers today.

Once for each format version, when it is new; what lies there is never written again (tests/test_run_format.py).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from g2is.analysis import walks
from g2is.config import WALK_PRESETS, BuildConfig, walk_preset
from g2is.pipeline.build import build
from g2is.pipeline.inputs import Target
from g2is.run.manifest import FORMAT_VERSION
from g2is.run.selections import save_walk, select

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.tiny import save_tiny_model, write_pool  # noqa: E402

SETTINGS = {
    "model": {"model": "model", "device": "cpu"},
    "lora": {"rank": 2},
    "warmup": {"fraction": 0.3, "epochs": 2, "batch_size": 4},
    "gradients": {"projection_dim": 16, "shard_size": 16, "batch_tokens": 256},
    "graph": {"neighbors": 5, "conflicts": 2},
}


def main() -> None:
    folder = ROOT / "tests" / "data" / f"run-format-{FORMAT_VERSION}"
    if folder.exists():
        sys.exit(f"{folder} is there already; it is never written again")
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        save_tiny_model(Path("model"))
        write_pool(Path("pool.jsonl"), 40)
        write_pool(Path("more.jsonl"), 20, seed=3, letters="0123456789")
        write_pool(Path("words.jsonl"), 6, seed=1)
        write_pool(Path("digits.jsonl"), 4, seed=2, letters="0123456789")
        targets = [Target(name, Path(f"{name}.jsonl")) for name in ("words", "digits")]
        run = build(Path("run"), BuildConfig(**SETTINGS), [Path("pool.jsonl"), Path("more.jsonl")], targets)
        answers = {"hash": run.hash, "walks": {}, "selections": {}}
        for preset in WALK_PRESETS:
            trace = walks.walk(run, walk_preset(preset, count=12))
            save_walk(run.folder / "selections" / f"{preset}.json", run, trace)
            answers["walks"][preset] = trace.samples.tolist()
        for method in ("less", "round_robin", "random"):
            answers["selections"][method] = select(run, method, count=12).samples
        answers["communities"] = run.communities("sgd").membership.tolist()
        answers["raw"] = [raw.decode() for raw in run.texts.values(range(run.files.pool), "raw")]
        shutil.copytree("run", folder / "run")
    (folder / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
