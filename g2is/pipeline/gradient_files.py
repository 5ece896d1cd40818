"""Reads gradients and neighbour lists that other programs computed, and checks them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from g2is.arrays.rows import as_rows, block_rows
from g2is.arrays.unit import lengths
from g2is.errors import InputError, shortened
from g2is.storage.files import open_file, write_file
from g2is.storage.json_file import read_json
from g2is.storage.rows import open_array

LESS_FILES = ("all_unormalized.pt", "all_orig.pt")
"""Files of LESS, in order of preference: gradients as they are, and normalised."""
BERGSON_FILE, BERGSON_INFO = "gradients.bin", "info.json"
"""A store of bergson: rows one after another, and their number, type and sizes."""
IN_FOLDERS = (*LESS_FILES, BERGSON_FILE)
"""Files that a folder is named for."""


def gradient_file(path: Path) -> Path:
    """The file itself, or that of LESS or bergson in a folder; of LESS (`dim8192`) also in the only folder of such a
    name inside.

    Raises `InputError` for a folder without one.
    """
    if not path.is_dir():
        return path
    files = [path / name for name in IN_FOLDERS if (path / name).is_file()]
    if not files and len(inner := sorted(path.glob("dim*/"))) == 1:
        return gradient_file(inner[0])
    if not files:
        raise InputError(f"{path}: expected one of {', '.join(IN_FOLDERS)} in this folder")
    return files[0]


def read_gradients(path: Path) -> np.ndarray:
    """A matrix with one gradient in each row, (n, d): .npy, .pt, .safetensors, or a folder of LESS or bergson.

    Its numbers are as they are in the file. Rows of a large .npy file stay there until they are asked for
    (`storage.rows`). A .pt file is loaded as weights only, so nothing in it is executed. Raises `InputError` for a file
    that is not one matrix of numbers, and for a row with a number that is not finite or a norm outside the range of
    float32.
    """
    path = gradient_file(path)
    rows = _read(path)
    if rows.ndim != 2 or 0 in rows.shape:
        raise InputError(f"{path}: shape {rows.shape}, expected (samples, dimensions)")
    if rows.dtype.kind not in "fiu":
        raise InputError(f"{path}: numbers of type {rows.dtype}, expected real numbers")
    finite, fitting = np.ones(len(rows), bool), np.ones(len(rows), bool)
    for some, block in blocks_of(rows):
        finite[some] = np.isfinite(block).all(axis=1)
        with np.errstate(over="ignore"):
            length = lengths(block.astype(np.float32, copy=False))
        fitting[some] = (length <= np.finfo(np.float32).max) & ((length > 0) | ~block.any(axis=1))
    if not finite.all():
        raise InputError(
            f"{path}: row {finite.argmin()} holds a number that is not finite ({np.sum(~finite):,} such rows); "
            "compute it again or leave the sample out"
        )
    if not fitting.all():
        raise InputError(
            f"{path}: row {fitting.argmin()} is too large or too small for float32 ({np.sum(~fitting):,} such rows); "
            "multiply all rows by one number that brings them near 1"
        )
    return rows


def blocks_of(rows: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """All rows (n, d), in blocks with their places."""
    size = block_rows(rows)
    for start in range(0, len(rows), size):
        some = slice(start, min(start + size, len(rows)))
        yield some, np.asarray(rows[some])


def read_neighbors(path: Path, count: int) -> np.ndarray:
    """Neighbour lists (n, k) int32, nearest first, of `count` samples.

    Raises `InputError` if their number differs, and with the row if an entry is not a sample.
    """
    lists = _read(path)
    if lists.ndim != 2 or 0 in lists.shape or lists.dtype.kind not in "iu":
        raise InputError(
            f"{path}: shape {lists.shape} of {lists.dtype}, expected (samples, neighbours) whole numbers"
        )
    if len(lists) != count:
        raise InputError(f"{path}: lists for {len(lists):,} samples, expected {count:,}, one a gradient")
    bad = np.flatnonzero(((lists < 0) | (lists >= count)).any(axis=1))
    if bad.size:
        row = int(bad[0])
        entry = next(int(value) for value in lists[row] if not 0 <= value < count)
        raise InputError(
            f"{path}: row {row}: neighbour {entry} is no sample, expected 0 to {count - 1:,} "
            f"({bad.size:,} such rows)"
        )
    return lists.astype(np.int32)


def write_pt(path: Path, rows: np.ndarray) -> None:
    """Write a matrix as a tensor that torch loads as weights only; complete or absent."""
    import torch

    write_file(path, lambda file: torch.save(torch.from_numpy(rows), file))


def _read(path: Path) -> np.ndarray:
    readers = {".npy": _npy, ".pt": _pt, ".safetensors": _safetensors, ".bin": _bergson}
    if path.suffix not in readers:
        raise InputError(f"{path}: expected {', '.join(readers)} or a folder of LESS or bergson")
    try:
        open_file(path).close()  # libraries that open it themselves would wait for a pipe
        return readers[path.suffix](path)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror or error})") from None
    except Exception as error:  # each library raises its own kinds for a damaged file
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: not a {path.suffix} file of plain numbers ({reason})") from None


def _npy(path: Path) -> np.ndarray:
    # Not np.load, which would also read an archive of arrays.
    return as_rows(open_array(path))


def _pt(path: Path) -> np.ndarray:
    import torch

    return _only(path, torch.load(path, map_location="cpu", weights_only=True))


def _safetensors(path: Path) -> np.ndarray:
    from safetensors.torch import load_file

    return _only(path, load_file(path))


def _bergson(path: Path) -> np.ndarray:
    """The rows of a store of bergson, the modules side by side as they are stored."""
    info_path = path.with_name(BERGSON_INFO)
    try:
        info = read_json(info_path, 2**26)
        # Stores of early versions list the type of each module's numbers, which is one.
        name = info["base_dtype"] if "base_dtype" in info else np.dtype(info["dtype"]["formats"][0]).base.name
        count, width = int(info["num_grads"]), sum(int(size) for size in info["grad_sizes"].values())
        kind = np.dtype(np.uint16) if name == "bfloat16" else np.dtype(name)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{info_path}: does not describe a store of bergson ({error})") from None
    if info.get("attribute_tokens"):
        raise InputError(
            f"{path}: holds gradients of tokens, expected one row a record; let bergson build it without "
            "attribute_tokens"
        )
    if (size := path.stat().st_size) != (expected := count * width * kind.itemsize):
        raise InputError(
            f"{path}: {size:,} bytes, expected {expected:,} for {count:,} rows of {width:,} {name} as {BERGSON_INFO} "
            "says; copy the whole folder again"
        )
    rows = np.fromfile(path, kind).reshape(count, width)
    # NumPy has no bfloat16: it is the upper half of a float32.
    return (rows.astype(np.uint32) << 16).view(np.float32) if name == "bfloat16" else rows


def _only(path: Path, loaded: Any) -> np.ndarray:
    """The single tensor of a loaded file."""
    import torch

    if isinstance(loaded, dict):
        if len(loaded) != 1:
            raise InputError(f"{path}: holds {shortened(', '.join(map(str, loaded)))}; expected one tensor")
        (loaded,) = loaded.values()
    if not isinstance(loaded, torch.Tensor):
        raise InputError(f"{path}: holds a {type(loaded).__name__}, expected one tensor")
    # NumPy has no bfloat16.
    half = loaded.is_floating_point() and loaded.dtype != torch.float64
    return (loaded.float() if half else loaded).numpy()
