"""Each preset against what its source computes, in the shapes that its source gives."""

from dataclasses import replace

import librosa
import numba
import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import list_presets, load, preset

JIT = not numba.config.DISABLE_JIT


def noise(n_samples, dtype=np.float64):
    rng = np.random.default_rng(0)
    return (rng.uniform(-1, 1, n_samples) * np.linspace(0.01, 1, n_samples)).astype(dtype)


def mel_power(y, hop_length, sr=22050, **kwargs):
    return librosa.feature.melspectrogram(y=y, sr=sr, hop_length=hop_length, dtype=np.float64, **kwargs)


def hann_power(y, n_fft, hop_length):
    """Power of frames under a periodic Hann window, the signal mirrored about its ends."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(y, n_fft // 2, mode="reflect"), n_fft)[::hop_length]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    return np.abs(np.fft.rfft(frames * window)).T ** 2


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


def like_torchaudio(y):
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 130) / 2595) - 1)
    hz = np.linspace(0, 8000, 201)
    bank = np.stack([np.interp(hz, edges[i : i + 3], [0, 1, 0]) for i in range(128)])
    return bank @ hann_power(y, 400, 200)


def like_whisper(y, n_mels=80):
    bank = librosa.filters.mel(sr=16000, n_fft=400, n_mels=n_mels, dtype=np.float64)
    logs = np.log10(np.maximum(bank @ hann_power(y, 400, 160)[:, :-1], 1e-10))
    return (np.maximum(logs, logs.max() - 8) + 4) / 4


def like_whisper_v3(y):
    return like_whisper(y, 128)


def like_musicnn(y):
    return np.log10(1 + 10000 * mel_power(y, 256, 16000, n_fft=512, n_mels=96, pad_mode="reflect"))


def like_kaldi(y):
    return reference.kaldi(y, 16000)


def like_kaldi_mfcc(y):
    return reference.kaldi(y, 16000, n_mfcc=13, use_energy=True)


ORACLES = [
    ("librosa", 3.0, like_librosa, (128, 130)),
    ("feng2017", 3.0, like_feng2017, (513, 128)),
    ("ubc2020", 30.0, like_ubc2020, (128, 640)),
    ("kth2020", 3.5, like_kth2020, (128, 128)),
    ("ucsd2020", 30.0, like_ucsd2020, (128, 646)),
    ("ucsd2020", 3.0, like_ucsd2020, (128, 65)),
    ("pons2016", 30.0, like_pons2016, (40, 1292)),
    ("torchaudio", 3.0, like_torchaudio, (128, 241)),
    ("whisper", 30.0, like_whisper, (80, 3000)),
    ("whisper_v3", 3.0, like_whisper_v3, (128, 300)),
    ("musicnn", 3.0, like_musicnn, (96, 188)),
    ("kaldi", 3.0, like_kaldi, (23, 298)),
    ("kaldi_mfcc", 3.0, like_kaldi_mfcc, (13, 298)),
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
    assert_allclose(single, expected, rtol=1e-5, atol=4e-6 * np.abs(expected).max())


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


def test_whisper_takes_the_maximum_without_the_frame_that_it_drops():
    y = 1e-3 * noise(16000)
    y[-1] = 1.0  # in the middle of that frame, and at the brim of the one before
    S, levels = preset("whisper")(y), hann_power(y, 400, 160)
    assert levels[:, -1].max() > 50 * levels[:, :-1].max()
    assert_allclose(S, like_whisper(y), atol=1e-12)


RECORDINGS = [
    "librosa_audio_ccby/sorohanro_-_solo-trumpet-06.ogg",
    "librosa_audio_ccby/198-209-0000.ogg",
    "schubert_HU33/audio/Schubert_D911-19_HU33.wav",
]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "oracle", "atol"),
    [
        ("torchaudio", like_torchaudio, 5e-4),
        ("whisper", like_whisper, 1e-4),
        ("whisper_v3", like_whisper_v3, 1e-4),
        ("musicnn", like_musicnn, 1e-5),
        ("kaldi", like_kaldi, 2e-2),
        ("kaldi_mfcc", like_kaldi_mfcc, 1e-1),
    ],
)
def test_recordings(data, name, oracle, atol):
    for path in RECORDINGS if JIT else RECORDINGS[:1]:
        y, _ = load(data / path, sr=16000, duration=15.0 if JIT else 1.0)
        expected = oracle(y.astype(np.float64))
        S = preset(name)(y)
        assert S.dtype == np.float32
        assert_allclose(S, expected, rtol=1e-5, atol=atol)
        assert np.median(np.abs(S - expected)) <= atol / 20
        assert_allclose(preset(name)(y.astype(np.float64)), expected, rtol=1e-9, atol=1e-9)


# torch, as torchaudio and Whisper call it


def by_torch(y, hop_length):
    torch = pytest.importorskip("torch")
    window = torch.hann_window(400, dtype=getattr(torch, y.dtype.name))
    return torch, torch.stft(torch.from_numpy(y), 400, hop_length, window=window, return_complex=True).abs() ** 2


@pytest.mark.parametrize(("dtype", "rtol", "atol"), [(np.float32, 1e-5, 5e-4), (np.float64, 1e-9, 1e-12)])
def test_torchaudio_is_torchs(dtype, rtol, atol):
    y = 0.25 * noise(48000, dtype)  # torchaudio's edges are in single precision: its bands are off by up to 4e-5
    torch, power = by_torch(y, 200)
    kwargs = {"dtype": power.dtype}
    mels = torch.linspace(0, 2595 * np.log10(1 + 8000 / 700), 130, **kwargs)
    edges = 700 * (10 ** (mels / 2595) - 1)
    slopes, widths = edges[None, :] - torch.linspace(0, 8000, 201, **kwargs)[:, None], edges[1:] - edges[:-1]
    bank = torch.clamp(torch.minimum(-slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]), min=0)
    assert_allclose(preset("torchaudio")(y), (bank.T @ power).numpy(), rtol=rtol, atol=atol)


@pytest.mark.parametrize(("name", "n_mels"), [("whisper", 80), ("whisper_v3", 128)])
def test_whisper_is_torchs(name, n_mels):
    y = np.concatenate([noise(48000, np.float32), np.zeros(16000, np.float32)])
    torch, power = by_torch(y, 160)
    bank = torch.from_numpy(librosa.filters.mel(sr=16000, n_fft=400, n_mels=n_mels))
    logs = torch.clamp(bank @ power[:, :-1], min=1e-10).log10()
    expected = (torch.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0
    S = preset(name)(y)
    assert S.shape == (n_mels, 400)
    assert_allclose(S, expected.numpy(), atol=1e-5)
    assert_allclose(S.min(), S.max() - 2.0, atol=1e-6)  # the silence


def test_whispers_bands_are_as_published():
    # The first and last bands of 80, by Slaney's definition: 66.7 Hz a mel up to 1 kHz, 27 steps to 6.4 kHz above;
    # a triangle between its neighbours' centres with an area of 1. A tone in its middle has all of its weight.
    top = 15 + 27 * np.log(8) / np.log(6.4)
    mels = np.linspace(0, top, 82)
    hz = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    powers = np.zeros((201, 3))
    power = hann_power(noise(800), 400, 160)
    for band in (0, 40, 79):
        left, middle, right = hz[band : band + 3]
        weights = np.interp(np.arange(201) * 40.0, [left, middle, right], [0, 2 / (right - left), 0])
        powers[:, [0, 40, 79].index(band)] = weights
    S = replace(preset("whisper"), compression="none", top_db=None, scale=1.0, shift=0.0)(noise(800))
    assert_allclose(S[[0, 40, 79]], powers.T @ power[:, :-1], rtol=1e-9)


def test_musicnn_gives_patches():
    y = noise(10 * 16000, np.float32)
    assert preset("musicnn").patches(y, 187).shape == (3, 96, 187)


# Kaldi itself: fixtures made by its programs, and kaldi-native-fbank

KALDI, MFCC = preset("kaldi"), preset("kaldi_mfcc")
LIFTER = 1 + 11 * np.sin(np.pi * np.arange(13) / 22)[:, None]
FIXTURES = [
    ("test.txt", KALDI, 2e-2),
    ("test-with-energy.txt", replace(KALDI, log_energy="first"), 2e-2),
    # Kaldi's transform multiplies its twiddle factors up in single precision. That alone moves three of these
    # values, which are 60 dB below the tone of their frames, by more than 0.02; kaldi-native-fbank is off as far.
    ("test-40.txt", replace(KALDI, n_mels=40), 3.5e-2),
    ("test-40-no-snip-edges.txt", replace(KALDI, n_mels=40, center=True), 3.5e-2),
    ("test-mfcc.txt", MFCC, 2e-2),
    ("test-mfcc-no-snip-edges.txt", replace(MFCC, center=True), 2e-2),
]


def fixture(path):
    """The matrix of a text file of Kaldi's, a frame to a column."""
    rows = path.read_text().replace("[", "").replace("]", "").splitlines()[1:]
    return np.array([row.split() for row in rows], dtype=np.float64).T


