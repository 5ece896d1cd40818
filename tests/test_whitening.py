"""Whitening of rows by their own second moment, compared with a dense reference in double precision."""

import numpy as np
import pytest

from g2is.arrays.whitening import DAMPING, whitening_of
from g2is.storage.dtypes import stored_rows


def unit_rows(count: int, width: int, *, shared: float = 1.0, seed: int = 0) -> np.ndarray:
    """Rows with a direction in common and directions of different strength."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, width)) * np.linspace(2, 0.1, width) + shared * np.eye(width)[0]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def dense(rows: np.ndarray, damping: float) -> np.ndarray:
    """(G^T G / n + lambda I)^(-1/2), (d, d)."""
    rows = rows.astype(np.float64)
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows) + damping * np.eye(rows.shape[1]))
    return (vectors / np.sqrt(values)) @ vectors.T


@pytest.mark.parametrize("count", [300, 40, 33, 32, 31, 9, 1])
@pytest.mark.parametrize("damping", [None, 1e-3, 0.5])
def test_it_is_the_inverse_root_of_the_damped_moment(count, damping):
    rows = unit_rows(count, 32)
    whitening = whitening_of(rows, np.ones(count, bool), damping)
    assert whitening.damping == pytest.approx(damping or DAMPING / 32, rel=1e-5)
    other = np.random.default_rng(1).normal(size=(7, 32)).astype(np.float32)  # not in the span of few rows
    for these in (rows, other):
        expected = these @ dense(rows, whitening.damping)
        np.testing.assert_allclose(whitening(these), expected, rtol=2e-3, atol=2e-4 * abs(expected).max())
    np.testing.assert_allclose(
        whitening.vectors @ whitening.vectors.T, np.eye(len(whitening.values)), atol=1e-4
    )
    assert len(whitening.values) <= min(count, 32) and (np.diff(whitening.values) <= 0).all()


def test_rows_that_are_not_valid_do_not_count():
    rows = unit_rows(90, 16)
    valid = np.arange(90) % 3 > 0
    some = whitening_of(np.where(valid[:, None], rows, 0).astype(np.float32), valid)
    np.testing.assert_allclose(
        some(rows), whitening_of(rows[valid], valid[valid])(rows), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_rows_of_every_store_and_blocks_of_every_size_give_the_same(dtype, monkeypatch):
    rows = unit_rows(200, 16)
    exact = whitening_of(rows, np.ones(200, bool), 0.01)(rows)
    monkeypatch.setattr("g2is.arrays.whitening.BLOCK", 37)
    stored = whitening_of(stored_rows(rows, dtype), np.ones(200, bool), 0.01)(rows)
    np.testing.assert_allclose(stored, exact, atol=0.1 if dtype == "int8" else 1e-2)


def test_strong_damping_changes_no_direction_and_weak_damping_takes_away_what_is_shared():
    rows = unit_rows(400, 16, shared=3)
    valid = np.ones(400, bool)
    unchanged = whitening_of(rows, valid, 1e3)(rows)
    cosines = (unchanged * rows).sum(axis=1) / np.linalg.norm(unchanged, axis=1)
    assert (cosines > 0.9999).all()
    white = whitening_of(rows, valid, 1e-3)(rows)
    white /= np.linalg.norm(white, axis=1, keepdims=True)
    assert (white @ white.T).mean() < (rows @ rows.T).mean() / 3
