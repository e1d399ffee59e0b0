"""PRCNN has the counts and shapes of its paper in every reading, and its recurrent branch fits any CNN."""

import pytest

torch = pytest.importorskip("torch")
from numpy.testing import assert_allclose  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from audiofeat_nn.layers import count_parameters  # noqa: E402
from audiofeat_nn.prcnn import PRCNN, FengCNN, ParallelRecurrent, PooledConvolutions, RecurrentBranch  # noqa: E402

torch.set_num_threads(1)

CNN = {  # (channels, bands, frames); the paper's pictures lie the other way
    "cnn.conv1": (16, 513, 128),
    "cnn.pool1": (16, 256, 64),
    "cnn.conv2": (32, 256, 64),
    "cnn.pool2": (32, 128, 32),
    "cnn.conv3": (64, 128, 32),
    "cnn.pool3": (64, 64, 16),
    "cnn.conv4": (128, 64, 16),
    "cnn.pool4": (128, 16, 4),
    "cnn.conv5": (64, 16, 4),
    "cnn.pool5": (64, 4, 1),
    "cnn": (256,),
}
LITERAL = {
    "cnn.conv1": (16, 515, 128),
    "cnn.pool1": (16, 257, 64),
    "cnn.conv2": (32, 259, 64),
    "cnn.pool2": (32, 129, 32),
    "cnn.conv3": (64, 131, 32),
    "cnn.pool3": (64, 65, 16),
    "cnn.conv4": (128, 67, 16),
    "cnn.pool4": (128, 16, 4),
    "cnn.conv5": (64, 18, 4),
    "cnn.pool5": (64, 4, 1),
}
RNN = {"rnn.pool": (1, 256, 128), "rnn.embedding": (128, 128), "rnn.gru": (128, 256), "rnn": (256,), "output": (10,)}
BOTH_LAYERS = {"rnn.gru": (128, 128), "rnn": (256,), "output": (10,)}


class Small(nn.Module):
    """A CNN with moving statistics and dropout, which gives a map or, flattened, a vector."""

    def __init__(self, flat=False):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, stride=2)
        self.norm = nn.BatchNorm2d(6)
        self.dropout = nn.Dropout(0.2)
        self.flat = flat

    def forward(self, x):
        x = self.dropout(self.norm(self.conv(x)).relu())
        return x.flatten(1) if self.flat else x


def beside(n_classes, *, flat=False, **options):
    return ParallelRecurrent(n_classes, Small(flat), **options)


SIZE = {"n_bands": 12, "n_frames": 15}
SMALL = [
    (FengCNN, {"n_bands": 128, "n_frames": 130}),
    (PRCNN, {"n_bands": 128, "n_frames": 256}),
    (PRCNN, {"n_bands": 129, "n_frames": 128, "n_layers": 2, "kernel": (3, 3)}),
    (PRCNN, {"n_bands": 256, "n_frames": 256, "fusion": "add", "n_layers": 2, "join": "layers"}),
    (PRCNN, {"n_bands": 128, "n_frames": 128, "padding": (1, 1), "reset_after": False}),
    (beside, SIZE),
    (beside, SIZE | {"flat": True, "fusion": "add"}),
    (beside, SIZE | {"n_layers": 2, "join": "layers", "reset_after": False}),
]


def small(network, options):
    torch.manual_seed(0)
    model = network(5, **options).eval()
    return model, torch.randn(3, 1, options["n_bands"], options["n_frames"])


@pytest.mark.parametrize(
    ("network", "options", "count"),
    [
        (FengCNN, {}, 59_754),
        (PRCNN, {}, 293_354),
        (PRCNN, {"fusion": "add"}, 290_794),
        (PRCNN, {"n_layers": 2}, 589_802),
        (PRCNN, {"n_layers": 2, "fusion": "add"}, 587_242),
        (PRCNN, {"n_layers": 2, "join": "layers"}, 244_202),
        (PRCNN, {"join": "layers"}, 293_354),
        (PRCNN, {"kernel": (3, 3)}, 407_114),
        (PRCNN, {"kernel": (3, 3), "fusion": "add"}, 404_554),
        (PRCNN, {"kernel": (3, 3), "n_layers": 2}, 703_562),
        (PRCNN, {"padding": (1, 1)}, 293_354),
        (PRCNN, {"reset_after": False}, 293_354 - 768),
        (PRCNN, {"reset_after": False, "n_layers": 2}, 589_802 - 2 * 768),
        (beside, {}, 60 + 12 + 7 * 256 + 32_896 + 198_144 + 5_130),
        (beside, {"flat": True, "fusion": "add"}, 72 + (6 * 256 * 63 + 1) * 256 + 32_896 + 198_144 + 2_570),
    ],
)
def test_counts_of_parameters(network, options, count):
    with torch.device("meta"):
        assert count_parameters(network(10, **options)) == count


