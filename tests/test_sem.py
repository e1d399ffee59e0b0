"""The spectral error measure against its definition, its Parseval form, its published figures and its laws."""

import re
from itertools import product

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

import audiofeat.sem
from audiofeat import fit_ar, load, spectral_error, spectral_error_matrix, synth
from audiofeat.sem import SpectralErrorFactors, spectral_error_factors, spectral_error_product

METHODS = ("yule_walker", "burg", "covariance")
LAGS = (1, 20, "full")
SEVERAL = np.random.default_rng(0).standard_normal((7, 300)) * [[1], [1], [3], [0.2], [1e-3], [1], [1]]
t = np.arange(1024)


def resonances(*poles, n_samples=1024, seed=0, scale=1.0):
    a = np.poly([*poles, *np.conj(poles)]).real
    return synth.ar_noise(a, n_samples, random_state=seed, scale=scale)


def colours(n_samples=1024):
    """Five autoregressive processes, of order 2 to 10, at unequal levels."""
    return np.stack(
        [
            resonances(0.95 * np.exp(0.1j), n_samples=n_samples, seed=1),
            resonances(0.9 * np.exp(1j), 0.9 * np.exp(2j), n_samples=n_samples, seed=2, scale=0.2),
            resonances(*(0.97 * np.exp(1j * np.linspace(0.2, 2.9, 5))), n_samples=n_samples, seed=3),
            resonances(0.8 * np.exp(3j), n_samples=n_samples, seed=4),
            resonances(0.99 * np.exp(0.02j), n_samples=n_samples, seed=5, scale=0.01),
        ]
    )


TONES = np.sin(2 * np.pi * np.array([[50], [440], [660], [5000], [10900]]) * t / 22050)
WINDOWS = {
    "coloured noise": colours(),
    "white noise": np.random.default_rng(0).standard_normal((5, 1024)),
    "clicks": np.stack([1.0 * (t == 0), -1.0 * (t == 500), 1.0 * (t == 1023), 1e-6 * (t == 7)]),
    "decays": np.stack([r**t * np.cos(w * t) for r, w in ((0.9, 0), (0.99, 0.3), (0.998, 2.0), (0.5, 1.0))]),
    "constants": np.stack([np.ones(1024), t / 1024, (-1.0) ** t, np.sign(np.sin(0.05 * t))]),
    "tones": TONES,
    "tones and noise": TONES + 1e-3 * np.random.default_rng(1).standard_normal(TONES.shape),
    "far levels": colours() * 10.0 ** np.array([[0], [-30], [-60], [4], [9]]),
    "silence": np.stack([np.zeros(1024), resonances(0.5), np.zeros(1024), 1.0 * (t == 3)]),
}
PURE = ("decays", "constants", "tones")  # hardly any residual under their own filter


def by_definition(windows, **kwargs):
    return np.array([[spectral_error(a, b, **kwargs) for b in windows] for a in windows])


def gaps(ours, expected):
    """Return the errors relative to 1 + SEM, once both are known to be infinite together."""
    infinite = np.isinf(expected)
    assert_array_equal(np.isinf(ours), infinite)
    ours, expected = (np.where(infinite, 0.0, values) for values in (ours, expected))
    return np.abs(ours - expected) / (1.0 + expected)


# The definition


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lags", [*LAGS, 1039])
def test_one_pair_is_the_twin(method, lags):
    for windows in (WINDOWS["coloured noise"], WINDOWS["white noise"]):
        for ours, theirs in product(windows, windows):
            expected = reference.spectral_error(reference.fit_ar(ours, 16, method), theirs, lags=lags)
            assert_allclose(spectral_error(ours, theirs, order=16, lags=lags, method=method), expected, rtol=1e-9)


def test_all_lags_are_all_lags():
    first, second = WINDOWS["coloured noise"][:2]
    assert spectral_error(first, second, order=8, lags="full") == spectral_error(first, second, order=8, lags=1031)
    matrices = [spectral_error_matrix([first, second], order=8, lags=lags) for lags in ("full", 1031)]
    assert_allclose(*matrices, rtol=1e-12)


@pytest.mark.parametrize("lags", LAGS)
@pytest.mark.parametrize("n_samples", [1024, 4096])
def test_the_tail_of_the_filter_matters_little(lags, n_samples):
    windows = colours(n_samples)[:4]
    windows = windows / windows.std(axis=1, keepdims=True)
    models = [fit_ar(window, order=10) for window in windows]
    expected = [[reference.spectral_error(model, y, lags=lags, tail=False) for y in windows] for model in models]
    ours = spectral_error_matrix(windows, order=10, lags=lags)
    assert np.median(gaps(ours, np.array(expected))) < 1e-2 * 1024 / n_samples
    assert gaps(ours, np.array(expected)).max() > 1e-6  # it is not the truncated measure


