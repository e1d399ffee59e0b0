"""Networks of photographs: torchvision's names and shapes, and the function that they compute."""

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from audiofeat_nn.layers import count_parameters  # noqa: E402
from audiofeat_nn.vision import (  # noqa: E402
    VGG,
    VGG16,
    AlexNet,
    AlexNetFeatures,
    Picture,
    ResNet,
    ResNet34,
    ResNetFeatures,
    Transfer,
    VGGFeatures,
)

torch.set_num_threads(1)

PHOTOGRAPH = {"n_channels": 3, "n_bands": 224, "n_frames": 224}

# What torchvision's checkpoints hold, typed from the published architectures: convolutions (number in `features`,
# filters, channels, kernel) and dense layers (number in `classifier`, units, inputs).
ALEXNET = (
    [(0, 64, 3, 11), (3, 192, 64, 5), (6, 384, 192, 3), (8, 256, 384, 3), (10, 256, 256, 3)],
    [(1, 4096, 9216), (4, 4096, 4096), (6, 1000, 4096)],
)
VGG_DENSE = [(0, 4096, 25088), (3, 4096, 4096), (6, 1000, 4096)]
VGG11_ = (
    [
        *[(0, 64, 3, 3), (3, 128, 64, 3), (6, 256, 128, 3), (8, 256, 256, 3)],
        *[(11, 512, 256, 3), (13, 512, 512, 3), (16, 512, 512, 3), (18, 512, 512, 3)],
    ],
    VGG_DENSE,
)
VGG16_ = (
    [
        *[(0, 64, 3, 3), (2, 64, 64, 3), (5, 128, 64, 3), (7, 128, 128, 3)],
        *[(10, 256, 128, 3), (12, 256, 256, 3), (14, 256, 256, 3)],
        *[(17, 512, 256, 3), (19, 512, 512, 3), (21, 512, 512, 3)],
        *[(24, 512, 512, 3), (26, 512, 512, 3), (28, 512, 512, 3)],
    ],
    VGG_DENSE,
)
# ResNet: stage, channels before and after, blocks.
RESNET34 = [(1, 64, 64, 3), (2, 64, 128, 4), (3, 128, 256, 6), (4, 256, 512, 3)]
RESNET11 = [(1, 64, 64, 2), (2, 64, 128, 1), (3, 128, 256, 1), (4, 256, 512, 1)]


def plain_shapes(convolutions, dense):
    shapes = {}
    for number, n_filters, n_inputs, kernel in convolutions:
        shapes[f"features.{number}.weight"] = (n_filters, n_inputs, kernel, kernel)
        shapes[f"features.{number}.bias"] = (n_filters,)
    for number, n_units, n_inputs in dense:
        shapes[f"classifier.{number}.weight"] = (n_units, n_inputs)
        shapes[f"classifier.{number}.bias"] = (n_units,)
    return shapes


