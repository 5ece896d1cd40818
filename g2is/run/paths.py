"""Names of the files and folders of a run; no other module writes them out.

Names are relative to the run's folder, with `/` between parts, as in the manifest. Functions whose names end in `_path`
return paths beside that folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from g2is.config import RegimeName

Pooling = Literal["weighted", "mean"]
POOLINGS: tuple[Pooling, ...] = ("weighted", "mean")
LayoutKind = Literal["umap", "pca"]
LAYOUTS: tuple[LayoutKind, ...] = ("umap", "pca")
RegimeArray = Literal[
    "gradients",
    "norms",
    "neighbors",
    "cosines",
    "conflicts",
    "conflict_cosines",
    "validation_cosines",
    "communities",
    "forest",
    "forest_cosines",
    "eigenvectors",
    "eigenvalues",
    "pca_axes",
    LayoutKind,
]

MANIFEST = "manifest.json"
MANIFEST_COPY = ".manifest.copy.json"

# What the stages of a build write
INSTRUCTIONS = "instructions.arrow"
INSTRUCTIONS_PARQUET = "instructions.parquet"
"""The pool in runs of earlier versions."""
COLUMNS = "columns.arrow"
"""Fields of the pool's records beside their conversations; runs of earlier versions and pools without any have none."""
REJECTED = "rejected.jsonl"
WARMUP = "warmup.safetensors"
SAMPLES = "samples.parquet"
REPRESENTATIONS = "representations"
ENSEMBLE = "ensemble.parquet"
LABELS = "community_labels.json"
"""In the folder of each regime."""

TARGETS = "targets"
"""Folder of the validation targets."""
EXAMPLES = "examples.parquet"
EXAMPLE_GRADIENTS = "gradients.npy"
"""With the examples, all that a target's other files are computed from."""
LEAKS = "leaks.parquet"

# In runs of format 1, which have the files of all targets together
VALIDATION = "validation.parquet"
VALIDATION_GRADIENTS = "validation_gradients.npy"

POOL = "pool"
"""Folder of the files of a pool that was extended: `pool/2` for those of the first extension, and so on."""
GONE = "gone"
"""Folder of removals: `gone/1` lists the instructions that the first one took away, and so on."""
EXTENDING = "extending"
"""Folder of an extension that is under way: a run of the new instructions alone."""

# Added to a finished run; not in the manifest
SELECTIONS = "selections"
SETS = "sets"
EVALUATIONS = "evaluations"
EXPORTS = "exports"
NOTES = "notes"
"""Of selections, evaluations and exports: `notes/FOLDER/NAME.txt`. Those of sets are in their own files."""
TRASH = "trash"
"""What was deleted and can be restored."""

WHITENED: RegimeName = "whitened"
"""The regime whose files are made from others, and its folder."""
BUILDING = "building"
"""Folder of files that only a build in progress needs: checkpoints and shards."""


def array_file(regime: RegimeName, array: RegimeArray) -> str:
    """An array of one regime, such as `sgd/neighbors.npy`."""
    return f"{regime}/{array}.npy"


def labels_file(regime: RegimeName) -> str:
    """The labels of a regime's communities."""
    return f"{regime}/{LABELS}"


def target_file(folder: str, name: str) -> str:
    """A file of a target: EXAMPLES, EXAMPLE_GRADIENTS, LEAKS."""
    return f"{folder}/{name}"


def gone_file(folder: str) -> str:
    """The rows that a removal took away."""
    return f"{folder}/rows.npy"


def target_array(folder: str, regime: RegimeName, array: Literal["cosines"] | LayoutKind) -> str:
    """An array of a target in one regime: cosines (n, m) of the pool to its examples, or their places (m, 2)."""
    return f"{folder}/{regime}/{array}.npy"


def target_representations(folder: str, pooling: Pooling) -> str:
    """The representations of a target's examples in one pooling."""
    return f"{folder}/{REPRESENTATIONS}/{pooling}.npy"


def representations_file(pooling: Pooling, *, validation: bool = False) -> str:
    """The representations of the pool, or of the validation samples, in one pooling."""
    return f"{REPRESENTATIONS}/{'validation_' if validation else ''}{pooling}.npy"


def warmup_file(step: int) -> str:
    """The state of the warm-up after a step before its last; that after the last is `WARMUP`."""
    return f"warmup-{step:09d}.safetensors"


def selection_file(name: str) -> str:
    """A saved selection."""
    return f"{SELECTIONS}/{name}.json"


def set_file(name: str) -> str:
    """A named set."""
    return f"{SETS}/{name}.json"


def note_file(folder: str, name: str) -> str:
    """The note on what is called `name` in a folder of the run."""
    return f"{NOTES}/{folder}/{name}.txt"


# Beside the folder of a run, which contains only the run itself


def lock_path(folder: Path) -> Path:
    """The lock of the process that writes the run."""
    return folder.with_name(f".{folder.name}.lock")


def saving_lock_path(folder: Path) -> Path:
    """The lock of who writes, renames or deletes a set, a selection, an export or an evaluation."""
    return folder.with_name(f".{folder.name}.saving.lock")


def progress_path(folder: Path) -> Path:
    """The progress of a build of the run that is under way."""
    return folder.with_name(f".{folder.name}.progress.json")