def test_counts_of_each_layer():
    with torch.device("meta"):
        model = PRCNN(10)
    assert count_parameters(model.cnn) == 57_184
    counts = [count_parameters(model.get_submodule(f"cnn.conv{i}")) for i in (1, 2, 3, 4, 5)]
    assert counts == [64, 1_568, 6_208, 24_704, 24_640]
    rest = [count_parameters(part) for part in (model.rnn.embedding, model.rnn.gru, model.output)]
    assert rest == [32_896, 198_144, 5_130]


@pytest.mark.parametrize(
    ("network", "options", "shapes"),
    [
        (FengCNN, {}, CNN | {"output": (10,)}),
        (PRCNN, {}, CNN | RNN),
        (PRCNN, {"n_layers": 2}, RNN),
        (PRCNN, {"fusion": "add"}, CNN | RNN),
        (PRCNN, {"n_layers": 2, "join": "layers", "fusion": "add"}, BOTH_LAYERS),
        (PRCNN, {"kernel": (3, 3)}, CNN | RNN),
        (PRCNN, {"padding": (1, 1)}, LITERAL | {"cnn": (256,)} | RNN),
        (beside, {}, {"backbone": (6, 256, 63), "average": (6,), "project": (256,)} | RNN),
        (beside, {"flat": True}, {"backbone": (96_768,), "average": (96_768,), "project": (256,)} | RNN),
    ],
)
def test_shapes_layer_by_layer(network, options, shapes):
    found = {}

    def note(name):
        return lambda module, inputs, output: found.update(
            {name: tuple((output[0] if isinstance(output, tuple) else output).shape[1:])}
        )

    with torch.device("meta"):
        model = network(10, **options)
        for name in shapes:
            model.get_submodule(name).register_forward_hook(note(name))
        model(torch.zeros(2, 1, 513, 128))
    assert found == shapes


@pytest.mark.parametrize("n_classes", [1, 7])
@pytest.mark.parametrize("fusion", ["concat", "add"])
def test_the_graph_is_the_papers_on_pictures_of_time_by_frequency(fusion, n_classes):
    torch.manual_seed(0)
    model = PRCNN(n_classes, n_bands=513, n_frames=128, fusion=fusion).eval()
    x = torch.rand(2, 1, 513, 128)
    with torch.no_grad():
        picture = x.transpose(2, 3)  # 128 rows of 513
        maps = picture
        for i, pool in enumerate((2, 2, 2, 4, 4), 1):
            conv = model.get_submodule(f"cnn.conv{i}")
            maps = functional.conv2d(maps, conv.weight.transpose(2, 3), conv.bias, padding=(1, 0))
            maps = functional.max_pool2d(maps.relu(), pool)
        convolved = maps.transpose(2, 3).reshape(2, 256)
        pairs = picture[:, 0, :, :512].reshape(2, 128, 256, 2).amax(3)
        states, _ = model.rnn.gru(model.rnn.embedding(pairs))
        recurrent = torch.cat([states[:, -1, :128], states[:, 0, 128:]], dim=1)
        vector = convolved + recurrent if fusion == "add" else torch.cat([convolved, recurrent], dim=1)
        assert_allclose(model(x), vector @ model.output.weight.T + model.output.bias, atol=1e-5)


def test_joined_layers_are_the_last_states_of_each():
    torch.manual_seed(0)
    branch = RecurrentBranch(20, n_layers=2, join="layers").eval()
    x = torch.randn(3, 1, 20, 9)
    first = nn.GRU(128, 64, batch_first=True, bidirectional=True)
    first.load_state_dict({name: value for name, value in branch.gru.state_dict().items() if "_l0" in name})
    second = nn.GRU(128, 64, batch_first=True, bidirectional=True)
    second.load_state_dict(
        {name.replace("_l1", "_l0"): value for name, value in branch.gru.state_dict().items() if "_l1" in name}
    )
    with torch.no_grad():
        lower, _ = first(branch.embedding(x[:, 0].unfold(1, 2, 2).amax(3).transpose(1, 2)))
        upper, _ = second(lower)
        ends = [part for states in (lower, upper) for part in (states[:, -1, :64], states[:, 0, 64:])]
        assert_allclose(branch(x), torch.cat(ends, dim=1), atol=1e-6)


@pytest.mark.parametrize(("network", "options"), SMALL)
def test_every_parameter_has_a_gradient(network, options):
    model, x = small(network, options)
    (model(x) * torch.randn(3, 5)).sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize(("network", "options"), SMALL)
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


def test_the_branch_reads_the_order_of_frames_and_an_average_of_maps_does_not():
    model, x = small(beside, SIZE | {"fusion": "add"})
    model.backbone = nn.Conv2d(1, 6, 1)  # of single values: their average has no order
    with torch.no_grad():
        mirrored = x.flip(3)
        assert not torch.allclose(model(mirrored), model(x), atol=1e-3)
        model.rnn.gru = nn.GRU(128, 128, batch_first=True, bidirectional=True)
        for parameter in model.rnn.gru.parameters():
            nn.init.zeros_(parameter)
        assert_allclose(model(mirrored), model(x), atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_a_backbone_is_asked_for_its_shape_and_left_as_it_was(training):
    backbone = Small().double().train(training)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    model = ParallelRecurrent(5, backbone, **SIZE)
    assert model.project.in_features == 6
    assert model.backbone is backbone
    assert backbone.training == training
    assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())
    assert all(value.device.type == "cpu" for value in backbone.state_dict().values())