@pytest.mark.realdata
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "front_end", "worst"), FIXTURES)
def test_kaldis_programs_say_the_same(data, name, front_end, worst, dtype):
    y, sr = load(data / "kaldi_fixtures" / "test.wav", dtype=dtype)
    expected, S = fixture(data / "kaldi_fixtures" / name), front_end(y)
    assert sr == front_end.sr
    assert S.shape == expected.shape
    off = np.abs(S - expected)
    off = off / LIFTER if "mfcc" in name else off  # in units of the logarithms
    assert np.median(off) <= 1e-3
    assert off.max() <= worst
    assert (off > 2e-2).sum() <= 4


@pytest.mark.realdata
def test_what_is_left_of_the_fixtures_is_kaldis_transform(data):
    y, _ = load(data / "kaldi_fixtures" / "test.wav", dtype=np.float64)
    for name, kwargs in (("test-40.txt", {}), ("test-40-no-snip-edges.txt", {"snip_edges": False})):
        S = reference.kaldi(y, 16000, n_mels=40, rfft=reference.kaldis_rfft, **kwargs)
        assert np.abs(S - fixture(data / "kaldi_fixtures" / name)).max() <= 2e-2


@pytest.mark.realdata
def test_htk_compatible_rows_are_the_same_in_another_order(data):
    y, _ = load(data / "kaldi_fixtures" / "test.wav")
    S = np.roll(replace(KALDI, log_energy="first")(y), -1, axis=0)
    assert np.abs(S - fixture(data / "kaldi_fixtures" / "test-htk.txt")).max() <= 2e-2


