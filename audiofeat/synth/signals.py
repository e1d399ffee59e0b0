"""Tones, clicks, and autoregressive noise whose regimes are known."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.linalg import solve_discrete_lyapunov
from scipy.signal import lfilter

from audiofeat._validation import as_choice, as_count, as_number, as_rate, as_signal

Float = NDArray[np.floating[Any]]
RandomState = int | np.random.Generator | None


class Song(NamedTuple):
    """A signal and the truth about its sections.

    Attributes
    ----------
    y : ndarray, shape (n_samples,)
        The signal.
    sr : float
        Sample rate in Hz.
    boundaries : ndarray, shape (n_segments + 1,)
        Limits of the sections in seconds, from 0 to the exact duration.
    labels : list of str
        One label per section; equal labels are repetitions.

    Examples
    --------
    >>> truth = Song(np.zeros(4000), 1000.0, np.array([0.0, 1.0, 4.0]), ["A", "B"])
    >>> truth.intervals.tolist()
    [[0.0, 1.0], [1.0, 4.0]]
    """

    y: Float
    sr: float
    boundaries: NDArray[np.float64]
    labels: list[str]

    @property
    def intervals(self) -> NDArray[np.float64]:
        """Start and end of each section in seconds, shape (n_segments, 2)."""
        return np.column_stack([self.boundaries[:-1], self.boundaries[1:]])


def _n_samples(duration: object, sr: float, name: str = "duration") -> int:
    n_samples = round(as_number(duration, name, low=0.0) * sr)
    if n_samples < 1:
        msg = f"{name} must be at least one sample, {1 / sr:g} s, got {duration!r}"
        raise ValueError(msg)
    return n_samples


def as_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    return np.dtype(as_choice(np.dtype(dtype).name, "dtype", ("float32", "float64")))


def tone(
    frequency: float,
    *,
    sr: float,
    duration: float,
    amplitude: float = 1.0,
    phase: float = 0.0,
    dtype: DTypeLike = "float64",
) -> Float:
    """Return a sinusoid, ``amplitude * cos(2 pi frequency t + phase)``.

    Parameters
    ----------
    frequency : float
        Frequency in Hz, in [0, ``sr / 2``]; 0 gives a constant.
    sr : float
        Sample rate in Hz.
    duration : float
        Length in seconds, rounded to samples.
    amplitude : float
        Peak value.
    phase : float
        Phase at time 0 in radians.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray, shape (n_samples,)
        The signal.

    Raises
    ------
    ValueError
        If a number is out of its range, or `duration` is shorter than one sample.

    Examples
    --------
    >>> tone(1.0, sr=4, duration=1.0).round(6) + 0.0
    array([ 1.,  0., -1.,  0.])
    """
    sr = as_rate(sr)
    frequency = as_number(frequency, "frequency", low=0.0, high=sr / 2)
    amplitude, phase = as_number(amplitude, "amplitude"), as_number(phase, "phase")
    n = np.arange(_n_samples(duration, sr))
    # whole cycles are dropped before they are turned into radians: an hour is as exact as a second
    cycles = (frequency / sr * n) % 1.0
    y: Float = amplitude * np.cos(2 * np.pi * cycles + phase)
    return y.astype(as_dtype(dtype), copy=False)


def clicks(
    times: ArrayLike,
    *,
    sr: float,
    duration: float,
    amplitude: float = 1.0,
    dtype: DTypeLike = "float64",
) -> Float:
    """Return silence with one-sample clicks.

    Parameters
    ----------
    times : array_like, shape (n_clicks,)
        Times in seconds, each rounded to the nearest sample; may be empty.
    sr : float
        Sample rate in Hz.
    duration : float
        Length in seconds, rounded to samples.
    amplitude : float
        Value of the clicks; clicks on the same sample do not add.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray, shape (n_samples,)
        The signal.

    Raises
    ------
    ValueError
        If a time falls outside the signal.

    Examples
    --------
    >>> clicks([0.0, 0.5], sr=4, duration=1.0)
    array([1., 0., 1., 0.])
    """
    sr = as_rate(sr)
    n_samples, amplitude = _n_samples(duration, sr), as_number(amplitude, "amplitude")
    y = np.zeros(n_samples, dtype=as_dtype(dtype))
    for time in np.atleast_1d(np.asarray(times, dtype=np.float64)).tolist():
        index = round(as_number(time, "times", low=0.0) * sr)
        if index >= n_samples:
            msg = f"times must be before the end, {n_samples / sr:g} s, got {time:g}"
            raise ValueError(msg)
        y[index] = amplitude
    return y


def ar_noise(
    coefficients: ArrayLike,
    n_samples: int,
    *,
    scale: float = 1.0,
    random_state: RandomState = None,
    dtype: DTypeLike = "float64",
) -> Float:
    r"""Return a stretch of a stationary Gaussian autoregressive process.

    Parameters
    ----------
    coefficients : array_like, shape (order + 1,)
        Prediction-error filter :math:`A(z)`, with ``coefficients[0] == 1``, as `audiofeat.fit_ar` returns it.
    n_samples : int
        Length of the signal.
    scale : float
        Standard deviation of the innovations.
    random_state : int, numpy.random.Generator or None
        Source of the noise; the same number gives the same signal.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray, shape (n_samples,)
        The signal.

    Raises
    ------
    ValueError
        If ``coefficients[0]`` is not 1 or a pole is on or outside the unit circle.

    Notes
    -----
    :math:`y[n] = u[n] - \sum_{k=1}^{p} a_k y[n-k]` with white Gaussian :math:`u`. There is no burn-in to
    choose: the filter starts from a state drawn from its stationary distribution, whose covariance
    solves the discrete Lyapunov equation, so that the first sample is distributed as all others.

    Examples
    --------
    >>> y = ar_noise([1.0, -0.9], 100_000, random_state=0)
    >>> round(float(y.var() * (1 - 0.9**2)), 2)  # the variance of AR(1) is 1 / (1 - a**2)
    1.0
    """
    a = as_signal(coefficients, name="coefficients", ndim=1).astype(np.float64)
    if a[0] != 1.0:
        msg = f"coefficients[0] must be 1, got {a[0]}"
        raise ValueError(msg)
    radius = np.abs(np.roots(a)).max(initial=0.0)
    if radius >= 1.0:
        msg = f"coefficients must have every pole inside the unit circle, got one of radius {radius:.6g}"
        raise ValueError(msg)
    n_samples = as_count(n_samples, "n_samples")
    scale = as_number(scale, "scale", low=0.0)
    rng = np.random.default_rng(random_state)
    order = len(a) - 1
    state = rng.standard_normal(order)
    noise = rng.standard_normal(n_samples)
    if order:
        # the delays of lfilter (direct form II transposed): s' = F s + g u
        F = np.eye(order, k=1)
        F[:, 0] -= a[1:]
        covariance = solve_discrete_lyapunov(F, np.outer(a[1:], a[1:]))
        # the symmetric root: unlike Cholesky's it takes a singular matrix, and has no signs to choose
        power, axes = np.linalg.eigh((covariance + covariance.T) / 2)
        state = axes @ (np.sqrt(power.clip(min=0.0)) * (axes.T @ state))
        noise, _ = lfilter([1.0], a, noise, zi=state)
    return (scale * noise).astype(as_dtype(dtype), copy=False)


def ar_regimes(
    sequence: str | Sequence[int],
    *,
    sr: float,
    segment_duration: float,
    n_regimes: int | None = None,
    radius: float = 0.9,
    random_state: RandomState = None,
    dtype: DTypeLike = "float64",
) -> Song:
    r"""Return segments of autoregressive noise whose regimes recur.

    Regime :math:`c` of :math:`k` is an AR(2) process with poles at
    :math:`\rho e^{\pm i \pi c / (k + 1)}`, :math:`c = 1 \ldots k`.

    Parameters
    ----------
    sequence : str or sequence of int
        The regime of each segment, as letters (``"ABACBA"``) or as numbers from 1 (``[1, 2, 1, 3, 2, 1]``).
    sr : float
        Sample rate in Hz.
    segment_duration : float
        Length of each segment in seconds, rounded to samples.
    n_regimes : int or None
        The number :math:`k` that sets the angles, at most 26; None: the largest regime of `sequence`.
    radius : float
        Radius :math:`\rho` of the poles, in [0, 1).
    random_state : int, numpy.random.Generator or None
        Source of the noise; the same number gives the same signal.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    Song
        The signal and its truth: labels are letters, neighbours with one regime stay two segments.

    Raises
    ------
    ValueError
        If `sequence` is empty or names a regime outside 1 to `n_regimes`, or a number is out of range.

    Notes
    -----
    The regimes have equal levels: each process has variance 1 (in theory, not segment by segment), for
    innovations of variance
    :math:`\frac{(1 - \rho^2) ((1 + \rho^2)^2 - 4 \rho^2 \cos^2 \theta)}{1 + \rho^2}`.
    Segments are independent of each other.

    Examples
    --------
    >>> truth = ar_regimes("ABA", sr=1000, segment_duration=2.0, random_state=0)
    >>> truth.intervals.tolist(), truth.labels
    ([[0.0, 2.0], [2.0, 4.0], [4.0, 6.0]], ['A', 'B', 'A'])
    """
    sr = as_rate(sr)
    regimes = [_regime(c) for c in sequence]
    if not regimes:
        msg = "sequence must have at least 1 segment, got none"
        raise ValueError(msg)
    k = 26 if n_regimes is None else as_count(n_regimes, "n_regimes", high=26)
    if not 1 <= min(regimes) <= max(regimes) <= k:
        msg = f"sequence must hold regimes in [1, {k}] or letters from A to {_letter(k)}, got {sequence!r}"
        raise ValueError(msg)
    k = max(regimes) if n_regimes is None else k
    if as_number(radius, "radius", low=0.0) >= 1.0:
        msg = f"radius must be in [0, 1), got {radius!r}"
        raise ValueError(msg)
    rng = np.random.default_rng(random_state)
    n_samples = _n_samples(segment_duration, sr, "segment_duration")
    segments = []
    for c in regimes:
        cosine = np.cos(np.pi * c / (k + 1))
        variance = (1 - radius**2) * ((1 + radius**2) ** 2 - (2 * radius * cosine) ** 2) / (1 + radius**2)
        coefficients = [1.0, -2 * radius * cosine, radius**2]
        segments.append(ar_noise(coefficients, n_samples, scale=float(np.sqrt(variance)), random_state=rng))
    boundaries = np.arange(len(regimes) + 1) * n_samples / sr
    y = np.concatenate(segments).astype(as_dtype(dtype), copy=False)
    return Song(y, sr, boundaries, [_letter(c) for c in regimes])


def _regime(item: str | int) -> int:
    if isinstance(item, str):
        return ord(item) - ord("A") + 1 if len(item) == 1 else 0
    return as_count(item, "sequence")


def _letter(regime: int) -> str:
    return chr(ord("A") + regime - 1)
