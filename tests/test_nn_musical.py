"""The networks of Pons, Lidy and Serra (2016): their table I, layer by layer, and what the pools make them blind to."""

import pytest

torch = pytest.importorskip("torch")

from audiofeat_nn.layers import count_parameters  # noqa: E402
from audiofeat_nn.musical import BlackBox, Frequency, Time, TimeFrequency, mirex2015, time_frequency_init  # noqa: E402

torch.set_num_threads(1)


def from_trained(n_classes, **options):
    joint = {name: options.pop(name) for name in ("n_units", "dropout") if name in options}
    time = {name: value for name, value in options.items() if name != "height"}
    frequency = {name: value for name, value in options.items() if name != "length"}
    pair = {"time": Time(n_classes, **time), "frequency": Frequency(n_classes, **frequency)}
    return time_frequency_init(n_classes, **pair, **joint)


SMALL = [
    (BlackBox, {"n_bands": 9, "n_frames": 11, "kernel": (4, 3), "pool": (2, 1), "n_filters": 3, "n_units": 5}),
    (Time, {"n_bands": 6, "n_frames": 11, "length": 7, "n_filters": 3}),
    (Frequency, {"n_bands": 9, "n_frames": 6, "height": 7, "n_filters": 3}),
    (TimeFrequency, {"n_bands": 9, "n_frames": 11, "length": 7, "height": 7, "n_filters": 3, "n_units": 5}),
    (from_trained, {"n_bands": 9, "n_frames": 11, "length": 7, "height": 7, "n_filters": 3, "n_units": 5}),
]


def small(make, options, **more):
    torch.manual_seed(0)
    model = make(4, **options, **more)
    return model, torch.randn(5, 1, options["n_bands"], options["n_frames"])


# Table I of the paper, in its order; the numbers are typed from it.
@pytest.mark.parametrize(
    ("make", "options", "count"),
    [
        (BlackBox, {}, 3_275_312),
        (BlackBox, {"n_frames": 250, "kernel": (12, 200)}, 2_363_440),
        (Time, {}, 7_336),
        (Time, {"n_frames": 250, "length": 200}, 19_496),
        (Frequency, {"height": 30}, 3_816),
        (Frequency, {}, 3_368),
        (Frequency, {"height": 34}, 2_920),
        (Frequency, {"height": 36}, 2_472),
        (Frequency, {"height": 38}, 2_024),
        (Frequency, {"height": 40}, 1_576),
        (TimeFrequency, {}, 196_816),
        (from_trained, {}, 196_816),
        # not of the table: 15 * (12 * 8 + 1), a hidden layer of 200 on 15 maps of 14 x 73, two classes
        (mirex2015, {}, 1_455 + 200 * (15 * 14 * 73 + 1) + 8 * 201),
    ],
)
def test_as_many_parameters_as_published(make, options, count):
    with torch.device("meta"):
        model = make(8, **options)
    assert count_parameters(model) == count


@pytest.mark.parametrize(
    ("make", "options", "shapes"),
    [
        (BlackBox, {}, {"conv1": (32, 29, 73), "pool1": (32, 7, 73), "classify.dense1": (200,)}),
        (
            BlackBox,
            {"n_frames": 250, "kernel": (12, 200)},
            {"conv1": (32, 29, 51), "pool1": (32, 7, 51), "classify.dense1": (200,)},
        ),
        (Time, {}, {"conv1": (32, 40, 21), "pool1": (32, 1, 21)}),
        (Time, {"n_frames": 250, "length": 200}, {"conv1": (32, 40, 51), "pool1": (32, 1, 51)}),
        (Frequency, {}, {"conv1": (32, 9, 80), "pool1": (32, 9, 1)}),
        (Frequency, {"height": 40}, {"conv1": (32, 1, 80), "pool1": (32, 1, 1)}),
        (
            TimeFrequency,
            {},
            {
                "time_conv": (32, 40, 21),
                "time_pool": (32, 1, 21),
                "freq_conv": (32, 9, 80),
                "freq_pool": (32, 9, 1),
                "classify.dense1": (200,),
            },
        ),
        (mirex2015, {}, {"conv1": (15, 29, 73), "pool1": (15, 14, 73), "classify.dense1": (200,)}),
    ],
)
def test_shapes_layer_by_layer(make, options, shapes):
    seen = {}
    with torch.device("meta"):
        model = make(8, **options)
        for name in shapes:
            model.get_submodule(name).register_forward_hook(
                lambda module, x, y, name=name: seen.update({name: tuple(y.shape[1:])})
            )
        logits = model(torch.zeros(3, 1, 40, options.get("n_frames", 80)))
    assert seen == shapes
    assert logits.shape == (3, 8)