def by_kaldi_native_fbank(y, front_end):
    knf = pytest.importorskip("kaldi_native_fbank")
    is_mfcc = front_end.n_mfcc is not None
    options = knf.MfccOptions() if is_mfcc else knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.samp_freq = front_end.sr
    options.frame_opts.snip_edges = not front_end.center
    options.mel_opts.num_bins = front_end.n_mels
    options.mel_opts.high_freq = front_end.fmax or 0.0
    options.use_energy = front_end.log_energy is not None
    stream = (knf.OnlineMfcc if is_mfcc else knf.OnlineFbank)(options)
    stream.accept_waveform(front_end.sr, (y * 32768.0).tolist())
    stream.input_finished()
    return np.array([stream.get_frame(i) for i in range(stream.num_frames_ready)]).T


AT_8_KHZ = {"sr": 8000, "n_fft": 256, "win_length": 200, "hop_length": 80}
VARIANTS = {
    "fbank": KALDI,
    "no snip-edges": replace(KALDI, center=True),
    "40 bands": replace(KALDI, n_mels=40),
    "80 bands": replace(KALDI, n_mels=80, fmax=7600.0),
    "energy": replace(KALDI, n_mels=80, log_energy="first"),
    "8 kHz": replace(KALDI, **AT_8_KHZ),
    "8 kHz, no snip-edges, energy": replace(KALDI, **AT_8_KHZ, center=True, log_energy="first"),
    "44.1 kHz": replace(KALDI, sr=44100, n_fft=2048, win_length=1102, hop_length=441, n_mels=80),
    "MFCC": MFCC,
    "MFCC, no snip-edges": replace(MFCC, center=True),
    "MFCC, no energy": replace(MFCC, log_energy=None),
    "MFCC, 8 kHz": replace(MFCC, **AT_8_KHZ),
}


