"""The recurrent networks of UCSD 2020 against recurrences written out in NumPy, and against torch's own units."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from numpy.testing import assert_allclose  # noqa: E402

from audiofeat_nn.layers import count_parameters  # noqa: E402
from audiofeat_nn.recurrent import GRUClassifier, SkipGRU, seconds  # noqa: E402

torch.set_num_threads(1)

SMALL = [
    {},
    {"n_layers": 2, "dense": (9, 7), "dropout": 0.5},
    {"dense": ()},
    {"skip": 2},
    {"skip": 3, "reading": "input", "mix": "sum", "n_layers": 2},
]


def small(options):
    torch.manual_seed(0)
    return GRUClassifier(5, n_bands=6, n_frames=8, n_units=10, **options).eval(), torch.randn(3, 1, 6, 8)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def recurrence(x, weights, n_layers, *, skip, reading, mix):
    """Return the last layer's states by the two formulas, one clip, one step, one layer at a time."""
    for layer in range(n_layers):
        W, U, b, c = (weights[f"{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        n = U.shape[1]
        clips = np.zeros((len(x), x.shape[1], n))
        for clip, sequence in zip(clips, x, strict=True):
            for t, step in enumerate(sequence):
                h = clip[t - 1] if t else np.zeros(n)
                scale = 0.5 if mix == "mean" else 1.0
                if t >= skip and reading == "input":
                    h = scale * (h + clip[t - skip])
                (r_x, z_x, n_x), (r_h, z_h, n_h) = (W @ step + b).reshape(3, n), (U @ h + c).reshape(3, n)
                z = sigmoid(z_x + z_h)
                clip[t] = (1 - z) * np.tanh(n_x + sigmoid(r_x + r_h) * n_h) + z * h
                if t >= skip and reading == "output":
                    clip[t] = scale * (clip[t] + clip[t - skip])
        x = clips
    return x


@pytest.mark.parametrize("mix", ["mean", "sum"])
@pytest.mark.parametrize("reading", ["input", "output"])
@pytest.mark.parametrize(("skip", "n_layers"), [(1, 1), (2, 2), (5, 1), (11, 2)])
def test_skip_follows_the_recurrence(skip, n_layers, reading, mix):
    torch.manual_seed(skip)
    units = SkipGRU(3, 4, n_layers, skip=skip, reading=reading, mix=mix).double()
    x = torch.randn(2, 12, 3, dtype=torch.float64)
    weights = {name: parameter.detach().numpy() for name, parameter in units.named_parameters()}
    with torch.no_grad():
        states, final = units(x)
    expected = recurrence(x.numpy(), weights, n_layers, skip=skip, reading=reading, mix=mix)
    assert_allclose(states, expected, rtol=1e-12, atol=1e-12)
    assert final.shape == (n_layers, 2, 4)
    assert torch.equal(final[-1], states[:, -1])


@pytest.mark.parametrize("mix", ["mean", "sum"])
@pytest.mark.parametrize("reading", ["input", "output"])
def test_a_cut_skip_is_torchs_gru_with_the_same_weights(reading, mix):
    torch.manual_seed(2)
    twin = torch.nn.GRU(3, 4, 2, batch_first=True)
    units = SkipGRU(3, 4, 2, skip=9, reading=reading, mix=mix)
    units.load_state_dict(twin.state_dict())
    x = torch.randn(5, 9, 3)
    with torch.no_grad():
        for ours, theirs in zip(units(x), twin(x), strict=True):
            assert_allclose(ours, theirs, atol=1e-6)
        longer = torch.randn(5, 10, 3)  # the skip reaches the first state now, in the last step of the first layer
        (ours, _), (theirs, _) = units(longer), twin(longer)
        assert_allclose(ours[:, :9], theirs[:, :9], atol=1e-6)
        assert not torch.allclose(ours[:, 9], theirs[:, 9], atol=1e-4)
    assert count_parameters(units) == count_parameters(twin)


def test_units_start_as_torchs():
    torch.manual_seed(3)
    units = SkipGRU(3, 4, 2, skip=2)
    torch.manual_seed(3)
    for (name, ours), (key, theirs) in zip(
        units.named_parameters(), torch.nn.GRU(3, 4, 2).named_parameters(), strict=True
    ):
        assert name == key
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("reading", ["input", "output"])
def test_means_of_states_are_bounded_and_sums_are_not(reading):
    torch.manual_seed(0)
    x = torch.randn(2, 646, 4)
    with torch.no_grad():
        mean, _ = SkipGRU(4, 8, skip=2, reading=reading)(10 * x)
        total, _ = SkipGRU(4, 8, skip=2, reading=reading, mix="sum")(x)
    assert mean.abs().max() <= 1
    assert not total.abs().max() < 1e20


@pytest.mark.parametrize(
    ("options", "count"),
    [
        # three gates with two biases each, then the dense layers
        ({}, 3 * 128 * (20 + 130) + 64 * 129 + 10 * 65),
        ({"n_bands": 22050, "n_frames": 30}, 3 * 128 * (22050 + 130) + 64 * 129 + 10 * 65),
        ({"skip": 4}, 3 * 128 * (20 + 130) + 64 * 129 + 10 * 65),
        ({"n_layers": 2, "dropout": 0.5}, 3 * 128 * (20 + 130) + 3 * 128 * (128 + 130) + 64 * 129 + 10 * 65),
        ({"dense": (64, 32)}, 3 * 128 * (20 + 130) + 64 * 129 + 32 * 65 + 10 * 33),
    ],
)
def test_counts_and_shapes(options, count):
    model = GRUClassifier(10, **options)
    x = torch.zeros(2, 1, model.n_bands, model.n_frames)
    with torch.no_grad():
        states, _ = model.gru(x[:, 0].mT)
        assert states.shape == (2, options.get("n_frames", 646), 128)
        assert model(x).shape == (2, 10)
    assert count_parameters(model) == count


@pytest.mark.parametrize("options", SMALL)
def test_gradients_batches_and_state_dicts(options):
    model, x = small(options)
    whole = model(x)
    (whole * torch.randn(3, 5)).sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name
    with torch.no_grad():
        assert torch.equal(whole, model(x))
        assert_allclose(torch.cat([model(item[None]) for item in x]), whole.detach(), atol=1e-6)
        other = GRUClassifier(5, n_bands=6, n_frames=8, n_units=10, **options).eval()
        assert not torch.equal(other(x), whole)
        other.load_state_dict(model.state_dict())
        assert torch.equal(other(x), whole)


def test_the_last_frame_is_the_last_step():
    model, x = small({"dense": ()})
    weights = {name: parameter.detach().double().numpy() for name, parameter in model.gru.named_parameters()}
    frames = x[:, 0].transpose(1, 2).double().numpy()
    state = recurrence(frames, weights, 1, skip=99, reading="input", mix="sum")[:, -1]
    with torch.no_grad():
        assert_allclose(model(x), model.head.output(torch.from_numpy(state).float()), atol=1e-6)


def test_dropout_is_in_the_dense_layers_of_training():
    model, x = small({"dropout": 0.5, "dense": (40,)})
    still = model(x)
    model.train()
    assert torch.equal(model.gru(x[:, 0].mT)[0], model.gru(x[:, 0].mT)[0])
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), still)


