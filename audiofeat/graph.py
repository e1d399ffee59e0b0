"""Graphs of windows: from distances to the weights of edges, and to the normalised Laplacian."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import as_choice, as_count, as_number

Matrix = NDArray[np.floating[Any]]
Graph = Matrix | sp.csr_array


def symmetrize(distance: ArrayLike) -> Matrix:
    """Return the mean of a square matrix and its transpose.

    Parameters
    ----------
    distance : array_like, shape (n, n)
        Directed distances, 0 or more; infinite ones are allowed.

    Returns
    -------
    ndarray, shape (n, n)
        ``(distance + distance.T) / 2`` in float64.

    Raises
    ------
    ValueError
        If `distance` is not square, or holds NaN or negative values.

    Examples
    --------
    >>> from audiofeat import symmetrize
    >>> symmetrize([[0.0, 2.0], [4.0, 0.0]])
    array([[0., 3.],
           [3., 0.]])
    """
    S = as_distances(distance)
    return S * 0.5 + S.T * 0.5  # halved first: the sum of two large ones may overflow


def affinity(distance: ArrayLike, *, scale: float | str = 1.0, n_neighbors: int = 7) -> Matrix:
    r"""Turn symmetric distances into the weights of a graph without self-connections.

    Parameters
    ----------
    distance : array_like, shape (n, n)
        Symmetric distances, 0 or more; infinite ones give weight 0. The diagonal is not looked at.
    scale : float, "median" or "local"
        Width of the kernel: a number (1 is the kernel of [1]_), the median of all finite distances, or one width
        per vertex, the distance to its `n_neighbors`-th neighbour [2]_.
    n_neighbors : int
        For ``scale="local"`` only; the last neighbour counts where fewer are at a finite distance.

    Returns
    -------
    ndarray, shape (n, n)
        :math:`A_{ij} = \exp(-S_{ij}^2 / (s_i s_j))` off the diagonal, 0 on it. In [0, 1], symmetric. Where a
        width is 0, the weight is 1 at distance 0 and 0 elsewhere.

    Raises
    ------
    ValueError
        If `distance` is not square, holds NaN or negative values, or `scale` is not one of the above.

    References
    ----------
    .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, equation (5).
    .. [2] L. Zelnik-Manor and P. Perona, "Self-tuning spectral clustering", NIPS 2004.

    Examples
    --------
    >>> from audiofeat import affinity
    >>> affinity([[0.0, 1.0], [1.0, 0.0]]).round(3)
    array([[0.   , 0.368],
           [0.368, 0.   ]])
    """
    S = as_distances(distance)
    n = len(S)
    n_neighbors = as_count(n_neighbors, "n_neighbors")
    if isinstance(scale, str):
        as_choice(scale, "scale", ("median", "local"))
        if n == 1:
            return np.zeros((1, 1))
        others = S[~np.eye(n, dtype=bool)].reshape(n, n - 1)
        if scale == "median":
            width = np.full(n, finite_median(others))
        else:
            n_near = min(n_neighbors, n - 1)
            near = np.partition(others, n_near - 1, axis=1)[:, :n_near]
            width = np.where(np.isfinite(near), near, 0.0).max(axis=1)
    else:
        width = np.full(n, as_number(scale, "scale", low=0.0, open_low=True))
    A = gaussian(S, width[:, None], width)
    np.fill_diagonal(A, 0.0)
    return A


def normalized_laplacian(weights: ArrayLike | sp.csr_array) -> Graph:
    r"""Return :math:`L = D^{-1/2} A D^{-1/2}`, with isolated vertices made safe.

    Parameters
    ----------
    weights : array_like or scipy.sparse array, shape (n, n)
        Symmetric weights, 0 or more, with finite sums of rows.

    Returns
    -------
    ndarray or scipy.sparse.csr_array, shape (n, n)
        Eigenvalues in [-1, 1]; as many of them are 1 as the graph has connected components. For that, a vertex
        of degree 0, for which the formula gives 0/0, has a 1 on the diagonal: it is a component of its own.

    Raises
    ------
    ValueError
        If `weights` is not square, or holds NaN or negative values, or a row's sum is not finite.

    References
    ----------
    .. [1] A. Ng, M. Jordan and Y. Weiss, "On spectral clustering: analysis and an algorithm", NIPS 2001.

    Examples
    --------
    >>> from audiofeat import normalized_laplacian
    >>> normalized_laplacian([[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 0., 1.]])
    """
    if sp.issparse(weights):
        A: Any = sp.csr_array(weights).astype(np.float64)
        root = _root_degrees(A, A.data)
        inverse = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0.0)
        scaled = sp.diags_array(inverse) @ A @ sp.diags_array(inverse)
        return sp.csr_array(scaled + sp.diags_array((root == 0.0).astype(np.float64)))
    A = _square(weights, "weights")
    root = _root_degrees(A, A)
    inverse = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0.0)
    L: Matrix = A * inverse[:, None] * inverse
    L[root == 0.0, root == 0.0] = 1.0
    return L


def gaussian(far: Matrix, left: Matrix, right: Matrix) -> Matrix:
    """Return ``exp(-far^2 / (left right))``; at width 0 its limit, which is 1 at distance 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        ratio = (far / left) * (far / right)
        ratio = np.where(far == 0.0, 0.0, np.where(np.isnan(ratio), np.inf, ratio))
        weights: Matrix = np.exp(-ratio)
    return weights


def finite_median(distances: Matrix) -> float:
    """Return the median of the finite distances, 1 if there are none."""
    finite = distances[np.isfinite(distances)]
    return float(np.median(finite)) if finite.size else 1.0


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        msg = f"{name} must be square, got shape {shape}"
        raise ValueError(msg)


def _square(matrix: Any, name: str) -> Matrix:
    array = np.asarray(matrix, dtype=np.float64)
    _check_shape(array.shape, name)
    if np.isnan(array).any():
        msg = f"{name} must not hold NaN, got {int(np.isnan(array).sum())} of them"
        raise ValueError(msg)
    return array


def as_distances(distance: Any) -> Matrix:
    S = _square(distance, "distance")
    if (S < 0.0).any():
        msg = f"distance must be 0 or more, got {S.min()}"
        raise ValueError(msg)
    return S


def _root_degrees(A: Any, values: Matrix) -> Matrix:
    """Return the roots of the sums of rows; `values` are the weights of `A` that are stored."""
    _check_shape(A.shape, "weights")
    with np.errstate(over="ignore"):
        degree: Matrix = A.sum(axis=1)
    if not np.isfinite(degree).all() or (values < 0.0).any():
        worst = values[~(values >= 0.0)][:1]
        msg = f"weights must be 0 or more, with finite sums of rows, got {worst[0] if worst.size else degree.max()}"
        raise ValueError(msg)
    return np.sqrt(degree)
