"""Reading what makes whitened gradients from plain ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from g2is.arrays.whitening import Whitening
from g2is.errors import InputError
from g2is.run.manifest import Manifest
from g2is.run.paths import WHITENED, array_file
from g2is.storage.rows import open_array


def open_whitening(path: Callable[[str], Path], manifest: Manifest) -> Whitening:
    """The whitening of a run. path: the checked path of one of its files. Raises `InputError` for damaged files."""
    files = [path(array_file(WHITENED, name)) for name in ("eigenvectors", "eigenvalues")]
    try:
        # The vectors whole, since each use takes a product with all of them; never mapped, see `storage.rows`.
        vectors, values = (np.asarray(open_array(file)) for file in files)
        damping = float(manifest.stages["gradients"].found[WHITENED]["lambda"])
        if vectors.ndim != 2 or values.shape != vectors.shape[:1]:
            raise ValueError(f"shapes {vectors.shape} and {values.shape} do not fit together")
    except Exception as error:  # numpy raises many kinds for a damaged file
        raise InputError(f"{files[0]}: not the vectors of a whitening ({error}); verify the run") from None
    return Whitening(vectors, np.asarray(values), damping)
