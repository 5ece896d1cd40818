"""Pools that are tables in memory, for functions that read the texts of a run."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from g2is.run.run import Run
from g2is.storage.groups import InMemory
from g2is.storage.stored_tables import StoredTable
from g2is.storage.tables import to_table


def pool_of(frame: pd.DataFrame) -> Any:
    """What `analysis.search` needs of a run whose pool is this table."""
    return SimpleNamespace(instructions=frame, texts=stored(frame), columns={})


def stored(frame: pd.DataFrame) -> StoredTable:
    """A table in groups of rows, in memory."""
    return StoredTable(Path("in memory"), InMemory(to_table(frame)))


def records_of(run: Run) -> pd.DataFrame:
    """All of a pool in one table, as no process of a real one has it."""
    return run.records(np.arange(run.files.pool))
