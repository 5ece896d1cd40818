"""Evaluations of a run: losses and answers after fine-tuning on selections, read and compared.

An evaluation is a folder `evaluations/NAME` in the run: `evaluation.json` holds its inputs and settings, and each
fine-tuning (one selection with one seed) has a Parquet file with a row a test example.
"""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from g2is.config import EvaluationConfig, ReadingConfig
from g2is.errors import InputError, shortened
from g2is.run.parts import InputFile
from g2is.run.paths import EVALUATIONS
from g2is.run.run import Run
from g2is.storage.files import inside, is_text, open_file, read_small, write_bytes
from g2is.storage.parquet import read_small_table

if TYPE_CHECKING:
    import pandas as pd

ABOUT = "evaluation.json"
MOST_BYTES = 64 * 2**20
"""Of that file."""
MOST_RESULTS = 5 * 10**6
"""Rows of all fine-tunings of an evaluation; one on 14,000 test examples with ten selections and ten seeds has 1.4
million."""
SUMMARY = "summary.csv"
LEAKS = "leaks.csv"
LEFT_OUT = "left_out.csv"
"""Examples of tests without anything to score, and instructions without anything to train on, counted."""


class FineTuning(BaseModel):
    """One selection with one seed: its method, how many samples it has, and a digest of which.

    Its place on a grid of selections (None where there is none): label, its name without that; budget; validation, how
    many examples of a target it was chosen with (0: all); target, the one that it was chosen for and is tested on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    selection: str = Field(pattern=r"^[^/\x00]{1,200}$")
    seed: int = Field(ge=0, lt=2**63)
    method: str
    size: int = Field(ge=0, lt=2**63)
    digest: str
    label: str | None = None
    budget: int | None = None
    validation: int | None = None
    target: str | None = None

    @property
    def work(self) -> tuple[str, int, str | None]:
        """What its results depend on, beside the settings: two with the same samples have the same results."""
        return self.digest, self.seed, self.target

    @property
    def file(self) -> str:
        """Name of the file of its results."""
        return f"{self.selection}-{self.seed}.parquet"


class Evaluation(BaseModel):
    """Inputs and settings of an evaluation.

    run: hash of the run's content. reading: how the test files are read. leaks: number of samples with a near-copy, by
    their set and that of the copy, such as `test gsm8k in pool`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    run: str
    model: dict[str, Any]
    configuration: EvaluationConfig
    tests: list[InputFile]
    reading: ReadingConfig = ReadingConfig()
    leaks: dict[str, int]
    fine_tunings: list[FineTuning]

    @classmethod
    def read(cls, folder: Path) -> Evaluation:
        """Read an evaluation; raises `InputError` for a folder that is not one."""
        path = inside(folder, ABOUT)
        try:
            return cls.model_validate_json(read_small(path, MOST_BYTES))
        except (OSError, ValidationError, InputError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{path}: not an evaluation ({reason}); evaluate again with --overwrite"
            ) from None


class Results(NamedTuple):
    """All that was measured on a run.

    evaluations: by name, those of this content of the run that can be read with their results. table: all results so
    far, as of `read_evaluations`. unreadable: what is wrong with each of the others, by name.
    """

    evaluations: dict[str, Evaluation]
    table: pd.DataFrame
    unreadable: dict[str, str]


def evaluation_names(run: Run) -> list[str]:
    """The names that evaluations of the run have, whole or not."""
    folders = (path.parent for path in run.inside(EVALUATIONS).glob(f"*/{ABOUT}"))
    return sorted(folder.name for folder in folders if is_text(folder.name))


def evaluations(run: Run) -> dict[str, Evaluation]:
    """The run's evaluations by name, without those made before the run's content changed, and without those that cannot
    be read, of which `read_results` tells."""
    found = {}
    for name in evaluation_names(run):
        with suppress(InputError):
            found[name] = _evaluation(run, name)
    return {name: evaluation for name, evaluation in found.items() if evaluation}


