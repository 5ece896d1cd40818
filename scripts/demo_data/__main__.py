"""Write the files of the demo."""

from __future__ import annotations

import argparse
from pathlib import Path

from g2is.demo import DATA
from scripts.demo_data.files import write_demo

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=DATA, help="folder of the files")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_demo(arguments.output, arguments.seed)
