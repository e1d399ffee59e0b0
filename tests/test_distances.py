"""Distances between windows: invariances of timbre, explicit formulas, and parts that are those of the whole."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from audiofeat import distances, mel_frequencies, melspectrogram, spectral_error_matrix, synth
from audiofeat.distances import diagonal, feature_distances, fused, spectral_error_distances, timbre
from audiofeat.sem import spectral_error_factors

ALL = slice(None)
samples = st.floats(-1.0, 1.0)


def noise(n_windows, n_samples, seed=0):
    """Windows of different colours, at different levels."""
    rng = np.random.default_rng(seed)
    colours = rng.uniform(-0.95, 0.95, n_windows)
    y = [synth.ar_noise([1.0, a], n_samples, random_state=rng) for a in colours]
    return np.stack(y) * 10.0 ** rng.uniform(-2, 2, (n_windows, 1))


# --- timbre


SR = 22050.0


def slow_timbre(window):
    """Mean of dB spectra in 128 overlapping triangles, as librosa has them."""
    import librosa

    n_fft = 2 ** int(np.log2(min(2048, len(window))))
    spectrum = librosa.stft(window, n_fft=n_fft, hop_length=n_fft // 4, center=False)
    bank = librosa.filters.mel(sr=SR, n_fft=n_fft, dtype=np.float64)
    bands = bank @ np.abs(spectrum) ** 2
    with np.errstate(divide="ignore"):
        decibels = np.maximum(10.0 * np.log10(bands / bands.max()), -80.0)
    return decibels.mean(axis=1) - decibels.mean()


@pytest.mark.parametrize("n_samples", [512, 1000, 2048, 2049, 6000])
@pytest.mark.filterwarnings("ignore:Empty filters detected")
def test_timbre_is_the_mean_of_decibels_in_bands(n_samples):
    y = noise(3, n_samples)
    y[2] = np.cos(0.3 * np.arange(n_samples))  # far bands are at the floor
    found = timbre(y, SR)
    assert found.shape == (3, 128)
    for row, window in zip(found, y, strict=True):
        assert_allclose(row, slow_timbre(window), atol=1e-6)


@given(
    y=st.tuples(st.integers(1, 5), st.integers(2, 600)).flatmap(lambda shape: arrays(float, shape, elements=samples)),
    power=st.integers(-30, 30),
)
def test_timbre_sees_neither_level_nor_polarity_nor_other_windows(y, power):
    bands = timbre(y, SR)
    assert bands.shape == (len(y), 128)
    assert np.isfinite(bands).all()
    assert_allclose(bands.mean(axis=1), 0.0, atol=1e-9)
    assert np.ptp(bands, axis=1).max() <= 80.0
    assert_array_equal(timbre(-(2.0**power) * y, SR), bands)
    for row, window in zip(bands, y, strict=True):
        assert_allclose(timbre(window[None], SR)[0], row, atol=1e-6)


@pytest.mark.parametrize("gain", [1e-100, 0.3, 1e100])
def test_any_gain_leaves_the_timbre(gain):
    y = noise(4, 3000)
    assert_allclose(timbre(gain * y, SR), timbre(y, SR), atol=1e-9)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 17, 5000])
def test_silence_has_no_timbre(n_samples):
    assert_array_equal(timbre(np.zeros((2, n_samples)), SR), np.zeros((2, 128)))


def test_dc_a_tone_and_a_click_are_where_they_are():
    t = np.arange(4096)
    dc, low, high, click = timbre(np.stack([np.ones(4096), np.cos(0.4 * t), np.cos(2.2 * t), t == 1500]), SR)
    assert dc.argmax() == 0
    centres = mel_frequencies(130, fmax=SR / 2)[1:-1]
    for bands, frequency in ((low, 0.4), (high, 2.2)):
        assert bands.argmax() == pytest.approx(np.argmin(np.abs(centres - frequency / (2.0 * np.pi) * SR)), abs=1)
    assert_allclose(click, 0.0, atol=0.5)  # white
    assert min(np.ptp(dc), np.ptp(low), np.ptp(high)) > 60.0


def test_float32_and_views_are_read_alike():
    y = noise(6, 1500).astype(np.float32)
    assert_allclose(timbre(y, SR), timbre(y.astype(float), SR), atol=1e-2)
    views = y[::2, ::-1]
    views.flags.writeable = False
    assert_array_equal(timbre(views, SR), timbre(views.copy(), SR))


# --- feature_distances


@given(bands=arrays(float, st.tuples(st.integers(1, 9), st.integers(1, 6)), elements=st.floats(-80.0, 80.0)))
def test_feature_distances_are_root_mean_squares(bands):
    tile = feature_distances(bands)
    whole = tile(ALL, ALL)
    expected = cdist(bands, bands) / np.sqrt(bands.shape[1])
    near = 1e-4 * np.abs(bands).max()  # closer is equal
    assert_allclose(whole, np.where(expected <= near, whole, expected), rtol=1e-6, atol=1e-6)
    assert (whole[expected <= near] <= near * (1 + 1e-6)).all()
    assert not whole[(bands[:, None] == bands).all(axis=-1)].any()
    n = len(bands)
    for i, j in [(slice(0, n // 2 + 1), slice(n // 2, n)), (slice(None, None, 2), slice(1, n))]:
        assert_allclose(tile(i, j), whole[i, j], rtol=1e-9, atol=1e-9)


def test_windows_that_sound_equal_are_at_distance_zero():
    y = noise(5, 2000)
    bands = timbre(np.concatenate([y, 3.7 * y, y]), SR)
    whole = feature_distances(bands)(ALL, ALL)
    assert_array_equal(whole == 0.0, np.tile(np.eye(5, dtype=bool), (3, 3)))
    assert_array_equal(feature_distances(np.zeros((3, 128)))(ALL, ALL), np.zeros((3, 3)))


# --- spectral_error_distances


@pytest.mark.parametrize("lags", [20, "full"])
def test_spectral_error_distances_are_logarithms_of_the_excess(lags):
    y = noise(7, 800)
    y /= np.sqrt((y * y).mean(axis=1, keepdims=True))
    S = spectral_error_matrix(y, order=6, lags=lags)
    expected = np.zeros((7, 7))
    for i in range(7):
        for j in range(7):
            excess = (S[i, j] + S[j, i]) / 2.0 - (S[i, i] + S[j, j]) / 2.0
            expected[i, j] = np.log1p(max(excess, 0.0) / 0.1)
    found = spectral_error_distances(spectral_error_factors(y, order=6, lags=lags))(ALL, ALL)
    assert_allclose(found, expected, rtol=1e-9, atol=1e-7)
    assert_array_equal(found, found.T)
    assert_array_equal(found == 0.0, np.eye(7, dtype=bool))


@pytest.mark.parametrize("lags", [20, "full"])
def test_parts_are_those_of_the_whole_and_equal_windows_are_at_distance_zero(lags):
    y = noise(75, 400)  # more than the windows of one block on the diagonal
    y /= np.sqrt((y * y).mean(axis=1, keepdims=True))
    t = np.arange(400)
    y = np.concatenate([y, y, np.stack([np.cos(0.2 * t), np.sign(np.cos(0.02 * t)), np.cos(0.2 * t)])])
    tile = spectral_error_distances(spectral_error_factors(y, order=8, lags=lags))
    whole = tile(slice(0, 153), slice(0, 153))
    assert_array_equal(whole, whole.T)
    same = (y[:, None] == y).all(axis=-1)
    assert_array_equal(whole[same], 0.0)
    for i, j in [(slice(0, 40), slice(100, 153)), (slice(100, 153), slice(0, 40)), (slice(0, 153, 5), slice(3, 4))]:
        assert_allclose(tile(i, j), whole[i, j], rtol=1e-12, atol=1e-12)
        assert not tile(i, j)[same[i, j]].any()


# --- fused, diagonal


def part_of(matrix):
    return lambda i, j: matrix[i, j]


@given(
    first=arrays(float, (7, 7), elements=st.floats(0.0, 9.0)),
    second=arrays(float, (7, 7), elements=st.sampled_from([0.0, 0.5, 2.0])),
)
def test_fused_distances_are_sums_over_medians_or_floors(first, second):
    first, second = first + first.T, second + second.T
    upper = np.triu_indices(7, 1)
    expected = first / max(np.median(first[upper]), 3.0) + 0.3 * second / max(np.median(second[upper]), 0.25)
    tile = fused([(part_of(first), 3.0, 1.0), (part_of(second), 0.25, 0.3)], 7)
    assert_allclose(tile(ALL, ALL), expected, rtol=1e-14)
    assert_allclose(tile(slice(0, 3), slice(2, 7)), expected[:3, 2:], rtol=1e-14)


@pytest.mark.parametrize(("n", "step"), [(2, 1), (5, 1), (6, 2), (10, 2), (11, 3)])
def test_a_median_looks_at_few_windows_spread_over_all(n, step, monkeypatch):
    monkeypatch.setattr(distances, "THINNED", 5)
    D = np.arange(float(n * n)).reshape(n, n)
    D += D.T
    thin = D[::step, ::step]
    assert len(thin) <= 5
    expected = D / np.median(thin[np.triu_indices(len(thin), 1)])
    assert_allclose(fused([(part_of(D), 1e-3, 1.0)], n)(ALL, ALL), expected, rtol=1e-14)


@pytest.mark.parametrize("offset", [0, 1, 3])
@pytest.mark.parametrize("n", [1, 4, 63, 64, 65, 67, 128, 200])
def test_a_diagonal_from_blocks_is_that_of_the_matrix(n, offset):
    D = np.arange(float(n * n)).reshape(n, n)

    def tile(i, j):
        assert i.stop - i.start <= 64 + offset
        return D[i, j]

    assert_array_equal(diagonal(tile, n, offset), np.diagonal(D, offset))


def test_the_twin_of_the_mel_spectrogram_is_one():
    y = np.random.default_rng(0).uniform(-1, 1, (3, 3000))
    framing = {"n_fft": 512, "hop_length": 128, "center": False}
    assert_allclose(melspectrogram(y, 8000, **framing), reference.melspectrogram(y, 8000, **framing))
