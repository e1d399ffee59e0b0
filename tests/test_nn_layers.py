"""What the networks share: recurrence against a recurrence in NumPy, padding against Keras' formula, lengths."""

import pytest

torch = pytest.importorskip("torch")
import numpy as np  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from numpy.testing import assert_allclose  # noqa: E402
from torch import nn  # noqa: E402

from audiofeat_nn.layers import (  # noqa: E402
    ResetBeforeGRU,
    SamePad,
    checked,
    count_parameters,
    gru,
    last_states,
    pooled,
)

torch.set_num_threads(1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(model, number, x):
    """Run equations 1 to 4 of Feng et al. 2017 over one sequence, (steps, features), in float64."""
    linear = model.inputs[number]
    W_u, W_r, W_c = np.split(linear.weight.detach().numpy(), 3)
    b_u, b_r, b_c = np.split(linear.bias.detach().numpy(), 3)
    U_u, U_r = np.split(model.gates[number].weight.detach().numpy(), 2)
    U_c = model.candidates[number].weight.detach().numpy()
    h, states = np.zeros(len(b_u)), []
    for x_t in x:
        u = sigmoid(b_u + W_u @ x_t + U_u @ h)
        r = sigmoid(b_r + W_r @ x_t + U_r @ h)
        h = u * np.tanh(b_c + W_c @ x_t + U_c @ (r * h)) + (1 - u) * h
        states.append(h)
    return np.array(states)


@given(
    n_inputs=st.integers(1, 5),
    n_units=st.integers(1, 5),
    n_layers=st.integers(1, 3),
    two=st.booleans(),
    n_steps=st.integers(1, 7),
)
def test_the_papers_recurrence_is_its_equations(n_inputs, n_units, n_layers, two, n_steps):
    torch.manual_seed(n_inputs)
    model = ResetBeforeGRU(n_inputs, n_units, n_layers, bidirectional=two).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=1.5)
    x = torch.randn(2, n_steps, n_inputs, dtype=torch.float64)
    sequence, final = model(x)
    for item, states in enumerate(x.numpy()):
        finals = []
        for layer in range(n_layers):
            passes = []
            for way in range(1 + two):
                found = by_hand(model, layer * (1 + two) + way, states[::-1] if way else states)
                finals.append(found[-1])
                passes.append(found[::-1] if way else found)
            states = np.concatenate(passes, axis=1)
        assert_allclose(sequence[item].detach(), states, atol=1e-13)
        assert_allclose(final[:, item].detach(), finals, atol=1e-13)


def same_weights(theirs, ours):
    """Give both forms the same weights; torch's update gate is one minus ours, and its second bias is 0."""
    names = [
        f"l{layer}{way}" for layer in range(theirs.num_layers) for way in ("", "_reverse")[: 1 + ours.bidirectional]
    ]
    with torch.no_grad():
        for number, name in enumerate(names):
            getattr(theirs, f"bias_hh_{name}").zero_()
            reset, keep, new = getattr(theirs, f"weight_ih_{name}").chunk(3)
            ours.inputs[number].weight.copy_(torch.cat([-keep, reset, new]))
            reset, keep, new = getattr(theirs, f"bias_ih_{name}").chunk(3)
            ours.inputs[number].bias.copy_(torch.cat([-keep, reset, new]))
            reset, keep, new = getattr(theirs, f"weight_hh_{name}").chunk(3)
            ours.gates[number].weight.copy_(torch.cat([-keep, reset]))
            ours.candidates[number].weight.copy_(new)


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("n_layers", [1, 2])
def test_both_forms_agree_where_the_reset_gate_is_open(n_layers, two):
    torch.manual_seed(0)
    theirs = gru(4, 3, n_layers, bidirectional=two).double()
    ours = gru(4, 3, n_layers, bidirectional=two, reset_after=False).double()
    x = torch.randn(2, 6, 4, dtype=torch.float64)
    same_weights(theirs, ours)
    gap = (theirs(x)[0] - ours(x)[0]).abs().max()
    assert gap > 1e-4  # elsewhere they differ
    for name, bias in theirs.named_parameters():
        if name.startswith("bias_ih"):
            nn.init.constant_(bias[:3], 50.0)  # the reset gate is 1 to the last bit but one
    same_weights(theirs, ours)
    for found, expected in zip(ours(x), theirs(x), strict=True):
        assert found.shape == expected.shape
        assert_allclose(found.detach(), expected.detach(), atol=1e-14)
    assert_allclose(
        last_states(ours(x)[1], bidirectional=two).detach(), last_states(theirs(x)[1], bidirectional=two).detach()
    )