def residual_shapes(stages):
    shapes = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512), "fc.bias": (1000,)}
    norms = {"bn1": 64}
    for stage, before, after, n_blocks in stages:
        for block in range(n_blocks):
            at = f"layer{stage}.{block}"
            shapes[f"{at}.conv1.weight"] = (after, after if block else before, 3, 3)
            shapes[f"{at}.conv2.weight"] = (after, after, 3, 3)
            norms |= {f"{at}.bn1": after, f"{at}.bn2": after}
        if before != after:
            shapes[f"layer{stage}.0.downsample.0.weight"] = (after, before, 1, 1)
            norms[f"layer{stage}.0.downsample.1"] = after
    for name, width in norms.items():
        shapes |= {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{name}.num_batches_tracked"] = ()
    return shapes


FULL = {
    "alexnet": (AlexNet, {}, plain_shapes(*ALEXNET), 61_100_840),
    "vgg11": (VGG, {"depth": 11}, plain_shapes(*VGG11_), 132_863_336),
    "vgg16": (VGG, {"depth": 16}, plain_shapes(*VGG16_), 138_357_544),
    "resnet34": (ResNet, {"depth": 34}, residual_shapes(RESNET34), 21_797_672),
    # as ResNet-18 (11,689,512), less the second blocks of 128, 256 and 512 with their normalisation
    "resnet11": (
        ResNet,
        {"depth": 11},
        residual_shapes(RESNET11),
        11_689_512 - sum(2 * 9 * n * n + 4 * n for n in (128, 256, 512)),
    ),
}
FEATURES = {
    "alexnet": (AlexNetFeatures, {}, 256, 2_469_696),
    "vgg11": (VGGFeatures, {"depth": 11}, 512, 9_220_480),
    "vgg16": (VGGFeatures, {"depth": 16}, 512, 14_714_688),
    "resnet34": (ResNetFeatures, {"depth": 34}, 512, 21_284_672),
    "resnet11": (ResNetFeatures, {"depth": 11}, 512, FULL["resnet11"][3] - 513_000),
}


@pytest.mark.parametrize("name", FULL)
def test_a_state_dict_under_torchvisions_names_loads_strictly(name):
    make, options, shapes, count = FULL[name]
    with torch.device("meta"):
        model = make(1000, **PHOTOGRAPH, **options)
        given = {key: torch.empty(shape) for key, shape in shapes.items()}
    model.load_state_dict(given, strict=True)
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == shapes
    assert count_parameters(model) == count
    with torch.device("meta"):
        assert model(torch.zeros(2, 3, 224, 224)).shape == (2, 1000)


@pytest.mark.parametrize(
    ("name", "size", "shape"),
    [
        ("alexnet", (224, 224), (256, 6, 6)),
        ("vgg11", (224, 224), (512, 7, 7)),
        ("resnet34", (224, 224), (512, 7, 7)),
        ("vgg16", (128, 646), (512, 4, 20)),
        ("vgg16", (128, 65), (512, 4, 2)),
        ("resnet34", (128, 646), (512, 4, 21)),
        ("resnet34", (1, 1), (512, 1, 1)),
        ("alexnet", (513, 128), (256, 15, 3)),
        ("vgg11", (513, 128), (512, 16, 4)),
        ("resnet11", (513, 128), (512, 17, 4)),
    ],
)
def test_feature_map(name, size, shape):
    make, options, n_features, count = FEATURES[name]
    with torch.device("meta"):
        base = make(n_channels=3, n_bands=size[0], n_frames=size[1], **options)
        features = base(torch.zeros(2, 3, *size))
    assert features.shape[1:] == base.map_shape == shape
    assert base.n_features == n_features
    assert count_parameters(base) == count


def vgg_steps(plan):
    """Yield the number in `features` of each convolution, and None for a pool."""
    number = 0
    for entry in plan:
        yield None if entry == "M" else number
        number += 1 if entry == "M" else 2


def normalised(x, state, at):
    mean, variance = state[f"{at}.running_mean"], state[f"{at}.running_var"]
    scaled = (x - mean[:, None, None]) / torch.sqrt(variance[:, None, None] + 1e-5)
    return scaled * state[f"{at}.weight"][:, None, None] + state[f"{at}.bias"][:, None, None]


def by_alexnet(state, x):
    for number, stride, padding, pool in ((0, 4, 2, 1), (3, 1, 2, 1), (6, 1, 1, 0), (8, 1, 1, 0), (10, 1, 1, 1)):
        weight, bias = state[f"features.{number}.weight"], state[f"features.{number}.bias"]
        x = functional.conv2d(x, weight, bias, stride, padding).relu()
        x = functional.max_pool2d(x, 3, 2) if pool else x
    return x, 6, (1, 4, 6)


def by_vgg(plan):
    def run(state, x):
        for number in vgg_steps(plan):
            if number is None:
                x = functional.max_pool2d(x, 2, 2)
            else:
                weight, bias = state[f"features.{number}.weight"], state[f"features.{number}.bias"]
                x = functional.conv2d(x, weight, bias, 1, 1).relu()
        return x, 7, (0, 3, 6)

    return run


def by_resnet(stages):
    def run(state, x):
        x = normalised(functional.conv2d(x, state["conv1.weight"], None, 2, 3), state, "bn1").relu()
        x = functional.max_pool2d(x, 3, 2, 1)
        for stage, _, _, n_blocks in stages:
            for block in range(n_blocks):
                at, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
                y = functional.conv2d(x, state[f"{at}.conv1.weight"], None, stride, 1)
                y = normalised(y, state, f"{at}.bn1").relu()
                y = normalised(functional.conv2d(y, state[f"{at}.conv2.weight"], None, 1, 1), state, f"{at}.bn2")
                if f"{at}.downsample.0.weight" in state:
                    x = functional.conv2d(x, state[f"{at}.downsample.0.weight"], None, stride)
                    x = normalised(x, state, f"{at}.downsample.1")
                x = (x + y).relu()
        return x, 1, None

    return run


ORACLES = {
    "alexnet": by_alexnet,
    "vgg11": by_vgg([1, "M", 1, "M", 1, 1, "M", 1, 1, "M", 1, 1, "M"]),
    "vgg16": by_vgg([1, 1, "M", 1, 1, "M", 1, 1, 1, "M", 1, 1, 1, "M", 1, 1, 1, "M"]),
    "resnet34": by_resnet(RESNET34),
    "resnet11": by_resnet(RESNET11),
}


def small(name, **more):
    """Return a full network on small spectrograms, and two of them."""
    make, options, _, _ = FULL[name]
    torch.manual_seed(0)
    narrow = {} if name.startswith("resnet") else {"n_units": 24}
    model = make(7, n_bands=64, n_frames=96, **options, **narrow, **more)
    return model, torch.randn(2, more.get("n_channels", 1), 64, 96)


@pytest.mark.parametrize("name", FULL)
def test_forward_is_the_published_network(name):
    model, x = small(name, n_channels=3)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                for values in (module.weight, module.running_mean, module.running_var):
                    values.copy_(1 + 0.1 * torch.randn_like(values))
        model.eval()
        state = model.state_dict()
        features, size, dense = ORACLES[name](state, x)
        flat = functional.adaptive_avg_pool2d(features, size).flatten(1)
        if dense is None:
            expected = flat @ state["fc.weight"].T + state["fc.bias"]
        else:
            for number in dense:
                flat = flat @ state[f"classifier.{number}.weight"].T + state[f"classifier.{number}.bias"]
                flat = flat if number == 6 else flat.relu()
            expected = flat
        assert expected.abs().max() > 1e-3
        torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", FULL)
def test_every_parameter_gets_a_gradient_and_a_batch_is_its_items(name):
    model, x = small(name, **({} if name.startswith("resnet") else {"dropout": 0.0}))
    functional.cross_entropy(model(x), torch.tensor([1, 5])).backward()
    for key, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().sum() > 0, key
    model.eval()
    with torch.no_grad():
        logits = model(x)
        torch.testing.assert_close(torch.cat([model(item[None]) for item in x]), logits, rtol=1e-4, atol=1e-4)
        assert torch.equal(model(x), logits)


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_half_is_dropped_in_the_classifier(name):
    model, _ = small(name)
    assert [layer.p for layer in model.modules() if isinstance(layer, torch.nn.Dropout)] == [0.5, 0.5]
    kinds = "".join(type(layer).__name__[0] for layer in model.classifier)
    assert kinds == {"alexnet": "DLRDLRL", "vgg11": "LRDLRDL"}[name]


@pytest.mark.parametrize("name", FULL)
def test_the_signal_neither_dies_nor_explodes_at_the_start(name):
    make, options, _, _ = FEATURES[name]
    torch.manual_seed(0)
    base = make(n_bands=64, n_frames=96, **options).train()
    with torch.no_grad():
        spread = base(torch.randn(2, 1, 64, 96)).std().item()
    assert 1e-3 < spread < 100


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (AlexNet, {"n_bands": 62}, "n_bands must be at least 63"),
        (AlexNetFeatures, {"n_frames": 62}, "n_frames must be at least 63"),
        (VGG, {"depth": 11, "n_bands": 31}, "n_bands must be at least 32"),
        (VGG, {"depth": 13}, "depth must be one of 11, 16, got 13"),
        (VGGFeatures, {"depth": 16, "n_channels": 0}, "n_channels must be >= 1, got 0"),
        (ResNet, {"depth": 18}, "depth must be one of 11, 34, got 18"),
        (VGG, {"depth": 11, "n_units": 0}, "n_units must be >= 1"),
        (AlexNet, {"dropout": -1}, r"dropout must be in \[0, 1\]"),
        (VGG16, {"colormap": None, "n_frames": 31}, "n_frames must be at least 32"),
        (VGG16, {"colormap": None, "hidden": (256, 0)}, "hidden must be >= 1"),
        (ResNet34, {"colormap": None, "dropout": 2}, r"dropout must be in \[0, 1\]"),
    ],
)
def test_options_that_cannot_be_are_refused(make, options, message):
    with pytest.raises(ValueError, match=message), torch.device("meta"):
        make(*[10] * (not make.__name__.endswith("Features")), **options)


def test_wrong_input_is_refused():
    base = ResNetFeatures(depth=11, n_bands=64, n_frames=40)
    model = Transfer(base, 3, picture=Picture(None))
    for run in (base, model):
        for shape in ((1, 64, 40), (1, 3, 64, 40), (1, 1, 63, 40), (1, 1, 64, 41)):
            with pytest.raises(ValueError, match=r"x must be \(batch, 1, 64 bands, 40 frames\)"):
                run(torch.zeros(shape))
        with pytest.raises(TypeError, match="floating-point"):
            run(torch.zeros(1, 1, 64, 40, dtype=torch.int32))
