"""The networks of KTH 2020 with recurrence have the counts and shapes of their code, and its cut gradients."""

import pytest

torch = pytest.importorskip("torch")
from numpy.testing import assert_allclose  # noqa: E402

from audiofeat_nn.crnn import KTHCNNRNN, KTHCRNN  # noqa: E402
from audiofeat_nn.layers import count_parameters  # noqa: E402

torch.set_num_threads(1)

CODED = {
    "layers.pool1": (68, 127, 127),
    "layers.pool2": (137, 125, 125),
    "layers.pool3": (137, 122, 122),
    "layers.pool4": (137, 119, 119),
    "gru": (119, 68),
    "output": (8,),
}
PUBLISHED = {
    "layers.pool1": (32, 64, 64),
    "layers.pool2": (64, 21, 21),
    "layers.pool3": (128, 5, 5),
    "layers.pool4": (64, 1, 1),
    "gru": (1, 68),
    "output": (8,),
}
BESIDE = {
    "features.stem": (32, 64, 64),
    "features.block1": (128, 32, 32),
    "features.block2": (256, 32, 32),
    "features.block3": (512, 16, 16),
    "features.block4": (512, 16, 16),
    "features.block5": (512, 8, 8),
    "features.block6": (128, 8, 8),
    "features.last": (64, 4, 4),
    "pool": (1, 128, 64),
    "gru": (128, 128),
    "output": (8,),
}
NARROW = (3, 4, 5, 6)
SMALL = [
    (KTHCRNN, {"n_bands": 14, "n_frames": 17, "channels": NARROW, "recurrence": "time"}),
    (KTHCRNN, {"n_bands": 14, "n_frames": 17, "channels": NARROW}),
    (KTHCRNN, {"n_bands": 96, "n_frames": 192, "channels": NARROW, "graph": "published", "recurrence": "time"}),
    (KTHCNNRNN, {"n_bands": 17, "n_frames": 20}),
    (KTHCNNRNN, {"n_bands": 17, "n_frames": 20, "recurrence": "time", "embedding": 7, "attention": True}),
]


def small(network, options):
    torch.manual_seed(0)
    model = network(5, **options).eval()
    for name, value in model.named_buffers():  # so that dead channels do not hide a gradient
        if name.endswith("running_mean"):
            value.fill_(-0.5)
    return model, torch.randn(3, 1, options["n_bands"], options["n_frames"])


@pytest.mark.parametrize(
    ("network", "options", "trainable", "total"),
    [
        (KTHCRNN, {}, 462_843, 463_801),
        (KTHCRNN, {"graph": "published"}, 194_928, 195_504),
        (KTHCRNN, {"channels": (32, 64, 128, 64)}, 206_148, 206_724),
        (KTHCNNRNN, {}, 7_139_304, 7_148_136),
        (KTHCNNRNN, {"recurrence": "time"}, 7_139_304, 7_148_136),
        (KTHCNNRNN, {"embedding": 64, "attention": True}, 7_139_304 + 64 * 65 + 128, 7_148_136 + 64 * 65 + 128),
    ],
)
def test_counts_of_parameters(network, options, trainable, total):
    with torch.device("meta"):
        model = network(8, **options)
    assert count_parameters(model) == trainable
    assert count_parameters(model, trainable=False) == total


def test_counts_of_each_layer_as_coded():
    with torch.device("meta"):
        model = KTHCRNN(8)
    counts = [count_parameters(model.get_submodule(f"layers.conv{i}")) for i in (1, 2, 3, 4)]
    assert counts == [680, 83_981, 169_058, 169_058]
    assert (count_parameters(model.gru), count_parameters(model.output)) == (38_556, 552)


