"""The principal subspace of many wide rows, and rows made orthonormal. numpy only."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SPARE = 16  # random directions beyond those asked for


def principal(x: NDArray, size: int, seed: int) -> tuple[Floats, Floats]:
    """Coordinates (n, q) of rows x (n, e) and the orthonormal rows (q, e) of their principal subspace, uncentred.

    q is at most `size`, e, n and the rank; the strongest direction comes first. Randomised range finder with one power
    iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4).
    """
    rng = np.random.default_rng(seed)
    n, e = x.shape
    width = min(size + SPARE, e, n)
    y = x @ rng.standard_normal((e, width), np.float32)  # (n, width)
    y = np.linalg.qr(x.T @ np.linalg.qr(y)[0])[0]  # (e, width)
    seen = x @ y  # (n, width)
    values, vectors = np.linalg.eigh((seen.T @ seen).astype(np.float64))  # ascending
    kept = np.flatnonzero(values > 1e-6 * values[-1])[::-1][:size]
    turn = vectors[:, kept].astype(np.float32)  # (width, q)
    return seen @ turn, np.ascontiguousarray((y @ turn).T)


def orthonormal(rows: NDArray) -> Floats:
    """The rows made orthonormal, by QR in double precision; directions keep their sense."""
    q, r = np.linalg.qr(np.asarray(rows, np.float64).T)
    return np.ascontiguousarray((q * np.where(np.diag(r) < 0, -1.0, 1.0)).T, np.float32)


def normalise(rows: NDArray) -> NDArray:
    """Rows of length 1; a row of zeros stays."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
