"""Descriptors against librosa, on signals made and recorded, and by the physics of their definitions."""

import warnings

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

import audiofeat
from audiofeat import (
    chroma_stft,
    load,
    poly_features,
    rms,
    spectral_bandwidth,
    spectral_centroid,
    spectral_contrast,
    spectral_flatness,
    spectral_rolloff,
    tonnetz,
    zero_crossing_rate,
)
from audiofeat._kernels.peaks import find_peaks
from audiofeat.descriptors.chroma import peaks_of, tuning_of

SR = 22050
WITHOUT_RATE = ("rms", "zero_crossing_rate", "spectral_flatness")
NAMES = (
    "chroma_stft",
    "poly_features",
    "rms",
    "spectral_bandwidth",
    "spectral_centroid",
    "spectral_contrast",
    "spectral_flatness",
    "spectral_rolloff",
    "tonnetz",
    "zero_crossing_rate",
)


def signal(n_samples=20000, sr=SR):
    """Chords over noise that fades, with a click and a silence."""
    rng = np.random.default_rng(0)
    t = np.arange(n_samples) / sr
    y = sum(np.sin(2 * np.pi * f * t) / (k + 1) for k, f in enumerate((263.0, 331.0, 394.0, 1200.0)))
    y = 0.2 * y * np.sign(np.sin(2 * np.pi * 0.9 * t)) + 0.05 * rng.standard_normal(n_samples) * np.exp(-2 * t)
    y[n_samples // 2] += 1.0
    y[-n_samples // 5 :] = 0.0
    return y


def ours(name, y, sr=SR, **options):
    function = getattr(audiofeat, name)
    return function(y, **options) if name in WITHOUT_RATE else function(y, sr, **options)


def theirs(name, y, sr=SR, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about short signals, and tuning without a peak
        if name == "tonnetz":
            return librosa.feature.tonnetz(chroma=librosa.feature.chroma_stft(y=y, sr=sr, **options))
        function = getattr(librosa.feature, name)
        if name in ("rms", "zero_crossing_rate"):
            return function(y=y, **options)
        return function(y=y, **options) if name in WITHOUT_RATE else function(y=y, sr=sr, **options)


def assert_equal_to_librosa(name, y, sr=SR, **options):
    """1e-6 relative in float64 and 1e-4 in float32; what cancels to next to nothing counts by the largest value."""
    found, expected = ours(name, y, sr, **options), theirs(name, y, sr, **options)
    assert found.dtype == y.dtype
    assert found.shape == expected.shape
    rtol = 1e-6 if y.dtype == np.float64 else 1e-4
    away = np.abs(found - expected) > rtol * np.abs(expected) + 0.02 * rtol * np.abs(expected).max(initial=0.0)
    # A sum next to the share: librosa adds float32 one by one.
    allowed = 0.002 * away.size if name == "spectral_rolloff" and y.dtype == np.float32 else 0.0
    assert away.sum() <= allowed, (found[away][:3], expected[away][:3])


OPTIONS = [
    *((name, {}) for name in NAMES),
    *((name, {"hop_length": 300, "center": False}) for name in NAMES),
    *(
        (name, {"n_fft": 1000, "win_length": 700, "hop_length": 250, "window": "hamming", "pad_mode": "reflect"})
        for name in NAMES
        if name not in ("rms", "zero_crossing_rate")
    ),
    ("rms", {"frame_length": 1500, "hop_length": 400, "pad_mode": "reflect"}),
    ("zero_crossing_rate", {"frame_length": 1500, "hop_length": 400}),
    ("zero_crossing_rate", {"threshold": 0.05}),
    ("spectral_bandwidth", {"p": 3.0}),
    ("spectral_bandwidth", {"p": 1.0}),
    ("spectral_bandwidth", {"p": 0.5, "norm": False}),
    ("spectral_rolloff", {"roll_percent": 0.5}),
    ("spectral_rolloff", {"roll_percent": 0.01}),
    ("spectral_flatness", {"power": 1.0, "amin": 1e-3}),
    ("spectral_flatness", {"power": 1.7}),
    ("spectral_contrast", {"n_bands": 4, "fmin": 100.0, "quantile": 0.2}),
    ("spectral_contrast", {"linear": True, "quantile": 0.9}),
    ("spectral_contrast", {"n_bands": 1, "fmin": 5000.0, "quantile": 0.05}),
    ("chroma_stft", {"norm": None}),
    ("chroma_stft", {"norm": 1.0, "tuning": 0.3}),
    ("chroma_stft", {"norm": 2.5, "n_chroma": 24}),
    ("chroma_stft", {"octwidth": None, "base_c": False, "n_chroma": 36}),
    ("chroma_stft", {"ctroct": 3.0, "octwidth": 1.0, "n_fft": 4096}),
    ("tonnetz", {"n_chroma": 24, "tuning": -0.2}),
    ("poly_features", {"order": 0}),
    ("poly_features", {"order": 3}),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_every_descriptor_is_librosas(name, options, dtype):
    assert_equal_to_librosa(name, signal().astype(dtype), **options)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_descriptors_of_recordings_are_librosas(name, dtype, data):
    paths = sorted((data / "librosa_audio_ccby").glob("*.ogg"))
    assert len(paths) == 10
    for path in paths:
        y, sr = load(path, sr=SR)
        assert_equal_to_librosa(name, y[-10 * sr :].astype(dtype), sr)


def test_the_estimated_tuning_is_librosas():
    t = np.arange(2 * SR) / SR
    for cents in (-40, -10, 0, 25, 49):
        tones = [np.sin(2 * np.pi * 440.0 * 2 ** ((n + cents / 100) / 12) * t) for n in (-9, -5, -2, 0, 8)]
        assert_equal_to_librosa("chroma_stft", np.sum(tones, axis=0))
        chroma = chroma_stft(np.sum(tones, axis=0), SR)
        assert_array_equal(np.sort(chroma.mean(axis=1).argsort()[-5:]), [0, 4, 5, 7, 9])  # C, E, F, G, A


def peaks(columns, low, high, least=0.0):
    levels = np.array(columns, np.float32).T.copy()
    places, heights, found = np.empty(40, np.float32), np.empty(40, np.float32), np.zeros(1, np.intp)
    find_peaks(levels, low, high, np.full(levels.shape[1], least, np.float32), places, heights, found)
    return places[: found[0]].tolist(), heights[: found[0]].tolist()


def test_peaks_are_those_of_parabolas():
    assert peaks([[0, 0, 3, 4, 3, 0, 0]], 1, 6) == ([3.0], [4.0])
    x = np.arange(7)
    places, heights = peaks([5.0 - (x - 3.3) ** 2], 1, 6, least=0.0)
    assert_allclose(places, [3.3], rtol=1e-6)
    assert_allclose(heights, [5.0], rtol=1e-6)
    assert peaks([[0, 1, 0, 2, 0]], 1, 4, least=1.0) == ([3.0], [2.0])  # above, not at
    assert peaks([[0, 1, 1, 0]], 1, 3)[0] == [1.5]  # the first of two alike
    assert peaks([[0, 1, 0], [0, 0, 1]], 1, 3) == ([1.0, 2.0], [1.0, 1.0])  # the last row, which has no other side
    near = np.nextafter(np.float32(1), np.float32(0))  # the sum of the sides rounds to twice the middle
    assert peaks([[near, 1.0, 1.0, 0.5]], 1, 3) == ([1.0], [1.0])


def test_the_tuning_is_that_of_peaks_as_high_as_the_median():
    def peak(semitones, height):
        return np.array([440.0 * 2.0 ** (semitones / 12)]), np.array([height])

    assert tuning_of([peak(3.305, 3.0), peak(-7.195, 2.0), peak(0.405, 1.0)], 12) == pytest.approx(-0.2)
    assert tuning_of([peak(3.305, 3.0), peak(-6.695, 2.0), peak(0.405, 1.0)], 12) == pytest.approx(0.3)
    assert tuning_of([peak(1.555, 1.0)], 12) == pytest.approx(-0.45)
    assert tuning_of([(np.zeros(0), np.zeros(0))], 12) == 0.0


@pytest.mark.parametrize(("hz", "n"), [(140, 0), (149, 0), (150, 1), (3999, 1), (4000, 0)])
def test_the_tuning_is_that_of_peaks_from_150_to_4000_hz(hz, n):
    P = np.zeros((5001, 3))
    P[hz] = 1.0
    pitches, heights = peaks_of(P, 10000.0, 10000)
    assert_array_equal(pitches, np.repeat(float(hz), 3 * n))
    assert_array_equal(heights, np.ones(3 * n))


def test_chroma_does_not_depend_on_the_level():
    assert_allclose(chroma_stft(1e-5 * signal(), SR), chroma_stft(signal(), SR), rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_items(name):
    y = np.stack([signal(6000), 1e-3 * signal(6000)[::-1], np.zeros(6000)]).reshape(3, 1, 6000)
    found = ours(name, y, hop_length=200)
    assert found.shape[:2] == (3, 1)
    for item, expected in zip(found, y, strict=True):
        assert_array_equal(item[0], ours(name, expected[0], hop_length=200))


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_does_not_depend_on_where_blocks_end(name):
    options = {"tuning": 0.1} if name in ("chroma_stft", "tonnetz") else {"linear": True}
    options = options if name in ("chroma_stft", "tonnetz", "spectral_contrast") else {}
    y = np.random.default_rng(1).uniform(-1.0, 1.0, 2048 + 64 * 777)  # 778 frames, in seven blocks
    whole = ours(name, y, center=False, hop_length=64, **options)
    assert whole.shape[-1] == 778
    for t in (0, 127, 128, 255, 256, 511, 512, 767, 777):
        frame = y[64 * t : 64 * t + 2048]
        assert_allclose(whole[:, t], ours(name, frame, center=False, **options)[:, 0], rtol=1e-12, atol=1e-12)


SILENT = {"spectral_flatness": 1.0}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_silence_has_its_documented_value(name, dtype):
    found = ours(name, np.zeros(5000, dtype))
    assert found.dtype == dtype
    assert_allclose(found, SILENT.get(name, 0.0), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("y", [np.ones(1), np.full(3000, -0.7), np.eye(1, 4000, 1900)[0]], ids=["one", "dc", "click"])
def test_odd_signals_are_librosas_without_a_warning(name, y, dtype):
    y = y.astype(dtype)
    assert np.isfinite(ours(name, y)).all()
    options = {"tuning": 0.0} if name in ("chroma_stft", "tonnetz") else {}  # the peaks of a click are rounding noise
    found, expected = ours(name, y, **options), theirs(name, y.astype(np.float64), **options)
    if y[0] < 0 and name in ("spectral_flatness", "spectral_contrast"):
        return  # and so are the valleys of DC
    assert_allclose(found, expected, rtol=1e-3, atol=max(1e-12, 1e-5 * np.abs(expected).max()))


@pytest.mark.parametrize("level", [1e-30, 1e30])
@pytest.mark.parametrize("name", ["spectral_centroid", "spectral_bandwidth", "spectral_rolloff", "zero_crossing_rate"])
def test_shape_does_not_depend_on_the_level(name, level):
    y = np.random.default_rng(0).uniform(-1.0, 1.0, 5000).astype(np.float32)
    loud = (np.float32(level) * y).astype(np.float32)
    options = {"threshold": 0.0} if name == "zero_crossing_rate" else {}
    assert_allclose(ours(name, loud, **options), ours(name, y, **options), rtol=2e-3)


def test_samples_as_far_from_0_as_the_threshold_are_0():
    y = np.tile([0.5, -0.5, 1.0, -1.0], 100)
    assert_equal_to_librosa("zero_crossing_rate", y, threshold=0.5)
    assert zero_crossing_rate(y, threshold=0.5, frame_length=8, hop_length=8, center=False)[0, 0] == 3 / 8


def test_a_bin_at_the_edge_of_a_band_is_in_both():
    assert_equal_to_librosa("spectral_contrast", signal(sr=25600), 25600, quantile=0.1)  # 12.5 Hz: bin 16 is at 200


def test_contrast_of_loud_signals_is_librosas():
    for dtype in (np.float32, np.float64):
        assert_equal_to_librosa("spectral_contrast", (1e6 * signal()).astype(dtype), linear=True)


def test_a_tone_has_its_frequency():
    y = np.sin(2 * np.pi * 3000.0 / SR * np.arange(SR))
    inner = slice(4, -4)
    assert_allclose(spectral_centroid(y, SR)[0, inner], 3000.0, rtol=1e-2)
    assert_allclose(spectral_rolloff(y, SR)[0, inner], 3000.0, atol=2 * SR / 2048)
    assert (spectral_bandwidth(y, SR)[0, inner] < 300.0).all()
    assert (spectral_flatness(y)[0, inner] < 1e-5).all()
    assert_allclose(rms(y)[0, inner], np.sqrt(0.5), rtol=1e-3)
    assert_allclose(zero_crossing_rate(y)[0, inner], 2 * 3000.0 / SR, rtol=1e-2)


def test_white_noise_is_flat():
    y = np.random.default_rng(0).standard_normal(20 * SR)
    assert_allclose(spectral_flatness(y).mean(), np.exp(-np.euler_gamma), rtol=0.01)
    assert_allclose(spectral_centroid(y, SR).mean(), SR / 4, rtol=0.01)
    assert_allclose(spectral_rolloff(y, SR).mean(), 0.85 * SR / 2, rtol=0.01)
    slope, level = poly_features(y, SR).mean(axis=1)
    assert abs(slope * SR / 2) < 0.01 * level


def test_a_fifth_is_near_on_the_tonnetz_and_a_tritone_far():
    t = np.arange(SR) / SR
    c, g, f_sharp = (tonnetz(np.sin(2 * np.pi * f * t), SR, tuning=0.0)[:, 20] for f in (261.63, 392.0, 369.99))
    assert np.linalg.norm(c - g) < np.linalg.norm(c - f_sharp)


def test_contrast_is_high_for_tones_and_low_for_noise():
    noise = np.random.default_rng(0).standard_normal(SR)
    tones = sum(np.sin(2 * np.pi * f / SR * np.arange(SR)) for f in (150, 300, 600, 1200, 2400, 4800, 9000))
    assert (spectral_contrast(tones, SR)[:, 4:-4].mean(axis=1) > 5 + spectral_contrast(noise, SR).mean(axis=1)).all()


@given(
    y=arrays(np.float64, st.integers(1, 400), elements=st.floats(-1.0, 1.0, width=16)),
    n_fft=st.sampled_from([16, 31, 50]),
    hop_length=st.integers(1, 40),
    name=st.sampled_from(["rms", "zero_crossing_rate", "spectral_centroid", "spectral_bandwidth", "spectral_flatness"]),
)
def test_any_signal_is_librosas(y, n_fft, hop_length, name):
    size = "frame_length" if name in ("rms", "zero_crossing_rate") else "n_fft"
    options = {size: n_fft, "hop_length": hop_length}
    expected = theirs(name, y, **options)
    # rounding noise of bins that are 0 moves a bandwidth that is 0, and centroids of denormal spectra
    assert_allclose(ours(name, y, **options), expected, rtol=1e-6, atol=1e-4 * max(1.0, np.abs(expected).max()) * 1e-3)


@given(y=arrays(np.float64, st.integers(1, 300), elements=st.floats(-1.0, 1.0, width=16)))
def test_ranges(y):
    options = {"n_fft": 32, "hop_length": 16}
    assert (rms(y, frame_length=32, hop_length=16) <= 1.0 + 1e-12).all()
    for name, top in (("spectral_centroid", 500.0), ("spectral_bandwidth", 500.0), ("spectral_rolloff", 500.0)):
        found = ours(name, y, 1000.0, **options)
        assert ((found >= 0.0) & (found <= top * (1.0 + 1e-9))).all()
    chroma = chroma_stft(y, 1000.0, tuning=0.0, **options)
    assert ((chroma >= 0.0) & (chroma <= 1.0)).all()
    flatness = spectral_flatness(y, **options)
    assert ((flatness >= 0.0) & (flatness <= 1.0 + 1e-9)).all()


def test_views_and_other_dtypes_are_taken():
    y = signal(6000)
    strided = np.repeat(y, 2)[::2]
    strided.flags.writeable = False
    pcm = np.round(y * 20000).astype(np.int16)
    for name in NAMES:
        assert_array_equal(ours(name, strided), ours(name, y))
        assert_array_equal(ours(name, pcm), ours(name, pcm / 32768.0))


WRONG = [
    ("spectral_centroid", {"sr": 0.0}, r"sr must be > 0, got 0.0"),
    ("spectral_centroid", {"n_fft": 0}, r"n_fft must be >= 1, got 0"),
    ("spectral_bandwidth", {"p": 0.0}, r"p must be > 0, got 0.0"),
    ("spectral_rolloff", {"roll_percent": 1.0}, r"roll_percent must be in \(0, 1\), got 1.0"),
    ("spectral_rolloff", {"roll_percent": 0.0}, r"roll_percent must be in \(0, 1\], got 0.0"),
    ("spectral_flatness", {"amin": 0.0}, r"amin must be > 0, got 0.0"),
    ("spectral_flatness", {"power": -1.0}, r"power must be > 0, got -1.0"),
    (
        "spectral_contrast",
        {"n_bands": 7},
        r"n_bands must leave the last band's 12800 Hz below sr / 2 = 11025 Hz, got 7",
    ),
    ("spectral_contrast", {"n_fft": 64}, r"n_fft must be large enough for a bin from 0 to 200 Hz, got 64"),
    ("spectral_contrast", {"quantile": 1.0}, r"quantile must be in \(0, 1\), got 1.0"),
    ("chroma_stft", {"norm": 0.0}, r"norm must be > 0, got 0.0"),
    ("chroma_stft", {"n_chroma": 0}, r"n_chroma must be >= 1, got 0"),
    ("chroma_stft", {"tuning": np.nan}, r"tuning must be finite, got nan"),
    ("poly_features", {"order": -1}, r"order must be in \[0, 1024\], got -1"),
    ("zero_crossing_rate", {"threshold": -1.0}, r"threshold must be >= 0, got -1.0"),
    ("rms", {"frame_length": 9000, "center": False}, r"y must have at least n_fft = 9000 samples .* got 8000"),
]


@pytest.mark.parametrize(("name", "options", "message"), WRONG)
def test_wrong_arguments_are_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        ours(name, np.ones(8000), **options)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_signals_are_refused(name):
    with pytest.raises(ValueError, match="y must be finite, got nan at index 3"):
        ours(name, np.array([0.0, 1.0, 2.0, np.nan]))
    with pytest.raises(ValueError, match="y must have at least 1 sample"):
        ours(name, np.zeros(0))
    with pytest.raises(TypeError, match="y must hold floats"):
        ours(name, np.zeros(100, complex))
