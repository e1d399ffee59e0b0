"""Profiles of windows: against librosa's spectra, and by what sounds in them."""

import librosa
import numpy as np
import pytest
import scipy.fft
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat.profiles import N_SLICES, profile, rhythms

SR = 22050
HOP = 5512


def windows(n=3, sr=SR, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(sr) / sr
    return np.stack([np.sin(2 * np.pi * 220 * (i + 1) * t) + 0.3 * rng.standard_normal(sr) for i in range(n)])


def test_cepstra_are_those_of_the_median_mel_spectrum():
    y = windows()
    found = profile(y, SR, HOP)["cepstra"]
    for row, window in zip(found, y, strict=True):
        S = librosa.feature.melspectrogram(y=window, sr=SR, center=False)
        bands = librosa.power_to_db(S, ref=np.max, top_db=80.0)
        assert_allclose(row, scipy.fft.dct(np.median(bands, axis=1), norm="ortho")[1:20], atol=2e-2)


@pytest.mark.parametrize("sr", [8000, 22050, 44100])
@pytest.mark.parametrize("midi", [45, 60, 69, 81])
def test_a_tone_is_its_semitone_and_its_pitch_class(sr, midi):
    y = np.sin(2 * np.pi * librosa.midi_to_hz(midi) / sr * np.arange(sr))[None]
    found = profile(y, sr, sr // 4)
    assert abs(int(found["semitones"][0].argmax()) - (midi - 24)) <= (1 if midi < 60 else 0)  # the first C is 24
    assert found["chroma"][0].argmax() == midi % 12
    assert_allclose(found["chroma"].sum(axis=1), 1.0, rtol=0.05)


@pytest.mark.parametrize("gain", [1e-6, 1.0, 2.0**20])
def test_the_level_does_not_count_but_in_slices(gain):
    y = windows()
    expected, found = profile(y, SR, HOP), profile(gain * y, SR, HOP)
    for name in ("cepstra", "dynamics", "semitones", "chroma"):
        assert_allclose(found[name], expected[name], atol=2e-3)
    assert_allclose(found["slices"] - expected["slices"], 20 * np.log10(gain), atol=2e-3)


def test_a_window_is_profiled_alone():
    y = windows()
    together = profile(y, SR, HOP)
    for i in range(3):
        for name, rows in profile(y[i : i + 1], SR, HOP).items():
            assert_allclose(rows[0], together[name][i], atol=1e-4)


@pytest.mark.parametrize("slice_", range(N_SLICES))
def test_a_click_is_loudest_in_its_slice(slice_):
    y = 1e-3 * np.random.default_rng(0).standard_normal((1, SR))
    y[0, (SR - HOP) // 2 + int((slice_ + 0.5) * HOP / N_SLICES)] = 1.0
    assert profile(y, SR, HOP)["slices"][0].mean(axis=1).argmax() == slice_


@pytest.mark.parametrize(("n_window", "n_hop"), [(1, 1), (2, 1), (40, 40), (700, 1), (2000, 2000)])
def test_short_windows_have_profiles(n_window, n_hop):
    y = np.random.default_rng(0).standard_normal((2, n_window))
    for values in profile(y, 8000.0, n_hop).values():
        assert len(values) == 2
        assert np.isfinite(values).all()
        assert values.dtype == np.float32


def test_dc_has_no_pitch_of_its_own():
    found = profile(np.ones((1, SR)), SR, HOP)
    assert all(np.isfinite(values).all() for values in found.values())


def test_dynamics_are_deviations_of_mel_levels():
    y = windows() * np.linspace(0.1, 1.0, SR)
    found = profile(y, SR, HOP)["dynamics"]
    for row, window in zip(found, y, strict=True):
        S = librosa.feature.melspectrogram(y=window, sr=SR, center=False)
        deviations = librosa.power_to_db(S, ref=np.max, top_db=80.0).std(axis=1)
        assert_allclose(row, deviations.reshape(64, 2).mean(axis=1), atol=2e-2)


def rhythm_of(period, n_windows=60, seconds=0.03125, gains=None):
    """Slices of windows with an onset every `period` slices, and what `rhythms` says of them."""
    levels = np.zeros((n_windows * N_SLICES, 64), np.float32)
    levels[::period] = 40.0
    slices = levels.reshape(n_windows, N_SLICES, 64)
    gains = np.zeros(n_windows) if gains is None else gains
    return rhythms(np.arange(n_windows), slices - gains[:, None, None].astype(np.float32), gains, seconds=seconds)


@pytest.mark.parametrize("period", [9, 13, 16, 23])
def test_a_rhythm_repeats_at_its_period(period):
    found = rhythm_of(period)
    assert found.shape == (60, 64)  # lags of 31 ms up to 2 s
    assert (found[20:40].argmax(axis=1) == period - 1).all()
    assert (found[20:40, period - 1] > 0.8).all()
    assert (found[20:40, period // 2] < 0.3).all()


def test_the_level_that_a_window_was_measured_at_is_no_onset():
    gains = np.random.default_rng(0).normal(0.0, 20.0, 60)
    assert_allclose(rhythm_of(13, gains=gains), rhythm_of(13), atol=1e-3)


def test_silence_has_no_onsets():
    assert_array_equal(
        rhythms(np.array([3, 9]), np.zeros((2, N_SLICES, 64), np.float32), np.zeros(2), seconds=0.03), 0.0
    )