@pytest.mark.parametrize(
    ("network", "options", "shapes"),
    [(KTHCRNN, {}, CODED), (KTHCRNN, {"graph": "published"}, PUBLISHED), (KTHCNNRNN, {}, BESIDE)],
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
        model(torch.zeros(2, 1, 128, 128))
    assert found == shapes


@pytest.mark.parametrize(("network", "options"), SMALL)
def test_every_parameter_that_is_read_has_a_gradient(network, options):
    model, x = small(network, options)
    # in eval mode: the mean of a batch cancels the biases before it
    (model(x) * torch.randn(3, 5)).sum().backward()
    cut = network is KTHCRNN and options.get("graph") != "published"
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name
        if cut and name.startswith(("layers.conv4", "layers.norm4")):  # channel 0 is read, and no other
            assert parameter.grad[0].any(), name
            assert not parameter.grad[1:].any(), name


def test_the_coded_graph_reads_one_channel():
    model, x = small(*SMALL[0])
    with torch.no_grad():
        before = model(x)
        model.layers.conv4.weight[1:] += 1.0
        assert torch.equal(model(x), before)
        model.layers.conv4.weight[0] += 1.0
        assert not torch.allclose(model(x), before)


@pytest.mark.parametrize(("network", "options"), SMALL)
def test_a_batch_is_its_items_and_a_state_dict_is_the_model(network, options):
    model, x = small(network, options)
    with torch.no_grad():
        whole = model(x)
        assert torch.equal(whole, model(x))
        model.double()
        assert_allclose(torch.cat([model(item[None]) for item in x.double()]), model(x.double()), rtol=1e-9)
        model.float()
        other = network(5, **options).eval()
        assert not torch.equal(other(x), whole)
        other.load_state_dict(model.state_dict())
        assert torch.equal(other(x), whole)


@pytest.mark.parametrize(("network", "options"), SMALL)
def test_a_step_is_a_row_of_the_axis_that_recurrence_names(network, options):
    model, x = small(network, options)
    seen = []
    model.gru.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        model(x)
        over_time = options.get("recurrence") == "time"
        if network is KTHCNNRNN:
            rows = x.transpose(2, 3) if over_time else x
            expected = [
                model.embedding(row[:, 0, : row.shape[2] // 2 * 2].unfold(1, 2, 2).amax(2)) for row in rows.unbind(2)
            ]
        else:
            maps = model.layers(x)
            maps = maps if options.get("graph") == "published" else maps[:, :1]
            expected = [row.flatten(1) for row in maps.unbind(3 if over_time else 2)]
    assert seen[0].shape[1] == len(expected)
    assert_allclose(seen[0], torch.stack(expected, 1), atol=1e-6)


def test_figure_2_as_published_is_one_step_for_its_input_and_more_for_longer():
    with torch.device("meta"):
        model = KTHCRNN(8, graph="published", n_frames=1366, recurrence="time")
        steps, _ = model.gru(torch.zeros(1, 14, 64))
        assert model(torch.zeros(1, 1, 128, 1366)).shape == (1, 8)
    assert 1366 // 2 // 3 // 4 // 4 == steps.shape[1] == 14


def test_attention_is_a_mean_of_states_until_it_has_scores():
    options = {"n_bands": 17, "n_frames": 20, "attention": True}
    model, x = small(KTHCNNRNN, options)
    states = []
    model.gru.register_forward_hook(lambda module, inputs, output: states.append(output[0]))
    with torch.no_grad():
        model.attention.weight.zero_()
        flat = model(x)
        assert_allclose(flat, model.output(torch.cat([model.features(x), states[0].mean(1)], 1)), atol=1e-5)
        model.attention.weight.normal_()
        scores = torch.einsum("bth,h->bt", states[0], model.attention.weight[0]).exp()
        weighed = torch.einsum("bt,bth->bh", scores / scores.sum(1, keepdim=True), states[0])
        assert_allclose(model(x), model.output(torch.cat([model.features(x), weighed], 1)), atol=1e-5)
        assert not torch.allclose(model(x), flat)


def test_recurrence_starts_as_keras_draws_it():
    model = KTHCNNRNN(8, n_bands=17, n_frames=20)
    for direction in ("", "_reverse"):
        recurrent = getattr(model.gru, f"weight_hh_l0{direction}")
        inputs = getattr(model.gru, f"weight_ih_l0{direction}")
        assert_allclose((recurrent.T @ recurrent).detach(), torch.eye(64), atol=1e-5)
        bound = (6 / (10 + 3 * 64)) ** 0.5
        assert 0.98 * bound < inputs.abs().max() <= bound
        assert not getattr(model.gru, f"bias_hh_l0{direction}").any()
    crnn = KTHCRNN(8, n_bands=14, n_frames=14)
    assert crnn.layers.conv2.weight.abs().max().item() == pytest.approx((6 / (9 * (68 + 137))) ** 0.5, rel=1e-3)
    assert all((norm.weight == 1).all() for norm in crnn.layers if hasattr(norm, "running_mean"))


def test_dropout_is_of_training_only():
    model, x = small(KTHCRNN, SMALL[0][1] | {"dropout": 0.5})
    for norm in (layer for layer in model.layers if hasattr(layer, "running_mean")):
        norm.momentum = 0.0  # the statistics stay, so that eval mode after it is eval mode before it
    still = model(x)
    model.train()
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), still)


@pytest.mark.parametrize(
    ("network", "options", "error", "words"),
    [
        (KTHCRNN, {"n_bands": 9}, ValueError, "n_bands must be at least 10 .* got 9"),
        (KTHCRNN, {"graph": "published", "n_frames": 95}, ValueError, "n_frames must be at least 96 .* got 95"),
        (KTHCRNN, {"graph": "figure2"}, ValueError, "graph must be one of coded, published, got 'figure2'"),
        (KTHCRNN, {"channels": (1, 2, 3)}, ValueError, r"channels must hold 4 counts, got \(1, 2, 3\)"),
        (KTHCRNN, {"channels": (1, 2, 0, 4)}, ValueError, r"channels\[2\] must be >= 1, got 0"),
        (KTHCRNN, {"dropout": 1.5}, ValueError, r"dropout must be in \[0, 1\], got 1.5"),
        (KTHCRNN, {"n_units": 6.5}, TypeError, "n_units must be an integer, got 6.5"),
        (KTHCNNRNN, {"recurrence": "mel"}, ValueError, "recurrence must be one of frequency, time, got 'mel'"),
        (KTHCNNRNN, {"embedding": 0}, ValueError, "embedding must be >= 1, got 0"),
        (KTHCNNRNN, {"padding": "valid"}, ValueError, "padding must be one of same, symmetric, got 'valid'"),
        (KTHCNNRNN, {"n_bands": 16}, ValueError, "n_bands must be at least 17 .* got 16"),
    ],
)
def test_options_are_checked(network, options, error, words):
    with pytest.raises(error, match=words):
        network(8, **options)


@pytest.mark.parametrize("network", [KTHCRNN, KTHCNNRNN])
def test_input_is_checked(network):
    with (
        torch.device("meta"),
        pytest.raises(ValueError, match=r"128 bands, 128 frames\), got shape \(2, 1, 128, 110\)"),
    ):
        network(8)(torch.zeros(2, 1, 128, 110))
