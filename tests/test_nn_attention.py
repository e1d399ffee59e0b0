"""The UBC replication has its counts and shapes; attention of its figure 4 does nothing, over time steps it works."""

import pytest

torch = pytest.importorskip("torch")
from numpy.testing import assert_allclose  # noqa: E402
from torch import nn  # noqa: E402

from audiofeat_nn.attention import UBCPRCNN, ConvolutionScores, UBCAttention  # noqa: E402
from audiofeat_nn.layers import count_parameters  # noqa: E402

torch.set_num_threads(1)

MAPS = {  # figure 4, (channels, bands, frames); its pictures lie the other way
    "conv1": (16, 128, 638),
    "pool1": (16, 64, 319),
    "conv2": (32, 64, 317),
    "pool2": (32, 32, 158),
    "conv3": (64, 32, 156),
    "pool3": (64, 16, 78),
    "conv4": (64, 16, 76),
    "pool4": (64, 4, 19),
    "conv5": (64, 4, 17),
    "pool5": (64, 1, 4),
}
CNN = {f"cnn.{name}": shape for name, shape in MAPS.items()} | {"cnn": (256,)}
SCORES = {f"scores.{name}": shape for name, shape in MAPS.items()} | {"scores": (256,)}
RNN = {"pool": (1, 128, 320), "gru": (320, 128), "output": (8,)}
STEPS = {"pool": (1, 128, 320), "gru": (320, 256), "scores": (320, 1), "output": (8,)}
FIRST_3 = {name: shape for name, shape in CNN.items() if name[-1] in "123"} | {"cnn": (79_872,), "output": (8,)}
TEMPORAL = {"attention": "temporal", "n_bands": 128, "n_frames": 24, "n_units": 64}
SMALL = [
    (UBCPRCNN, {"n_bands": 128, "n_frames": 222}),
    (UBCPRCNN, {"n_bands": 16, "n_frames": 40, "filters": (3, 4), "pools": [[2, 2], [4, 1]], "n_layers": 2}),
    (UBCPRCNN, {"n_bands": 16, "n_frames": 40, "filters": (3, 4, 5), "n_layers": 0}),
    (UBCPRCNN, {"n_bands": 16, "n_frames": 40, "filters": (), "recurrent_pool": (2, 4)}),
    *((UBCAttention, TEMPORAL | {"scores": s, "order": o}) for s in ("cnn", "linear") for o in ("parallel", "serial")),
    (UBCAttention, TEMPORAL | {"n_layers": 2, "n_bands": 256, "recurrent_pool": (2, 3)}),
]
FIGURE_4 = (UBCAttention, {"n_bands": 128, "n_frames": 222, "n_units": 32})


def small(network, options):
    torch.manual_seed(0)
    model = network(5, **options).eval()
    return model, torch.randn(3, 1, options["n_bands"], options["n_frames"])


@pytest.mark.parametrize(
    ("network", "options", "count"),
    [
        (UBCPRCNN, {}, 110_120),
        (UBCPRCNN, {"recurrent_pool": (2, 4)}, 85_544),
        (UBCPRCNN, {"filters": ()}, 74_496 + 129 * 8),
        (UBCPRCNN, {"n_layers": 0}, 32_544 + 257 * 8),
        (UBCPRCNN, {"n_layers": 0, "filters": (16, 32, 64)}, 7_840 + 79_873 * 8),
        (UBCPRCNN, {"n_layers": 2}, 110_120 + 74_496),
        (UBCAttention, {}, 232_744),
        (UBCAttention, {"n_layers": 2}, 232_744 + 296_448),
        (UBCAttention, {"attention": "temporal"}, 232_744 + 64),
        (UBCAttention, {"attention": "temporal", "order": "serial"}, 232_744 + 128),
        (UBCAttention, {"attention": "temporal", "scores": "linear"}, 232_744 - 32_544 + 128),
        (UBCAttention, {"attention": "temporal", "scores": "linear", "order": "serial"}, 232_744 - 32_544 + 256),
    ],
)
def test_counts_of_parameters(network, options, count):
    with torch.device("meta"):
        assert count_parameters(network(8, **options)) == count


def test_counts_of_each_layer_of_figure_4():
    with torch.device("meta"):
        model = UBCAttention(8)
    counts = [count_parameters(model.get_submodule(f"scores.conv{i}")) for i in (1, 2, 3, 4, 5)]
    assert counts == [64, 1_568, 6_208, 12_352, 12_352]
    assert (count_parameters(model.gru), count_parameters(model.output)) == (198_144, 2_056)


