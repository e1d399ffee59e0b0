"""Trained weights into networks of photographs, and these networks on spectrograms."""

import sys

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from audiofeat_nn.layers import count_parameters  # noqa: E402
from audiofeat_nn.vision import (  # noqa: E402
    VGG16,
    AlexNet,
    AlexNetFeatures,
    Picture,
    ResNet,
    ResNet34,
    ResNetFeatures,
    Transfer,
    load_weights,
    read_weights,
)

torch.set_num_threads(1)

HEAT = torch.tensor([[0.0, 0.0, 0.25], [1.0, 0.0, 0.5], [1.0, 1.0, 0.75]])
FULL = {"alexnet": (AlexNet, {"n_units": 24}), "resnet11": (ResNet, {"depth": 11})}
FEATURES = {"alexnet": (AlexNetFeatures, {}), "resnet11": (ResNetFeatures, {"depth": 11})}


def small(name, **more):
    """Return a full network on small spectrograms, and two of them."""
    make, options = FULL[name]
    torch.manual_seed(0)
    return make(7, n_bands=64, n_frames=96, **options, **more), torch.randn(2, 1, 64, 96)


def saved(state, folder, kind):
    path = folder / f"weights.{kind}"
    if kind == "safetensors":
        pytest.importorskip("safetensors.torch").save_file(state, path)
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("kind", ["dict", "pth", "pt", "safetensors"])
@pytest.mark.parametrize("name", ["alexnet", "resnet11"])
def test_weights_come_from_a_dict_or_a_file(name, kind, tmp_path):
    trained, x = small(name, n_channels=3)
    state = trained.state_dict()
    make, options = FEATURES[name]
    base = make(n_channels=3, n_bands=64, n_frames=96, **options)
    load_weights(base, state if kind == "dict" else str(saved(state, tmp_path, kind)))
    for key, value in base.state_dict().items():
        assert torch.equal(value, state[key]), key
    other, _ = small(name, n_channels=3)
    with torch.no_grad():
        next(other.parameters()).zero_()
    load_weights(other, state)
    x = x.expand(-1, 3, -1, -1)
    assert torch.equal(other.eval()(x), trained.eval()(x))


