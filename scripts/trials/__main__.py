"""Longer trials than the tests': faults caused on purpose, counted. docs/reliability.md has what they found.

    python -m scripts.trials [NAME …]

Each prints what was tried, how often, and what was lost; the exit code is 1 where anything was. They need chromium, and
from two minutes to an hour each on two cores.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path

NAMES = ("signals", "visitors", "killed_server", "changed_files", "sleep", "no_home")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"trials: {', '.join(NAMES)} [all]")
    parser.add_argument("--times", type=int, help="how often each is tried [each its own number]")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"no trial {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    lost = 0
    for name in arguments.names or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            trial = import_module(f"scripts.trials.{name}").trial
            count, losses = trial(Path(folder), **({"times": arguments.times} if arguments.times else {}))
        lost += len(losses)
        print(f"{name}: tried {count} times, {len(losses)} went wrong", *losses, sep="\n  ", flush=True)
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
