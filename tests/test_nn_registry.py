"""Networks by name: options, recipes, front ends, and what a summary says of them."""

import inspect
import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from small_networks import ALL, batch_for, small_network, small_options  # noqa: E402

import audiofeat_nn  # noqa: E402
from audiofeat import preset  # noqa: E402
from audiofeat_nn import check_front_end, count_parameters, create_model, list_models, model_options, summary  # noqa: E402

torch.set_num_threads(1)

WHOLE = [name for name in ALL if inspect.Parameter.empty not in model_options(name).values()]


def on_meta(name, n_classes=8, **options):
    with torch.device("meta"):
        return create_model(name, n_classes=n_classes, **options)


def test_the_list_is_sorted_and_has_every_family():
    families = {"black-box", "cnn-3", "frequency", "gru-mfcc", "gru-raw", "kth-cnn", "kth-cnn-rnn", "kth-crnn"}
    families |= {"alexnet", "resnet34", "skip-gru", "time", "time-frequency", "time-frequency-init", "vgg11", "vgg16"}
    assert list_models() == sorted(set(list_models()))
    assert families <= set(list_models())


@pytest.mark.parametrize("name", WHOLE)
def test_the_default_network_reads_its_front_end(name):
    model = on_meta(name)
    recipe = model.recipe
    assert (recipe.name, recipe.n_classes, dict(recipe.options)) == (name, 8, {})
    known = model_options(name)
    assert (recipe.n_bands, recipe.n_frames) == (known["n_bands"], known["n_frames"])
    assert model(torch.empty(2, 1, recipe.n_bands, recipe.n_frames, device="meta")).shape == (2, 8)
    if recipe.front_end is not None:
        check_front_end(model, recipe.front_end)
        assert recipe.front_end.n_bands == recipe.n_bands


# From the papers' tables and the authors' code.
@pytest.mark.parametrize(
    ("name", "n_classes", "count"),
    [
        ("black-box", 8, 3_275_312),
        ("frequency", 8, 3_368),
        ("kth-cnn", 8, 1_328_120),
        ("kth-cnn-rnn", 8, 7_139_304),
        ("kth-crnn", 8, 462_843),
        ("time", 8, 7_336),
        ("time-frequency", 8, 196_816),
    ],
)
def test_counts_by_name(name, n_classes, count):
    assert count_parameters(on_meta(name, n_classes)) == count


@pytest.mark.parametrize("name", ALL)
def test_options_reach_the_network_and_its_recipe_makes_it_again(name):
    options = small_options(name)
    model = create_model(name, n_classes=4, **options).eval()
    recipe = model.recipe
    x = batch_for(model, 2)
    assert model(x).shape == (2, 4)
    again = create_model(recipe.name, n_classes=recipe.n_classes, **recipe.options).eval()
    assert again.recipe == recipe
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(x), model(x))


def test_a_recipe_of_trained_branches_names_a_network_without_them():
    pair = {key: create_model(key, n_classes=4, n_bands=36, n_frames=64) for key in ("time", "frequency")}
    model = create_model("time-frequency-init", n_classes=4, n_units=12, dropout=0.25, **pair)
    assert model.recipe.name == "time-frequency"
    assert (model.recipe.n_bands, model.recipe.n_frames) == (36, 64)
    assert model.recipe.options["n_units"] == 12
    assert model.recipe.options["dropout"] == 0.25
    assert torch.equal(model.state_dict()["time_conv.weight"], pair["time"].state_dict()["conv1.weight"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"name": "prnn"}, ValueError, "name must be one of alexnet, .*, got 'prnn'"),
        ({"name": None}, ValueError, "name must be one of"),
        ({"name": "time", "lenght": 3}, TypeError, "time has no option 'lenght': it has n_bands, n_frames, length"),
        ({"name": "time", "n_classes": 0}, ValueError, "n_classes must be >= 1, got 0"),
        ({"name": "time", "n_classes": 2.0}, TypeError, "n_classes must be an integer"),
        ({"name": "time", "length": 81}, ValueError, "n_frames must be at least 81 .*, got 80"),
        ({"name": "time-frequency-init"}, TypeError, "time-frequency-init needs the option 'time'"),
        ({"name": "kth-cnn", "padding": "valid"}, ValueError, "padding must be one of same, symmetric, got 'valid'"),
    ],
)
def test_what_there_is_not_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        create_model(**{"n_classes": 4} | options)


def test_options_of_an_unknown_name_are_refused():
    with pytest.raises(ValueError, match=r"name must be one of .*, got 'nothing'"):
        model_options("nothing")


@pytest.mark.parametrize(
    ("name", "front_end", "message"),
    [
        ("time", preset("feng2017"), "front_end gives 513 bands, time expects 40"),
        ("time", replace(preset("pons2016"), sr=22050.0), "front_end has sr 22050 Hz, time expects 44100 Hz"),
        ("gru-raw", preset("ucsd2020"), "front_end must be None: gru-raw reads samples"),
    ],
)
def test_another_front_end_is_refused(name, front_end, message):
    with pytest.raises(ValueError, match=message):
        check_front_end(create_model(name, n_classes=4), front_end)


def test_a_front_end_is_checked_against_networks_of_the_registry_only():
    with pytest.raises(TypeError, match="model must be made by create_model"):
        check_front_end(torch.nn.Linear(2, 2), preset("pons2016"))


@pytest.mark.parametrize("name", ALL)
def test_a_summary_adds_up(name):
    model = small_network(name)
    model.train()
    next(model.children()).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    found = summary(model)
    assert found.input_shape == (1, model.recipe.n_bands, model.recipe.n_frames)
    assert found.trainable == count_parameters(model) == sum(layer.parameters for layer in found.layers)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    assert found.total == found.trainable + frozen + 2 * sum(norm.num_features for norm in norms)
    assert found.layers[-1].shape[-1] == 4
    assert found.model == type(model).__name__
    assert len(str(found).splitlines()) == len(found.layers) + 3
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_summary_has_the_shapes_that_layers_give():
    layers = {layer.name: layer for layer in summary(on_meta("time")).layers}
    assert layers["conv1"] == ("conv1", "Conv2d", (32, 40, 21), 32 * 61)
    assert layers["pool1"].shape == (32, 1, 21)
    assert layers["classify.out"] == ("classify.out", "Linear", (8,), 8 * (32 * 21 + 1))
    gru = {layer.name: layer for layer in summary(on_meta("gru-mfcc")).layers}["gru"]
    assert (gru.shape, gru.parameters) == ((646, 128), 3 * 128 * (20 + 128 + 2))


@pytest.mark.parametrize("size", [(4, 5), (7, 9)])
def test_a_summary_of_any_network_needs_its_input(size):
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten())
    with pytest.raises(ValueError, match="input_shape must be given"):
        summary(model)
    found = summary(model, input_shape=(1, *size))
    assert found.layers[1].shape == (2 * math.prod(n - 2 for n in size),)


def test_all_public_names_are_there():
    for name in audiofeat_nn.__all__:
        assert getattr(audiofeat_nn, name) is not None
