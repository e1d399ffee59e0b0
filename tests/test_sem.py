"""The spectral error measure against its definition, its Parseval form, its published figures and its laws."""

import re
from itertools import product

import numba
import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

import audiofeat.sem
from audiofeat import fit_ar, load, spectral_error, spectral_error_matrix, synth
from audiofeat.sem import SpectralErrorFactors, quick_factors, spectral_error_factors, spectral_error_product

METHODS = ("yule_walker", "burg", "covariance")
LAGS = (1, 20, "full")
SEVERAL = np.random.default_rng(0).standard_normal((7, 300)) * [[1], [1], [3], [0.2], [1e-3], [1], [1]]
M = 256 if numba.config.DISABLE_JIT else 1024  # samples; plain Python is slow
t = np.arange(M)


def resonances(*poles, n_samples=M, seed=0, scale=1.0):
    a = np.poly([*poles, *np.conj(poles)]).real
    return synth.ar_noise(a, n_samples, random_state=seed, scale=scale)


def colours(n_samples=M):
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
    "white noise": np.random.default_rng(0).standard_normal((5, M)),
    "clicks": np.stack([1.0 * (t == 0), -1.0 * (t == M // 2), 1.0 * (t == M - 1), 1e-6 * (t == 7)]),
    "decays": np.stack([r**t * np.cos(w * t) for r, w in ((0.9, 0), (0.99, 0.3), (0.998, 2.0), (0.5, 1.0))]),
    "constants": np.stack([np.ones(M), t / M, (-1.0) ** t, np.sign(np.sin(0.05 * t))]),
    "tones": TONES,
    "tones and noise": TONES + 1e-3 * np.random.default_rng(1).standard_normal(TONES.shape),
    "far levels": colours() * 10.0 ** np.array([[0], [-30], [-60], [4], [9]]),
    "silence": np.stack([np.zeros(M), resonances(0.5), np.zeros(M), 1.0 * (t == 3)]),
}


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
@pytest.mark.parametrize("lags", [*LAGS, M + 15])
def test_one_pair_is_the_twin(method, lags):
    for windows in (WINDOWS["coloured noise"], WINDOWS["white noise"]):
        for ours, theirs in product(windows, windows):
            expected = reference.spectral_error(reference.fit_ar(ours, 16, method), theirs, lags=lags)
            value = spectral_error(ours, theirs, order=16, lags=lags, method=method)
            assert_allclose(value, expected, rtol=1e-9, atol=1e-14)


def test_all_lags_are_all_lags():
    first, second = WINDOWS["coloured noise"][:2]
    assert spectral_error(first, second, order=8, lags="full") == spectral_error(first, second, order=8, lags=M + 7)
    matrices = [spectral_error_matrix([first, second], order=8, lags=lags) for lags in ("full", M + 7)]
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
        assert error.max() < (1e-10 if lags == "full" else 2e-12)


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
    paths = [
        path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in (".ogg", ".wav", ".mp3")
    ]
    assert len(paths) == 14
    for path in paths:
        y, sr = load(path, 22050, duration=20.0, dtype="float64")
        n_samples = sr // 2
        windows = y[: len(y) // n_samples * n_samples].reshape(-1, n_samples)
        yield windows[:: max(1, len(windows) // 4)][:4]


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("lags", [20, "full"])
def test_all_pairs_of_recordings_are_the_pairs(data, lags):
    errors = []
    for windows in recordings(data):
        matrix = spectral_error_matrix(windows, order=16, lags=lags)
        errors.append(gaps(matrix, by_definition(windows, order=16, lags=lags)))
    errors = np.concatenate([error.ravel() for error in errors])
    assert np.median(errors) < 1e-13
    assert errors.max() < (1e-10 if lags == "full" else 2e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lags", LAGS)
def test_smooth_pulses_lose_digits_but_stay_in_bounds(method, lags):
    pulses = np.stack([np.exp(-(((t - M / 2) / width / M) ** 2)) for width in (0.02, 0.1, 0.25)] + [np.hanning(M) ** 4])
    pulses = np.concatenate([pulses, TONES * np.hanning(M)])
    for order in (2, 16, 32):
        matrix = spectral_error_matrix(pulses, order=order, lags=lags, method=method)
        assert np.isfinite(matrix).all()
        assert (matrix >= 0).all()
        if order == 2 and lags != "full":
            assert gaps(matrix, by_definition(pulses, order=order, lags=lags, method=method)).max() < 1e-6
        factors = spectral_error_factors(pulses, order=order, lags=lags, method=method)
        factors = factors._replace(error=np.zeros(len(pulses)))  # the first term is 1, and |r[k]| <= r[0]
        assert spectral_error_product(factors, factors).max() <= 1 + 2 * (M - 1 + order if lags == "full" else lags)


# What the helpers promise


@given(n_fft=st.integers(4, 700), degree=st.integers(1, 90), full=st.booleans(), seed=st.integers(0, 2**32))
def test_sums_over_points_are_sums_over_bins(n_fft, degree, full, seed):
    points, arcs = audiofeat.sem._interpolants(n_fft, degree, full=full)
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
    assert sum(basis.shape[1] for *_, basis in arcs) == len(points) == arcs[-1][1].stop <= len(bins)
    assert [where.start for where, *_ in arcs] == [0, *(where.stop for where, *_ in arcs[:-1])]
    assert arcs[-1][0].stop == len(bins)
    over_bins = (weights * values) @ np.cos(np.outer(bins, np.arange(degree + 1))) @ polynomial
    over_points = moments @ np.cos(np.outer(points, np.arange(degree + 1))) @ polynomial
    assert_allclose(over_points, over_bins, atol=1e-13 * np.abs(polynomial).sum() * values.max())


def test_short_windows_take_their_bins_as_points():
    points, arcs = audiofeat.sem._interpolants(30, 20, full=True)
    assert_allclose(points, 2 * np.pi / 30 * np.arange(16))
    assert all(np.count_nonzero(basis - np.diag(np.diag(basis))) == 0 for *_, basis in arcs)


def test_long_windows_take_a_few_hundred_points():
    for degree, full, most in ((36, False, 80), (32, True, 450)):
        points, arcs = audiofeat.sem._interpolants(22500, degree, full=full)
        assert len(points) < most
        assert (np.diff(np.sort(points)) > 0).all()
        assert max(basis.shape[1] for *_, basis in arcs) <= degree + 1  # which is exact
        _, at, basis = arcs[0]
        low = np.cos(degree * 2 * np.pi / 22500 * np.arange(1, 30)) * 2 / 22500
        assert_allclose(basis[1:30] @ np.cos(degree * points[at]), low, rtol=1e-14)  # all digits near 0 too


@pytest.mark.parametrize("lags", [5, "full"])
@pytest.mark.parametrize(("columns", "cells", "grid"), [(3, 40, 1000), (1, 1, 1)])
def test_blocks_do_not_matter(lags, columns, cells, grid, monkeypatch):
    windows = np.concatenate([SEVERAL, np.zeros((1, 300)), SEVERAL[::-1]])
    whole = spectral_error_matrix(windows, order=6, lags=lags)
    monkeypatch.setattr(audiofeat.sem, "COLUMNS", columns)
    monkeypatch.setattr(audiofeat.sem, "CELLS", cells)
    monkeypatch.setattr(audiofeat.sem, "GRID", grid)
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


@pytest.mark.parametrize("lags", [5, "full"])
def test_rounding_is_not_divided_by(lags):
    factors = spectral_error_factors(SEVERAL, order=6, lags=lags)
    n_lags = 305 if lags == "full" else lags
    quiet = factors._replace(error=np.zeros(7))  # the first term is 1
    for share in (0.0, -1e-30, 1e-30, -1e-3, 1e-3):  # of |Y|^2 remains, of |Y|^4 all
        matrix = spectral_error_product(quiet, quiet._replace(moments=share * quiet.moments))
        assert np.isfinite(matrix).all()
        assert (matrix >= 1).all()
        assert (matrix <= 1 + 2 * n_lags).all()


@pytest.mark.parametrize("order", [2, 4, 10, 16])
def test_long_tones(order):
    n = np.arange(11025)  # half a second
    tones = np.cos(2 * np.pi * np.array([[30], [110], [440], [445.3], [3000], [8000], [11000], [11015]]) * n / 22050)
    for lags in (20, "full"):
        models = [fit_ar(tone, order=order) for tone in tones]
        expected = np.array([[reference.spectral_error(model, tone, lags=lags) for tone in tones] for model in models])
        error = gaps(spectral_error_matrix(tones, order=order, lags=lags), expected)
        assert error.max() < 1e-10  # two are 5 Hz apart


# Measured figures, M = 4096 samples, order 10


def one_process(n_windows, *poles):
    return np.stack([resonances(*poles, n_samples=4096, seed=seed) for seed in range(n_windows)])


@pytest.mark.parametrize("lags", [10, 20, 200, 1000, "full"])
def test_the_floor_between_windows_of_one_process(lags):
    windows = one_process(16, *(0.9 * np.exp(1j * np.linspace(0.3, 2.8, 5))))
    matrix = spectral_error_matrix(windows, order=10, lags=lags)
    floor = matrix[~np.eye(16, dtype=bool)]
    share = 1.0 if lags == "full" else lags / 4096
    white = 2 * share - share**2  # what a white residual gives: the sum of 2 (M - k) / M^2
    assert 0.9 * white < floor.mean() < 1.1 * white + 0.006  # the level of a window is known to 2 sqrt(2 / M)
    assert np.diag(matrix).mean() < floor.mean()  # a filter whitens its own window best
    if lags in (10, 20):
        assert np.diag(matrix).max() < 0.1
        assert floor.max() < 0.3
    if lags == "full":
        assert_allclose(floor.mean(), 1.06, atol=0.1)


@pytest.mark.parametrize(("level_db", "measured"), [(3, 0.58), (6, 7.2), (10, 33), (10, 50), (20, 5.6e3), (40, 6e7)])
def test_a_change_of_level_alone(level_db, measured):
    windows = one_process(16, 0.95 * np.exp(0.3j))
    windows[8:] *= 10 ** (level_db / 20)
    matrix = spectral_error_matrix(windows, order=10)
    both = (matrix + matrix.T)[:8, 8:] / 2
    ratio = 10 ** (level_db / 10)
    assert_allclose(both.mean(), ((ratio - 1) ** 2 + (1 / ratio - 1) ** 2) / 2 + 0.03, rtol=0.15)
    assert both.min() < measured < both.max()  # one pair of a process with a sharp resonance
    assert matrix[:8, 8:].max() < 1.1  # a louder window is at most 1 off, a quieter one has no bound


def test_two_tones():
    n = np.arange(4096)
    tones = np.sin(2 * np.pi * np.array([[440], [660]]) * n / 16000)
    for lags, measured in ((20, 17.6), ("full", 1288)):
        matrix = spectral_error_matrix(tones, order=10, lags=lags)
        assert_allclose((matrix[0, 1] + matrix[1, 0]) / 2, measured, rtol=0.1)
        assert np.diag(matrix).max() < 0.5


# Laws


@pytest.mark.parametrize("lags", LAGS)
def test_the_measure_of_a_gain_is_known(lags):
    first, second = WINDOWS["coloured noise"][[1, 3]]
    filters, error = fit_ar(first, order=8)
    residual = np.convolve(second, filters)
    level = error / (residual @ residual)
    rest = spectral_error(first, second, order=8, lags=lags) - (level - 1) ** 2
    for gain in (0.01, 0.5, 3.0, 1e4):
        expected = (level / gain**2 - 1) ** 2 + rest
        assert_allclose(spectral_error(first, gain * second, order=8, lags=lags), expected, rtol=1e-10)
        assert_allclose(spectral_error_matrix([first, gain * second], order=8, lags=lags)[0, 1], expected, rtol=1e-10)


@given(exponent=st.integers(-900, 900), gain=st.floats(1e-9, 1e9), lags=st.sampled_from([5, "full"]), data=st.data())
def test_a_gain_of_all_windows_is_not_seen(exponent, gain, lags, data):
    kwargs = {"order": 6, "lags": lags, "method": data.draw(st.sampled_from(METHODS))}
    expected = spectral_error_matrix(SEVERAL, **kwargs)
    assert_array_equal(spectral_error_matrix(-(2.0**exponent) * SEVERAL, **kwargs), expected)
    assert_allclose(spectral_error_matrix(gain * SEVERAL, **kwargs), expected, rtol=1e-9)
    first, second = 2.0**exponent * SEVERAL[:2]
    assert spectral_error(first, second, **kwargs) == spectral_error(*SEVERAL[:2], **kwargs)


@given(signs=st.lists(st.sampled_from([-1.0, 1.0]), min_size=7, max_size=7), lags=st.sampled_from([5, "full"]))
def test_polarity_is_not_seen(signs, lags):
    ours = spectral_error_matrix(SEVERAL * np.array(signs)[:, None], order=6, lags=lags)
    assert_array_equal(ours, spectral_error_matrix(SEVERAL, order=6, lags=lags))


@given(order=st.permutations(range(7)), lags=st.sampled_from([5, "full"]))
def test_shuffled_windows_shuffle_rows_and_columns(order, lags):
    expected = spectral_error_matrix(SEVERAL, order=6, lags=lags)[np.ix_(order, order)]
    assert_allclose(spectral_error_matrix(SEVERAL[order], order=6, lags=lags), expected, rtol=1e-12)


@pytest.mark.parametrize("lags", LAGS)
@pytest.mark.parametrize("method", METHODS)
def test_silence(lags, method):
    kwargs = {"order": 4, "lags": lags, "method": method}
    silent, noise = np.zeros(300), SEVERAL[0]
    assert spectral_error(silent, silent, **kwargs) == 0
    assert spectral_error(noise, silent, **kwargs) == np.inf
    assert spectral_error(silent, noise, **kwargs) >= 1  # the noise as it is, against a variance of 0
    matrix = spectral_error_matrix([silent, noise, silent], **kwargs)
    assert_array_equal(np.isinf(matrix), [[False] * 3, [True, False, True], [False] * 3])
    assert_array_equal(matrix[::2, ::2], 0)
    assert_array_equal(
        spectral_error_matrix(np.zeros((2, 9)), order=2, lags=min(lags, 5) if lags != "full" else lags), 0
    )


@pytest.mark.parametrize("lags", LAGS)
def test_levels_that_floats_cannot_square(lags):
    first, second = WINDOWS["white noise"][:2]
    matrix = spectral_error_matrix([first, 1e-76 * second, 1e-78 * second, 1e-320 * second], order=4, lags=lags)
    assert_array_equal(np.isinf(matrix)[0], [False, False, True, True])
    assert not np.isinf(np.tril(matrix)).any()
    near = spectral_error(second, second, order=4, lags=lags)
    assert_allclose(np.diag(matrix)[1:], near, rtol=1e-2)  # a subnormal number has few digits
    assert_allclose(matrix[1, 2], (1e4 - 1) ** 2 + near, rtol=1e-2)
    assert_allclose(matrix[3, 0], spectral_error(second, 1e9 * first, order=4, lags=lags), rtol=1e-2)
    assert spectral_error(first, 1e-78 * second, order=4, lags=lags) == np.inf
    assert np.isfinite(spectral_error(first, 1e-76 * second, order=4, lags=lags))
    fading = (0.8 ** np.arange(900.0)).reshape(3, 300)
    for windows in (fading, 1e300 * fading, 1e308 * (SEVERAL / np.abs(SEVERAL).max())):
        assert not np.isnan(spectral_error_matrix(windows, order=4, lags=lags)).any()


@pytest.mark.parametrize("lags", [20, "full"])
def test_float32_in_is_the_float64_answer_rounded_once(lags):
    narrow = WINDOWS["coloured noise"].astype(np.float32)
    matrix = spectral_error_matrix(narrow, order=8, lags=lags)
    assert matrix.dtype == np.float32
    exact = spectral_error_matrix(narrow.astype(np.float64), order=8, lags=lags)
    assert exact.dtype == np.float64
    assert_array_equal(matrix, exact.astype(np.float32))
    far = spectral_error_matrix([narrow[0], narrow[0] * np.float32(1e-12)], order=8, lags=lags)
    assert_array_equal(np.isinf(far), [[False, True], [False, False]])
    pair = spectral_error(narrow[0], narrow[1], order=8, lags=lags)
    assert type(pair) is float
    assert pair == spectral_error(*narrow[:2].astype(np.float64), order=8, lags=lags)


def test_storage_does_not_matter_and_input_is_not_written():
    before = SEVERAL.copy()
    expected = spectral_error_matrix(SEVERAL, order=4)
    assert_array_equal(SEVERAL, before)
    frozen = SEVERAL.copy()
    frozen.flags.writeable = False
    strided = np.repeat(SEVERAL, 2, axis=1)[:, ::2]
    for same in (frozen, strided, np.asfortranarray(SEVERAL), SEVERAL.astype(">f8"), SEVERAL.tolist()):
        assert_array_equal(spectral_error_matrix(same, order=4), expected)
        assert spectral_error(same[0], same[2], order=4) == spectral_error(SEVERAL[0], SEVERAL[2], order=4)
    overlapping = np.lib.stride_tricks.sliding_window_view(SEVERAL.ravel(), 300)[::150]
    assert_array_equal(spectral_error_matrix(overlapping, order=4), spectral_error_matrix(overlapping.copy(), order=4))
    pcm = np.rint(3e4 * SEVERAL / np.abs(SEVERAL).max()).astype(np.int16)
    assert_array_equal(spectral_error_matrix(pcm, order=4), spectral_error_matrix(pcm / 32768, order=4))


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"order": 0}, ValueError, "order must be in [1, 29], got 0"),
        ({"order": 30}, ValueError, "order must be in [1, 29], got 30"),
        ({"order": 16, "method": "covariance"}, ValueError, "order must be in [1, 15], got 16"),
        ({"order": "8"}, TypeError, "order must be an integer, got '8'"),
        ({"order": None}, TypeError, "order must be an integer, got None"),
        ({"order": 4, "lags": 0}, ValueError, "lags must be in [1, 33], got 0"),
        ({"order": 4, "lags": 34}, ValueError, "lags must be in [1, 33], got 34"),
        ({"order": 4, "lags": 2.5}, TypeError, "lags must be an integer, got 2.5"),
        ({"order": 4, "lags": "all"}, ValueError, "lags must be an integer or 'full', got 'all'"),
        ({"order": 4, "method": "lpc"}, ValueError, "method must be one of burg, covariance, yule_walker, got 'lpc'"),
    ],
)
def test_both_say_what_is_wrong_with_a_number(kwargs, error, message):
    for call in (
        lambda: spectral_error(*np.eye(2, 30), **kwargs),
        lambda: spectral_error_matrix(np.eye(2, 30), **kwargs),
    ):
        with pytest.raises(error, match=re.escape(message)):
            call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: spectral_error_matrix(np.ones(9), order=2),
            "windows must have exactly 2 dimension(s), got shape (9,)",
        ),
        (lambda: spectral_error_matrix(np.ones((2, 1)), order=1), "windows must have at least 2 sample(s)"),
        (lambda: spectral_error_matrix(np.ones((0, 9)), order=1), "got shape (0, 9)"),
        (lambda: spectral_error_matrix([[1.0, np.inf]], order=1), "windows must be finite, got inf at index (0, 1)"),
        (lambda: spectral_error([1.0, 2.0], [1.0], order=1), "must have one length, got 2 and 1 samples"),
        (lambda: spectral_error([], [], order=1), "reference must have at least 1 sample(s)"),
        (lambda: spectral_error([1.0, 2.0], [[1.0, 2.0]], order=1), "sliding must have exactly 1 dimension(s)"),
        (lambda: spectral_error([1.0, 2.0], [1.0, np.nan], order=1), "sliding must be finite, got nan at index 1"),
    ],
)
def test_they_say_what_is_wrong_with_windows(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(("order", "lags"), [(1, 1), (4, 20), (16, 20), (12, 50)])
def test_quick_factors_give_the_measure_to_eight_digits(order, lags):
    rng = np.random.default_rng(0)
    y = np.stack([synth.ar_noise([1.0, -a, 0.5], 700, random_state=rng) for a in np.linspace(-1.2, 1.2, 9)])
    y[3] = np.sin(0.3 * np.arange(700)) + 1e-3 * y[4]
    y /= np.abs(y).max(axis=1, keepdims=True)
    exact, quick = (make(y, order=order, lags=lags) for make in (spectral_error_factors, quick_factors))
    assert_allclose(spectral_error_product(quick, quick), spectral_error_product(exact, exact), rtol=1e-8, atol=1e-10)
    assert_allclose(quick.level, (y * y).sum(axis=1), rtol=1e-12)


@pytest.mark.realdata
def test_quick_factors_of_a_recording(data):
    y, sr = load(min((data / "librosa_audio_ccby").glob("*Sugar*.ogg")), sr=22050)
    y = y[: 40 * sr].reshape(40, sr).astype(float)
    exact, quick = (make(y, order=16, lags=20) for make in (spectral_error_factors, quick_factors))
    exact, quick = (spectral_error_product(factors, factors) for factors in (exact, quick))
    assert_allclose(quick, exact, rtol=1e-6)
    assert np.median(np.abs(quick / exact - 1.0)) < 1e-10
