"""AR models against statsmodels, librosa, Matlab, dense least squares and their laws."""

import re
import warnings

import librosa
import numpy as np
import pytest
import reference
import scipy.io
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import solve_toeplitz
from scipy.signal import freqz
from statsmodels.regression.linear_model import burg, yule_walker
from statsmodels.tsa.ar_model import ar_select_order

import audiofeat.ar
from audiofeat import ARModel, ar_spectrum, fit_ar, select_ar_order, synth

UNIT = st.floats(-1, 1)
METHODS = ("yule_walker", "burg", "covariance")
RECURSIVE = METHODS[:2]
t = np.arange(400)
NOISE = {
    "white": np.random.default_rng(0).standard_normal(1000),
    "resonant": synth.ar_noise([1.0, -1.8 * np.cos(0.3), 0.81], 3000, random_state=1),
    "vocal": synth.ar_noise(np.poly([0.97, 0.9j, -0.9j, *0.98 * np.exp([0.2j, -0.2j])]).real, 2000, random_state=2),
}


def frames(min_samples=2, max_samples=40, elements=UNIT):
    """Any floats in [-1, 1], silence, clicks and subnormal numbers among them."""
    return arrays(np.float64, st.integers(min_samples, max_samples), elements=elements)


def coarse_frames(**sizes):
    """Frames whose products are exact."""
    return frames(elements=st.integers(-1024, 1024).map(lambda i: i / 1024), **sizes)