@pytest.mark.parametrize("n_samples_given", [5, 12, 14])
def test_seconds_are_columns(n_samples_given):
    y = torch.arange(1.0, 2 * n_samples_given + 1).reshape(2, -1)
    laid = seconds(y, n_samples=4, n_steps=3)
    assert laid.shape == (2, 1, 4, 3)
    for clip in (0, 1):
        for step in range(3):
            second = y[clip, 4 * step : 4 * step + 4]
            assert torch.equal(laid[clip, 0, : len(second), step], second)
            assert not laid[clip, 0, len(second) :, step].any()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: GRUClassifier(10, reading="both"), ValueError, "reading must be one of input, output, got 'both'"),
        (lambda: GRUClassifier(10, skip=2, mix="max"), ValueError, "mix must be one of mean, sum, got 'max'"),
        (lambda: GRUClassifier(10, skip=0), ValueError, "skip must be >= 1, got 0"),
        (lambda: GRUClassifier(10, dense=(64, 0)), ValueError, r"dense\[1\] must be >= 1, got 0"),
        (lambda: GRUClassifier(10, dropout=-0.1), ValueError, r"dropout must be in \[0, 1\], got -0.1"),
        (lambda: GRUClassifier(10, n_units=True), TypeError, "n_units must be an integer, got True"),
        (lambda: GRUClassifier(0), ValueError, "n_classes must be >= 1, got 0"),
        (lambda: SkipGRU(3, 4, skip=1.5), TypeError, "skip must be an integer, got 1.5"),
        (lambda: seconds(torch.zeros(9)), ValueError, r"y must be \(batch, samples\), got shape \(9,\)"),
        (lambda: seconds(torch.zeros(1, 9), n_steps=0), ValueError, "n_steps must be >= 1, got 0"),
        (
            lambda: GRUClassifier(10)(torch.zeros(2, 1, 13, 646)),
            ValueError,
            r"x must be \(batch, 1, 20 bands, 646 frames\), got shape \(2, 1, 13, 646\)",
        ),
    ],
)
def test_arguments_are_checked(call, error, words):
    with pytest.raises(error, match=words):
        call()