def test_a_backbone_without_parameters_and_with_tied_ones():
    assert ParallelRecurrent(5, nn.AvgPool2d(2), **SIZE)(torch.zeros(2, 1, 12, 15)).shape == (2, 5)
    tied = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3))
    tied[1].weight = tied[0].weight
    model = ParallelRecurrent(5, tied, **SIZE)
    assert tied[1].weight is tied[0].weight
    assert model(torch.zeros(2, 1, 12, 15)).shape == (2, 5)


@pytest.mark.parametrize(
    ("network", "options", "error", "words"),
    [
        (PRCNN, {"fusion": "sum"}, ValueError, "fusion must be one of add, concat, got 'sum'"),
        (PRCNN, {"join": "both"}, ValueError, "join must be one of directions, layers, got 'both'"),
        (PRCNN, {"n_layers": 3}, ValueError, r"n_layers must be in \[1, 2\], got 3"),
        (PRCNN, {"n_layers": 0}, ValueError, r"n_layers must be in \[1, 2\], got 0"),
        (PRCNN, {"reset_after": 1}, TypeError, "reset_after must be True or False, got 1"),
        (PRCNN, {"kernel": 3}, TypeError, "kernel must be a sequence, got 3"),
        (PRCNN, {"kernel": (3,)}, ValueError, r"kernel must be two integers, \(bands, frames\), got \(3,\)"),
        (PRCNN, {"kernel": (0, 3)}, ValueError, r"kernel\[0\] must be >= 1, got 0"),
        (PRCNN, {"padding": (0, -1)}, ValueError, r"padding\[1\] must be >= 0, got -1"),
        (PRCNN, {"padding": (0, 0)}, ValueError, "n_frames must be at least 222 .* got 128"),
        (PRCNN, {"n_bands": 127}, ValueError, "n_bands must be at least 128 .* got 127"),
        (PRCNN, {"n_frames": 127}, ValueError, "n_frames must be at least 128 .* got 127"),
        (PRCNN, {"n_bands": 128, "fusion": "add"}, ValueError, "needs 256 features .* got 64 of 128 bands and 128"),
        (PRCNN, {"n_bands": 513.0}, TypeError, "n_bands must be an integer"),
        (FengCNN, {"n_classes": 0}, ValueError, "n_classes must be >= 1, got 0"),
        (FengCNN, {"n_bands": 100}, ValueError, "n_bands must be at least 128 .* got 100"),
        (beside, {"n_classes": 0}, ValueError, "n_classes must be >= 1, got 0"),
        (beside, {"n_bands": 1}, ValueError, "n_bands must be >= 2, got 1"),
        (beside, {"fusion": None}, ValueError, "fusion must be one of add, concat, got None"),
        (ParallelRecurrent, {"backbone": Small}, TypeError, "backbone must be a torch.nn.Module, got type"),
        (ParallelRecurrent, {"backbone": nn.Flatten(0)}, ValueError, r"got shape \(131328,\) for a batch of 2"),
        (ParallelRecurrent, {"backbone": nn.Flatten(2)}, ValueError, r"got shape \(2, 1, 65664\) for a batch of 2"),
        (ParallelRecurrent, {"backbone": nn.Flatten(0, 1)}, ValueError, r"got shape \(2, 513, 128\)"),
        (ParallelRecurrent, {"backbone": nn.GRU(128, 3)}, ValueError, "3D"),
        (ParallelRecurrent, {"backbone": nn.MaxPool2d(2, return_indices=True)}, TypeError, "tensor, got tuple"),
    ],
)
def test_options_are_checked(network, options, error, words):
    with torch.device("meta"), pytest.raises(error, match=words):
        network(**{"n_classes": 10} | options)


def test_filters_and_pools_are_as_many():
    options = {"filters": (4, 8), "kernel": (1, 1), "padding": (0, 0)}
    with pytest.raises(ValueError, match="filters and pools must be as many, got 2 and 1"):
        PooledConvolutions(8, 8, pools=((2, 2),), **options)
    with pytest.raises(ValueError, match=r"pools\[1\] must be two integers, \(bands, frames\), got \(2, 2, 2\)"):
        PooledConvolutions(8, 8, pools=((2, 2), (2, 2, 2)), **options)


@pytest.mark.parametrize("network", [PRCNN, FengCNN, beside])
def test_input_is_checked(network):
    with torch.device("meta"):
        model = network(10)
        with pytest.raises(ValueError, match=r"513 bands, 128 frames\), got shape \(2, 1, 128, 513\)"):
            model(torch.zeros(2, 1, 128, 513))
        with pytest.raises(TypeError, match=r"floating-point type, got torch\.int64"):
            model(torch.zeros(2, 1, 513, 128, dtype=torch.int64))