def read_results(run: Run) -> Results:
    """Read all evaluations with their results. Needs no torch."""
    known, parts, unreadable = {}, [], {}
    for name in evaluation_names(run):
        try:
            if evaluation := _evaluation(run, name):
                parts += _tables(run, name, evaluation)
                known[name] = evaluation
        except InputError as error:
            unreadable[name] = str(error)
    return Results(known, _joined(parts), unreadable)


def read_evaluations(run: Run, only: str | None = None) -> pd.DataFrame:
    """All results so far, one row a test example of a fine-tuning.

    only: the name of one evaluation; of all that can be read where None. Columns: evaluation, selection, method, size,
    seed, target, task, example (place among those scored), loss (mean token loss of the response), answer, correct
    (None where no answer was asked for). Empty without evaluations. Needs no torch. Raises `InputError` where the one
    that was asked for cannot be read.
    """
    if only is None:
        return read_results(run).table
    evaluation = _evaluation(run, only)
    return _joined(_tables(run, only, evaluation) if evaluation else [])


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _evaluation(run: Run, name: str) -> Evaluation | None:
    """None for one that was made before the run's content changed."""
    found = Evaluation.read(run.inside(EVALUATIONS, name))
    return found if found.run == run.hash else None


def _tables(run: Run, name: str, evaluation: Evaluation) -> list[pd.DataFrame]:
    """A table for each fine-tuning of an evaluation that is done."""
    parts: list[pd.DataFrame] = []
    for one in evaluation.fine_tunings:
        path = run.inside(EVALUATIONS, name, one.file)
        if path.is_file():
            part = _read_results(path, name, MOST_RESULTS - sum(map(len, parts)))
            labels = {
                "evaluation": name,
                "selection": one.selection,
                "method": one.method,
                "size": one.size,
                "seed": one.seed,
            }
            for place, (column, value) in enumerate(labels.items()):
                part.insert(place, column, value)
            parts.append(part)
    return parts


def _read_results(path: Path, name: str, most: int) -> pd.DataFrame:
    """The results of one fine-tuning of an evaluation, at most so many rows. Raises `InputError` for more, and where
    columns are missing or hold something else."""
    from pandas.api import types
    from pyarrow.types import is_dictionary

    remedy = f"delete it and evaluate again with --name {name}"
    try:
        with open_file(path) as file:
            table = read_small_table(file, RESULTS, most).replace_schema_metadata(None)
        # Texts that are repeated stay one.
        part = table.to_pandas().astype(
            {field.name: object for field in table.schema if is_dictionary(field.type)}
        )
    except Exception as error:  # Arrow raises many kinds for a damaged file
        reason = shortened(str(error) or type(error).__name__, 200)
        raise InputError(f"{path}: not a complete table ({reason}); {remedy}") from None
    if lacking := set(RESULTS) - set(part.columns):
        raise InputError(
            f"{path}: not results of a fine-tuning (no column {', '.join(sorted(lacking))}); {remedy}"
        )
    text = ("string", "empty")
    expected = {
        **{"target": text, "task": text, "answer": text, "correct": ("boolean", "empty")},
        **{"example": ("integer", "empty"), "loss": ("floating", "empty")},
    }
    if wrong := [
        column
        for column, kinds in expected.items()
        if types.infer_dtype(part[column], skipna=True) not in kinds
    ]:
        raise InputError(
            f"{path}: not results of a fine-tuning (column {wrong[0]} holds something else); {remedy}"
        )
    return part


