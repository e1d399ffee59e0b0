"""Every network of the registry with few bands, frames and units, for tests that run over all of them."""

import inspect

import torch

from audiofeat_nn import create_model, list_models, model_options

# Bands differ from frames, so that no axis passes for the other; the first that a network can be built with is taken.
SIZES = ((20, 24), (36, 64), (40, 80), (66, 72), (96, 112), (128, 136), (192, 256), (256, 640))
LARGEST = 32  # of what is set to thousands for the papers' sake: units of dense layers


def small_options(name):
    """Return options with which a network of the registry is quick, and still all of it is there."""
    known = model_options(name)
    options = {"n_units": LARGEST} if isinstance(known.get("n_units"), int) and known["n_units"] > LARGEST else {}
    if inspect.Parameter.empty in known.values():  # built of trained branches
        pair = {branch: small_network(branch, n_bands=40, n_frames=80) for branch in ("time", "frequency")}
        return options | pair
    if "skip" in known and known["skip"] is not None:
        options["skip"] = 5
    return options | small_size(name, options)


def small_size(name, options):
    known = model_options(name)
    for n_bands, n_frames in SIZES:
        size = {"n_bands": n_bands, "n_frames": n_frames}
        try:
            with torch.device("meta"):
                create_model(name, n_classes=4, **options, **size)
        except ValueError:
            continue
        return size
    return {key: known[key] for key in ("n_bands", "n_frames")}


def small_network(name, *, n_classes=4, **options):
    """Return a small network of the registry, always with the same weights."""
    torch.manual_seed(0)
    return create_model(name, n_classes=n_classes, **(options or small_options(name)))


def batch_for(model, n_items=5):
    """Return random input for a network of `create_model`."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n_items, 1, model.recipe.n_bands, model.recipe.n_frames, generator=generator)


ALL = list_models()