def draw_order(data, frame, method):
    return data.draw(st.integers(1, len(frame) // 2 if method == "covariance" else len(frame) - 1))


def autocorrelation(y, n_lags):
    return np.correlate(y, y, "full")[len(y) - 1 :][:n_lags]


def reflections(a):
    """Undo Levinson's recursion: all below 1 if and only if every pole is inside the unit circle."""
    found = []
    for i in range(len(a) - 1, 0, -1):
        k = a[i]
        found.append(k)
        a = (a[:i] - k * a[i:0:-1]) / (1.0 - k * k)
    return np.array(found)


# Oracles


@pytest.mark.filterwarnings("ignore:yule_walker currently returns a plain tuple:FutureWarning")
@pytest.mark.parametrize("y", NOISE.values(), ids=NOISE)
@pytest.mark.parametrize("order", [1, 2, 5, 16, 33])
def test_statsmodels_and_librosa_agree(y, order):
    rho, sigma = yule_walker(y, order, method="mle", demean=False)
    coefficients, error = fit_ar(y, order=order)
    assert_allclose(coefficients, [1.0, *-rho], atol=1e-10)
    assert_allclose(error, len(y) * sigma**2, rtol=1e-10)
    rho, variance = burg(y, order, demean=False)
    coefficients, error = fit_ar(y, order=order, method="burg")
    assert_allclose(coefficients, [1.0, *-rho], atol=1e-10)
    assert_allclose(coefficients, librosa.lpc(y, order=order), atol=1e-10)
    assert_allclose(error, len(y) * variance, rtol=0.02)  # another estimate: the mean of the last residuals


@pytest.mark.realdata
@pytest.mark.parametrize(("number", "order"), [("001", 3), ("006", 8), ("018", 20)])
def test_burg_is_matlabs(data, number, order):
    fixture = scipy.io.loadmat(data / "librosa_matlab_fixtures" / f"core-lpcburg-{number}.mat")
    signals = [signal.ravel() for signal in fixture["signal"][0]]
    assert len(signals) == 11
    for signal, expected in zip(signals, fixture["est_coeffs"][0], strict=True):
        coefficients = fit_ar(signal.astype(np.float64), order=order, method="burg").coefficients
        assert_allclose(coefficients, expected.ravel(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("y", NOISE.values(), ids=NOISE)
@pytest.mark.parametrize("order", [1, 7, 24])
def test_levinson_solves_the_toeplitz_equations(y, order):
    r = autocorrelation(y, order + 1)
    coefficients, error = fit_ar(y, order=order)
    assert_allclose(coefficients[1:], solve_toeplitz(r[:-1], -r[1:]), atol=1e-10)
    assert_allclose(error, r @ coefficients, rtol=1e-10)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("order", [1, 4, 13])
def test_the_twin_agrees(method, order):
    for y in NOISE.values():
        coefficients, error = reference.fit_ar(y[:200], order, method)
        model = fit_ar(y[:200], order=order, method=method)
        assert_allclose(model.coefficients, coefficients, atol=1e-10)
        assert_allclose(model.error, error, rtol=1e-10)


@given(frame=frames(), data=st.data())
def test_the_residual_is_the_least_squares_minimum(frame, data):
    method = data.draw(st.sampled_from(["yule_walker", "covariance"]))
    order = draw_order(data, frame, method)
    peak = np.abs(frame).max() or 1.0
    assume(peak > 1e-140)  # else the energy is a subnormal number
    coefficients, error = fit_ar(frame, order=order, method=method)
    frame, error = frame / peak, error / peak / peak
    _, expected = reference.fit_ar(frame, order, method)
    # where powers and poles are far apart, the normal equations cost half of the digits
    assert_allclose(error, expected, atol=1e-9 * (frame @ frame))
    residual = np.convolve(frame, coefficients)
    if method == "covariance":
        residual = residual[order : len(frame)] * np.sqrt(len(frame) / (len(frame) - order))
    assert_allclose(residual @ residual, error, atol=1e-7 * (frame @ frame))


@given(frame=coarse_frames(), data=st.data())
def test_burg_is_its_recursion(frame, data):
    order = draw_order(data, frame, "burg")
    coefficients, error = reference.fit_ar(frame, order, "burg")
    assume(error > 1e-4 * (frame @ frame))  # else what is left is rounding, which each reflects in its own way
    model = fit_ar(frame, order=order, method="burg")
    assert_allclose(model.coefficients, coefficients, atol=1e-9)
    assert_allclose(model.error, error, rtol=1e-9)


@given(frame=arrays(np.float64, st.integers(1, 60), elements=st.integers(-1000, 1000)), data=st.data())
def test_autocorrelation_is_its_sum(frame, data):
    n_lags = data.draw(st.integers(1, len(frame)))
    ours = audiofeat.ar.autocorrelation(np.stack([frame, -2 * frame]), n_lags)
    assert_array_equal(ours, np.outer([1, 4], autocorrelation(frame, n_lags)))


# Laws


@given(frame=frames(), data=st.data())
def test_any_frame_has_a_model(frame, data):
    method = data.draw(st.sampled_from(METHODS))
    order = draw_order(data, frame, method)
    coefficients, error = fit_ar(frame, order=order, method=method)
    assert coefficients.shape == (order + 1,)
    assert error.shape == ()
    assert coefficients[0] == 1
    assert np.isfinite(coefficients).all()
    energy = frame @ frame * (len(frame) / (len(frame) - order) if method == "covariance" else 1.0)
    assert 0 <= error <= energy * (1 + 1e-12) + 1e-300


@given(frame=frames(), data=st.data(), method=st.sampled_from(RECURSIVE))
def test_the_error_is_what_the_reflections_leave_and_never_grows_with_the_order(frame, data, method):
    order = draw_order(data, frame, method)
    coefficients, error = fit_ar(frame, order=order, method=method)
    energy = frame @ frame
    if order > 1:
        assert error <= fit_ar(frame, order=order - 1, method=method).error
    assume(error > 1e-4 * energy > 1e-290)
    k = reflections(coefficients)
    assert np.abs(k).max() < 1  # poles inside the unit circle
    assert_allclose(error, energy * np.prod(1 - k * k), rtol=1e-6)


@pytest.mark.parametrize("method", RECURSIVE)
def test_poles_are_inside_the_unit_circle(method):
    for y in [*NOISE.values(), np.sin(0.3 * t) + 1e-3 * NOISE["white"][:400], np.sign(np.sin(0.1 * t))]:
        for order in (1, 2, 16, 40):
            assert np.abs(np.roots(fit_ar(y, order=order, method=method).coefficients)).max() < 1


@given(frame=coarse_frames(), exponent=st.integers(-500, 500), data=st.data())
def test_a_gain_scales_the_error_alone(frame, exponent, data):
    method = data.draw(st.sampled_from(METHODS))
    order = draw_order(data, frame, method)
    coefficients, error = fit_ar(frame, order=order, method=method)
    for gain in (2.0**exponent, -(2.0**exponent), 2.0**500, 2.0**-500):
        model = fit_ar(gain * frame, order=order, method=method)
        assert_array_equal(model.coefficients, coefficients)
        assert_array_equal(model.error, error * gain * gain)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("gain", [1e-307, 1e-100, 3e-5, 0.7, -3.0, 1e150])
def test_any_gain_will_do(method, gain):
    for y in NOISE.values():
        coefficients, error = fit_ar(y, order=8, method=method)
        model = fit_ar(gain * y, order=8, method=method)
        assert_allclose(model.coefficients, coefficients, atol=1e-11)
        assert_allclose(model.error, error * gain**2, rtol=1e-11)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [100, 2500])  # the covariance method in blocks of 1, and of 3 and a shorter last one
def test_a_batch_is_its_items(method, dtype, block, monkeypatch):
    monkeypatch.setattr(audiofeat.ar, "BLOCK", block)
    y = np.random.default_rng(0).standard_normal((2, 7, 100)).astype(dtype)
    y[0, 3] = 0
    batch = fit_ar(y, order=6, method=method)
    assert batch.coefficients.shape == (2, 7, 7)
    assert batch.error.shape == (2, 7)
    for index in np.ndindex(2, 7):
        item = fit_ar(y[index], order=6, method=method)
        assert_array_equal(batch.coefficients[index], item.coefficients)
        assert_array_equal(batch.error[index], item.error)


@given(frame=frames(min_samples=4), method=st.sampled_from(METHODS))
def test_float32_in_is_the_float64_answer_rounded_once(frame, method):
    narrow = frame.astype(np.float32)
    wide = narrow.astype(np.float64)
    for ours, exact in zip(fit_ar(narrow, order=2, method=method), fit_ar(wide, order=2, method=method), strict=True):
        assert ours.dtype == np.float32
        assert exact.dtype == np.float64
        with np.errstate(under="ignore"):
            assert_array_equal(ours, exact.astype(np.float32))


def test_an_energy_may_leave_its_dtype():
    y = NOISE["white"].astype(np.float32)
    assert fit_ar(np.float32(1e30) * y, order=2).error == np.inf
    assert fit_ar(np.float32(1e-30) * y, order=2).error == 0
    assert_allclose(fit_ar(np.float32(1e-30) * y, order=2).coefficients, fit_ar(y, order=2).coefficients, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_storage_does_not_matter_and_input_is_not_written(method):
    y = np.random.default_rng(0).standard_normal((5, 64))
    before = y.copy()
    expected = fit_ar(y, order=4, method=method)
    assert_array_equal(y, before)
    frozen = y.copy()
    frozen.flags.writeable = False
    strided = np.repeat(y, 2, axis=1)[:, ::2]
    reverse = np.ascontiguousarray(y[::-1, ::-1])[::-1, ::-1]
    for same in (frozen, strided, reverse, np.asfortranarray(y), y.astype(">f8"), y.astype("<f8"), y.tolist()):
        model = fit_ar(same, order=4, method=method)
        assert_array_equal(model.coefficients, expected.coefficients)
        assert_array_equal(model.error, expected.error)


def test_pcm_is_scaled():
    pcm = np.random.default_rng(0).integers(-30000, 30000, 500).astype(np.int16)
    for ours, expected in zip(fit_ar(pcm, order=3), fit_ar(pcm / 32768, order=3), strict=True):
        assert_array_equal(ours, expected)


# Degenerate frames


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_samples", [2, 3, 50])
def test_silence(method, n_samples):
    coefficients, error = fit_ar(np.zeros(n_samples), order=n_samples // 2, method=method)
    assert_array_equal(coefficients, [1] + [0] * (n_samples // 2))
    assert error == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", [0, 20, 49])
def test_a_click_is_white(method, at):
    coefficients, error = fit_ar(0.5 * (np.arange(50) == at), order=10, method=method)
    assert_array_equal(coefficients, [1] + [0] * 10)
    before = at < 10  # the covariance method predicts nothing there
    assert_allclose(error, 0.25 if method != "covariance" else 0.0 if before else 0.25 * 50 / 40)


@pytest.mark.parametrize("method", METHODS)
def test_short_clicks(method):
    for n_samples in (2, 4, 5, 12):
        for at in range(n_samples):
            order = n_samples // 2 if method == "covariance" else n_samples - 1
            y = 1.0 * (np.arange(n_samples) == at)
            coefficients, error = fit_ar(y, order=order, method=method)
            expected, energy = reference.fit_ar(y, order, method)
            assert_allclose(coefficients, expected, atol=1e-12)
            assert_allclose(error, energy, atol=1e-12)


def test_burgs_method_stops_at_an_exact_prediction():
    rng = np.random.default_rng(0)
    for n_samples in (2, 5, 16, 40):
        y = 0.5 + rng.choice([0, 1e-9, 4e-9], (1000, 1)) * rng.standard_normal((1000, n_samples))
        exact = fit_ar(y, order=1, method="burg").error == 0  # a reflection of 1, by rounding, or beyond
        coefficients, error = fit_ar(y, order=n_samples - 1, method="burg")
        assert exact.sum() > 100
        assert (error >= 0).all()
        assert_array_equal(error[exact], 0)
        assert_array_equal(coefficients[exact], np.tile([1, -1] + [0] * (n_samples - 2), (exact.sum(), 1)))


def test_nearly_dependent_pasts_are_told_apart():
    y = np.cos(0.3 * t) + 1e-7 * NOISE["white"][:400]
    expected, energy = reference.fit_ar(y, 6, "covariance")
    coefficients, error = fit_ar(y, order=6, method="covariance")
    assert_allclose(coefficients, expected, atol=1e-6)
    assert_allclose(error, energy, rtol=1e-6)


def test_dc():
    y = np.full(50, 0.25)
    coefficients, error = fit_ar(y, order=1)
    assert_allclose(coefficients, [1.0, -49 / 50])
    assert_allclose(error, 50 / 16 * (1 - (49 / 50) ** 2))
    coefficients, error = fit_ar(y, order=5, method="burg")
    assert_array_equal(coefficients, [1, -1, 0, 0, 0, 0])
    assert error == 0
    coefficients, error = fit_ar(y, order=5, method="covariance")  # the shortest of many solutions
    assert_allclose(coefficients, [1.0] + [-0.2] * 5)
    assert_allclose(error, 0.0, atol=1e-28)


def test_tone():
    y, exact = np.cos(0.3 * t + 1), [1.0, -2 * np.cos(0.3), 1.0]
    coefficients, error = fit_ar(y, order=2, method="covariance")
    assert_allclose(coefficients, exact, atol=1e-12)
    assert_allclose(error, 0.0, atol=1e-24)
    shortest, _ = reference.fit_ar(y, 8, "covariance")
    assert_allclose(fit_ar(y, order=8, method="covariance").coefficients, shortest, atol=1e-9)
    for method, bias in (("burg", 1e-3), ("yule_walker", 0.05)):
        assert_allclose(fit_ar(y, order=2, method=method).coefficients, exact, atol=bias)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_predicted_to_rounding_has_a_finite_model(method):
    smooth = [np.exp(-(((t - 200) / width) ** 2)) for width in (20, 60, 150)]
    for y in (*smooth, t / 400, 0.999**t, np.hanning(400), (-1.0) ** t, np.cos(0.3 * t)):
        for order in (2, 40, 200):
            coefficients, error = fit_ar(y, order=order, method=method)
            assert np.isfinite(coefficients).all()
            energy = y @ y
            assert 0 <= error < 0.1 * energy
            if method == "yule_walker":  # a filter that has run away would not reach the error
                residual = np.convolve(y, coefficients)
                assert_allclose(residual @ residual, error, rtol=0.1, atol=1e-9 * energy)


# The gate


@pytest.mark.parametrize(
    ("y", "kwargs", "error", "message"),
    [
        (np.ones(8), {"order": 0}, ValueError, "order must be in [1, 7], got 0"),
        (np.ones(8), {"order": 8}, ValueError, "order must be in [1, 7], got 8"),
        (np.ones(8), {"order": 8, "method": "burg"}, ValueError, "order must be in [1, 7], got 8"),
        (np.ones(9), {"order": 5, "method": "covariance"}, ValueError, "order must be in [1, 4], got 5"),
        (np.ones(8), {"order": 2.0}, TypeError, "order must be an integer, got 2.0"),
        (np.ones(8), {"order": True}, TypeError, "order must be an integer, got True"),
        (np.ones(8), {"order": 2, "method": "ols"}, ValueError, "method must be one of burg, covariance, yule_walker"),
        (np.ones(1), {"order": 1}, ValueError, "y must have at least 2 sample(s) on its last axis, got shape (1,)"),
        ([], {"order": 1}, ValueError, "y must have at least 2 sample(s) on its last axis, got shape (0,)"),
        (np.ones((0, 8)), {"order": 1}, ValueError, "got shape (0, 8)"),
        ([1.0, np.nan, 2.0], {"order": 1}, ValueError, "y must be finite, got nan at index 1"),
        ([[1.0, 2.0], [np.inf, 2.0]], {"order": 1}, ValueError, "y must be finite, got inf at index (1, 0)"),
        (np.ones(8, complex), {"order": 1}, TypeError, "got dtype complex128"),
    ],
)
def test_fit_ar_says_what_is_wrong(y, kwargs, error, message):
    with pytest.raises(error, match=re.escape(message)):
        fit_ar(y, **kwargs)


# Spectra


@pytest.mark.parametrize("n_fft", [9, 64, 101, 4096])
def test_the_spectrum_is_freqz(n_fft):
    for y in NOISE.values():
        model = fit_ar(y, order=8)
        _, response = freqz([1.0], model.coefficients, 2 * np.pi / n_fft * np.arange(1 + n_fft // 2))
        assert_allclose(ar_spectrum(model, n_fft=n_fft), model.error * np.abs(response) ** 2, rtol=1e-9)


@pytest.mark.parametrize("order", [1, 3, 12])
def test_the_model_matches_the_autocorrelation_of_the_frame(order):
    for y in NOISE.values():
        spectrum = ar_spectrum(fit_ar(y, order=order), n_fft=1 << 14)
        r = autocorrelation(y, order + 1)
        assert_allclose(np.fft.irfft(spectrum)[: order + 1], r, atol=1e-9 * r[0])


def test_spectra_of_a_batch_are_those_of_its_items():
    y = np.random.default_rng(0).standard_normal((2, 3, 50))
    y[1, 1] = 0
    model = fit_ar(y, order=4)
    spectra = ar_spectrum(model, n_fft=32)
    assert spectra.shape == (2, 3, 17)
    assert not spectra[1, 1].any()
    for index in np.ndindex(2, 3):
        item = ar_spectrum(ARModel(model.coefficients[index], model.error[index]), n_fft=32)
        assert_allclose(spectra[index], item, rtol=1e-13)
    assert ar_spectrum(model).shape == (2, 3, 1025)


def test_float32_spectra_are_the_float64_ones_rounded_once():
    model = fit_ar(NOISE["vocal"].astype(np.float32), order=12)
    spectrum = ar_spectrum(model, n_fft=512)
    assert spectrum.dtype == np.float32
    wide = ar_spectrum(ARModel(*(part.astype(np.float64) for part in model)), n_fft=512)
    assert wide.dtype == np.float64
    assert_array_equal(spectrum, wide.astype(np.float32))


def test_a_pole_on_the_circle_is_infinite_and_no_error_no_spectrum():
    assert_allclose(ar_spectrum(ARModel([1.0, -1.0], 2.0), n_fft=4), [np.inf, 1.0, 0.5])
    assert_array_equal(ar_spectrum(ARModel([1.0, -1.0], 0.0), n_fft=4), [0, 0, 0])
    assert_allclose(ar_spectrum(ARModel([1, 0], 3), n_fft=2), [3.0, 3.0])
    tiny = ARModel(np.float32([1, -0.999]), np.float32(1e38))
    assert_array_equal(np.isinf(ar_spectrum(tiny, n_fft=4)), [True, False, False])
    huge = ARModel(np.float64([1, -0.999]), np.float64(1e308))
    assert_array_equal(np.isinf(ar_spectrum(huge, n_fft=4)), [True, False, False])


@pytest.mark.parametrize(("n_fft", "error"), [(4, ValueError), (0, ValueError), (8.0, TypeError)])
def test_a_grid_shorter_than_the_filter_is_refused(n_fft, error):
    with pytest.raises(error, match=rf"n_fft must be .*got {n_fft}"):
        ar_spectrum(fit_ar(NOISE["white"], order=4), n_fft=n_fft)


# Orders


@pytest.mark.parametrize("angles", [[], [0], [1, -1], [0.5, -0.5, 2, -2]])
def test_the_order_of_ar_noise_is_found(angles):
    a = np.poly(0.8 * np.exp(1j * np.array(angles))).real
    for seed in range(5):
        y = synth.ar_noise(np.atleast_1d(a), 4000, random_state=seed)
        assert select_ar_order(y, max_order=10) == len(angles)
        orders = [select_ar_order(y, max_order=10, criterion=name) for name in ("bic", "hqic", "aic")]
        assert orders == sorted(orders)  # the penalty of an order is log n, 2 log log n, 2


@pytest.mark.parametrize("criterion", ["aic", "bic", "hqic"])
def test_it_is_statsmodels_choice(criterion):
    for seed in range(4):
        y = synth.ar_noise([1.0, -0.5, 0.3, 0.0, -0.2], 120, random_state=seed)
        lags = ar_select_order(y, 12, ic=criterion, trend="n").ar_lags
        expected = max(lags) if lags else 0
        for gain in (1.0, -1e-200, 1e200):
            assert select_ar_order(gain * y, max_order=12, criterion=criterion) == expected
    assert select_ar_order(y.astype(np.float32), max_order=12, criterion=criterion) == expected


@pytest.mark.parametrize("criterion", ["aic", "bic", "hqic"])
def test_degenerate_signals_have_an_order(criterion):
    kwargs = {"max_order": 12, "criterion": criterion}
    for y, order in [
        (np.zeros(400), 0),
        (np.ones(400), 1),
        (1.0 * (t == 5), 0),
        (1.0 * (t == 200), 0),
        (1.0 * (t == 399), 0),
        (0.5**t, 1),
        (np.full(400, 5e-324), 1),
        (np.full(400, 1.7e308), 1),
        (np.cos(0.3 * t), 2),
        (np.cos(0.3 * t) + 0.2 * np.cos(2 * t + 1), 4),
        (t / 400, 2),
        (0.9**t, 1),
        ((-1.0) ** t, 1),
        (np.where(t < 6, NOISE["white"][:400], 1.0), 1),  # by the samples that all orders are compared on
    ]:
        for gain in (1.0, -1.0):
            assert select_ar_order(gain * y, **kwargs) == order
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        select_ar_order(np.ones(400), **kwargs)
    assert not seen
    assert select_ar_order([1.0, 2.0, 3.0, 4.0], max_order=1) == 1


@pytest.mark.parametrize(
    ("y", "kwargs", "error", "message"),
    [
        (np.ones(10), {"max_order": 5}, ValueError, "max_order must be in [1, 4], got 5"),
        (np.ones(11), {"max_order": 0}, ValueError, "max_order must be in [1, 5], got 0"),
        (np.ones(11), {"max_order": 2.5}, TypeError, "max_order must be an integer, got 2.5"),
        (np.ones(11), {"max_order": 2, "criterion": "mdl"}, ValueError, "criterion must be one of aic, bic, hqic"),
        (np.ones((2, 9)), {"max_order": 2}, ValueError, "y must have exactly 1 dimension(s), got shape (2, 9)"),
        (np.ones(3), {"max_order": 1}, ValueError, "y must have at least 4 sample(s)"),
        ([1.0, 2.0, 3.0, np.nan], {"max_order": 1}, ValueError, "y must be finite, got nan at index 3"),
    ],
)
def test_select_ar_order_says_what_is_wrong(y, kwargs, error, message):
    with pytest.raises(error, match=re.escape(message)):
        select_ar_order(y, **kwargs)
