"""What a file with one line of a gigabyte costs: python -m benchmarks.long_line [--bytes N].

Stopping at it, and setting it aside with `--skip-bad`; prints seconds, peak memory and what was said.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = """
import resource, sys
from g2is.errors import InputError
from g2is.instructions import read_instructions
try:
    reading = read_instructions([sys.argv[1]], skip_bad=sys.argv[2] == "on")
    said = f"{len(reading.instructions)} read, {[reject.reason for reject in reading.rejected]}"
except InputError as error:
    said = str(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, said)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=2**30, help="length of the line [1 GB]")
    length = parser.parse_args().bytes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.jsonl"
        with path.open("wb") as file:
            file.write(b'{"question": "q", "answer": "a"}\n{"question": "')
            for start in range(0, length, 2**20):
                file.write(b"x" * min(2**20, length - start))
            file.write(b'", "answer": "a"}\n{"question": "q", "answer": "b"}\n')
        for skip_bad in ("off", "on"):
            began = time.perf_counter()
            words = [sys.executable, "-c", SCRIPT, str(path), skip_bad]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            memory, _, said = done.stdout.strip().partition(" ")
            seconds = time.perf_counter() - began
            print(f"skip_bad {skip_bad}: {seconds:.1f} s, {int(memory):,} MB at most: {said}")


if __name__ == "__main__":
    main()
