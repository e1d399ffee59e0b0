"""`LogMel` and `Spectrogram` are `FrontEnd` on torch: in values, batches, gradients, dtypes and exported graphs."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import FrontEnd, list_presets, load, preset

torch = pytest.importorskip("torch")

from audiofeat_nn.frontend import LogMel, Spectrogram  # noqa: E402
from audiofeat_nn.frontend.modules import _product  # noqa: E402

SR = 8000
HARD = {
    "music": lambda t: sum(np.sin(2 * np.pi * f * t) * np.exp(-4 * (t % 0.3)) / k for k, f in enumerate(NOTES, 1)) / 4,
    "silence": np.zeros_like,
    "constant": lambda t: np.full_like(t, 0.5),
    "tone": lambda t: np.sin(2 * np.pi * 1000 * t),
    "click": lambda t: (np.arange(len(t)) == len(t) // 2).astype(float),
    "noise": lambda t: 10**-4.5 * np.random.default_rng(0).standard_normal(len(t)),  # -90 dB
}
NOTES = (110.0, 220.0, 331.0, 660.0, 1205.0, 3010.0)
EXPORTED = {
    "librosa": preset("librosa"),
    "kaldi centred": replace(preset("kaldi"), center=True, log_energy="first"),
    "ramp": replace(preset("kth2020"), pad_mode="linear_ramp", max_frames=5),
    "cepstrum": preset("kaldi_mfcc"),
    "whisper": preset("whisper"),
    "spectrum": FrontEnd(
        SR, n_fft=1102, win_length=441, hop_length=220, pad_mode="symmetric", n_mels=None, power=1.5, ref="max"
    ),
}
quick = [pytest.param(name, marks=[] if name in ("librosa", "whisper") else pytest.mark.slow) for name in EXPORTED]


def module_of(front_end):
    return (Spectrogram if front_end.n_mels is None else LogMel)(front_end)


def noise(*shape):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def below_peak(front_end, y):
    """Return how many dB each level lies below the loudest of its frame, before pre-emphasis."""
    plain = {"n_mfcc": None, "log_energy": None, "ref": 1.0, "top_db": None, "scale": 1.0, "shift": 0.0}
    bare = replace(front_end, compression="none", **plain)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = bare(y) / replace(bare, preemphasis=0.0)(y).max(axis=-2, keepdims=True)
        below = -20.0 / front_end.power * np.log10(ratio)
    return np.nan_to_num(below, nan=0.0, posinf=999.0)  # silence is as loud as itself


def assert_agrees(S, front_end, y):
    """Compare float32 features with `audiofeat` in float64, as the docstring of `LogMel` says."""
    expected, below = front_end(y), below_peak(front_end, y)
    error = np.abs(S - expected)
    if front_end.compression not in ("power_db", "log"):
        relative = np.where(below <= 60.0, 1e-4, np.expm1(0.05 * np.log(10.0) / 10.0))
        assert (error <= np.where(below <= 100.0, relative * np.abs(expected), np.inf)).all()
        return
    decibel = front_end.scale * (1.0 if front_end.compression == "power_db" else np.log(10.0) / 10.0)
    tolerance = decibel * np.select([below <= 60.0, below <= 100.0], [5e-4, 0.05], 1e9)
    if front_end.log_energy is not None:
        assert (error[..., 0, :] <= 5e-4 * decibel).all()
        error = error[..., 1:, :]
    if front_end.n_mfcc is not None:  # sums over the bands, with factors of the lifter of at most 12
        tolerance = 12.0 * np.sqrt(2.0 / front_end.n_mels) * tolerance.sum(axis=-2, keepdims=True)
    assert (error <= tolerance[..., : error.shape[-1]]).all()


@pytest.mark.parametrize("name", list_presets())
def test_presets_agree_with_the_front_end(name):
    front_end = preset(name)
    t = np.arange(int(1.1 * front_end.sr)) / front_end.sr
    y = np.stack([make(t) for make in HARD.values()])
    module = module_of(front_end)
    exact = module(torch.tensor(y)).numpy()
    assert exact.dtype == np.float64
    assert_allclose(exact[:, 0], front_end(y), rtol=1e-9, atol=1e-8)
    single = module(torch.tensor(y, dtype=torch.float32))
    assert single.dtype == torch.float32
    assert single.is_contiguous()
    assert_agrees(single[:, 0].double().numpy(), front_end, y.astype(np.float32).astype(np.float64))


@pytest.mark.realdata
@pytest.mark.parametrize("name", list_presets())
def test_presets_agree_on_music(data, name):
    front_end = preset(name)
    y, _ = load(data / "librosa_audio_ccby" / "Kevin_MacLeod_-_Vibe_Ace.ogg", sr=front_end.sr, duration=5.0)
    assert_agrees(module_of(front_end)(torch.tensor(y))[0].double().numpy(), front_end, y.astype(np.float64))


@st.composite
def front_ends(draw):
    n_fft = draw(st.integers(1, 64))
    n_mels = draw(st.none() | st.integers(1, 12))
    compression = draw(st.sampled_from(["power_db", "log", "log1p", "log10_1p", "none"]))
    logarithm = compression in ("power_db", "log")
    clip_wide = compression == "power_db" or (logarithm and draw(st.booleans()))
    n_mfcc = None if n_mels is None else draw(st.none() | st.integers(1, n_mels))
    energies = [None, "first"] if compression == "log" and not clip_wide else [None]
    return FrontEnd(
        draw(st.sampled_from([8000, 22050.0])),
        n_fft=n_fft,
        hop_length=draw(st.integers(1, 80)),
        win_length=draw(st.none() | st.integers(1, n_fft)),
        window=draw(st.sampled_from(["hann", "povey", "hamming", 5.0, ("tukey", 0.5)])),
        symmetric=draw(st.booleans()),
        gain=draw(st.sampled_from([1.0, 300.0])),
        center=draw(st.booleans()),
        pad_mode=draw(st.sampled_from(["constant", "edge", "linear_ramp", "reflect", "symmetric"])),
        power=draw(st.sampled_from([1.0, 2.0, 3.0])),
        n_mels=n_mels,
        fmin=draw(st.sampled_from([0.0, 100.0])),
        fmax=draw(st.sampled_from([None, 3000.0])),
        htk=draw(st.booleans()),
        norm=draw(st.sampled_from(["slaney", None, 1.0])),
        triangles=draw(st.sampled_from(["hz", "mel"])),
        compression=compression,
        factor=draw(st.sampled_from([1.0, 1e4])),
        ref=draw(st.sampled_from(["max", 0.5])) if clip_wide else 0.5,
        amin=1e-6,
        top_db=draw(st.none() | st.floats(0, 60)) if clip_wide else None,
        n_mfcc=n_mfcc,
        max_frames=draw(st.none() | st.integers(1, 5)),
        frames=draw(st.sampled_from(["kaldi", "librosa", "whisper"])),
        remove_dc=draw(st.booleans()),
        preemphasis=draw(st.sampled_from([0.0, 0.97])),
        log_energy=draw(st.sampled_from(energies + (["c0"] if n_mfcc and len(energies) > 1 else []))),
        lifter=draw(st.sampled_from([0.0, 22.0])),
        lifter_start=draw(st.integers(0, 1)),
        scale=draw(st.sampled_from([1.0, 0.3])) if logarithm else 1.0,
        shift=draw(st.sampled_from([0.0, -2.0])) if logarithm else 0.0,
    )


@given(front_end=front_ends(), n_samples=st.integers(1, 300))
def test_every_field_means_the_same(front_end, n_samples):
    y, module = noise(2, n_samples), module_of(front_end)
    shortest = (front_end.win_length if front_end.frames == "kaldi" else None) or front_end.n_fft
    if not front_end.center and n_samples < shortest:
        with pytest.raises(ValueError, match=f"at least .* = {shortest} samples .*, got {n_samples}"):
            module(y)
        return
    S, expected = module(y), front_end(y.numpy())
    assert S.shape == (2, 1, front_end.n_bands, front_end.n_frames(n_samples))
    assert_allclose(S[:, 0], expected, rtol=1e-9, atol=1e-8 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("pad_mode", ["constant", "edge", "linear_ramp", "reflect", "symmetric"])
@pytest.mark.parametrize(("frames", "hop_length"), [("kaldi", 5), ("kaldi", 24), ("librosa", 5), ("whisper", 5)])
def test_every_length_and_padding(frames, hop_length, pad_mode):
    fields = {"n_fft": 16, "win_length": 13, "hop_length": hop_length, "frames": frames, "pad_mode": pad_mode}
    front_end = FrontEnd(SR, n_mels=None, compression="none", **fields)
    for n_samples in range(1, 40):  # from shorter than the padding on
        y = noise(1, n_samples)
        assert_allclose(Spectrogram(front_end)(y)[0, 0], front_end(y[0].numpy()), atol=1e-12)


@pytest.mark.parametrize("name", ["kth2020", "whisper", "kaldi_mfcc", "feng2017"])
def test_a_batch_is_its_items(name):
    module = module_of(preset(name))
    y = noise(3, 16000).float() * torch.tensor([[1.0], [1e-2], [0.0]])
    S = module(y)
    for item, features in zip(y, S, strict=True):
        assert_allclose(module(item[None])[0], features, rtol=1e-6, atol=2e-4)
    assert torch.equal(module(y), S)
    assert torch.equal(module(y[:, None]), S)
    assert torch.equal(module(y[0]), module(y[:1]))  # a single signal is a batch of one
    assert_array_equal(y, noise(3, 16000).float() * torch.tensor([[1.0], [1e-2], [0.0]]))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ref": "max", "top_db": 30.0},
        {"compression": "log1p", "power": 1.0, "pad_mode": "reflect"},
        {"compression": "none", "power": 1.5, "n_mels": None, "pad_mode": "linear_ramp"},
        {"compression": "log", "n_mfcc": 4, "log_energy": "c0", "remove_dc": True, "preemphasis": 0.9},
        {"frames": "kaldi", "center": True, "win_length": 12, "pad_mode": "symmetric"},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_gradients_are_the_derivative(fields):
    module = module_of(FrontEnd(SR, **{"n_fft": 16, "hop_length": 7, "n_mels": 6, "norm": None, **fields}))
    y = noise(2, 40).requires_grad_()
    assert torch.autograd.gradcheck(module, y)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("compression", ["none", "power_db", "log10_1p"])
def test_silence_has_gradient_0(power, compression):
    y = torch.zeros(1, 500, requires_grad=True)
    Spectrogram(FrontEnd(SR, n_fft=64, n_mels=None, power=power, compression=compression))(y).sum().backward()
    assert not y.grad.any()


def test_it_computes_in_float32_under_autocast():
    y, module = noise(2, 9000).float(), LogMel("librosa")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        S = module(y)
        assert torch.is_autocast_enabled("cpu")
    assert torch.equal(S, module(y))


@pytest.mark.parametrize("precision", ["high", "medium"])
def test_products_are_not_rounded_to_fewer_digits(precision):
    S, matrix = noise(2, 50, 300).float().square(), noise(300, 20).float()
    exact = (S.double() @ matrix.double()).float()
    torch.set_float32_matmul_precision(precision)
    try:
        assert torch.equal(_product(S, matrix), exact)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert not torch.equal(_product(S, matrix), exact)  # which costs more than float32's own digits


def test_there_is_no_state_and_float16_and_empty_memory_do_no_harm():
    module, y = LogMel("kaldi_mfcc"), noise(2, 9000).float()
    S = module(y)
    assert not module.state_dict()
    assert not list(module.parameters())
    module.load_state_dict({}, strict=True)
    for other in (
        copy.deepcopy(module),
        pickle.loads(pickle.dumps(module)),
        copy.deepcopy(module).half(),
        copy.deepcopy(module).double(),
        copy.deepcopy(module).to("meta").to_empty(device="cpu"),
    ):
        assert torch.equal(other(y), S)
    with torch.device("meta"):
        assert LogMel("kaldi_mfcc")(torch.zeros(2, 9000)).shape == S.shape


def test_any_device():
    module = LogMel("kth2020").to("meta")  # every operation is asked to run where its input is
    S = module(torch.zeros(2, 77175, device="meta"))
    assert (S.device.type, S.shape) == ("meta", (2, 1, 128, 128))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", list_presets())
def test_presets_agree_on_a_gpu(name):
    front_end = preset(name)
    t = np.arange(int(1.1 * front_end.sr)) / front_end.sr
    y = np.stack([make(t) for make in HARD.values()]).astype(np.float32)
    module = module_of(front_end).cuda()
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    try:
        S = module(torch.tensor(y, device="cuda"))
    finally:
        torch.backends.cuda.matmul.fp32_precision = "ieee"
    assert_agrees(S[:, 0].double().cpu().numpy(), front_end, y.astype(np.float64))


def test_nan_stays_in_its_item_and_its_frames():
    y = noise(2, 9000).float()
    y[0, 5000] = torch.nan
    S = LogMel(FrontEnd(SR, n_fft=512, hop_length=256, n_mels=20))(y)
    assert S[0, 0].isnan().any(dim=0).nonzero().flatten().tolist() == [19, 20]
    assert not S[1].isnan().any()
    S = LogMel(FrontEnd(SR, n_fft=512, n_mels=20, ref="max"))(y)
    assert S[0].isnan().all()
    assert not S[1].isnan().any()


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.zeros(9000), TypeError, "y must be a torch.Tensor, got ndarray"),
        (torch.zeros(2, 9000, dtype=torch.int16), TypeError, r"y must be torch.float32 .*, got torch.int16"),
        (torch.zeros(2, 9000, dtype=torch.bfloat16), TypeError, "got torch.bfloat16"),
        (torch.zeros(2, 2, 9000), ValueError, r"y must be \(batch, n_samples\), .* got shape \(2, 2, 9000\)"),
        (torch.tensor(1.0), ValueError, r"got shape \(\)"),
        (torch.zeros(1, 1, 1, 9000), ValueError, r"got shape \(1, 1, 1, 9000\)"),
        (torch.zeros(0, 9000), ValueError, r"at least 1 signal and 1 sample, got shape \(0, 9000\)"),
        (torch.zeros(2, 0), ValueError, r"at least 1 signal and 1 sample, got shape \(2, 0\)"),
        (torch.zeros(2, 399), ValueError, "at least win_length = 400 samples .* without center, got 399"),
    ],
)
def test_wrong_signals_are_refused(y, error, message):
    with pytest.raises(error, match=message):
        LogMel("kaldi")(y)


def test_wrong_front_ends_are_refused():
    with pytest.raises(ValueError, match="n_mels of front_end must be a number for LogMel, got None"):
        LogMel("feng2017")
    with pytest.raises(ValueError, match="n_mels of front_end must be None for Spectrogram, got 128"):
        Spectrogram("librosa")
    with pytest.raises(ValueError, match=r"name must be one of feng2017, .*, got 'mel'"):
        LogMel("mel")
    with pytest.raises(TypeError, match="front_end must be a FrontEnd or the name of a preset, got int"):
        LogMel(22050)


def test_the_text_of_a_module_tells_its_fields():
    assert repr(LogMel(FrontEnd(SR, n_mels=64, ref="max"))) == "LogMel(sr=8000.0, n_mels=64, ref='max')"


def exported(front_end):
    """Return the module, and its graph for any batch and any number of samples."""
    module, free = module_of(front_end).eval(), torch.export.Dim.DYNAMIC
    y = noise(2, int(0.6 * front_end.sr)).float()
    return module, torch.export.export(module, (y,), dynamic_shapes=({0: free, 1: free},))


def assert_same_graph(run, module):
    front_end = module.front_end
    for batch, n_samples in ((1, int(0.4 * front_end.sr)), (3, int(0.9 * front_end.sr) + 7)):
        y = noise(batch, n_samples).float()
        S = run(y)
        assert S.shape == module(y).shape
        assert_agrees(S[:, 0].astype(np.float64), front_end, y.double().numpy())


@pytest.mark.parametrize("name", quick)
def test_exported_graphs_agree(name):
    module, graph = exported(EXPORTED[name])
    assert_same_graph(lambda y: graph.module()(y).numpy(), module)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # torch's, of itself
@pytest.mark.parametrize("name", quick)
def test_onnx_graphs_agree(name):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    module, graph = exported(EXPORTED[name])
    model = torch.onnx.export(graph, dynamo=True, verbose=False).model_proto.SerializeToString()
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    assert_same_graph(lambda y: session.run(None, {source.name: y.numpy()})[0], module)


@pytest.mark.parametrize("name", ["kaldi", "whisper", "feng2017"])
def test_one_graph_is_compiled(name):
    module, y = module_of(preset(name)), noise(2, 9000).float()
    assert torch.equal(torch.compile(module, backend="aot_eager", fullgraph=True)(y), module(y))
