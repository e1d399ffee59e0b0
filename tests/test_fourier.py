"""Short-time Fourier transforms against the definition, librosa and Matlab, and their laws."""

import tracemalloc

import librosa
import numba
import numpy as np
import pytest
import scipy.io
import scipy.signal
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import fft_frequencies, istft, spectrogram, stft
from audiofeat.fourier.framing import COSINES, window_samples

JIT = not numba.config.DISABLE_JIT
PAD_MODES = ["constant", "edge", "linear_ramp", "reflect", "symmetric"]
# librosa's remark on short signals is our documented behaviour.
SHORT = pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal")


def signals(min_size=1, max_size=200):
    """Any finite audio: silence, DC and clicks occur."""
    sizes = st.integers(min_size, max_size)
    return sizes.flatmap(lambda n: arrays(np.float64, n, elements=st.floats(-1, 1, width=32)))


@st.composite
def framings(draw, min_n_fft=1, max_n_fft=64):
    n_fft = draw(st.integers(min_n_fft, max_n_fft))
    return {
        "n_fft": n_fft,
        "hop_length": draw(st.integers(1, 2 * n_fft)),
        "win_length": draw(st.integers(1, n_fft)),
        "window": draw(st.sampled_from(["hann", "boxcar", ("kaiser", 5.0), "blackmanharris"])),
        "center": draw(st.booleans()),
    }