# All pairs at once


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lags", LAGS)
def test_all_pairs_are_the_pairs(kind, method, lags):
    windows = WINDOWS[kind]
    for order in (2, 16):
        matrix = spectral_error_matrix(windows, order=order, lags=lags, method=method)
        assert matrix.shape == (len(windows),) * 2
        assert (matrix >= 0).all()
        error = gaps(matrix, by_definition(windows, order=order, lags=lags, method=method))
        if lags == "full" and kind in PURE:
            assert np.diag(error).max() < 2e-8
            np.fill_diagonal(error, 0)
        assert error.max() < 1e-10


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("order", [2, 16])
def test_all_lags_are_parsevals_sum(method, order):
    for kind in ("coloured noise", "white noise", "clicks", "tones and noise"):
        windows = WINDOWS[kind]
        models = [reference.fit_ar(window, order, method) for window in windows]
        expected = np.array([[reference.spectral_error_parseval(model, y) for y in windows] for model in models])
        ours = spectral_error_matrix(windows, order=order, lags="full", method=method)
        assert gaps(ours, expected).max() < (1e-6 if kind == "tones and noise" else 1e-9)  # the twin's own fit


@given(windows=arrays(np.float64, (3, 24), elements=st.integers(-99, 99)), data=st.data())
def test_short_windows_of_anything(windows, data):
    method = data.draw(st.sampled_from(METHODS))
    order = data.draw(st.integers(1, 12))
    lags = data.draw(st.one_of(st.integers(1, 24 + order - 1), st.just("full")))
    windows = windows + np.random.default_rng(0).standard_normal(windows.shape) * windows.any(axis=1, keepdims=True)
    ours = spectral_error_matrix(windows, order=order, lags=lags, method=method)
    assert gaps(ours, by_definition(windows, order=order, lags=lags, method=method)).max() < 1e-9


@pytest.mark.parametrize(("n_samples", "order"), [(2, 1), (3, 1), (3, 2), (40, 39)])
@pytest.mark.parametrize("lags", [1, "full"])
def test_the_shortest_windows(n_samples, order, lags):
    windows = SEVERAL[:4, :n_samples]
    ours = spectral_error_matrix(windows, order=order, lags=lags)
    assert gaps(ours, by_definition(windows, order=order, lags=lags)).max() < 1e-10


