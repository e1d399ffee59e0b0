"""Each preset against what its source computes, in the shapes that its source gives."""

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose

from audiofeat import list_presets, preset


def noise(n_samples, dtype=np.float64):
    rng = np.random.default_rng(0)
    return (rng.uniform(-1, 1, n_samples) * np.linspace(0.01, 1, n_samples)).astype(dtype)


def mel_power(y, hop_length, **kwargs):
    return librosa.feature.melspectrogram(y=y, sr=22050, hop_length=hop_length, dtype=np.float64, **kwargs)


def like_librosa(y):
    return librosa.power_to_db(mel_power(y, 512))


def like_feng2017(y):
    starts = range(0, len(y) - 1023, 512)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    return np.abs(np.stack([np.fft.rfft(window * y[s : s + 1024]) for s in starts], axis=1))


def like_ubc2020(y):
    spect = librosa.power_to_db(mel_power(y, 1024, pad_mode="reflect"), ref=np.max)[:, :640]
    return np.log(librosa.db_to_power(spect))


def like_kth2020(y):
    return librosa.power_to_db(mel_power(y, 604, pad_mode="reflect"), ref=np.max)


def like_ucsd2020(y):
    return mel_power(y, 1024)


def like_pons2016(y):
    a = 2 * np.pi * np.arange(2048) / 2047
    window = 0.44959 - 0.49364 * np.cos(a) + 0.05677 * np.cos(2 * a)
    padded = np.pad(y, 1024)
    frames = np.stack([padded[s : s + 2048] for s in range(0, len(padded) - 2047, 1024)])
    power = np.abs(np.fft.rfft(frames * window * (2 / window.sum()))) ** 2
    mels = 2595 * np.log10(1 + np.arange(1025) * 44100 / 2048 / 700)
    edges = np.linspace(0, 2595 * np.log10(1 + 22050 / 700), 42)
    bank = np.stack([np.interp(mels, edges[i : i + 3], [0, 1, 0]) for i in range(40)])
    return np.log10(1 + 10000 * (bank / bank.sum(axis=1, keepdims=True)) @ power.T)


ORACLES = [
    ("librosa", 3.0, like_librosa, (128, 130)),
    ("feng2017", 3.0, like_feng2017, (513, 128)),
    ("ubc2020", 30.0, like_ubc2020, (128, 640)),
    ("kth2020", 3.5, like_kth2020, (128, 128)),
    ("ucsd2020", 30.0, like_ucsd2020, (128, 646)),
    ("ucsd2020", 3.0, like_ucsd2020, (128, 65)),
    ("pons2016", 30.0, like_pons2016, (40, 1292)),
]


@pytest.mark.parametrize(("name", "duration", "oracle", "shape"), ORACLES)
def test_a_preset_is_its_source(name, duration, oracle, shape):
    front_end = preset(name)
    y = noise(round(duration * front_end.sr))
    expected = oracle(y)
    assert expected.shape == shape
    assert (front_end.n_bands, front_end.n_frames(len(y))) == shape
    assert_allclose(front_end(y), expected, atol=1e-10 * np.abs(expected).max())
    single = front_end(y.astype(np.float32))
    assert single.dtype == np.float32
    assert_allclose(single, expected, rtol=1e-5, atol=2e-6 * np.abs(expected).max())


def test_every_preset_has_an_oracle():
    assert list_presets() == sorted({name for name, *_ in ORACLES})


def test_ubc2020_keeps_the_maximum_of_frames_that_it_drops():
    y = np.zeros(30 * 22050)
    y[:22050] = noise(22050)
    y[-2000:] = 100.0 * noise(2000)  # in frames 644 and 645
    S = preset("ubc2020")(y)
    assert S.max() < -2.0
    assert_allclose(S.min(), -8 * np.log(10))


@pytest.mark.parametrize(("n_frames", "shape"), [(80, (16, 40, 80)), (250, (5, 40, 250))])
def test_pons2016_gives_patches(n_frames, shape):
    y = noise(30 * 44100, dtype=np.float32)
    patches = preset("pons2016").patches(y, n_frames)
    assert patches.shape == shape
    assert_allclose(patches[1], preset("pons2016")(y)[:, n_frames : 2 * n_frames], rtol=0)


def test_pons2016_is_essentias():
    # Essentia 2.1b6: log10(1 + 10000 x) of MelBands(numberBands=40) of Spectrum of Windowing(type=
    # "blackmanharris62"), frames by FrameGenerator(frameSize=2048, hopSize=1024); bands 0, 1, 10, 20 and 39.
    n = np.arange(8192)
    y = ((n * n * 7919) % 1009 / 1009 - 0.5).astype(np.float32)
    expected = [
        [0.23762986, 0.413582, 0.4246582],
        [0.2847118, 0.44212782, 0.46191177],
        [0.15819322, 0.29334432, 0.29783964],
        [0.32396734, 0.49496156, 0.50916016],
        [0.3351972, 0.52006155, 0.5194332],
    ]
    S = preset("pons2016")(y)
    assert S.shape == (40, 9)
    assert_allclose(S[np.ix_([0, 1, 10, 20, 39], [0, 3, 7])], expected, atol=1e-6)


@pytest.mark.parametrize("name", list_presets())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_odd_signals_have_a_finite_answer(name, dtype):
    front_end = preset(name)
    click = np.zeros(4000, dtype)
    click[100] = 1.0
    for y in (np.zeros(4000, dtype), np.ones(4000, dtype), click):
        S = front_end(y)
        assert S.dtype == dtype
        assert np.isfinite(S).all()
    if front_end.center:
        assert front_end(np.ones(1, dtype)).shape == (front_end.n_bands, 1)


# Features and models carry these; a change here means that the preset's numbers have moved.
FINGERPRINTS = {
    "feng2017": "4aabd53fd46ee5a8",
    "kth2020": "3b106a906f7cecb7",
    "librosa": "379b5e79c3b15f41",
    "pons2016": "f3ea07d72322ac0c",
    "ubc2020": "dd6722fe4b4852c0",
    "ucsd2020": "bc3046a43ca1a6d9",
}


@pytest.mark.parametrize("name", list_presets())
def test_presets_do_not_move(name):
    assert preset(name).fingerprint() == FINGERPRINTS[name]


@pytest.mark.parametrize("name", ["kth", "", None])
def test_an_unknown_name_is_answered_with_the_names(name):
    with pytest.raises(ValueError, match=r"name must be one of feng2017, .*, ucsd2020, got"):
        preset(name)
