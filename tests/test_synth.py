"""The synthetic signals are what they say: spectra, variances, boundaries, repetitions."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import freqz, lfilter, welch

from audiofeat import synth


@given(frequency=st.floats(0.0, 500.0), phase=st.floats(-4.0, 4.0), n_samples=st.integers(1, 3000))
def test_a_tone_is_its_formula(frequency, phase, n_samples):
    y = synth.tone(frequency, sr=1000, duration=n_samples / 1000, amplitude=0.3, phase=phase)
    assert y.shape == (n_samples,)
    assert_allclose(y, 0.3 * np.cos(2 * np.pi * frequency * np.arange(n_samples) / 1000 + phase), atol=1e-10)


def test_clicks_fall_on_their_samples():
    y = synth.clicks([0.25, 0.0, 0.9996], sr=1000, duration=1.001, amplitude=-2.0)
    assert_array_equal(np.flatnonzero(y), [0, 250, 1000])
    assert set(y[y != 0]) == {-2.0}
    assert not synth.clicks([], sr=8, duration=1.0).any()


def poles(draw_radius=0.95):
    """Prediction-error filters of up to three pole pairs."""
    pair = st.tuples(st.floats(0.0, draw_radius), st.floats(0.0, np.pi))
    return st.lists(pair, min_size=0, max_size=3).map(
        lambda pairs: np.real(np.poly([r * np.exp(1j * sign * angle) for r, angle in pairs for sign in (1, -1)]))
    )


@given(a=poles(), seed=st.integers(0, 2**32))
def test_whitening_ar_noise_gives_unit_innovations(a, seed):
    a = np.atleast_1d(a)
    residual = lfilter(a, [1.0], synth.ar_noise(a, 20_000, random_state=seed))[len(a) :]
    assert_allclose(residual.var(), 1.0, rtol=0.06)
    lags = [residual[k:] @ residual[: len(residual) - k] for k in range(1, 6)]
    assert np.abs(lags).max() / (residual @ residual) < 0.04


def test_the_first_sample_is_as_loud_as_the_others():  # stationary from the start: no burn-in is missing
    a = [1.0, -1.6, 0.95]
    rng = np.random.default_rng(0)
    starts = np.array([synth.ar_noise(a, 50, random_state=rng) for _ in range(4000)])
    _, response = freqz([1.0], a, 8192, whole=True)
    expected = np.mean(np.abs(response) ** 2)
    assert_allclose(starts.var(axis=0), expected, rtol=0.12)
    assert_allclose(starts[:, :25].var(), expected, rtol=0.03)


@pytest.mark.parametrize("a", [[1.0, -1.0], [1.0, 0.0, 1.0], [1.0, -2.5, 1.0], [0.5, 0.1], [], [1.0, np.nan]])
def test_unstable_or_unnormalised_filters_are_refused(a):
    with pytest.raises(ValueError, match="coefficients"):
        synth.ar_noise(np.array(a), 10, random_state=0)


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_regimes_have_equal_levels_and_their_own_resonance(k):
    numbers = [*range(1, k + 1), 1]
    truth = synth.ar_regimes(numbers, sr=1000, segment_duration=40.0, random_state=k)
    assert_array_equal(truth.boundaries, 40.0 * np.arange(k + 2))
    assert truth.labels == [chr(64 + c) for c in numbers]
    for c, segment in zip(numbers, truth.y.reshape(k + 1, -1), strict=True):
        assert_allclose(segment.var(), 1.0, rtol=0.06)
        f, power = welch(segment, fs=1000, nperseg=512)
        angle = np.pi * c / (k + 1)
        _, response = freqz([1.0], [1.0, -1.8 * np.cos(angle), 0.81], f, fs=1000)
        assert_allclose(f[power.argmax()], f[np.abs(response).argmax()], atol=15)
    first, *_, last = truth.y.reshape(k + 1, -1)
    assert not np.array_equal(first, last)  # one regime, another realisation


def test_letters_are_numbers_and_the_number_of_regimes_sets_the_angles():
    letters, numbers = (
        synth.ar_regimes(sequence, sr=8000, segment_duration=0.1, random_state=3)
        for sequence in ("ABACBA", [1, 2, 1, 3, 2, 1])
    )
    assert_array_equal(letters.y, numbers.y)
    assert letters.labels == numbers.labels == list("ABACBA")
    wider = synth.ar_regimes("ABACBA", sr=8000, segment_duration=0.1, n_regimes=5, random_state=3)
    assert not np.array_equal(wider.y, letters.y)
    assert_allclose(letters.intervals, np.column_stack([np.arange(6), np.arange(1, 7)]) * 0.1)


@pytest.fixture(scope="module")
def default_song():
    return synth.song(random_state=0)


def sections(truth):
    edges = np.rint(truth.boundaries * truth.sr).astype(int)
    return [truth.y[start:stop] for start, stop in pairwise(edges)]


def test_a_song_is_normalised_and_ends_with_its_last_boundary(default_song):
    assert default_song.labels == list("ABCBCDC")
    assert_array_equal(default_song.boundaries, [0, 8, 24, 32, 48, 56, 64, 72])
    assert len(default_song.y) == 72 * 22050
    assert_allclose(np.abs(default_song.y).max(), 0.9)
    assert np.abs([section[[0, -1]] for section in sections(default_song)]).max() < 1e-3  # faded: no clicks


@pytest.mark.parametrize("seed", range(3))
def test_repetitions_sound_alike_and_are_not_copies(seed):
    truth = synth.song("ABCDEFABCDEF", sr=11025, random_state=seed)
    parts = sections(truth)
    spectra = np.array([np.log(welch(part, nperseg=512)[1] + 1e-9) for part in parts])
    distance = np.abs(spectra[:6, None] - spectra[None, 6:]).mean(axis=-1)
    assert_array_equal(distance.argmin(axis=1), range(6))
    assert np.diag(distance).max() < 0.6 * distance[~np.eye(6, dtype=bool)].min()
    for first, second in zip(parts[:6], parts[6:], strict=True):
        assert np.corrcoef(first, second)[0, 1] < 0.8
        assert abs(20 * np.log10(np.std(second) / np.std(first))) < 4.0


@pytest.mark.parametrize(("sr", "tempo"), [(4000, 300.0), (44100, 97.3), (22050, 30.0), (8000.5, 120.0)])
def test_boundaries_lie_on_samples_at_every_rate_and_tempo(sr, tempo):
    truth = synth.song("AB", sr=sr, tempo=tempo, random_state=0, dtype="float32")
    samples = truth.boundaries * sr
    assert_allclose(samples, np.rint(samples), atol=1e-6)
    assert np.rint(samples[-1]) == len(truth.y)
    assert_allclose(truth.boundaries, np.array([0, 4, 12]) * 240 / tempo, atol=0.51 / sr)
    assert truth.y.dtype == np.float32
    assert np.isfinite(truth.y).all()


MAKERS = {
    "ar_noise": lambda state: synth.ar_noise([1.0, -0.5], 100, random_state=state),
    "ar_regimes": lambda state: synth.ar_regimes("AB", sr=100, segment_duration=1, random_state=state).y,
    "song": lambda state: synth.song("A", sr=4000, random_state=state).y,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_random_state_decides_everything_and_nothing_global_moves(make):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    y = make(7)
    assert_array_equal(y, make(7))
    assert_array_equal(y, make(np.random.default_rng(7)))
    assert not np.array_equal(y, make(8))
    assert not np.array_equal(make(None), make(None))
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_float32_is_float64_rounded_once():
    for dtype in (np.float32, "float32", np.dtype("f4")):
        narrow = synth.song("A", sr=4000, random_state=0, dtype=dtype)
        wide = synth.song("A", sr=4000, random_state=0)
        assert narrow.y.dtype == np.float32
        assert_array_equal(narrow.y, wide.y.astype(np.float32))


WRONG = [
    (lambda: synth.tone(501.0, sr=1000, duration=1.0), r"frequency must be in \[0, 500\], got 501"),
    (lambda: synth.tone(1.0, sr=0, duration=1.0), "sr must be > 0"),
    (lambda: synth.tone(1.0, sr=10, duration=0.01), "duration must be at least one sample, 0.1 s, got 0.01"),
    (lambda: synth.tone(1.0, sr=10, duration=1.0, dtype="int16"), "dtype must be one of float32, float64"),
    (lambda: synth.clicks([1.0], sr=10, duration=1.0), "times must be before the end, 1 s, got 1"),
    (lambda: synth.clicks([np.nan], sr=10, duration=1.0), "times must be >= 0, got nan"),
    (lambda: synth.ar_noise([1.0], 0), "n_samples must be >= 1, got 0"),
    (lambda: synth.ar_regimes("", sr=10, segment_duration=1), "sequence must have at least 1 segment"),
    (lambda: synth.ar_regimes("AC", sr=10, segment_duration=1, n_regimes=2), r"sequence must hold .* A to B"),
    (lambda: synth.ar_regimes("Aa", sr=10, segment_duration=1), "sequence must hold"),
    (lambda: synth.ar_regimes(["AB"], sr=10, segment_duration=1), "sequence must hold"),
    (lambda: synth.ar_regimes([0, 1], sr=10, segment_duration=1), "sequence must be >= 1, got 0"),
    (lambda: synth.ar_regimes("A", sr=10, segment_duration=0), "segment_duration must be at least one"),
    (lambda: synth.ar_regimes("A", sr=10, segment_duration=1, radius=1.0), r"radius must be in \[0, 1\)"),
    (lambda: synth.song(""), "form must have 1 to 6 distinct labels, got 0"),
    (lambda: synth.song("ABCDEFG"), "form must have 1 to 6 distinct labels, got 7"),
    (lambda: synth.song("A", sr=3999), "sr must be >= 4000"),
    (lambda: synth.song("A", tempo=0), r"tempo must be in \[30, 300\], got 0"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_errors_name_the_argument_the_limit_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_song_is_made_fast():
    start = time.process_time()
    synth.song(random_state=1)
    assert time.process_time() - start < 5.0  # half a second on one quiet core
