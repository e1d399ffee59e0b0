"""Autoregressive models of frames: three ways to fit one, its spectrum, and the choice of its order."""

import warnings
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from audiofeat._kernels.prediction import autocorrelate, burg, levinson_durbin
from audiofeat._validation import Float, as_choice, as_count, as_signal

METHODS = ("yule_walker", "burg", "covariance")
BLOCK = 1 << 22  # numbers in one block of the covariance method's regressors: 32 MiB


class ARModel(NamedTuple):
    """An autoregressive model of each frame.

    Attributes
    ----------
    coefficients : ndarray, shape (..., order + 1)
        Prediction-error filter :math:`A(z)`, ``coefficients[..., 0] == 1``.
    error : ndarray, shape (...,)
        Residual energy in squared units of the signal: the noise variance times the number of samples.

    Examples
    --------
    >>> from audiofeat import ARModel
    >>> ARModel([1.0, -0.5], 2.0).error
    2.0
    """

    coefficients: Float
    error: Float


def fit_ar(y: ArrayLike, *, order: int, method: str = "yule_walker") -> ARModel:
    r"""Fit an autoregressive model to each frame.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Frames, already windowed. Leading axes are independent.
    order : int
        Number of poles, ``1 <= order < n_samples``; the covariance method needs ``order <= n_samples // 2``.
    method : {"yule_walker", "burg", "covariance"}
        The autocorrelation method (Levinson-Durbin recursion on the biased autocorrelation) and Burg's method
        give poles inside the unit circle, or on it for a frame that Burg's predicts exactly. The covariance
        method is least squares over the samples that have a full past; its poles can lie outside.

    Returns
    -------
    ARModel
        ``coefficients``, shape (..., order + 1), of the filter :math:`A(z) = 1 + \sum_k a_k z^{-k}` that turns
        the signal into its residual, and ``error``, shape (...,), the residual energy: the estimated variance
        of the noise times `n_samples`. Both have the dtype of `y`, and an energy beyond its range is 0 or infinite.
        A silent frame has the filter ``[1, 0, ...]`` and the error ``0``.

    Raises
    ------
    ValueError
        If `order` is out of range, or `y` is empty or not finite.

    Notes
    -----
    In the sign convention of [1]_, :math:`y[n] = -\sum_{k=1}^{p} a_k y[n - k] + u[n]`. Frames are scaled by a
    power of two before the fit, which is exact, so neither very loud nor very quiet frames lose digits.
    Everything is computed in float64 and rounded once.

    References
    ----------
    .. [1] J. Makhoul, "Linear prediction: A tutorial review", Proceedings of the IEEE 63(4), 1975, equations
       (3), (18) and (38).
    .. [2] J. P. Burg, "Maximum entropy spectral analysis", PhD thesis, Stanford University, 1975.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import fit_ar
    >>> decay = 0.9 ** np.arange(200)
    >>> fit_ar(decay, order=1).coefficients.round(3)
    array([ 1. , -0.9])
    """
    y = as_signal(y, min_samples=2)
    *batch, n_samples = y.shape
    frames, exponents = scaled(y.reshape(-1, n_samples))
    coefficients, error = fit_scaled(frames, order=order, method=method)
    with np.errstate(over="ignore", under="ignore"):  # an energy may leave the range of its dtype
        error = np.ldexp(error, 2 * exponents).astype(y.dtype)
        return ARModel(coefficients.reshape(*batch, -1).astype(y.dtype), error.reshape(batch))


