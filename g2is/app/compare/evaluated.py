"""What was measured on a run, read once for all visitors and all parts of the page."""

from __future__ import annotations

from contextlib import suppress

from g2is.app.compare.parts import fingerprint
from g2is.app.shared.computed import computed
from g2is.evaluation.results import ABOUT, Results, read_results
from g2is.run.paths import EVALUATIONS
from g2is.run.run import Run


def results_of(run: Run) -> Results:
    """All evaluations of a run with their results, as they are now."""
    key = fingerprint(run.state, evaluation_stamp(run))
    result: Results = computed("results", key, lambda: read_results(run), most=4)
    return result


def evaluation_stamp(run: Run) -> list[tuple[str, int, int]]:
    """Changes when a fine-tuning is finished, and when a file of an evaluation is written anew."""
    folders = [path.parent for path in run.inside(EVALUATIONS).glob(f"*/{ABOUT}")]
    stamp = []
    for path in sorted(path for folder in folders for path in (folder / ABOUT, *folder.glob("*.parquet"))):
        with suppress(OSError):  # it went meanwhile
            state = path.stat()
            stamp.append((f"{path.parent.name}/{path.name}", state.st_mtime_ns, state.st_size))
    return stamp