@pytest.mark.parametrize(
    ("network", "options", "shapes"),
    [
        (UBCPRCNN, {}, CNN | RNN),
        (UBCPRCNN, {"n_layers": 2}, CNN | RNN),
        (UBCPRCNN, {"filters": ()}, RNN),
        (UBCPRCNN, {"n_layers": 0}, CNN | {"output": (8,)}),
        (UBCPRCNN, {"n_layers": 0, "filters": (16, 32, 64)}, FIRST_3),
        (UBCPRCNN, {"recurrent_pool": (2, 4)}, CNN | RNN | {"pool": (1, 64, 160), "gru": (160, 128)}),
        (UBCAttention, {}, SCORES | {"pool": (1, 128, 320), "gru": (320, 256), "output": (8,)}),
        (UBCAttention, {"attention": "temporal"}, STEPS),
        (UBCAttention, {"attention": "temporal", "order": "serial"}, STEPS),
        (UBCAttention, {"attention": "temporal", "scores": "linear"}, STEPS),
    ],
)
def test_shapes_layer_by_layer(network, options, shapes):
    found = {}

    def note(name):
        return lambda module, inputs, output: found.update(
            {name: tuple((output[0] if isinstance(output, tuple) else output).shape[1:])}
        )

    with torch.device("meta"):
        model = network(8, **options)
        for name in shapes:
            model.get_submodule(name).register_forward_hook(note(name))
        model(torch.zeros(2, 1, 128, 640))
    assert found == shapes


def test_what_is_taken_away_is_not_there():
    with torch.device("meta"):
        recurrent, convolved = UBCPRCNN(8, filters=()), UBCPRCNN(8, n_layers=0)
    assert not any(isinstance(module, nn.Conv2d) for module in recurrent.modules())
    assert not any(isinstance(module, nn.GRU) for module in convolved.modules())
    assert UBCPRCNN(8, n_frames=1, n_bands=1, filters=(), recurrent_pool=(1, 1)).output.in_features == 128


@pytest.mark.parametrize("part", ["whole", "cnn", "rnn"])
def test_the_graph_is_keras_on_pictures_of_time_by_frequency(part):
    torch.manual_seed(0)
    options = {"cnn": {"n_layers": 0}, "rnn": {"filters": ()}, "whole": {}}[part]
    model = UBCPRCNN(8, **options).eval()
    x = torch.rand(2, 1, 128, 640)
    vectors = []
    with torch.no_grad():
        picture = x.transpose(2, 3)  # 640 rows of 128
        if part != "rnn":
            maps = picture
            for i, pool in enumerate((2, 2, 2, 4, 4), 1):
                conv = model.get_submodule(f"cnn.conv{i}")
                maps = nn.functional.conv2d(maps, conv.weight.transpose(2, 3), conv.bias)
                maps = nn.functional.max_pool2d(maps.relu(), pool)
            vectors.append(maps.flatten(1))
        if part != "cnn":
            states, _ = model.gru(picture.reshape(2, 320, 2, 128).amax(2))
            vectors += [states[:, -1, :64], states[:, 0, 64:]]
        assert_allclose(model(x), torch.cat(vectors, 1) @ model.output.weight.T + model.output.bias, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("n_layers", [1, 2])
def test_the_attention_of_figure_4_is_an_identity(scale, n_layers):
    torch.manual_seed(0)
    model = UBCAttention(8, n_frames=222, n_layers=n_layers).eval()
    seen, last = [], []
    model.output.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    model.gru.register_forward_hook(lambda module, inputs, output: last.append(output[1][-2:]))
    features = []
    model.scores.register_forward_hook(lambda module, inputs, output: features.append(output))
    with torch.no_grad():
        logits = model(scale * torch.randn(4, 1, 128, 222))
        expected = torch.cat([*last[0]], dim=1)
        assert features[0].std() > 1e-3 * scale  # the convolutions have something to say, and are not heard
        assert seen[0].shape == (4, 256)
        assert_allclose(seen[0], expected, atol=2.5e-7)
        assert_allclose(logits, model.output(expected), atol=1e-6)


@pytest.mark.parametrize("options", [FIGURE_4[1], FIGURE_4[1] | {"n_units": 128}])
@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 1e-5), (torch.float64, 1e-14)])
def test_the_convolutions_of_figure_4_learn_nothing(dtype, rounding, options):
    model, x = small(UBCAttention, options)
    nn.functional.cross_entropy(model.to(dtype)(x.to(dtype)), torch.arange(3)).backward()
    sizes = {name: parameter.grad.abs().sum() for name, parameter in model.named_parameters()}
    cut = sum(size for name, size in sizes.items() if name.startswith("scores"))
    assert cut < rounding * sum(sizes.values())
    assert all(size > 1e-3 for name, size in sizes.items() if not name.startswith("scores"))