def fit_scaled(frames: NDArray[np.float64], *, order: int, method: str) -> ARModel:
    """Fit a model to each row of `frames`, which have been `scaled`."""
    as_choice(method, "method", METHODS)
    n_samples = frames.shape[-1]
    order = as_count(order, "order", high=n_samples // 2 if method == "covariance" else n_samples - 1)
    coefficients, error = np.empty((len(frames), order + 1)), np.empty(len(frames))
    if method == "yule_walker":
        levinson_durbin(autocorrelation(frames, order + 1), coefficients, error)
    elif method == "burg":
        burg(frames, np.empty(n_samples), np.empty(n_samples), coefficients, error)
    else:
        rows = max(1, BLOCK // ((n_samples - order) * (order + 1)))
        for start in range(0, len(frames), rows):
            block = slice(start, start + rows)
            coefficients[block], error[block] = _least_squares(frames[block], order)
    return ARModel(coefficients, error)


def scaled(frames: Float) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return rows times a power of two, with peaks near 1, and the exponents that undo it."""
    peaks = np.maximum(frames.max(axis=-1), -frames.min(axis=-1)).astype(np.float64)
    exponents = np.clip(np.frexp(peaks)[1], -1000, 1000)  # the power itself must be a float
    return frames * np.ldexp(1.0, -exponents)[:, None], exponents


def autocorrelation(frames: Float, n_lags: int) -> NDArray[np.float64]:
    """Return the sums of ``y[n] y[n + k]``, shape (n_frames, n_lags), for each row of float64 frames."""
    sums = np.empty((len(frames), n_lags))
    autocorrelate(frames, sums)
    return sums


def _least_squares(frames: Float, order: int) -> tuple[Float, Float]:
    """Return the filters and energies of the covariance method, by QR of (past | present)."""
    n_samples = frames.shape[-1]
    past = sliding_window_view(frames, order + 1, axis=-1)  # (n_frames, n_samples - order, order + 1)
    corner = np.asarray(np.linalg.qr(past[..., ::-1][..., [*range(1, order + 1), 0]], mode="r"))
    triangle, target = corner[:, :order, :order], corner[:, :order, order:]
    # The pseudo-inverse takes the shortest solution where a tone or silence leaves many.
    solution = np.linalg.pinv(triangle, rcond=n_samples * np.finfo(float).eps) @ target
    missed = (target - triangle @ solution)[..., 0]
    energy = (missed**2).sum(axis=-1) + (corner[:, order:, order] ** 2).sum(axis=-1)
    filters = np.concatenate([np.ones((len(frames), 1)), -solution[..., 0]], axis=-1)
    return filters, energy * (n_samples / (n_samples - order))


def ar_spectrum(model: ARModel, *, n_fft: int = 2048) -> Float:
    r"""Return the energy spectrum of autoregressive models.

    Parameters
    ----------
    model : ARModel
        What `fit_ar` returns.
    n_fft : int
        Number of points of the frequency grid around the circle, at least ``order + 1``.

    Returns
    -------
    ndarray, shape (..., 1 + n_fft // 2)
        :math:`E / |A(e^{i\omega})|^2` at the frequencies ``fft_frequencies(sr, n_fft=n_fft)``: the smooth
        version of the squared magnitude of the frame's Fourier transform, in the dtype of the model. Zero where
        the error is, as for a silent frame; infinite on a pole, and beyond the range of the dtype.

    Raises
    ------
    ValueError
        If `n_fft` is smaller than the filter.

    References
    ----------
    .. [1] J. Makhoul, "Linear prediction: A tutorial review", Proceedings of the IEEE 63(4), 1975, equation (32).

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import ar_spectrum, fit_ar
    >>> ar_spectrum(fit_ar(0.9 ** np.arange(200), order=1), n_fft=4).round(2)
    array([100.  ,   0.55,   0.28])
    """
    coefficients, error = np.asarray(model.coefficients), np.asarray(model.error)
    dtype = np.result_type(coefficients, error, np.float32)
    n_fft = as_count(n_fft, "n_fft", low=coefficients.shape[-1])
    gain = np.abs(scipy.fft.rfft(coefficients.astype(np.float64), n_fft, axis=-1)) ** 2
    energy = error[..., None].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        spectrum: Float = np.where(energy > 0.0, energy / gain, 0.0).astype(dtype)
    return spectrum


def select_ar_order(y: ArrayLike, *, max_order: int, criterion: str = "bic") -> int:
    """Choose the order of an autoregressive model of a signal by an information criterion.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        A stretch of the signal that is taken to be stationary.
    max_order : int
        Largest order that is tried, ``1 <= max_order < n_samples / 2``.
    criterion : {"bic", "aic", "hqic"}
        Bayesian, Akaike or Hannan-Quinn information criterion.

    Returns
    -------
    int
        The order with the least criterion, 0 where no past sample helps, as for silence. If that predicts the signal
        to rounding, the least order that does: 1 for a constant, 2 for a tone.

    Raises
    ------
    ValueError
        If `max_order` is out of range, or `y` is empty, not finite or not one-dimensional.

    Notes
    -----
    The candidates are least-squares fits on the same samples, by ``statsmodels``. White noise has order 0.

    Examples
    --------
    >>> from audiofeat import select_ar_order, synth
    >>> select_ar_order(synth.ar_noise([1.0, -1.2, 0.8], 4000, random_state=0), max_order=12)
    2
    """
    from statsmodels.tsa.ar_model import ar_select_order  # a second to import

    y = as_signal(y, ndim=1, min_samples=4)
    as_choice(criterion, "criterion", ("bic", "aic", "hqic"))
    max_order = as_count(max_order, "max_order", high=(len(y) - 1) // 2)
    frame = scaled(y[None])[0][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of singular matrices, and of log-likelihoods of what is predicted exactly
        chosen = ar_select_order(frame, max_order, ic=criterion, trend="n").ar_lags
    best = int(max(chosen or [0]))
    past = sliding_window_view(frame, max_order + 1)[:, ::-1]  # y[n], y[n - 1], ..., the samples that were compared
    if _predicts(past, best):
        best = next(order for order in range(best + 1) if _predicts(past, order))
    return best


def _predicts(past: Float, order: int) -> bool:
    """Tell whether least squares on so many lags leaves nothing but rounding."""
    target, lags = past[:, 0], past[:, 1 : order + 1]
    missed = target - lags @ np.linalg.lstsq(lags, target, rcond=None)[0] if order else target
    rounding = sum(past.shape) * np.finfo(float).eps * np.abs(past).max()
    return bool(np.abs(missed).max() <= rounding)
