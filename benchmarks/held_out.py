"""Pool and targets of the experiments: records of some files leave the pool and become validation and test examples.

    python -m benchmarks.held_out DATA OUT

DATA/pool holds files of instructions, DATA/target validation and test files of other targets. OUT/pool gets the pool
without what is held out, OUT/target NAME_validation.jsonl (64 records, for targets that have no file) and
NAME_test.jsonl (120 records) of each target. The draw is seeded: the same files give the same ones.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from g2is.storage.files import write_bytes

TEST, VALIDATION = 120, 64
HELD_OUT = {"code": "code.json", "t0": "t0.jsonl", "alpaca": "alpaca_en_demo.json"}
"""Targets from a file of the pool."""
OTHERS = ("gsm8k", "bbh")
"""Targets that have files of their own."""


def main(arguments: argparse.Namespace) -> None:
    data, out = arguments.data, arguments.out
    target_of = {file: name for name, file in HELD_OUT.items()}
    for path in sorted((data / "pool").iterdir()):
        name = target_of.get(path.name)
        if name is None:
            write_bytes(out / "pool" / path.name, path.read_bytes())
            continue
        records = read(path)
        texts = [json.dumps(record, sort_keys=True) for record in records]
        times = Counter(texts)
        # Records that occur twice in the pool would be tested on what was trained.
        single = [place for place, text in enumerate(texts) if times[text] == 1]
        drawn = np.random.default_rng(0).permutation(single)[: VALIDATION + TEST].tolist()
        kept = set(range(len(records))) - set(drawn)
        write(out / "pool" / f"{path.stem}.jsonl", [records[place] for place in sorted(kept)])
        write(out / "target" / f"{name}_validation.jsonl", [records[place] for place in drawn[:VALIDATION]])
        write(out / "target" / f"{name}_test.jsonl", [records[place] for place in drawn[VALIDATION:]])
    for name in OTHERS:
        validation, test = (data / "target" / f"{name}_{part}.jsonl" for part in ("validation", "test"))
        write(out / "target" / validation.name, read(validation))
        records = read(test)
        drawn = np.random.default_rng(0).permutation(len(records))[:TEST].tolist()
        write(out / "target" / test.name, [records[place] for place in drawn])


def read(path: Path) -> list[Any]:
    """The records of a JSON array or of JSON lines."""
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def write(path: Path, records: list[Any]) -> None:
    """JSON lines."""
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("out", type=Path, metavar="OUT")
    main(parser.parse_args())