def test_other_convolutions_leave_figure_4_as_it_is():
    model, x = small(*FIGURE_4)
    with torch.no_grad():
        before = model(x)
        for parameter in model.scores.parameters():
            parameter.normal_()
        assert_allclose(model(x), before, atol=1e-6)


def attended(model, x):
    """Weigh the states of a model by the softmax of its scores, item by item."""
    steps = nn.functional.max_pool2d(x, model.pool.kernel_size)[:, 0].transpose(1, 2)
    states, _ = model.gru(steps)
    scores = model.scores(states if model.serial else steps)[..., 0]
    vectors = []
    for score, state in zip(scores, states, strict=True):
        weight = (score - score.max()).exp()
        vectors.append((weight[:, None] * state).sum(0) / weight.sum())
    return torch.stack(vectors)


@pytest.mark.parametrize(("network", "options"), SMALL[4:])
def test_temporal_attention_weighs_the_states_of_all_steps(network, options):
    model, x = small(network, options)
    with torch.no_grad():
        assert_allclose(model(x), model.output(attended(model, x)), atol=1e-5)
        linear = model.scores if isinstance(model.scores, nn.Linear) else model.scores.linear
        linear.weight.mul_(30.0)
        sharp = model(x)
        assert_allclose(sharp, model.output(attended(model, x)), atol=1e-5)
        linear.weight.zero_()
        steps = nn.functional.max_pool2d(x, model.pool.kernel_size)[:, 0].transpose(1, 2)
        assert_allclose(model(x), model.output(model.gru(steps)[0].mean(1)), atol=1e-5)  # all alike: a mean
        assert not torch.allclose(model(x), sharp, atol=1e-3)


def test_parallel_scores_do_not_see_the_recurrence_and_serial_ones_do():
    for order in ("parallel", "serial"):
        model, x = small(UBCAttention, TEMPORAL | {"scores": "linear", "order": order})
        seen = []
        model.scores.register_forward_hook(lambda module, inputs, output, seen=seen: seen.append(output))
        with torch.no_grad():
            model(x)
            model.gru.weight_hh_l0.mul_(2.0)
            model(x)
        assert torch.equal(seen[0], seen[1]) == (order == "parallel")


def test_a_score_by_convolutions_hears_five_steps_each_way():
    torch.manual_seed(0)
    scores = ConvolutionScores(128).double()
    steps = torch.randn(1, 31, 128, dtype=torch.float64)
    with torch.no_grad():
        before = scores(steps)
        assert before.shape == (1, 31, 1)
        steps[:, 15] += torch.randn(128, dtype=torch.float64)
        changed = (scores(steps) != before)[0, :, 0].nonzero().flatten()
    assert (changed.min(), changed.max()) == (10, 20)


def test_temporal_attention_learns_where_to_listen():
    """One frame among 40, loud in another band, tells the class: a mean of what is heard elsewhere does not."""
    torch.manual_seed(0)
    model = UBCAttention(
        2, n_bands=8, n_frames=40, attention="temporal", scores="linear", n_units=4, recurrent_pool=(1, 1)
    )
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(64, 1, 8, 40, generator=generator)
    x[:, :, :3] = 0.0
    places, classes = torch.randint(40, (64,), generator=generator), torch.arange(64) % 2
    x[torch.arange(64), 0, 0, places] = 1.0
    x[torch.arange(64), 0, 1 + classes, places] = 1.0
    weights = []
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    for _ in range(120):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), classes)
        loss.backward()
        optimizer.step()
    model.scores.register_forward_hook(lambda module, inputs, output: weights.append(output.softmax(1)[..., 0]))
    with torch.no_grad():
        assert (model(x).argmax(1) == classes).all()
    assert weights[0][torch.arange(64), places].mean() > 5 / 40


@pytest.mark.parametrize(("network", "options"), SMALL)
def test_every_parameter_has_a_gradient(network, options):
    model, x = small(network, options)
    (model(x) * torch.randn(3, 5)).sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize(("network", "options"), [*SMALL, FIGURE_4])
