"""The convolutional networks of KTH 2020 have the shapes and counts of their code, and Keras' borders and starts."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from numpy.testing import assert_allclose  # noqa: E402

from audiofeat_nn.layers import count_parameters  # noqa: E402
from audiofeat_nn.residual import CNN3, KTHCNN  # noqa: E402

torch.set_num_threads(1)

FIVE = {
    "features.stem": (32, 64, 64),
    "features.block1": (64, 32, 32),
    "features.block2": (128, 32, 32),
    "features.block3": (256, 16, 16),
    "features.block4": (128, 16, 16),
    "features.block5": (64, 8, 8),
    "features": (4096,),
    "head.dense": (128,),
    "head": (8,),
}
SIX = FIVE | {"features.block6": (128, 8, 8), "features.last": (64, 4, 4), "features": (1024,)}
POOLED = {"layers.pool1": (32, 64, 64), "layers.pool2": (64, 32, 32), "layers.pool3": (128, 16, 16), "output": (8,)}
SMALL = [
    (KTHCNN, {"n_bands": 24, "n_frames": 19}),
    (KTHCNN, {"n_bands": 18, "n_frames": 33, "n_blocks": 6, "padding": "symmetric"}),
    (CNN3, {"n_bands": 13, "n_frames": 21}),
]


def small(network, options):
    torch.manual_seed(0)
    model = network(5, **options).eval()
    return model, torch.randn(3, 1, options["n_bands"], options["n_frames"])


@pytest.mark.parametrize(
    ("network", "options", "trainable", "total"),
    [
        (KTHCNN, {}, 1_328_120, 1_331_336),
        (KTHCNN, {"padding": "symmetric"}, 1_328_120, 1_331_336),
        (KTHCNN, {"n_blocks": 6}, 1_095_800, 1_099_784),
        (CNN3, {}, 94_152, 94_600),
        (CNN3, {"n_bands": 13, "n_frames": 2455}, 94_152, 94_600),
    ],
)
def test_counts_of_parameters(network, options, trainable, total):
    with torch.device("meta"):
        model = network(8, **options)
    assert count_parameters(model) == trainable
    assert count_parameters(model, trainable=False) == total


@pytest.mark.parametrize(
    ("network", "options", "shapes"),
    [
        (KTHCNN, {}, FIVE),
        (KTHCNN, {"padding": "symmetric"}, FIVE),
        (KTHCNN, {"n_blocks": 6}, SIX),
        (CNN3, {}, POOLED),
    ],
)
def test_shapes_layer_by_layer(network, options, shapes):
    found = {}

    def note(name):
        def hook(module, inputs, output):
            for part in output if isinstance(output, tuple) else (output,):
                assert found.setdefault(name, tuple(part.shape[1:])) == tuple(part.shape[1:])

        return hook

    with torch.device("meta"):
        model = network(8, **options)
        for name in shapes:
            model.get_submodule(name).register_forward_hook(note(name))
        model(torch.zeros(2, 1, 128, 128))
    assert found == shapes


@pytest.mark.parametrize(("network", "options"), SMALL)
def test_every_parameter_has_a_gradient(network, options):
    model, x = small(network, options)
    # in eval mode: the mean of a batch cancels the biases before it
    (model(x) * torch.randn(3, 5)).sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


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


@pytest.mark.parametrize(
    ("kernel", "stride", "first"), [("features.stem", 2, (1, 2)), ("features.block1.main", 2, (0, 1))]
)
def test_keras_lays_the_odd_pixel_of_a_border_last(kernel, stride, first):
    before, after = first
    convolution = KTHCNN(8).get_submodule(kernel)
    x = torch.randn(1, convolution.conv.in_channels, 20, 16)
    padded = np.pad(x, ((0, 0), (0, 0), (before, after), (before, after)))
    with torch.no_grad():
        ours = convolution.conv(convolution.pad(x))
        weights = convolution.conv.weight.numpy()
        size = weights.shape[-1]
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (2, 3))[:, :, ::2, ::2]
    assert_allclose(ours, np.einsum("bchwij,ocij->bohw", windows, weights), atol=1e-4)


def test_blocks_join_as_the_code_joins_them():
    # from the inputs and outputs that hooks see, by hand: which map feeds which shortcut
    model = KTHCNN(8, n_bands=32, n_frames=32, n_blocks=6).eval()
    blocks = [model.get_submodule(f"features.block{i}") for i in range(1, 7)]
    seen = {}
    for module in (model.features.stem, *blocks, *(block.main for block in blocks), *(b.shortcut for b in blocks)):
        module.register_forward_hook(lambda module, inputs, output: seen.update({module: (inputs[0], output)}))
    with torch.no_grad():
        model(torch.randn(2, 1, 32, 32))
        y = shortcut = seen[model.features.stem][1]
        for i, block in enumerate(blocks):
            source = torch.nn.functional.max_pool2d(y, 2) if i in (0, 2, 4) else shortcut
            assert torch.equal(seen[block.main][0], y)
            assert torch.equal(seen[block.shortcut][0], source)
            shortcut = seen[block.shortcut][1]
            y = torch.relu(seen[block.main][1] + shortcut)
            assert torch.equal(seen[block][1][0], y)


def test_weights_start_as_keras_draws_them():
    torch.manual_seed(1)
    model = KTHCNN(8, n_blocks=6)
    for name, layer in model.named_modules():
        if not isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            continue
        fan_in = layer.weight[0].numel()
        deviation, largest = math.sqrt(2 / fan_in), layer.weight.abs().max().item()
        normal = name in {f"features.block{i}.main.conv" for i in (3, 4, 5, 6)}
        bound = 2 / 0.87962566 * deviation if normal else math.sqrt(3) * deviation  # 2.27 and 1.73 deviations
        assert 0.9 * bound < largest <= bound * (1 + 1e-6), name
        assert layer.weight.std().item() == pytest.approx(deviation, rel=0.1), name
        assert not layer.bias.any()
    norms = [layer for layer in model.modules() if "BatchNorm" in type(layer).__name__]
    assert len(norms) == 1 + 6 * 3 + 1 + 2
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


@pytest.mark.parametrize(
    ("network", "options", "error", "words"),
    [
        (KTHCNN, {"n_blocks": 4}, ValueError, r"n_blocks must be in \[5, 6\], got 4"),
        (KTHCNN, {"padding": "valid"}, ValueError, "padding must be one of same, symmetric, got 'valid'"),
        (KTHCNN, {"n_blocks": 6, "n_frames": 16}, ValueError, "n_frames must be at least 17 .* got 16"),
        (KTHCNN, {"n_bands": 0}, ValueError, "n_bands must be >= 1, got 0"),
        (KTHCNN, {"n_frames": 12.5}, TypeError, "n_frames must be an integer, got 12.5"),
        (CNN3, {"n_bands": 7}, ValueError, "n_bands must be at least 8 .* got 7"),
    ],
)
def test_options_are_checked(network, options, error, words):
    with pytest.raises(error, match=words):
        network(8, **options)


@pytest.mark.parametrize("network", [KTHCNN, CNN3])
def test_input_is_checked(network):
    model = network(8, n_bands=20, n_frames=24)
    with pytest.raises(ValueError, match=r"x must be \(batch, 1, 20 bands, 24 frames\), got shape \(2, 1, 24, 20\)"):
        model(torch.zeros(2, 1, 24, 20))
    with pytest.raises(ValueError, match="n_classes must be >= 1, got 0"):
        network(0)