def noise(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(dtype)


def assert_agrees(ours, theirs):
    """rtol 1e-5 and 1e-6 of the peak in single precision, 1e-10 in double."""
    single = ours.dtype in (np.float32, np.complex64)
    assert ours.shape == theirs.shape
    rtol, atol = (1e-5, 1e-6) if single else (1e-10, 1e-10)
    assert_allclose(ours, theirs, rtol=rtol, atol=atol * max(np.abs(theirs).max(initial=0.0), 1e-30))


def by_definition(y, n_fft, hop_length, window):
    """The sum of the Notes, frame by frame, without centring."""
    n, k = np.arange(n_fft), np.arange(n_fft // 2 + 1)[:, None]
    starts = range(0, len(y) - n_fft + 1, hop_length)
    return np.stack([np.exp(-2j * np.pi * k * n / n_fft) @ (window * y[s : s + n_fft]) for s in starts], axis=1)


CASES = [
    (22050, {}),
    (22050, {"n_fft": 1024, "hop_length": 512, "center": False}),
    (20000, {"n_fft": 512, "hop_length": 32, "win_length": 400, "window": "hamming"}),  # three blocks
    (5000, {"n_fft": 601, "hop_length": 150}),
    (5000, {"n_fft": 256, "hop_length": 1000, "pad_mode": "edge"}),
    (1, {"n_fft": 64}),
    *[(900, {"n_fft": 64, "window": "boxcar", "pad_mode": mode}) for mode in PAD_MODES],
    (7, {"n_fft": 64, "pad_mode": "reflect"}),
    (1, {"n_fft": 64, "pad_mode": "reflect"}),
    (64, {"n_fft": 64, "center": False}),
    (3, {"n_fft": 1, "hop_length": 1}),
]


@SHORT
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n_samples", "kwargs"), CASES)
def test_stft_is_librosas(n_samples, kwargs, dtype):
    y = noise(n_samples, dtype=dtype)
    ours = stft(y, **kwargs)
    assert ours.dtype == np.result_type(dtype, np.complex64)
    assert_agrees(ours, librosa.stft(y.astype(np.float64), **kwargs))


@SHORT
@given(y=signals(), kwargs=framings(min_n_fft=2), pad_mode=st.sampled_from(PAD_MODES))  # librosa fails at 1
def test_stft_is_librosas_for_any_framing(y, kwargs, pad_mode):
    if len(y) >= kwargs["n_fft"] or kwargs["center"]:
        ours, theirs = stft(y, pad_mode=pad_mode, **kwargs), librosa.stft(y, pad_mode=pad_mode, **kwargs)
        assert ours.shape == theirs.shape
        assert_allclose(ours, theirs, atol=1e-10)


@given(y=signals(min_size=8), n_fft=st.integers(1, 8), hop_length=st.integers(1, 20))
def test_stft_is_the_definition(y, n_fft, hop_length):
    expected = by_definition(y, n_fft, hop_length, scipy.signal.get_window("hann", n_fft))
    assert_allclose(stft(y, n_fft=n_fft, hop_length=hop_length, center=False), expected, atol=1e-12)


@pytest.mark.realdata
@pytest.mark.parametrize("number", ["001", "006"])
def test_stft_is_matlabs(data, number):
    folder = data / "librosa_matlab_fixtures"
    fixture = scipy.io.loadmat(folder / f"core-stft-{number}.mat")
    y, _ = soundfile.read(folder / str(fixture["wavfile"][0]).removeprefix("data/"), always_2d=True)
    y = y.mean(axis=1)
    n_fft, hop_length, win_length = (int(fixture[name][0, 0]) for name in ("nfft", "hop_length", "hann_w"))
    taper = {"win_length": win_length} if win_length else {"window": "boxcar"}
    ours = stft(y, n_fft=n_fft, hop_length=hop_length, center=False, **taper)
    assert_allclose(ours, fixture["D"].conj(), atol=1e-12)  # Matlab's ' conjugates as it transposes


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_spectrogram_is_a_power_of_the_magnitude(power, dtype):
    y = noise(9000, dtype=dtype)
    S = spectrogram(y, power=power)
    assert S.dtype == dtype
    assert_agrees(S, np.abs(librosa.stft(y.astype(np.float64), hop_length=512)) ** power)


@given(y=signals(min_size=32), n_fft=st.sampled_from([8, 15, 16, 32]))
def test_parseval(y, n_fft):
    power = spectrogram(y, n_fft=n_fft, hop_length=n_fft, window="boxcar", center=False, power=2.0)
    twice = np.full(len(power), 2.0)  # negative frequencies
    twice[[0, -1] if n_fft % 2 == 0 else [0]] = 1.0
    framed = y[: power.shape[1] * n_fft]
    assert_allclose(twice @ power / n_fft, np.square(framed).reshape(-1, n_fft).sum(axis=1), atol=1e-12)


@given(y=signals(), kwargs=framings(), gain=st.floats(-8, 8))
def test_linear(y, kwargs, gain):
    kwargs["center"] = True
    other = np.cos(np.arange(len(y)))
    mixed = stft(gain * y + other, **kwargs)
    assert_allclose(mixed, gain * stft(y, **kwargs) + stft(other, **kwargs), atol=1e-10)


@given(y=signals(min_size=64), hop_length=st.integers(1, 20))
def test_a_shift_by_one_hop_is_a_shift_by_one_frame(y, hop_length):
    kwargs = {"n_fft": 16, "hop_length": hop_length, "center": False}
    assert_allclose(stft(y[hop_length:], **kwargs), stft(y, **kwargs)[:, 1:], atol=1e-13)


def test_a_tone_is_where_its_frequency_says():
    sr, n_fft = 8000, 256
    frequencies = fft_frequencies(sr, n_fft=n_fft)
    assert_array_equal(frequencies, librosa.fft_frequencies(sr=sr, n_fft=n_fft))
    tone = np.sin(2 * np.pi * frequencies[40] * np.arange(sr) / sr)
    S = spectrogram(tone, n_fft=n_fft)
    assert (S.argmax(axis=0) == 40).all()
    assert_allclose(S[40, 2:-2], 64.0)  # half of the window's sum


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [stft, spectrogram, lambda y, n_fft: istft(stft(y, n_fft=n_fft), n_fft=n_fft)])
def test_a_batch_is_its_items(function, dtype):
    n_fft, n_samples = (2048, 70000) if JIT else (256, 9000)
    batch = noise(2, 3, n_samples, dtype=dtype)
    together = function(batch, n_fft=n_fft)
    assert together.shape[:2] == (2, 3)
    for index in np.ndindex(2, 3):
        assert_array_equal(together[index], function(batch[index], n_fft=n_fft))


@pytest.mark.parametrize("n_block", [1, 3])
def test_blocks_of_the_inverse_are_the_whole(n_block, monkeypatch):
    y = noise(3000)
    whole = stft(y, n_fft=64)
    back = istft(whole, length=3000)
    monkeypatch.setattr("audiofeat.fourier.transform.SCIPY_BLOCK", 64 * n_block)
    assert_allclose(istft(whole, length=3000), back, atol=1e-13)


@pytest.mark.skipif(not JIT, reason="lane vectors of NumPy are many times as wide")
def test_memory_is_the_output_and_two_megabytes():
    y = noise(3_000_000, dtype=np.float32)
    spectrogram(y[:4096])
    tracemalloc.start()
    S = spectrogram(y, hop_length=2048)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < S.nbytes + y.size + (2 << 20)  # the gate's mask of finite samples is a byte each


@SHORT
@given(y=signals(), kwargs=framings(min_n_fft=2), length=st.none() | st.integers(1, 300))  # librosa fails at 1
def test_istft_is_librosas(y, kwargs, length):
    if len(y) >= kwargs["n_fft"] or kwargs["center"]:
        X = stft(y, **kwargs)
        X *= np.exp(1j * np.arange(X.size).reshape(X.shape))  # no signal's transform any more
        X[0] = X[0].real
        if kwargs["n_fft"] % 2 == 0:
            X[-1] = X[-1].real
        ours = istft(X, length=length, **kwargs)
        if ours.size == 0:  # one centred frame; librosa fails
            assert length is None
            assert X.shape[1] == 1
        else:
            theirs = librosa.istft(X, length=length, **kwargs)
            assert ours.shape == theirs.shape
            assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * np.abs(theirs).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("pad_mode", PAD_MODES)
@pytest.mark.parametrize(("n_fft", "hop_length"), [(256, 64), (255, 100), (256, 128), (256, 60)])
def test_istft_undoes_stft(n_fft, hop_length, pad_mode, dtype):
    y = noise(2, 10000, dtype=dtype)
    X = stft(y, n_fft=n_fft, hop_length=hop_length, pad_mode=pad_mode)
    back = istft(X, n_fft=n_fft, hop_length=hop_length, length=10000)
    assert back.dtype == dtype
    assert_allclose(back, y, atol=1e-6 if dtype == np.float32 else 1e-13)


def test_istft_cuts_and_fills():
    y = noise(1000)
    X = stft(y, n_fft=64)
    assert_allclose(istft(X, length=300), y[:300], atol=1e-14)
    longer = istft(X, length=1200)
    assert_allclose(longer[:992], y[:992], atol=1e-13)
    assert not longer[1032:].any()
    assert istft(X[:, :1]).shape == (0,)
    X.flags.writeable = False
    assert_array_equal(istft(X[:, ::-1][:, ::-1].astype(">c16")), istft(X))


@pytest.mark.parametrize("n_samples", [1, 5, 100, 5000])
def test_silence_is_zero_dc_a_bin_and_a_click_is_flat(n_samples):
    assert not stft(np.zeros(n_samples), n_fft=64).any()
    click = np.zeros(n_samples)
    click[0] = 1.0
    assert_allclose(spectrogram(click, n_fft=64, window="boxcar")[:, 0], 1.0)
    if n_samples >= 64:
        dc = spectrogram(np.ones(n_samples), n_fft=64, center=False)
        assert_allclose(dc[0], 32.0)
        assert_allclose(dc[2:], 0.0, atol=1e-12)


def test_any_memory_layout_and_pcm():
    y = noise(3000)
    y.flags.writeable = False
    expected = stft(y)
    for same in (y.astype(">f8"), np.repeat(y, 2)[::2], y[::-1].copy()[::-1], list(y)):
        assert_array_equal(stft(same), expected)
    assert_array_equal(stft(np.asfortranarray(np.stack([y, y])))[1], expected)
    pcm = (y * 32767).astype(np.int16)
    assert_array_equal(stft(pcm), stft(pcm / 32768.0))
    assert stft(y.astype(np.float16)).dtype == np.complex128


@pytest.mark.parametrize(
    ("window", "same"),
    [
        ("hann", scipy.signal.windows.hann(50, sym=False)),
        (4.0, scipy.signal.windows.kaiser(50, 4.0, sym=False)),
        (("tukey", 0.3), scipy.signal.windows.tukey(50, 0.3, sym=False)),
        ("boxcar", [1.0] * 50),
    ],
)
def test_a_window_is_a_name_or_its_samples(window, same):
    y = noise(500)
    named = stft(y, n_fft=64, win_length=50, window=window)
    assert_allclose(named, stft(y, n_fft=64, win_length=50, window=same), atol=1e-12)
    padded = np.zeros(64)
    padded[7:57] = same
    assert_allclose(named, stft(y, n_fft=64, hop_length=12, window=padded), atol=1e-12)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"y": []}, "y must have at least 1"),
        ({"y": [0.0, np.nan]}, "y must be finite, got nan at index 1"),
        ({"y": np.float64(1.0)}, "y must have at least 1 dimension"),
        ({"n_fft": 0}, "n_fft must be >= 1, got 0"),
        ({"n_fft": 2.5}, "n_fft must be an integer"),
        ({"hop_length": 0}, "hop_length must be >= 1, got 0"),
        ({"win_length": 65}, r"win_length must be in \[1, 64\], got 65"),
        ({"window": "Hann?"}, "window must be known to scipy.signal.get_window, got 'Hann"),
        ({"window": "kaiser"}, "window must be known to scipy.signal.get_window, got 'kaiser'"),
        ({"window": np.ones(63)}, "window must have win_length = 64 samples, got 63"),
        ({"window": np.full(64, np.inf)}, "window must be finite"),
        ({"pad_mode": "wrap"}, "pad_mode must be one of .*, got 'wrap'"),
        ({"y": np.ones(63), "center": False}, "y must have at least n_fft = 64 samples .* got 63"),
        ({"y": np.ones(9, complex)}, "y must hold floats"),
    ],
)
def test_a_wrong_argument_is_named(kwargs, message):
    arguments = {"y": np.ones(100), "n_fft": 64} | kwargs
    for function in (stft, spectrogram):
        with pytest.raises((ValueError, TypeError), match=message):
            function(**arguments)


