"""Linear-prediction loops. Everything is float64 in C order; a frame is a row."""

from typing import Any

from numpy.typing import NDArray

from audiofeat._kernels import kernel

Array = NDArray[Any]


@kernel
def autocorrelate(frames: Array, autocorr: Array) -> None:
    """Sum ``y[n] y[n + k]`` for each lag k, with y zero outside the frame.

    Lags are the inner loop: they are neighbours in memory and independent, so they fill SIMD lanes without
    reassociating a sum. Four samples a pass quarter the traffic of the sums.
    """
    n_frames, n_samples = frames.shape
    n_lags = autocorr.shape[1]
    for b in range(n_frames):
        y, r = frames[b], autocorr[b]
        r[:] = 0.0
        whole = max(0, n_samples - n_lags - 2) // 4 * 4  # here all of y[n + 3 + k] exist
        for n in range(0, whole, 4):
            y0, y1, y2, y3 = y[n], y[n + 1], y[n + 2], y[n + 3]
            for k in range(n_lags):
                r[k] += y0 * y[n + k] + y1 * y[n + 1 + k] + y2 * y[n + 2 + k] + y3 * y[n + 3 + k]
        for n in range(whole, n_samples):
            y0 = y[n]
            for k in range(min(n_lags, n_samples - n)):
                r[k] += y0 * y[n + k]


@kernel
def levinson_durbin(autocorr: Array, coefficients: Array, error: Array) -> None:
    """Solve the Yule-Walker equations by Durbin's recursion (Makhoul 1975)."""
    n_frames, n_coefficients = autocorr.shape
    for b in range(n_frames):
        r, a = autocorr[b], coefficients[b]
        a[:] = 0.0
        a[0] = 1.0
        e = r[0]
        for i in range(1, n_coefficients):
            if e <= 0.0:  # silence, or already predicted exactly: keep a
                break
            acc = r[i]
            for j in range(1, i):
                acc += a[j] * r[i - j]
            k = -acc / e  # reflection coefficient
            if abs(k) >= 1.0:  # predicted to the last bit: what is left is rounding
                break
            for j in range(1, i // 2 + 1):  # in place, from both ends
                left, right = a[j], a[i - j]
                a[j] = left + k * right
                a[i - j] = right + k * left
            a[i] = k
            e *= 1.0 - k * k
        error[b] = e


@kernel
def burg(frames: Array, forward: Array, backward: Array, coefficients: Array, error: Array) -> None:
    """Minimise forward plus backward prediction error, one reflection at a time (Burg 1975).

    `forward` and `backward` are scratch of one frame's length.
    """
    n_frames, n_samples = frames.shape
    n_coefficients = coefficients.shape[1]
    for b in range(n_frames):
        a = coefficients[b]
        a[:] = 0.0
        a[0] = 1.0
        e = 0.0
        for n in range(n_samples):
            forward[n] = backward[n] = frames[b, n]
            e += frames[b, n] * frames[b, n]
        for i in range(1, n_coefficients):
            cross, power = 0.0, 0.0
            for n in range(i, n_samples):
                cross += forward[n] * backward[n - 1]
                power += forward[n] * forward[n] + backward[n - 1] * backward[n - 1]
            if power <= 0.0 or e <= 0.0:  # silence, or already predicted exactly: keep a
                break
            k = min(max(-2.0 * cross / power, -1.0), 1.0)  # beyond 1 by rounding alone; DC gives -1
            for j in range(1, i // 2 + 1):  # in place, from both ends
                left, right = a[j], a[i - j]
                a[j] = left + k * right
                a[i - j] = right + k * left
            a[i] = k
            e *= 1.0 - k * k
            for n in range(n_samples - 1, i - 1, -1):  # downwards: backward[n - 1] is still the old one
                ahead, behind = forward[n], backward[n - 1]
                forward[n] = ahead + k * behind
                backward[n] = behind + k * ahead
        error[b] = e