@pytest.mark.parametrize(("make", "options"), SMALL)
def test_every_parameter_gets_a_gradient(make, options):
    model, x = small(make, options, dropout=0.0)
    torch.nn.functional.cross_entropy(model(x), torch.arange(5) % 4).backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("make", "options"), SMALL)
def test_a_batch_is_its_items_and_a_copy_gives_the_same(make, options):
    model, x = small(make, options)
    model.eval()
    logits = model(x)
    torch.testing.assert_close(torch.cat([model(item[None]) for item in x]), logits)
    assert torch.equal(model(x), logits)
    other = make(4, **options).eval()
    assert not torch.equal(other(x), logits)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(x), logits)


@pytest.mark.parametrize(("make", "options"), SMALL)
def test_half_is_dropped_before_every_dense_layer(make, options):
    model, x = small(make, options)
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Dropout | torch.nn.Linear)]
    kinds = [type(layer) for layer in layers]
    assert kinds == [torch.nn.Dropout, torch.nn.Linear] * (len(layers) // 2)
    assert all(layer.p == 0.5 for layer in layers[::2])
    assert not torch.equal(model(x), model(x))


@pytest.mark.parametrize(("make", "options"), SMALL[:1])
def test_black_box_is_correlation_relu_pool_and_two_dense_layers(make, options):
    model, x = small(make, options)
    windows = x[:, 0].unfold(1, 4, 1).unfold(2, 3, 1)  # (5, 6, 9, 4, 3)
    maps = torch.einsum("bhwij,fij->bfhw", windows, model.conv1.weight[:, 0]) + model.conv1.bias[:, None, None]
    maps = maps.clamp(min=0).reshape(5, 3, 3, 2, 9).amax(dim=3).reshape(5, -1)
    dense, out = model.classify.dense1, model.classify.out
    expected = (maps @ dense.weight.T + dense.bias).clamp(min=0) @ out.weight.T + out.bias
    torch.testing.assert_close(model.eval()(x), expected)


def test_time_knows_no_order_of_bands_and_frequency_none_of_frames():
    time, x = small(*SMALL[1])
    time.eval()
    torch.testing.assert_close(time(x[:, :, torch.randperm(6)]), time(x))
    assert (time(x.flip(3)) - time(x)).abs().max() > 1e-3
    frequency, x = small(*SMALL[2])
    frequency.eval()
    torch.testing.assert_close(frequency(x[..., torch.randperm(6)]), frequency(x))
    assert (frequency(x.flip(2)) - frequency(x)).abs().max() > 1e-3


def test_both_branches_reach_the_hidden_layer_in_the_order_of_the_authors():
    model, x = small(*SMALL[3])
    model.eval()
    seen = []
    model.classify.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    model(x)
    time = model.time_conv(x).relu().amax(dim=2)  # (5, 3, 5)
    frequency = model.freq_conv(x).relu().amax(dim=3)  # (5, 3, 3)
    rows = [torch.cat([time[:, f], frequency[:, f]], dim=1) for f in range(3)]
    torch.testing.assert_close(seen[0], torch.cat(rows, dim=1))


def test_filters_come_from_the_trained_pair_and_go_their_own_way():
    _, options = SMALL[3]
    options = {name: value for name, value in options.items() if name not in ("n_units", "length", "height")}
    time, frequency = Time(4, length=7, **options), Frequency(4, height=5, **options)
    time.double(), frequency.double()
    model = time_frequency_init(4, time=time, frequency=frequency, n_units=5, dropout=0.25)
    for ours, theirs in ((model.time_conv, time.conv1), (model.freq_conv, frequency.conv1)):
        assert torch.equal(ours.weight, theirs.weight)
        assert torch.equal(ours.bias, theirs.bias)
        assert ours.weight.data_ptr() != theirs.weight.data_ptr()
    assert all(parameter.requires_grad and parameter.dtype == torch.float64 for parameter in model.parameters())
    assert model.classify.dropout1.p == 0.25
    kept = time.conv1.weight.detach().clone()
    with torch.no_grad():
        model.time_conv.weight.add_(1.0)
    assert torch.equal(time.conv1.weight, kept)


def pair(**differs):
    shape = {"n_bands": 9, "n_frames": 11, "n_filters": 3}
    other = shape | {name: value for name, value in differs.items() if name != "n_classes"}
    return {
        "time": Time(4, length=7, **shape),
        "frequency": Frequency(differs.get("n_classes", 4), height=5, **other),
    }


@pytest.mark.parametrize(
    ("differs", "message"),
    [
        ({"n_classes": 3}, "same n_classes, got 4 and 3"),
        ({"n_bands": 10}, "same n_bands, got 9 and 10"),
        ({"n_frames": 12}, "same n_frames, got 11 and 12"),
        ({"n_filters": 2}, "same n_filters, got 3 and 2"),
    ],
)
def test_a_pair_that_does_not_match_is_refused(differs, message):
    with pytest.raises(ValueError, match=message):
        time_frequency_init(4, **pair(**differs))


def test_a_pair_of_other_networks_or_classes_is_refused():
    with pytest.raises(ValueError, match="n_classes must be 4 as in time and frequency, got 5"):
        time_frequency_init(5, **pair())
    with pytest.raises(TypeError, match="time must be a Time, got Frequency"):
        time_frequency_init(4, **pair() | {"time": pair()["frequency"]})
    with pytest.raises(TypeError, match="frequency must be a Frequency, got NoneType"):
        time_frequency_init(4, **pair() | {"frequency": None})


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (BlackBox, {"n_bands": 14}, "n_bands must be at least 15"),
        (BlackBox, {"n_frames": 7}, "n_frames must be at least 8"),
        (BlackBox, {"kernel": 12}, "kernel must be two numbers"),
        (BlackBox, {"kernel": (12, 8, 1)}, "kernel must be two numbers"),
        (BlackBox, {"pool": (0, 1)}, "pool must be >= 1, got 0"),
        (BlackBox, {"n_units": 0}, "n_units must be >= 1, got 0"),
        (Time, {"n_frames": 59}, "n_frames must be at least 60"),
        (Time, {"length": 0}, "length must be >= 1, got 0"),
        (Frequency, {"n_bands": 31}, "n_bands must be at least 32"),
        (Frequency, {"n_filters": 0}, "n_filters must be >= 1, got 0"),
        (Frequency, {"dropout": 1.5}, r"dropout must be in \[0, 1\], got 1.5"),
        (TimeFrequency, {"height": 41}, "n_bands must be at least 41"),
        (TimeFrequency, {"length": 81}, "n_frames must be at least 81"),
    ],
)
def test_options_that_cannot_be_are_refused(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(8, **options)


@pytest.mark.parametrize(("make", "options"), SMALL)
def test_wrong_input_is_refused(make, options):
    model, x = small(make, options)
    for wrong in (x[0], x.expand(-1, 2, -1, -1), x[:, :, 1:], x[..., 1:]):
        with pytest.raises(ValueError, match="x must be"):
            model(wrong)
    with pytest.raises(TypeError, match="floating-point"):
        model(x.int())
    with pytest.raises(ValueError, match="n_classes must be >= 1, got 0"):
        make(0, **options)
