"""What holds for every network of the registry: gradients, batches, state, wrong input, precision, graphs."""

import pytest

torch = pytest.importorskip("torch")

from small_networks import ALL, batch_for, small_network  # noqa: E402
from torch import nn  # noqa: E402
from torch.optim.swa_utils import update_bn  # noqa: E402

from audiofeat_nn import ResetBeforeGRU, SkipGRU, create_model  # noqa: E402

torch.set_num_threads(1)

# The weights of figure 4's attention sum to 1 whatever its convolutions give.
CUT = {"ubc-attention": "scores."}
RECURRENT = (nn.RNNBase, SkipGRU, ResetBeforeGRU)
# One of each kind of graph for what takes seconds a network; all others are marked slow.
QUICK = ("gru-mfcc", "kth-cnn", "time")
COMPILED = ("kth-crnn", "time-frequency")
SOME_QUICK = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ALL]


def evaluated(name):
    """Return a small network as if trained a little: with moving statistics of its input, and evaluating."""
    model = small_network(name)
    x = batch_for(model)
    update_bn([x, x], model)
    return model.eval(), x


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_gets_a_gradient(name):
    model, x = evaluated(name)
    x.requires_grad_()
    nn.functional.cross_entropy(model(x), torch.arange(len(x)) % 4).backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad.abs().sum(dim=(1, 2, 3)) > 0).all()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        if not key.startswith(CUT.get(name, "-")):
            assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", CUT)
def test_what_the_published_graph_cuts_off_gets_rounding_alone(name):
    model, x = evaluated(name)
    model(x).square().sum().backward()
    grads = {key: float(parameter.grad.abs().sum()) for key, parameter in model.named_parameters()}
    cut = [grads.pop(key) for key in list(grads) if key.startswith(CUT[name])]
    assert cut
    assert max(cut) < 1e-5 * min(grads.values())


def test_what_the_published_recurrence_does_not_read_gets_none():
    model, x = evaluated("kth-crnn")
    model(x).square().sum().backward()
    for part in (model.layers.conv4.weight, model.layers.conv4.bias, model.layers.norm4.weight):
        assert part.grad[0].abs().sum() > 0
        assert part.grad[1:].abs().sum() == 0


@pytest.mark.parametrize("name", ALL)
def test_a_training_step_lowers_the_loss(name):
    model = small_network(name).train()
    x, y = batch_for(model), torch.arange(5) % 4
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    norm = sum(parameter.grad.square().sum() for parameter in model.parameters())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.01 / norm * parameter.grad  # first order: the loss falls by 0.01
        assert nn.functional.cross_entropy(model(x), y) < loss - 0.002


@pytest.mark.parametrize("name", ALL)
def test_a_batch_is_its_items_and_evaluation_is_always_the_same(name):
    model, x = evaluated(name)
    logits = model(x)
    assert logits.shape == (5, 4)
    assert logits.dtype == torch.float32
    assert torch.equal(model(x), logits)
    model, x = model.double(), x.double()  # in single precision sums of another order hide what is asked
    exact = model(x)
    torch.testing.assert_close(torch.cat([model(item[None]) for item in x]), exact, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(model(x[2:4].flip(0)), exact[2:4].flip(0), rtol=1e-9, atol=1e-9)
    assert not torch.allclose(exact[0], exact[1])


@pytest.mark.parametrize("name", ALL)
def test_the_state_is_all_there_is(name, tmp_path):
    model, x = evaluated(name)
    torch.save(model.state_dict(), tmp_path / "state.pt")
    recipe = model.recipe
    torch.manual_seed(1)
    other = create_model(recipe.name, n_classes=4, **recipe.options).eval()
    assert not torch.equal(other(x), model(x))
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(other(x), model(x))


@pytest.mark.parametrize("name", ALL)
def test_wrong_input_is_refused_with_both_shapes(name):
    model, x = evaluated(name)
    bands, frames = x.shape[2:]
    wanted = rf"\(batch, 1, {bands} bands, {frames} frames\)"
    for wrong in (x[:, 0], x.expand(-1, 2, -1, -1), x[:, :, 1:], x[..., 1:], x.transpose(2, 3), x[:, :, :0]):
        given = ", ".join(str(size) for size in wrong.shape)
        with pytest.raises(ValueError, match=rf"x must be {wanted}, got shape \({given}\)"):
            model(wrong)
    with pytest.raises(TypeError, match=r"x must be of a floating-point type, got torch\.int64"):
        model(x.long())


@pytest.mark.parametrize("name", ALL)
def test_half_precision_under_autocast_is_near_single(name):
    model, x = evaluated(name)
    exact = model(x)
    with torch.autocast("cpu", torch.bfloat16):
        loss = nn.functional.cross_entropy(model(x).float(), torch.arange(5) % 4)
        rounded = model(x).float()
    assert 0 < (rounded - exact).norm() < 0.3 * exact.norm()  # 8 bits, through tens of layers of random weights
    loss.backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


@pytest.mark.parametrize("name", ALL)
def test_double_precision_agrees_with_single(name):
    model, x = evaluated(name)
    single = model(x).double()
    torch.testing.assert_close(model.double()(x.double()), single, rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore:The tensor attributes self")  # torch's own, of its recurrence
@pytest.mark.parametrize("name", SOME_QUICK)
def test_an_exported_graph_takes_any_batch(name):
    model, x = evaluated(name)
    graph = torch.export.export(model, (x[:2],), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    for part in (x[:1], x[:2], x):
        torch.testing.assert_close(graph.module()(part), model(part), rtol=1e-4, atol=1e-5)


def convolutional(model, path=""):
    """Return the paths of the largest parts that convolve and have no recurrence: of the model itself, or below it."""
    kinds = [type(module) for module in model.modules()]
    if not any(issubclass(kind, nn.Conv2d) for kind in kinds):
        return []
    if not any(issubclass(kind, RECURRENT) for kind in kinds):
        return [path]
    return [found for name, child in model.named_children() for found in convolutional(child, f"{path}.{name}")]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in COMPILED else pytest.mark.slow) for name in ALL]
)
def test_the_convolutional_part_compiles_whole(name):
    whole, x = evaluated(name)
    logits = whole(x)
    model = nn.Sequential(whole)
    paths = convolutional(whole, "0")
    assert paths or not any(isinstance(module, nn.Conv2d) for module in model.modules())
    for path in paths:
        # one graph, forward and backward: torch leaves recurrence out of graphs, hence the parts
        part = torch.compile(model.get_submodule(path), backend="aot_eager", fullgraph=True)
        model.set_submodule(path, part)
    compiled = model(x)
    torch.testing.assert_close(compiled, logits, rtol=1e-4, atol=1e-5)
    nn.functional.cross_entropy(compiled, torch.arange(5) % 4).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_recurrence_does_not_compile_whole():
    model, x = evaluated("gru-mfcc")
    model.compile(backend="eager", fullgraph=True)
    with pytest.raises(Exception, match="GRU"):
        model(x)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kth-cnn", "time-frequency"])
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own, when it loads its compiler
def test_the_compiler_of_torch_agrees(name):
    model, x = evaluated(name)
    logits = model(x)
    model.compile()
    torch.testing.assert_close(model(x), logits, rtol=1e-4, atol=1e-5)