def read_left_out(folder: Path) -> pd.DataFrame:
    """What an evaluation left out: what (a test or a selection), left_out, of, reason. Empty where it counted none, as
    those of earlier versions."""
    import pandas as pd

    path = inside(folder, LEFT_OUT)
    try:
        known = path.is_file()
        frame = (
            pd.read_csv(BytesIO(read_small(path, MOST_BYTES)))
            if known
            else pd.DataFrame(columns=LEFT_OUT_COLUMNS)
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable ({shortened(str(error))}); delete it") from None
    if list(frame.columns) != LEFT_OUT_COLUMNS:
        raise InputError(f"{path}: not a table of what was left out; delete it")
    return frame


def write_left_out(folder: Path, left_out: pd.DataFrame) -> None:
    """Add what was left out to what is known of the evaluation's earlier selections."""
    import pandas as pd

    known = read_left_out(folder)
    both = left_out if known.empty else pd.concat([known, left_out]).drop_duplicates()
    write_bytes(folder / LEFT_OUT, both.to_csv(index=False).encode())


LEFT_OUT_COLUMNS = ["what", "left_out", "of", "reason"]
RESULTS = ("target", "task", "example", "loss", "answer", "correct")
COLUMNS = [*("evaluation", "selection", "method", "size", "seed"), *RESULTS]


def summarise(results: pd.DataFrame, reference: str = "random") -> pd.DataFrame:
    """Each selection on each target, and on each subtask where a target has several, compared with a reference.

    results: as `read_evaluations` gives them. One row an evaluation, target, task ("" for all of the target) and
    selection, with these columns: size, seeds, examples; loss and exact (share of answers that are right), means
    over seeds; loss_spread and exact_spread, their standard deviations over seeds (NaN of one seed);
    difference, the loss less that of the reference; p_value, of a two-sided paired t-test of that difference
    over test examples, each example's loss averaged over seeds: whether it would hold for other
    examples; apart, whether the ranges of both over seeds do not overlap: whether it holds for other seeds.
    The last three are None for the reference itself and where it was not evaluated.
    """
    import pandas as pd

    rows = []
    for (evaluation, target), here in results.groupby(["evaluation", "target"], sort=False):
        tasks = [task for task in here["task"].dropna().unique() if task]
        for task in ["", *(sorted(tasks) if len(tasks) > 1 else [])]:
            part = here[here["task"] == task] if task else here
            against = part[part["selection"] == reference]
            for selection, mine in part.groupby("selection", sort=False):
                compared = None if selection == reference or against.empty else against
                rows.append(
                    {"evaluation": evaluation, "target": target, "task": task, "selection": selection}
                    | _described(mine)
                    | _compared(mine, compared)
                )
    return pd.DataFrame(rows)


def _described(results: pd.DataFrame) -> dict[str, Any]:
    losses = results.groupby("seed")["loss"].mean()
    answered = results[results["correct"].notna()]
    exact = answered["correct"].astype(float).groupby(answered["seed"]).mean()
    return {
        "size": int(results["size"].max()),
        "seeds": len(losses),
        "examples": int(results["example"].nunique()),
        "loss": float(losses.mean()),
        "loss_spread": float(losses.std()),
        "exact": float(exact.mean()) if len(exact) else None,
        "exact_spread": float(exact.std()) if len(exact) else None,
    }


def _compared(results: pd.DataFrame, reference: pd.DataFrame | None) -> dict[str, Any]:
    if reference is None:
        return {"difference": None, "p_value": None, "apart": None}
    mine, theirs = (part.groupby("seed")["loss"].mean() for part in (results, reference))
    apart = bool(mine.max() < theirs.min() or theirs.max() < mine.min())
    a, b = (part.groupby("example")["loss"].mean() for part in (results, reference))
    pairs = a.to_frame("mine").join(b.rename("reference"), how="inner")
    return {
        "difference": float(np.mean(pairs["mine"] - pairs["reference"])),
        "p_value": paired_test(pairs["mine"].to_numpy(), pairs["reference"].to_numpy()),
        "apart": apart,
    }


def paired_test(mine: np.ndarray, reference: np.ndarray) -> float | None:
    """Two-sided p of the paired t-test; None for fewer than two pairs, 1 where all differences are zero."""
    from scipy.stats import ttest_rel

    if len(mine) < 2:
        return None
    if np.array_equal(mine, reference):
        return 1.0
    return float(ttest_rel(mine.astype(np.float64), reference.astype(np.float64)).pvalue)