@pytest.mark.parametrize(
    ("function", "kwargs", "message"),
    [
        (spectrogram, {"y": np.ones(9), "power": 0.0}, "power must be > 0, got 0.0"),
        (istft, {"stft_matrix": np.ones((3, 4))}, "stft_matrix must be complex"),
        (istft, {"stft_matrix": np.ones(3, complex)}, "stft_matrix must have the shape"),
        (istft, {"stft_matrix": np.ones((3, 0), complex)}, "stft_matrix must have the shape"),
        (istft, {"stft_matrix": np.full((3, 4), np.nan + 0j)}, "stft_matrix must be finite"),
        (istft, {"stft_matrix": np.ones((3, 4), complex), "n_fft": 6}, "must have 1 .* = 4 rows, got 3"),
        (istft, {"stft_matrix": np.ones((3, 4), complex), "length": 0}, "length must be >= 1, got 0"),
        (fft_frequencies, {"sr": 0}, "sr must be > 0, got 0"),
        (fft_frequencies, {"sr": 8000, "n_fft": 0}, "n_fft must be >= 1, got 0"),
    ],
)
def test_other_wrong_arguments_are_named(function, kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        function(**kwargs)


@pytest.mark.parametrize("window", COSINES)
@pytest.mark.parametrize("symmetric", [False, True])
def test_sums_of_cosines_are_scipys_windows_to_the_bit(window, symmetric):
    for n in (1, 2, 3, 400, 2048):
        expected = scipy.signal.get_window(window, n, fftbins=not symmetric)
        assert_array_equal(window_samples(window, n, symmetric=symmetric), expected)