def recordings(data):
    """Yield a few windows of half a second of each recording: music, speech, birds, whales, a broadcast."""
    folders = [data / "librosa_audio_ccby", data / "schubert_HU33", data / "ina_musanmix"]
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in (".ogg", ".wav", ".mp3")]
    assert len(paths) == 14
    for path in paths:
        y, sr = load(path, 22050, duration=20.0, dtype="float64")
        n_samples = sr // 2
        windows = y[: len(y) // n_samples * n_samples].reshape(-1, n_samples)
        yield windows[:: max(1, len(windows) // 6)][:6]


@pytest.mark.realdata
@pytest.mark.parametrize("lags", [20, "full"])
def test_all_pairs_of_recordings_are_the_pairs(data, lags):
    errors = []
    for windows in recordings(data):
        matrix = spectral_error_matrix(windows, order=16, lags=lags)
        errors.append(gaps(matrix, by_definition(windows, order=16, lags=lags)))
    errors = np.concatenate([error.ravel() for error in errors])
    assert np.median(errors) < 1e-13
    assert errors.max() < 1e-10


def test_smooth_pulses_lose_digits_but_stay_in_bounds():
    pulses = np.stack([np.exp(-(((t - 512) / width) ** 2)) for width in (20, 100, 250)] + [np.hanning(1024) ** 4])
    pulses = np.concatenate([pulses, TONES * np.hanning(1024)])
    for method, order, lags in product(METHODS, (2, 16, 32), LAGS):
        matrix = spectral_error_matrix(pulses, order=order, lags=lags, method=method)
        assert np.isfinite(matrix).all()
        assert (matrix >= 0).all()
        level = reference.fit_ar(pulses[0], order, method)[1]
        second = matrix[:, -1] if level else matrix[:, 0]
        assert second.min() >= 0
    bound = spectral_error_factors(pulses, order=16, lags=20, method="burg")
    quiet = bound._replace(error=np.zeros(len(pulses)))  # leaves the second term, and 1
    assert spectral_error_product(quiet, quiet).max() <= 1.0 + 2 * 20


# What the helpers promise


@given(
    n_fft=st.integers(4, 700),
    degree=st.integers(1, 90),
    arc_degree=st.integers(1, 40),
    data=st.data(),
)
def test_sums_over_points_are_sums_over_bins(n_fft, degree, arc_degree, data):
    seed = data.draw(st.integers(0, 2**32))
    points, arcs = audiofeat.sem._interpolants(n_fft, degree, arc_degree)
    bins = 2 * np.pi / n_fft * np.arange(n_fft // 2 + 1)
    weights = np.full(len(bins), 2.0 / n_fft)
    weights[0] = 1.0 / n_fft
    if n_fft % 2 == 0:
        weights[-1] = 1.0 / n_fft
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(len(bins)) ** 2
    polynomial = rng.standard_normal(degree + 1)
    moments = np.concatenate([values[where] @ basis for where, _, basis in arcs])
    assert [at.stop - at.start for _, at, _ in arcs] == [basis.shape[1] for *_, basis in arcs]
    assert sum(basis.shape[1] for *_, basis in arcs) == len(points) == arcs[-1][1].stop
    assert [where.start for where, *_ in arcs] == [0, *(where.stop for where, *_ in arcs[:-1])]
    assert arcs[-1][0].stop == len(bins)
    over_bins = (weights * values) @ np.cos(np.outer(bins, np.arange(degree + 1))) @ polynomial
    over_points = moments @ np.cos(np.outer(points, np.arange(degree + 1))) @ polynomial
    assert_allclose(over_points, over_bins, atol=1e-13 * np.abs(polynomial).sum() * values.max())


def test_short_windows_take_their_bins_as_points():
    points, arcs = audiofeat.sem._interpolants(30, 20, 18)
    assert_allclose(points, 2 * np.pi / 30 * np.arange(16))
    assert all(np.count_nonzero(basis - np.diag(np.diag(basis))) == 0 for *_, basis in arcs)


def test_long_windows_take_a_few_hundred_points():
    for degree, arc_degree, most in ((36, 18, 210), (32, 2, 420)):
        points, _ = audiofeat.sem._interpolants(22500, degree, arc_degree)
        assert len(points) < most
        assert (np.diff(np.sort(points)) > 0).all()


@pytest.mark.parametrize("lags", [5, "full"])
def test_blocks_do_not_matter(lags, monkeypatch):
    windows = np.concatenate([SEVERAL, np.zeros((1, 300)), SEVERAL[::-1]])
    whole = spectral_error_matrix(windows, order=6, lags=lags)
    monkeypatch.setattr(audiofeat.sem, "TILE", (4, 3))
    monkeypatch.setattr(audiofeat.sem, "GRID", 1000)
    assert_allclose(spectral_error_matrix(windows, order=6, lags=lags), whole, rtol=1e-12)


@pytest.mark.parametrize("lags", [5, "full"])
def test_factors_are_cut_and_joined(lags):
    windows = np.concatenate([SEVERAL, np.zeros((1, 300))])
    factors = spectral_error_factors(windows, order=6, lags=lags)
    whole = spectral_error_product(factors, factors)
    some, others = factors.rows(slice(1, 4)), factors.rows(slice(2, None, 3))
    assert_allclose(spectral_error_product(some, others), whole[1:4, 2::3], rtol=1e-12)
    parts = [spectral_error_factors(windows[rows], order=6, lags=lags) for rows in (slice(0, 3), slice(3, None))]
    joined = SpectralErrorFactors.joined(parts)
    assert_allclose(spectral_error_product(joined, joined), whole, rtol=1e-12)


# Published and measured figures: the means are over pairs of one process


def excess(level_db):
    """The measure between windows of one process, the sliding one louder by so many dB, without its second term."""
    return (10 ** (-level_db / 10) - 1) ** 2


@pytest.mark.parametrize(("lags", "low", "high"), [(10, 0.0, 0.02), (20, 0.0, 0.03), (200, 0.08, 0.2), (1000, 0.35, 0.6)])
def test_the_floor_between_windows_of_one_process(lags, low, high):
    windows = np.stack([resonances(*(0.9 * np.exp(1j * np.linspace(0.3, 2.8, 5))), n_samples=4096, seed=s) for s in range(20)])
    matrix = spectral_error_matrix(windows, order=10, lags=lags)
    assert np.diag(matrix).max() < matrix.mean()
    print(lags, np.diag(matrix).mean(), matrix.mean(), matrix.max(), 2 * lags / 4096)