def test_both_forms_agree_on_the_first_step():
    torch.manual_seed(0)
    theirs, ours = gru(4, 3).double(), gru(4, 3, reset_after=False).double()
    same_weights(theirs, ours)
    x = torch.randn(2, 1, 4, dtype=torch.float64)  # before it there is no state to reset
    assert_allclose(ours(x)[0].detach(), theirs(x)[0].detach(), atol=1e-15)


@pytest.mark.parametrize(("n_layers", "two"), [(1, False), (1, True), (2, True), (3, False)])
def test_the_forms_differ_by_one_bias(n_layers, two):
    with torch.device("meta"):
        counts = [
            count_parameters(gru(8, 5, n_layers, bidirectional=two, reset_after=after)) for after in (True, False)
        ]
    assert counts[0] - counts[1] == 3 * 5 * n_layers * (1 + two)
    assert isinstance(gru(8, 5), nn.GRU)


def test_gradients_of_the_papers_recurrence_are_its_differences():
    torch.manual_seed(0)
    model = ResetBeforeGRU(2, 3, 2, bidirectional=True).double()
    x = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(model, x)
    model(x)[0].square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_weights_of_the_papers_recurrence_start_as_torchs():
    torch.manual_seed(0)
    for parameter in ResetBeforeGRU(64, 100).parameters():
        assert 0.09 < parameter.abs().max() <= 0.1


@pytest.mark.parametrize("two", [False, True])
def test_last_states_are_the_ends_of_the_sequence(two):
    torch.manual_seed(0)
    sequence, final = gru(4, 3, 2, bidirectional=two)(torch.randn(5, 6, 4))
    ends = torch.cat([sequence[:, -1, :3], sequence[:, 0, 3:]], dim=1)
    assert torch.equal(last_states(final, bidirectional=two), ends)


@given(
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    kernel=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_padding_gives_the_size_and_the_place_of_keras(size, kernel, stride):
    x = torch.arange(1.0, size[0] * size[1] + 1).reshape(1, 1, *size)
    wide = SamePad(kernel, stride)(x)
    starts = []
    for axis in (0, 1):
        n_out = -(-size[axis] // stride[axis])
        border = max(0, (n_out - 1) * stride[axis] + kernel[axis] - size[axis])
        assert wide.shape[2 + axis] == size[axis] + border
        assert (wide.shape[2 + axis] - kernel[axis]) // stride[axis] + 1 == n_out
        starts.append(border // 2)  # the odd one after
    inner = wide[..., starts[0] : starts[0] + size[0], starts[1] : starts[1] + size[1]]
    assert torch.equal(inner, x)
    assert wide.sum() == x.sum()


@given(
    size=st.integers(1, 60),
    steps=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2)), min_size=1, max_size=3),
)
def test_lengths_are_what_torch_leaves(size, steps):
    def left(length):
        x = torch.zeros(1, 1, length)
        for kernel, stride, padding in steps:
            x = nn.functional.pad(x, (0, padding))
            if x.shape[2] < kernel:
                return 0
            x = nn.functional.avg_pool1d(x, kernel, stride)
        return x.shape[2]

    expected = left(size)
    if expected:
        assert pooled(size, *steps, name="n_frames") == expected
    else:
        shortest = next(length for length in range(1, 500) if left(length))
        with pytest.raises(ValueError, match=f"^n_frames must be at least {shortest} for the pools .*, got {size}$"):
            pooled(size, *steps, name="n_frames")


def test_input_is_returned_as_it_is_or_refused():
    x = torch.zeros(2, 3, 4, 5, dtype=torch.float16)
    assert checked(x, bands=4, frames=5, channels=3) is x
    wanted = r"x must be \(batch, 1, 4 bands, 5 frames\), got shape "
    for shape in [(4, 5), (2, 4, 5), (2, 3, 4, 5), (2, 1, 5, 4), (2, 1, 4, 6), (1, 2, 1, 4, 5)]:
        with pytest.raises(ValueError, match=wanted + rf"\({', '.join(map(str, shape))}\)"):
            checked(torch.zeros(shape), bands=4, frames=5)
    for dtype in (torch.int64, torch.complex64, torch.bool):
        with pytest.raises(TypeError, match=f"x must be of a floating-point type, got {dtype}"):
            checked(torch.zeros(2, 1, 4, 5, dtype=dtype), bands=4, frames=5)


def test_parameters_are_counted_as_keras_counts_them():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    assert count_parameters(model) == 40 + 8 + 10
    assert count_parameters(model, trainable=False) == 40 + 8 + 10 + 8
    model[0].requires_grad_(False)
    assert count_parameters(model) == 18
    assert count_parameters(model, trainable=False) == 66
