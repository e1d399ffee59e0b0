"""Looking inside: maps are what layers give, saliency is the gradient, and probes tell what pools are blind to."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from numpy.testing import assert_allclose, assert_array_equal  # noqa: E402
from small_networks import ALL, batch_for, small_network, small_options  # noqa: E402
from torch import nn  # noqa: E402

from audiofeat import preset  # noqa: E402
from audiofeat_nn import create_model  # noqa: E402
from audiofeat_nn.inspection import (  # noqa: E402
    InvarianceProbe,
    activation_maps,
    invariance_probe,
    plot_filters,
    saliency,
)

torch.set_num_threads(1)


def musical(name, n_frames=80):
    torch.manual_seed(0)
    return create_model(name, n_classes=4, n_frames=n_frames)


def event(band, frame, n_bands=40, n_frames=80):
    """Return an input with one event: three bands high, two frames long."""
    x = np.zeros((1, 1, n_bands, n_frames), dtype=np.float32)
    x[0, 0, band : band + 3, frame : frame + 2] = [[1.0, 2.0], [3.0, 1.0], [2.0, 2.0]]
    return x


@pytest.mark.parametrize(("earlier", "later"), [(0, 50), (10, 78)])
def test_a_frequency_branch_does_not_see_when(earlier, later):
    model = musical("frequency")
    responses = [activation_maps(model, event(12, frame), layer="pool1")["pool1"] for frame in (earlier, later)]
    assert_array_equal(*responses)
    assert not np.allclose(responses[0], activation_maps(model, event(20, earlier), layer="pool1")["pool1"])


@pytest.mark.parametrize(("low", "high"), [(0, 20), (7, 37)])
def test_a_time_branch_does_not_see_which_pitch(low, high):
    model = musical("time")
    responses = [activation_maps(model, event(band, 30), layer="pool1")["pool1"] for band in (low, high)]
    assert_array_equal(*responses)
    assert not np.allclose(responses[0], activation_maps(model, event(low, 40), layer="pool1")["pool1"])


@pytest.mark.parametrize("name", ALL)
def test_maps_are_what_layers_give(name):
    model = small_network(name).train()
    x = batch_for(model, 2)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    maps = activation_maps(model, x)
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert maps
    first = next((key for key, module in model.named_modules() if isinstance(module, nn.Conv2d)), None)
    if first is not None:
        assert first in maps
    for key, found in maps.items():
        assert found.dtype == np.float32
        assert found.shape[0] == 2
        assert_array_equal(activation_maps(model, x, layer=key)[key], found)
        assert_allclose(activation_maps(model, x[1:], layer=key)[key][0], found[1], rtol=1e-3, atol=1e-4)
    assert not any(module._forward_hooks for module in model.modules())


def test_maps_are_of_the_layers_by_name_in_the_order_of_running():
    model = musical("time-frequency")
    x = torch.randn(3, 1, 40, 80)
    maps = activation_maps(model, x)
    assert {key: found.shape for key, found in maps.items()} == {
        "time_conv": (3, 32, 40, 21),
        "time_pool": (3, 32, 1, 21),
        "freq_conv": (3, 32, 9, 80),
        "freq_pool": (3, 32, 9, 1),
    }
    expected = nn.functional.conv2d(x, model.time_conv.weight, model.time_conv.bias)
    assert_allclose(maps["time_conv"], expected.detach().numpy(), rtol=1e-5, atol=1e-5)
    states = activation_maps(small_network("gru-mfcc"), batch_for(small_network("gru-mfcc"), 2))["gru"]
    assert states.shape == (2, 24, 32)


def test_maps_are_kept_before_they_are_written_in_place():
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(inplace=True))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([1.0, -1.0])[:, None, None, None])
    maps = activation_maps(model, np.ones((1, 1, 2, 2), np.float32))
    assert maps["0"].min() == -1.0
    assert maps["1"].min() == 0.0


@pytest.mark.parametrize(
    ("layer", "message"),
    [("conv7", "layer must be one of classify, .*, got 'conv7'"), ("", "layer must be one of"), (3, "layer must be")],
)
def test_an_unknown_layer_is_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        activation_maps(musical("time"), event(0, 0), layer=layer)


def test_a_layer_that_does_not_run_is_refused():
    model = nn.Sequential(nn.Conv2d(1, 2, 1))
    model[0].unused = nn.ReLU()
    with pytest.raises(ValueError, match=r"layer must be one that runs, got '0\.unused'"):
        activation_maps(model, np.zeros((1, 1, 2, 2)), layer="0.unused")


def test_saliency_of_a_linear_network_is_its_weights():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).train()
    x = np.random.default_rng(0).standard_normal((4, 1, 3, 4)).astype(np.float32)
    weights = model[1].weight.detach().numpy().reshape(3, 1, 3, 4)
    for classes in (2, [0, 1, 2, 0]):
        assert_allclose(saliency(model, x, classes=classes), weights[np.broadcast_to(classes, 4)], rtol=1e-6)
    largest = model(torch.tensor(x)).argmax(dim=1).numpy()
    assert len(set(largest)) > 1
    assert_allclose(saliency(model, x), weights[largest], rtol=1e-6)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", ["gru-mfcc", "kth-cnn", "time-frequency"])
def test_saliency_is_the_slope_of_the_logit(name):
    model = small_network(name).double().eval()
    x = batch_for(model, 2).double()
    slopes = saliency(model, x, classes=1)
    assert slopes.shape == tuple(x.shape)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    h = 1e-6
    with torch.no_grad():
        measured = (model(x + h * direction) - model(x - h * direction))[:, 1] / (2 * h)
    assert_allclose((slopes * direction.numpy()).sum(axis=(1, 2, 3)), measured.numpy(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (4, r"classes must be in \[0, 3\], got 4"),
        ([0, -1], r"classes must be in \[0, 3\], got -1"),
        ([0, 1, 2], "classes must have 2 numbers, one to an item, got 3"),
    ],
)
def test_classes_that_are_not_there_are_refused(classes, message):
    with pytest.raises(ValueError, match=message):
        saliency(musical("time"), np.zeros((2, 1, 40, 80)), classes=classes)


@pytest.mark.parametrize("seed", range(3))
def test_a_probe_tells_the_branches_apart(seed):
    torch.manual_seed(seed)
    model = create_model("time-frequency", n_classes=4)
    rows = {row.name: row for row in invariance_probe(model).layers}
    assert list(rows) == ["time_conv", "time_pool", "freq_conv", "freq_pool", "logits"]
    time, frequency = rows["time_pool"], rows["freq_pool"]
    assert min(time.tempo, time.shift) > 4 * time.pitch
    assert frequency.pitch > 4 * max(frequency.tempo, frequency.shift)
    for row in rows.values():
        assert all(0.0 <= change <= 1.0 for change in row[1:])


class Measure(nn.Module):
    """A network that is blind to all but what `of` takes of its input."""

    def __init__(self, of):
        super().__init__()
        self.of, self.recipe = of, create_model("time", n_classes=2).recipe

    def forward(self, x):
        return self.of(x)


@pytest.mark.parametrize(
    ("of", "seen"),
    [
        (lambda x: 0 * x[:, 0, :2, 0] + 1, []),
        (lambda x: x[:, 0].amax(dim=1), ["tempo", "shift"]),  # a loudest band's course: steady for a tone
        (lambda x: x[:, 0].amax(dim=2), ["pitch"]),  # the loudest levels, whenever they come
    ],
)
def test_a_probe_sees_what_a_network_sees(of, seen):
    found = invariance_probe(Measure(of), pitches=(1000.0, 2000.0, 3000.0)).layers[-1]._asdict()
    found.pop("name")
    strong = max(found.values())
    assert sorted(key for key, change in found.items() if change > 0.3 * strong) == sorted(seen)


def test_a_probe_takes_the_sounds_that_it_is_given():
    model = musical("time")
    same = invariance_probe(model, tempi=(120.0, 120.0), pitches=(440.0, 440.0))
    assert isinstance(same, InvarianceProbe)
    assert (same.tempi, same.pitches) == ((120.0, 120.0), (440.0, 440.0))
    assert all(row.tempo == row.pitch == 0.0 < row.shift for row in same.layers)
    assert same.shifts == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert str(same).splitlines()[0].split() == ["layer", "tempo", "shift", "pitch"]
    assert len(str(same).splitlines()) == 1 + len(same.layers)


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("gru-raw", {}, ValueError, "model must read features, gru-raw reads samples"),
        ("time", {"tempi": [120.0]}, ValueError, "tempi must be 2 or more, got 1"),
        ("time", {"pitches": (440.0, 30000.0)}, ValueError, r"pitches must be in \(0, 22050\], got 30000"),
        ("time", {"tempi": (0.0, 60.0)}, ValueError, r"tempi must be in \(0, "),
        ("time", {"front_end": preset("feng2017")}, ValueError, "front_end gives 513 bands, time expects 40"),
        (
            "time",
            {"front_end": replace(preset("pons2016"), max_frames=20)},
            ValueError,
            "must give 80 frames, gives 20",
        ),
    ],
)
def test_sounds_that_cannot_be_made_are_refused(name, options, error, message):
    with pytest.raises(error, match=message):
        invariance_probe(small_network(name) if name != "time" else musical(name), **options)


def test_a_probe_needs_a_network_of_the_registry():
    with pytest.raises(TypeError, match="model must be made by create_model, got Linear"):
        invariance_probe(nn.Linear(2, 2))


def drawn(ax):
    return np.ma.filled(ax.images[0].get_array().astype(float), np.nan)


def test_filters_are_all_in_the_picture():
    pytest.importorskip("matplotlib")
    model = musical("time-frequency")
    time, frequency = plot_filters(model).axes
    for ax, conv in ((time, model.time_conv), (frequency, model.freq_conv)):
        picture, weight = drawn(ax), conv.weight.detach().numpy()
        assert_allclose(np.sort(picture[~np.isnan(picture)]), np.sort(weight.ravel()), rtol=1e-6)
        height, width = weight.shape[2:]
        assert_allclose(picture[-height:, :width], weight[0, 0])  # the first, above on the left
        assert ax.images[0].norm.vmin == -ax.images[0].norm.vmax
        assert ax.images[0].origin == "lower"
    assert time.get_title() == "time_conv: 32 of 1 x 60"


def test_filters_on_colours_are_colours_and_on_many_channels_a_mean():
    pytest.importorskip("matplotlib")
    vgg = small_network("vgg16")
    (ax,) = plot_filters(vgg).axes
    assert ax.images[0].get_array().shape[-1] == 3
    assert (ax.images[0].get_array().min(), ax.images[0].get_array().max()) == (0.0, 1.0)
    model = small_network("kth-crnn")
    (ax,) = plot_filters(model, layer="layers.conv2").axes
    picture = drawn(ax)
    weight = model.layers.conv2.weight.detach().numpy().mean(axis=1)
    assert_allclose(np.sort(picture[~np.isnan(picture)]), np.sort(weight.ravel()), rtol=1e-5, atol=1e-8)


def test_filters_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="model must have a convolution, GRUClassifier has none"):
        plot_filters(create_model("gru-mfcc", n_classes=4, **small_options("gru-mfcc")))
    with pytest.raises(ValueError, match="layer must be one of conv1, got 'pool1'"):
        plot_filters(musical("time"), layer="pool1")