def test_a_batch_is_its_items_and_a_state_dict_is_the_model(network, options):
    model, x = small(network, options)
    with torch.no_grad():
        whole = model(x)
        assert whole.shape == (3, 5)
        assert torch.equal(whole, model(x))
        model.double()
        assert_allclose(torch.cat([model(item[None]) for item in x.double()]), model(x.double()), rtol=1e-9)
        model.float()
        other = network(5, **options).eval()
        assert not torch.equal(other(x), whole)
        other.load_state_dict(model.state_dict())
        assert torch.equal(other(x), whole)


def test_weights_start_as_keras_draws_them():
    model = UBCPRCNN(8, n_frames=222)
    recurrent = model.gru.weight_hh_l0
    assert_allclose((recurrent.T @ recurrent).detach(), torch.eye(64), atol=1e-5)
    assert not any(value.any() for name, value in model.named_parameters() if "bias" in name)
    bound = (6 / (3 * (64 + 64))) ** 0.5
    assert 0.99 * bound < model.cnn.conv4.weight.abs().max() <= bound


@pytest.mark.parametrize(
    ("network", "options", "error", "words"),
    [
        (UBCPRCNN, {"n_classes": 0}, ValueError, "n_classes must be >= 1, got 0"),
        (UBCPRCNN, {"n_bands": 127}, ValueError, "n_bands must be at least 128 .* got 127"),
        (UBCPRCNN, {"n_frames": 221}, ValueError, "n_frames must be at least 222 .* got 221"),
        (UBCPRCNN, {"n_layers": -1}, ValueError, "n_layers must be >= 0, got -1"),
        (UBCPRCNN, {"n_layers": 0, "filters": ()}, ValueError, "n_layers must be at least 1 where filters are empty"),
        (UBCPRCNN, {"filters": 16}, TypeError, "filters must be a sequence, got 16"),
        (UBCPRCNN, {"filters": "16"}, TypeError, "filters must be a sequence, got '16'"),
        (UBCPRCNN, {"filters": (16, 0)}, ValueError, r"filters\[1\] must be >= 1, got 0"),
        (UBCPRCNN, {"filters": (8,) * 6}, ValueError, "filters and pools must be as many, got 6 and 5"),
        (UBCPRCNN, {"pools": 2}, TypeError, "pools must be a sequence, got 2"),
        (UBCPRCNN, {"pools": ((2, 2),)}, ValueError, "filters and pools must be as many, got 5 and 1"),
        (UBCPRCNN, {"recurrent_pool": (0, 2)}, ValueError, r"recurrent_pool\[0\] must be >= 1, got 0"),
        (UBCPRCNN, {"filters": (), "recurrent_pool": (129, 1)}, ValueError, "n_bands must be at least 129 .* got 128"),
        (UBCPRCNN, {"filters": (), "recurrent_pool": (1, 641)}, ValueError, "n_frames must be at least 641 .* got 640"),
        (UBCAttention, {"attention": "yes"}, ValueError, "attention must be one of figure4, temporal, got 'yes'"),
        (UBCAttention, {"scores": "rnn"}, ValueError, "scores must be one of cnn, linear, got 'rnn'"),
        (UBCAttention, {"order": "both"}, ValueError, "order must be one of parallel, serial, got 'both'"),
        (UBCAttention, {"n_units": 0}, ValueError, "n_units must be >= 1, got 0"),
        (UBCAttention, {"n_layers": 0}, ValueError, "n_layers must be >= 1, got 0"),
        (UBCAttention, {"n_frames": 100}, ValueError, "n_frames must be at least 222 .* got 100"),
        (
            UBCAttention,
            {"attention": "temporal", "recurrent_pool": (2, 2)},
            ValueError,
            "n_bands after recurrent_pool must be at least 128 .* got 64",
        ),
        (
            UBCAttention,
            {"attention": "temporal", "order": "serial", "n_units": 63},
            ValueError,
            r"2 \* n_units must be at least 128 .* got 126",
        ),
    ],
)
def test_options_are_checked(network, options, error, words):
    with torch.device("meta"), pytest.raises(error, match=words):
        network(**{"n_classes": 8} | options)


@pytest.mark.parametrize("network", [UBCPRCNN, UBCAttention])
def test_input_is_checked(network):
    with torch.device("meta"):
        model = network(8)
        with pytest.raises(ValueError, match=r"128 bands, 640 frames\), got shape \(2, 1, 128, 646\)"):
            model(torch.zeros(2, 1, 128, 646))
