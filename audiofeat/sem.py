"""Spectral error measure: how far a window is from white after another window's whitening filter."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from audiofeat._caching import remembered
from audiofeat._kernels.prediction import levinson_durbin
from audiofeat._validation import Float, as_count, as_signal
from audiofeat.ar import autocorrelation, fit_ar, fit_scaled, scaled

COLUMNS = 1024  # sliding windows in one block of products
LOST = 1e-12  # relative error from which a sum is done again
CELLS = 1 << 18  # numbers in its result: 2 MiB
GRID = 1 << 18  # bins in one block of spectra: 4 MiB, which stay in cache
# Degrees that one arc of the circle resolves, and halvings of the lowest arc, where most music has most of its
# energy. More arcs take more points and lose fewer digits: squares need them, lags keep 12 digits with two arcs.
ARCS = {"lags": (36, 1), "full": (2, 4)}


def spectral_error(
    reference: ArrayLike,
    sliding: ArrayLike,
    *,
    order: int,
    lags: int | str = 20,
    method: str = "yule_walker",
) -> float:
    r"""Measure one window against the autoregressive model of another, by the definition.

    Parameters
    ----------
    reference, sliding : array_like, shape (n_samples,)
        Two windows of one length, at their own levels.
    order : int
        Number of poles of the model of `reference`.
    lags : int or "full"
        Number of lags K of the residual's autocorrelation, ``1 <= lags < n_samples + order``, or all of them.
    method : {"yule_walker", "burg", "covariance"}
        How the model is fitted, see `fit_ar`.

    Returns
    -------
    float
        The measure, 0 or more; small for two windows of the same process and level. It is 0 for two silent
        windows, infinite if `sliding` alone is silent or some 1500 dB quieter, and finite otherwise.

    Raises
    ------
    ValueError
        If the windows differ in length, are empty or not finite, or `order` or `lags` is out of range.

    See Also
    --------
    spectral_error_matrix : All pairs of many windows, without filtering any.

    Notes
    -----
    With the residual :math:`e = a_{ref} * y_{sliding}` (the whole convolution), its autocorrelation
    :math:`r[k] = \frac{1}{M} \sum_n e[n] e[n + k]` and the noise variance :math:`\sigma^2` of the model,

    .. math:: SEM = \left(\frac{\sigma^2}{r[0]} - 1\right)^2 + 2 \sum_{k=1}^{K} \left(\frac{r[k]}{r[0]}\right)^2

    is equation (2) of [1]_. Two windows of one process give about :math:`2 K / M`, with all lags about 1; a
    level 6 dB lower in `sliding` alone adds about 9.

    References
    ----------
    .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, Algorithm 1.
    .. [2] G. Bodenstein and H. M. Praetorius, "Feature extraction from the electroencephalogram by adaptive
       segmentation", Proceedings of the IEEE 65(5), 1977.

    Examples
    --------
    >>> from audiofeat import spectral_error, synth
    >>> low, high = (synth.ar_noise([1.0, a, 0.81], 4096, random_state=0) for a in (-1.5, 0.5))
    >>> spectral_error(low, low, order=2) < 0.1 < 4 < spectral_error(low, high, order=2)
    True
    """
    y = [as_signal(window, name=name, ndim=1) for name, window in _named(reference, sliding)]
    if len(y[0]) != len(y[1]):
        msg = f"reference and sliding must have one length, got {len(y[0])} and {len(y[1])} samples"
        raise ValueError(msg)
    windows, exponents = scaled(np.stack(y))
    filters, error = fit_ar(windows[:1], order=order, method=method)
    n_lags = _count_lags(lags, order, windows.shape[-1])
    if not windows[1].any():
        return np.inf if windows[0].any() else 0.0
    residual = np.convolve(windows[1], filters[0])
    r = autocorrelation(residual[None], n_lags + 1)[0]
    level = _level_term(error[0], r[0], exponents[0] - exponents[1])
    return float(level + 2.0 * ((r[1:] / r[0]) ** 2).sum())


def spectral_error_matrix(
    windows: ArrayLike,
    *,
    order: int,
    lags: int | str = 20,
    method: str = "yule_walker",
) -> Float:
    r"""Measure every window against the autoregressive model of every other.

    Parameters
    ----------
    windows : array_like, shape (n_windows, n_samples)
        Windows of one length, at their own levels: nothing is normalised here.
    order : int
        Number of poles of the models.
    lags : int or "full"
        Number of lags K of the residual's autocorrelation, ``1 <= lags < n_samples + order``, or all of them.
    method : {"yule_walker", "burg", "covariance"}
        How the models are fitted, see `fit_ar`.

    Returns
    -------
    ndarray, shape (n_windows, n_windows)
        ``S[i, j]`` is ``spectral_error(windows[i], windows[j])``: the model of row i against window j, in the
        dtype of `windows`. Not symmetric; the diagonal is small but not 0. Rows of silent windows are finite,
        their columns infinite except where both windows are silent, which gives 0. A window so much quieter than
        the reference that the measure leaves the range of its dtype gives infinity too.

    Raises
    ------
    ValueError
        If `windows` is not two-dimensional, is empty or not finite, or `order` or `lags` is out of range.

    See Also
    --------
    spectral_error : One pair, by the definition.

    Notes
    -----
    No pair is filtered. The spectrum of the whole convolution :math:`e_{ij} = a_i * y_j` is a product, so

    .. math:: r_{ij}[k] = \frac{1}{2\pi} \int |A_i|^2 |Y_j|^2 \cos(k \omega)\, d\omega, \qquad
              \sum_{k=-\infty}^{\infty} r_{ij}[k]^2 = \frac{1}{2\pi} \int |A_i|^4 |Y_j|^4 d\omega,

    where the factor that belongs to window i is a polynomial in :math:`\cos \omega` of a small degree: p + K at
    most, or 2p. On a short arc of the circle such a polynomial is given by its values at a few Chebyshev points,
    so that each integral is a sum over some 70 points, or 400 for all lags, of (value of i) times (moment of j): one
    product of matrices for each lag, or one for all lags together. The terms of a sum have about the size of its
    result, whatever the dynamic range, so that this agrees with filtering to 1e-12 relative to 1 + SEM, and with all
    lags to 1e-10; sums that cancel, such as those of a pure tone by its own model, are found and taken over all bins.
    Smooth pulses without any noise are the exception: what their own filter leaves of them is rounding in a sum of
    powers, though not in a sum of samples, and few digits may be right. (Products of the autocorrelations of filter and
    window, with p + 1 or 2p + 1 terms, are shorter, but cancel: with all lags their error reached 100 % on recorded
    speech.)

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import spectral_error_matrix, synth
    >>> song = synth.ar_regimes("ABA", sr=8000, segment_duration=1.0, random_state=0)
    >>> S = spectral_error_matrix(song.y.reshape(3, -1), order=4)
    >>> bool(S[0, 2] < 0.2 < 1 < S[0, 1])
    True
    """
    y = as_signal(windows, name="windows", ndim=2, min_samples=2)
    factors = spectral_error_factors(y, order=order, lags=lags, method=method)
    measure = spectral_error_product(factors, factors)
    if lags == "full":
        _sum_again(measure, factors, y, order, method)
    with np.errstate(over="ignore"):  # a far pair may leave the range of float32
        return measure.astype(y.dtype, copy=False)


class SpectralErrorFactors(NamedTuple):
    """What windows bring to the products: as references (gain, error) and as sliding windows (the moments)."""

    gain: Float  # (n_windows, n_points): |A|^2 of the window's whitening filter
    error: Float  # (n_windows,): residual energy of the window under its own model
    exponents: NDArray[np.int32]  # (n_windows,): all that is here belongs to the windows times 2**-exponent
    level: Float  # (n_windows,): energy of the window
    moments: Float  # (n_windows, n_points): integrals of |Y|^2 against the points' interpolants
    squares: Float  # (n_windows, n_points): the same of |Y|^4 if all lags are meant, else no points
    cosines: Float  # (n_lags + 1, n_points), or one row if all lags are meant
    n_lags: int

    def rows(self, index: slice) -> "SpectralErrorFactors":
        """Return the factors of some of the windows."""
        return SpectralErrorFactors._make([*(part[index] for part in self[:-2]), *self[-2:]])

    @staticmethod
    def joined(parts: Sequence["SpectralErrorFactors"]) -> "SpectralErrorFactors":
        """Return the factors of the windows of all parts, which agree in length, order and lags."""
        of_windows = zip(*(part[:-2] for part in parts), strict=True)
        return SpectralErrorFactors._make([*map(np.concatenate, of_windows), *parts[0][-2:]])


def spectral_error_factors(
    windows: Float, *, order: int, lags: int | str, method: str = "yule_walker"
) -> SpectralErrorFactors:
    """Return the factors of windows, shape (n_windows, n_samples)."""
    y, exponents = scaled(windows)
    n_windows, n_samples = y.shape
    coefficients, error = fit_scaled(y, order=order, method=method)
    full = lags == "full"
    n_lags = _count_lags(lags, order, n_samples)
    degree = 2 * order if full else order + n_lags
    # No lag of the window may alias onto the lags of the polynomial.
    n_fft = scipy.fft.next_fast_len((2 if full else 1) * n_samples + degree, real=True)
    points, arcs = _interpolants(n_fft, degree, full=full)
    moments = np.empty((n_windows, len(points)))
    squares = np.empty((n_windows, len(points) if full else 0))
    rows = max(1, GRID // n_fft)
    for start in range(0, n_windows, rows):
        block = slice(start, start + rows)
        spectrum = scipy.fft.rfft(y[block], n_fft)
        power = spectrum.real**2 + spectrum.imag**2
        for bins, at, basis in arcs:
            np.matmul(power[:, bins], basis, out=moments[block, at])
            if full:
                np.matmul(power[:, bins] ** 2, basis, out=squares[block, at])
    phase = np.outer(np.arange(order + 1), points)
    gain = (coefficients @ np.cos(phase)) ** 2 + (coefficients @ np.sin(phase)) ** 2
    cosines = np.cos(np.outer(np.arange(1 if full else n_lags + 1), points))
    level = moments.sum(axis=-1)  # the interpolants add up to 1: this is Parseval's identity
    return SpectralErrorFactors(gain, error, exponents, level, moments, squares, cosines, n_lags)


def quick_factors(windows: Float, *, order: int, lags: int) -> SpectralErrorFactors:
    """Return the factors of windows with peaks near 1, for some lags, from their autocorrelation: at half the time.

    Where a model cancels all but a billionth of a window digits are lost: on recordings 7e-9 of the measure, at most.
    """
    degree = order + lags
    autocorr = autocorrelation(np.ascontiguousarray(windows), degree + 1)
    coefficients, error = np.empty((len(windows), order + 1)), np.empty(len(windows))
    levinson_durbin(np.ascontiguousarray(autocorr[:, : order + 1]), coefficients, error)
    # At these points cosines up to the degree are orthogonal: sums over them are the autocorrelation again.
    points = np.pi / (degree + 1) * (np.arange(degree + 1) + 0.5)
    weights = np.cos(np.outer(np.arange(degree + 1), points)) * (2.0 / (degree + 1))
    weights[0] /= 2.0
    phase = np.outer(np.arange(order + 1), points)
    gain = (coefficients @ np.cos(phase)) ** 2 + (coefficients @ np.sin(phase)) ** 2
    cosines = np.cos(np.outer(np.arange(lags + 1), points))
    exponents = np.zeros(len(windows), np.int32)
    squares = np.empty((len(windows), 0))
    return SpectralErrorFactors(
        gain, error, exponents, autocorr[:, 0].copy(), autocorr @ weights, squares, cosines, lags
    )


@remembered
def _interpolants(n_fft: int, degree: int, *, full: bool) -> tuple[Float, list[tuple[slice, slice, Float]]]:
    """Return points on the upper half circle, and arcs: their bins, their points, and the basis that joins them.

    ``sum_over_bins(weight * f * P) == sum_over_points((f @ basis) * P)`` for every cosine polynomial P up to
    `degree`, to rounding: P is a polynomial of cos w, and as many of its Chebyshev points are taken on an arc as
    its series has terms above the last bit.
    """
    bins = np.arange(n_fft // 2 + 1)
    angles = 2.0 * np.pi / n_fft * bins
    weights = np.where((bins == 0) | (2 * bins == n_fft), 1.0, 2.0) / n_fft
    arc_degree, n_halvings = ARCS["full" if full else "lags"]
    n_arcs = -(-degree // arc_degree)
    steps = np.concatenate([[0.0], 0.5 ** np.arange(n_halvings, 0, -1), np.arange(1, n_arcs + 1)])
    if full:
        steps = np.unique(np.concatenate([steps, n_arcs - steps]))  # squares see a tone near the other end too
    edges = steps * np.pi / n_arcs
    first = np.searchsorted(angles, edges[:-1])
    arcs: list[tuple[slice, slice, Float]] = []
    points, n_points = [], 0
    for low, high, start, stop in zip(edges, edges[1:], first, [*first[1:], len(bins)], strict=False):
        n = _n_terms(low, high, degree)
        inside = angles[start:stop]
        basis: Float
        if len(inside) <= n:  # a short window: its bins are points enough
            nodes, basis = inside, np.eye(len(inside))
        else:
            nodes, ends = _chebyshev(low, high, n)
            basis = _barycentric(inside, nodes, ends)
        arcs.append((slice(start, stop), slice(n_points, n_points + len(nodes)), basis * weights[start:stop, None]))
        points.append(nodes)
        n_points += len(nodes)
    return np.concatenate(points), arcs


def _chebyshev(low: float, high: float, n: int) -> tuple[Float, Float]:
    """Return the angles of n Chebyshev points of cos w on an arc, and their barycentric weights."""
    turn = np.pi * (np.arange(n) + 0.5) / n
    near, far = np.cos(turn / 2.0), np.sin(turn / 2.0)
    # By half angles: the arc cosine has only half of the digits near 0 and pi.
    sine = np.hypot(near * np.sin(low / 2.0), far * np.sin(high / 2.0))
    cosine = np.hypot(near * np.cos(low / 2.0), far * np.cos(high / 2.0))
    return 2.0 * np.arctan2(sine, cosine), np.sin(turn) * (-1.0) ** np.arange(n)


def _n_terms(low: float, high: float, degree: int) -> int:
    """Return how many terms of the Chebyshev series of ``cos(degree * w)`` on an arc are above the last bit."""
    nodes, _ = _chebyshev(low, high, degree + 1)
    terms = np.abs(scipy.fft.dct(np.cos(degree * nodes))) / (degree + 1)
    clear = int(np.flatnonzero(terms > 1e-14)[-1]) + 1  # of rounding; two more terms are below it
    return min(clear + 2, degree + 1)


def _barycentric(x: Float, nodes: Float, weights: Float) -> Float:
    """Return the Lagrange polynomials of cos w of `nodes` at `x`, shape (len(x), len(nodes)).

    Barycentric interpolation (Berrut and Trefethen 2004), with differences of cosines as products of sines.
    """
    gap = np.sin((x[:, None] - nodes) / 2.0) * np.sin((x[:, None] + nodes) / 2.0)
    hit = gap == 0.0
    terms = weights / np.where(hit, 1.0, gap)
    terms[hit.any(axis=1)] = hit[hit.any(axis=1)]
    basis: Float = terms / terms.sum(axis=1, keepdims=True)
    return basis


def spectral_error_product(reference: SpectralErrorFactors, sliding: SpectralErrorFactors) -> Float:
    """Return the measure of each sliding window (column) against the model of each reference (row)."""
    n_rows, n_columns = len(reference.error), len(sliding.error)
    n_lags, n_points = reference.cosines.shape
    measure = np.empty((n_rows, n_columns))
    # Below this, r[0] is rounding, and so is the answer; with the bounds below it stays finite.
    floor = np.where(sliding.level > 0.0, np.finfo(float).eps * sliding.level, np.nan)
    width = min(n_columns, COLUMNS)
    height = max(1, CELLS // (width * n_lags))
    for j in range(0, n_columns, width):
        columns = slice(j, j + width)
        moments = sliding.moments[columns].T
        for i in range(0, n_rows, height):
            rows = slice(i, i + height)
            gain, out = reference.gain[rows], measure[rows, columns]
            weights = (gain[:, None] * reference.cosines).reshape(-1, n_points)
            r = (weights @ moments).reshape(len(gain), n_lags, -1)  # all lags in one product
            r0 = np.maximum(r[:, 0], floor[columns])
            if sliding.squares.size:
                np.matmul(gain * gain, sliding.squares[columns].T, out=out)
                out /= r0 * r0
                out -= 1.0
            else:
                np.einsum("ikj,ikj->ij", r[:, 1:], r[:, 1:], out=out)
                out *= 2.0
                out /= r0 * r0
            np.clip(out, 0.0, 2.0 * sliding.n_lags, out=out)  # |r[k]| <= r[0]; a white residual leaves 0
            out += _level_term(
                reference.error[rows, None], r0, reference.exponents[rows, None] - sliding.exponents[columns]
            )
    measure[:, sliding.level == 0.0] = np.where(reference.level[:, None] == 0.0, 0.0, np.inf)
    return measure


def _sum_again(measure: Float, factors: SpectralErrorFactors, windows: Float, order: int, method: str) -> None:
    """Replace the measures over all lags whose sums cancelled, such as those of a tone by its own model.

    A sum over bins has no negative terms. Recordings have no such pairs.
    """
    n_fft = scipy.fft.next_fast_len(2 * (windows.shape[1] + order), real=True)
    bins = np.arange(n_fft // 2 + 1)
    weights = np.where((bins == 0) | (2 * bins == n_fft), 1.0, 2.0) / n_fft
    height = max(1, min(CELLS // len(factors.error), GRID // n_fft))
    for i in range(0, len(measure), height):
        rows = slice(i, i + height)
        gain = factors.gain[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = (gain * gain) @ np.abs(factors.squares.T) / (gain @ factors.moments.T) ** 2
            kept = np.finfo(float).eps * terms <= LOST * (1.0 + measure[rows])
        lost = np.argwhere(~kept & (factors.level > 0.0))
        if not len(lost):
            continue
        whitening = (
            np.abs(scipy.fft.rfft(fit_scaled(scaled(windows[rows])[0], order=order, method=method)[0], n_fft)) ** 2
        )
        for j in np.unique(lost[:, 1]):
            again = lost[lost[:, 1] == j, 0]
            power = np.abs(scipy.fft.rfft(scaled(windows[j : j + 1])[0][0], n_fft)) ** 2
            residual = whitening[again] * power
            r0 = residual @ weights
            measure[i + again, j] = np.clip(
                (residual * residual) @ weights / (r0 * r0) - 1.0, 0.0, 2.0 * factors.n_lags
            )
            steps = factors.exponents[i + again] - factors.exponents[j]
            measure[i + again, j] += _level_term(factors.error[i + again], r0, steps)


def _level_term(error: Float, r0: Float, steps: NDArray[np.int32]) -> Float:
    """Return ``(error / r0 - 1)^2`` of windows that were measured 2**steps apart; infinite beyond float64."""
    with np.errstate(over="ignore", under="ignore"):
        term: Float = (np.ldexp(error / r0, 2 * steps) - 1.0) ** 2
    return term


def _count_lags(lags: int | str, order: int, n_samples: int) -> int:
    most = n_samples + order - 1  # of the whole convolution's residual
    if lags == "full":
        return most
    if isinstance(lags, str):
        msg = f"lags must be an integer or 'full', got {lags!r}"
        raise ValueError(msg)  # noqa: TRY004
    return as_count(lags, "lags", high=most)


def _named(reference: ArrayLike, sliding: ArrayLike) -> tuple[tuple[str, ArrayLike], tuple[str, ArrayLike]]:
    return ("reference", reference), ("sliding", sliding)
