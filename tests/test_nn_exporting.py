"""ONNX graphs agree with torch, for any number of items, from features and from the waveform."""

import sys
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from numpy.testing import assert_allclose  # noqa: E402
from small_networks import ALL, batch_for, small_network  # noqa: E402
from torch import nn  # noqa: E402
from torch.optim.swa_utils import update_bn  # noqa: E402

from audiofeat import preset  # noqa: E402
from audiofeat_nn import create_model  # noqa: E402
from audiofeat_nn.exporting import Standardized, export_onnx, n_samples_for  # noqa: E402
from audiofeat_nn.frontend import LogMel, Spectrogram  # noqa: E402

torch.set_num_threads(1)

QUICK = ("gru-mfcc", "kth-cnn", "time-frequency")
SOME_QUICK = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ALL]


def runtime(path):
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name)
    session = pytest.importorskip("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    (out,) = session.get_outputs()
    assert out.name == "logits"
    return given, lambda x: session.run(None, {given.name: x.numpy()})[0]


@pytest.fixture
def _onnx():
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)


@pytest.mark.usefixtures("_onnx")
@pytest.mark.parametrize("name", SOME_QUICK)
def test_a_graph_from_features_agrees(name, tmp_path):
    model = small_network(name)
    x = batch_for(model)
    update_bn([x, x], model)
    model.train()
    path = export_onnx(model, tmp_path / "network.onnx")
    assert model.training
    model.eval()
    assert list(tmp_path.iterdir()) == [path]
    given, run = runtime(path)
    assert given.name == "x"
    assert given.shape[1:] == [1, *x.shape[2:]]
    for part in (x[:1], x[:2], x):
        expected = model(part).detach().numpy()
        assert_allclose(run(part), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.usefixtures("_onnx")
@pytest.mark.parametrize(
    ("name", "front_end", "n_samples"),
    [
        ("time", preset("pons2016"), 63 * 1024),
        ("gru-mfcc", replace(preset("ucsd2020"), compression="power_db", n_mfcc=20), 63 * 1024),
        # without bands, and without a border
        ("alexnet", replace(preset("feng2017"), n_fft=256), 256 + 71 * 512),
    ],
)
def test_a_graph_from_the_waveform_agrees(name, front_end, n_samples, tmp_path):
    torch.manual_seed(0)
    options = {"alexnet": {"n_bands": 129, "n_frames": 72, "n_units": 32}}.get(name, {"n_frames": 64})
    model = create_model(name, n_classes=4, **options).eval()
    mean = torch.linspace(-1.0, 1.0, model.recipe.n_bands).numpy()[:, None]
    path = export_onnx(model, tmp_path / "network.onnx", front_end=front_end, normalization=(mean, 2.0))
    given, run = runtime(path)
    assert given.name == "y"
    assert given.shape[1:] == [n_samples] == [n_samples_for(front_end, model.recipe.n_frames)]
    y = 0.1 * torch.randn(3, n_samples, generator=torch.Generator().manual_seed(0))
    features = torch.tensor(front_end(y.numpy()))[:, None]  # of the CPU's front end, an independent one
    expected = model((features - torch.tensor(mean)) / 2.0).detach().numpy()
    for n_items in (1, 3):
        assert_allclose(run(y[:n_items]), expected[:n_items], rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("front_end", "n_frames", "n_samples"),
    [
        (preset("feng2017"), 1, 1024),
        (preset("feng2017"), 128, 1024 + 127 * 512),
        (preset("pons2016"), 1, 1),
        (preset("pons2016"), 80, 79 * 1024),
        (preset("ubc2020"), 640, 639 * 1024),
    ],
)
def test_the_fewest_samples_that_give_the_frames(front_end, n_frames, n_samples):
    assert n_samples_for(front_end, n_frames) == n_samples
    assert front_end.n_frames(n_samples) == n_frames
    assert front_end(np.zeros(n_samples)).shape[-1] == n_frames


def test_frames_that_a_front_end_never_gives_are_refused():
    with pytest.raises(ValueError, match="front_end must give 641 frames, gives 640 at most"):
        n_samples_for(preset("ubc2020"), 641)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"front_end": preset("feng2017")}, "front_end gives 513 bands, time expects 40"),
        ({"front_end": replace(preset("pons2016"), sr=16000.0)}, "front_end has sr 16000 Hz, time expects 44100 Hz"),
        ({"normalization": (np.zeros(41), 1.0)}, "normalization must broadcast against 40 bands and 80 frames"),
        ({"normalization": (0.0, 0.0)}, r"deviation of normalization must be above 0 and finite, got 0\.0"),
        ({"normalization": (np.nan, 1.0)}, "mean of normalization must be finite, got nan"),
    ],
)
def test_what_does_not_go_with_the_network_is_refused(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_onnx(create_model("time", n_classes=4), tmp_path / "network.onnx", **options)
    assert not list(tmp_path.iterdir())


def test_a_network_of_samples_has_no_front_end(tmp_path):
    with pytest.raises(ValueError, match="front_end must be None: gru-raw reads samples"):
        export_onnx(small_network("gru-raw"), tmp_path / "network.onnx", front_end=preset("ucsd2020"))


def test_a_network_of_the_registry_is_needed(tmp_path):
    with pytest.raises(TypeError, match="model must be made by create_model, got Linear"):
        export_onnx(nn.Linear(2, 2), tmp_path / "network.onnx")


def test_without_the_extra_its_name_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    monkeypatch.setattr("audiofeat_nn.exporting.find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(ImportError, match=r"export_onnx needs onnxscript: pip install 'audiofeat\[onnx\]'"):
        export_onnx(create_model("time", n_classes=4), tmp_path / "network.onnx")


@pytest.mark.parametrize("front_end", [preset("pons2016"), replace(preset("feng2017"), n_fft=256)])
def test_standardised_features_have_mean_0_and_deviation_1(front_end):
    y = 0.1 * torch.randn(2, 20000, generator=torch.Generator().manual_seed(0))
    features = (LogMel if front_end.n_mels else Spectrogram)(front_end)(y)
    mean, deviation = (getattr(features, of)(dim=(0, 1, 3)).numpy()[:, None] for of in ("mean", "std"))
    found = Standardized(nn.Identity(), mean, deviation)(features)
    assert_allclose(found.mean(dim=(0, 1, 3)), 0.0, atol=1e-3)
    assert_allclose(found.std(dim=(0, 1, 3)), 1.0, rtol=1e-3)