@pytest.mark.parametrize("name", ["alexnet", "resnet11"])
def test_one_channel_sums_the_colours_and_sees_a_grey_picture(name):
    trained, _ = small(name, n_channels=3)
    grey, x = small(name)
    state = trained.state_dict()
    before = {key: value.clone() for key, value in state.items()}
    load_weights(grey, state)
    assert all(torch.equal(state[key], before[key]) for key in before)
    with torch.no_grad():
        torch.testing.assert_close(grey.eval()(x), trained.eval()(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4)


def test_files_of_the_first_years_lack_the_counters_of_batches():
    trained, _ = small("resnet11")
    state = {key: value for key, value in trained.state_dict().items() if not key.endswith("num_batches_tracked")}
    other, x = small("resnet11")
    with torch.no_grad():
        next(other.parameters()).zero_()  # or it would be the same already
    load_weights(other, state)
    assert torch.equal(other.eval()(x), trained.eval()(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("conv1.weight"), "ResNetFeatures: they lack conv1.weight"),
        (lambda state: state.update(extra=torch.zeros(1)), "they hold the unknown extra"),
        (
            lambda state: state.update({"bn1.bias": torch.zeros(65)}),
            r"they hold bn1.bias of shape \(65,\) for \(64,\)",
        ),
        (lambda state: [state.pop(key) for key in list(state) if key.startswith("layer4")], "and 12 more"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_written(change, message):
    state = small("resnet11")[0].state_dict()
    change(state)
    base = ResNetFeatures(depth=11, n_bands=64, n_frames=96)
    before = {key: value.clone() for key, value in base.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        load_weights(base, state)
    assert all(torch.equal(value, before[key]) for key, value in base.state_dict().items())


def test_the_classifier_is_asked_for_where_the_network_has_one():
    state = {key: value for key, value in small("resnet11")[0].state_dict().items() if not key.startswith("fc")}
    with pytest.raises(ValueError, match=r"ResNet: they lack fc\.weight, fc\.bias"):
        load_weights(small("resnet11")[0], state)


class Evil:
    def __reduce__(self):
        return (sys.exit, ("run",))


def test_files_that_hold_more_or_less_than_tensors_are_refused(tmp_path):
    pytest.importorskip("safetensors")
    torch.save({"conv1.weight": Evil()}, tmp_path / "evil.pth")
    for name in ("broken.pth", "broken.safetensors", "weights.npz"):
        (tmp_path / name).write_bytes(b"no tensors in here")
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "nested.pth")
    for name, error, message in (
        ("evil.pth", ValueError, "not a readable file of tensors"),
        ("broken.pth", ValueError, "not a readable file of tensors"),
        ("broken.safetensors", ValueError, "not a readable file of tensors"),
        ("weights.npz", ValueError, "must be a .safetensors, .pth or .pt file"),
        ("absent.pth", FileNotFoundError, "absent.pth"),
        ("list.pth", TypeError, "tensors by name, got list"),
        ("nested.pth", TypeError, "got dict at 'state_dict'"),
    ):
        with pytest.raises(error, match=message):
            read_weights(tmp_path / name)
    with pytest.raises(TypeError, match="a path or a state dict, got int"):
        read_weights(3)


@pytest.mark.parametrize(
    ("make", "count", "head", "units"),
    [(VGG16, 14_714_688, 173_130, [256, 128, 64, 10]), (ResNet34, 21_284_672, 5_130, [10])],
)
def test_counts_and_shapes_of_the_transferred_networks(make, count, head, units):
    seen = []
    with torch.device("meta"):
        model = make(10, colormap=HEAT).to("meta")  # the table was on the CPU
        for layer in model.head.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.register_forward_hook(lambda layer, x, y: seen.append(y.shape[1]))
        assert model(torch.zeros(2, 1, 128, 646)).shape == (2, 10)
    assert (count_parameters(model.base), count_parameters(model.head)) == (count, head)
    assert count_parameters(model) == count + head
    assert seen == units
    with torch.device("meta"):
        grey = make(10, colormap=None)
    first = {VGG16: 2 * 64 * 9, ResNet34: 2 * 64 * 49}[make]
    assert count_parameters(grey) == count + head - first


def test_the_default_picture_is_viridis_and_its_table_is_saved():
    pytest.importorskip("matplotlib")
    for make in (VGG16, ResNet34):
        with torch.device("meta"):
            model = make(10)
        assert model.picture.n_channels == model.base.n_channels == 3
        assert model.state_dict()["picture.table"].shape == (256, 3)


def transferred(make, **options):
    torch.manual_seed(0)
    model = make(3, n_bands=64, n_frames=64, colormap=options.pop("colormap", HEAT), **options)
    return model, torch.randn(3, 1, 64, 64)


@pytest.mark.parametrize("make", [VGG16, ResNet34])
@pytest.mark.parametrize("colormap", [None, HEAT])
def test_transferred_networks_learn_and_come_back(make, colormap):
    model, x = transferred(make, colormap=colormap)
    functional.cross_entropy(model(x), torch.arange(3)).backward()
    for key, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().sum() > 0, key
    model.eval()
    with torch.no_grad():
        logits = model(x)
        torch.testing.assert_close(torch.cat([model(item[None]) for item in x]), logits, rtol=1e-4, atol=1e-4)
        base = model.base(model.picture(x)).mean(dim=(2, 3))
        torch.testing.assert_close(model.head(base), logits, rtol=1e-4, atol=1e-4)
        other = make(3, n_bands=64, n_frames=64, colormap=None if colormap is None else HEAT.flip(0)).eval()
        assert not torch.equal(other(x), logits)
        other.load_state_dict(model.state_dict())
        assert torch.equal(other(x), logits)


def test_weights_go_to_the_base_and_a_frozen_base_stays():
    base = ResNetFeatures(depth=34, n_channels=3, n_bands=64, n_frames=64)
    state = base.state_dict() | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    model, x = transferred(ResNet34, weights=state, frozen=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    before = model.head.out.weight.detach().clone()
    assert count_parameters(model) == 3 * 513
    model.train()
    assert model.head.training
    assert not any(module.training for module in model.base.modules())
    functional.cross_entropy(model(x), torch.arange(3)).backward()
    optimizer.step()
    assert not torch.equal(model.head.out.weight, before)
    for key, value in model.base.state_dict().items():
        assert torch.equal(value, state[key]), key  # moving statistics too
    free, _ = transferred(ResNet34, weights=state)
    free.eval().train()
    assert all(module.training for module in free.modules())
    assert count_parameters(free) == 21_284_672 + 3 * 513


def test_dropout_of_the_head_and_what_does_not_fit_together():
    with torch.device("meta"):
        model = VGG16(4, n_bands=32, n_frames=32, colormap=None, dropout=0.3)
        assert [layer.p for layer in model.modules() if isinstance(layer, torch.nn.Dropout)] == [0.3] * 3
        base = AlexNetFeatures(n_channels=3)
        with pytest.raises(ValueError, match="as many channels, got 1 and 3"):
            Transfer(base, 4, picture=Picture(None))
        with pytest.raises(TypeError, match="frozen must be True or False, got 1"):
            Transfer(base, 4, picture=Picture(HEAT), frozen=1)
    with pytest.raises(ValueError, match=r"VGGFeatures: they lack features\.0\.weight"):
        VGG16(4, n_bands=32, n_frames=32, colormap=None, weights={})