def odd_signals(front_end):
    n_samples, win_length = 6000, front_end.win_length
    click = np.zeros(n_samples)
    click[n_samples // 2] = 1.0
    return {
        "noise": noise(n_samples),
        "quiet": 1e-4 * noise(n_samples),
        "silence": np.zeros(n_samples),
        "click": click,
        "one frame": noise(win_length),
        "nearly two": noise(win_length + front_end.hop_length - 1),
        "over a constant": 0.25 + 0.1 * noise(n_samples),
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_kaldi_native_fbank_says_the_same(name):
    front_end = VARIANTS[name]
    for kind, y in odd_signals(front_end).items():
        expected = by_kaldi_native_fbank(y, front_end)
        for dtype in (np.float32, np.float64):
            S = front_end(y.astype(dtype))
            assert S.shape == expected.shape, kind
            off = np.abs(S - expected)
            off = off / LIFTER if front_end.n_mfcc else off
            assert np.median(off) <= 1e-4, kind
            assert off.max() <= 5e-3, kind


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_variants_are_their_definition(name, dtype):
    front_end = VARIANTS[name]
    sizes = {field: getattr(front_end, field) for field in ("n_mels", "n_mfcc", "win_length", "hop_length", "n_fft")}
    sizes |= {"fmax": front_end.fmax, "snip_edges": not front_end.center}
    for kind, y in (
        odd_signals(front_end) | {"constant": np.full(6000, 0.3), "tone": np.sin(np.arange(6000) * 0.7)}
    ).items():
        y = y.astype(dtype)
        expected = reference.kaldi(y, front_end.sr, use_energy=front_end.log_energy is not None, **sizes)
        S = front_end(y)
        if kind == "tone" and dtype == np.float32:  # elsewhere, rounding is what there is
            continue
        atol = 5e-3 if dtype == np.float32 else 1e-8
        assert_allclose(S, expected, atol=atol * (10 if front_end.n_mfcc else 1), err_msg=kind)


@pytest.mark.parametrize("n_samples", [1, 79, 80, 200, 399])
def test_kaldi_has_a_frame_of_any_signal_at_least_if_edges_are_not_snipped(n_samples):
    y = noise(n_samples)
    with pytest.raises(ValueError, match=f"at least win_length = 400 samples when center is False, got {n_samples}"):
        KALDI(y)
    assert_allclose(replace(KALDI, center=True)(y), reference.kaldi(y, 16000, snip_edges=False), atol=1e-9)


def test_a_constant_leaves_no_trace_in_kaldis_features():
    for dtype in (np.float32, np.float64):
        silence = np.zeros(4000, dtype)
        for front_end in (KALDI, MFCC, replace(KALDI, center=True, log_energy="first")):
            assert_array_equal(front_end(silence + dtype(0.3)), front_end(silence))
    assert_allclose(KALDI(np.zeros(4000)), np.log(2.0**-23))


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
    "kaldi": "9342c602663c2f7f",
    "kaldi_mfcc": "4692b358235c8a83",
    "kth2020": "3b106a906f7cecb7",
    "librosa": "379b5e79c3b15f41",
    "musicnn": "d2b876095c725d3d",
    "pons2016": "f3ea07d72322ac0c",
    "torchaudio": "451c882242072296",
    "ubc2020": "dd6722fe4b4852c0",
    "ucsd2020": "bc3046a43ca1a6d9",
    "whisper": "a2d8c51c77e9e22b",
    "whisper_v3": "e58d8be36ad2bbbb",
}


@pytest.mark.parametrize("name", list_presets())
def test_presets_do_not_move(name):
    assert preset(name).fingerprint() == FINGERPRINTS[name]


@pytest.mark.parametrize("name", ["kth", "", None])
def test_an_unknown_name_is_answered_with_the_names(name):
    with pytest.raises(ValueError, match=r"name must be one of feng2017, .*, whisper_v3, got"):
        preset(name)
