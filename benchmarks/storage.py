"""The effect of int8 rows: neighbours and selections compared with those of the run's own rows.

    python -m benchmarks.storage RUN [RUN …]

Rows of the run are rounded to int8; neighbours and walks are computed again for both.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.report import report
from g2is.arrays.rows import read_rows
from g2is.config import WALK_PRESETS, walk_preset
from g2is.graph.neighbors import exact_neighbors
from g2is.knowledge import core_knowledge
from g2is.run.run import Run
from g2is.storage.dtypes import stored_rows
from g2is.walk import gradient_walk

BLOCK = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    rows = []
    for folder in parser.parse_args().runs:
        run = Run.open(folder)
        for name in run.regimes:
            stored = run.regime(name).gradients
            codes = np.concatenate(
                [
                    stored_rows(read_rows(stored, slice(start, start + BLOCK)), "int8")
                    for start in range(0, len(stored), BLOCK)
                ]
            )
            lists = [
                exact_neighbors(array, run.valid, neighbors=50, conflicts=10) for array in (stored, codes)
            ]
            row: dict[str, object] = {"run": run.name, "regime": name, "samples": len(codes)}
            for most in (10, 50):
                pairs = zip(*(one.neighbors[run.valid, :most] for one in lists), strict=True)
                row[f"{most} neighbours"] = np.mean([len(np.intersect1d(a, b)) / most for a, b in pairs])
            for preset in WALK_PRESETS:
                for fraction in (0.01, 0.05):
                    parameters = walk_preset(preset, fraction=fraction, regime=name)
                    knowledge = core_knowledge(
                        run.validation_gradients, parameters, run.validation["target"].tolist()
                    )
                    a, b = (
                        gradient_walk(
                            array, one.neighbors, one.cosines, knowledge, parameters, valid=run.valid
                        ).samples
                        for array, one in zip((stored, codes), lists, strict=True)
                    )
                    row[f"{preset} {fraction:.0%}"] = len(np.intersect1d(a, b)) / max(len(a), len(b))
            rows.append(row)
    report("storage", rows)


if __name__ == "__main__":
    main()
