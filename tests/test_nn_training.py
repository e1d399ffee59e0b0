"""Losses, optimisers and schedules against NumPy and torch; the loop against its laws."""

import json
import math
import sys
import tomllib
import types

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from numpy.testing import assert_allclose, assert_array_equal  # noqa: E402
from torch import nn  # noqa: E402
from torch.optim.optimizer import register_optimizer_step_pre_hook  # noqa: E402

from audiofeat_nn.training import (  # noqa: E402
    EpochRow,
    MovingAverage,
    Schedule,
    TrainingError,
    TrainSettings,
    balanced_weights,
    fit,
    loss_sums,
    make_optimizer,
    plot_history,
    read_history,
    write_history,
)
from audiofeat_nn.training.batches import epoch_batches  # noqa: E402

torch.set_num_threads(1)


def items_of(n, *, n_features=6, n_classes=3, seed=0, noise=1.0):
    """Return items whose class is where their largest of the first features is, up to noise."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, n_features)).astype(np.float32)
    y = (x[:, :n_classes] + noise * rng.standard_normal((n, n_classes))).argmax(axis=1)
    return [(torch.from_numpy(row), int(label)) for row, label in zip(x, y, strict=True)]


def small(*, dropout=0.0, norm=False, seed=0, n_classes=3):
    torch.manual_seed(seed)
    layers = [nn.Linear(6, 8), nn.BatchNorm1d(8)] if norm else [nn.Linear(6, 8)]
    return nn.Sequential(*layers, nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, n_classes))


def weights(model):
    return [value.clone() for value in model.state_dict().values()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def without_time(result):
    return [row[:7] for row in result.history]


# ------------------------------------------------------------------------------------------------------- losses


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["cross_entropy", "softmax_bce"])
def test_losses_are_their_formulas(loss, weighted):
    rng = np.random.default_rng(0)
    logits, target = rng.standard_normal((7, 4)) * 3, rng.integers(0, 4, 7)
    by_class = np.array([0.5, 2.0, 1.0, 3.0]) if weighted else np.ones(4)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    hit = np.eye(4)[target]
    if loss == "cross_entropy":
        items = -np.log((p * hit).sum(axis=1))
    else:
        items = -(hit * np.log(p) + (1 - hit) * np.log(1 - p)).mean(axis=1)
    total, weight = loss_sums(
        torch.from_numpy(logits),
        torch.from_numpy(target),
        loss=loss,
        class_weights=torch.from_numpy(by_class) if weighted else None,
    )
    assert_allclose(total.item(), (items * by_class[target]).sum(), rtol=1e-12)
    assert weight.item() == by_class[target].sum()


@pytest.mark.parametrize("loss", ["cross_entropy", "softmax_bce"])
def test_losses_stay_finite_with_sure_networks(loss):
    logits = torch.tensor([[80.0, 0.0, -80.0], [-80.0, 80.0, 0.0]], requires_grad=True)
    total, _ = loss_sums(logits, torch.tensor([2, 1]), loss=loss)
    total.backward()
    assert math.isfinite(total.item())
    assert logits.grad.isfinite().all()
    expected = 160.0 if loss == "cross_entropy" else (160.0 + 80.0 + 0.0) / 3  # -log p_2, -log(1 - p_0)
    assert_allclose(total.item(), expected, rtol=1e-5)


def test_of_two_classes_both_losses_are_one():
    logits, target = torch.randn(9, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 1] * 3)
    one, other = (loss_sums(logits, target, loss=loss)[0] for loss in ("cross_entropy", "softmax_bce"))
    assert_allclose(one.item(), other.item(), rtol=1e-6)


def test_the_loss_of_bfloat16_logits_is_computed_in_float32():
    total, _ = loss_sums(torch.zeros(1, 3, dtype=torch.bfloat16), torch.tensor([0]))
    assert total.dtype == torch.float32
    assert_allclose(total.item(), math.log(3), rtol=1e-6)


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    target = [0, 2, 2, 2, 0, 0, 0, 4]
    ours = balanced_weights(target, 6)
    assert_allclose(ours[[0, 2, 4]], compute_class_weight("balanced", classes=np.array([0, 2, 4]), y=target))
    assert ours[[1, 3, 5]].tolist() == [1.0, 1.0, 1.0]


def test_losses_refuse_what_is_none():
    with pytest.raises(ValueError, match=r"loss must be one of .*, got 'mse'"):
        loss_sums(torch.zeros(1, 2), torch.tensor([0]), loss="mse")
    with pytest.raises(ValueError, match=r"2 classes at least, got shape \(3, 1\)"):
        loss_sums(torch.zeros(3, 1), torch.tensor([0]))


# --------------------------------------------------------------------------------------------------- optimisers


def numpy_steps(name, gradients, w, *, lr, momentum, decay, alpha, eps):
    """Textbook steps; eps outside of roots, after the corrections of Adam, the rate outside of the momentum."""
    v, m = np.zeros_like(w), np.zeros_like(w)
    for t, gradient in enumerate(gradients, 1):
        g = gradient if name == "adamw" else gradient + decay * w
        if name == "sgd":
            w = w - lr * g
        elif name in ("momentum", "nesterov"):
            m = momentum * m + g
            w = w - lr * (g + momentum * m if name == "nesterov" else m)
        elif name == "rmsprop":
            v = alpha * v + (1 - alpha) * g**2
            w = w - lr * g / (np.sqrt(v) + eps)
        else:
            w = w * (1 - lr * decay) if name == "adamw" else w
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            w = w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + eps)
    return w


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("constants", ["keras", "torch"])
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_optimisers_are_their_formulas(name, constants, decay):
    rng = np.random.default_rng(1)
    w, gradients = rng.standard_normal(5), rng.standard_normal((6, 5)) * 1e-6  # so small that eps shows
    settings = TrainSettings(optimizer=name, constants=constants, lr=0.03, momentum=0.8, weight_decay=decay)
    parameter = nn.Parameter(torch.from_numpy(w.copy()))
    frozen = nn.Parameter(torch.zeros(2), requires_grad=False)
    optimizer = make_optimizer([frozen, parameter], settings)
    for gradient in gradients:
        parameter.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
    alpha, eps = (0.9, 1e-7) if constants == "keras" else (0.99, 1e-8)
    expected = numpy_steps(name, gradients, w, lr=0.03, momentum=0.8, decay=decay, alpha=alpha, eps=eps)
    assert_allclose(parameter.detach().numpy(), expected, rtol=1e-10)


def test_nothing_to_train_is_refused():
    with pytest.raises(ValueError, match="none that asks for a gradient"):
        make_optimizer([nn.Parameter(torch.zeros(1), requires_grad=False)], TrainSettings())


def test_the_moving_average_is_that_of_a_loop():
    model, rng = nn.Linear(3, 2), np.random.default_rng(0)
    expected = model.weight.detach().double().numpy().copy()
    average = MovingAverage(model, 0.9)
    for _ in range(20):
        model.weight.data = torch.from_numpy(rng.standard_normal((2, 3)).astype(np.float32))
        average.update()
        expected = 0.9 * expected + 0.1 * model.weight.detach().double().numpy()
    assert_allclose(average.weights[0].numpy(), expected, rtol=1e-5, atol=1e-6)
    before = model.weight.detach().clone()
    average.swap()
    assert_allclose(model.weight.detach().numpy(), expected, rtol=1e-5, atol=1e-6)
    average.swap()
    assert torch.equal(model.weight, before)


# ---------------------------------------------------------------------------------------------------- schedules


def rates(name, options, n_steps, lr=0.2, max_epochs=1):
    schedule = Schedule(name, options, lr=lr, max_epochs=max_epochs, epoch_steps=n_steps // max_epochs)
    return [schedule.rate(step) for step in range(n_steps)]


def torchs(make, n_steps, lr=0.2):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler, found = make(optimizer), []
    for _ in range(n_steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


LR = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("name", "options", "make"),
    [
        (
            "cyclic",
            {"low": 0.1, "steps_up": 5, "steps_down": 3},
            lambda o: LR.CyclicLR(o, 0.02, 0.2, step_size_up=5, step_size_down=3, cycle_momentum=False),
        ),
        (
            "cyclic",
            {"low": 0.25, "steps_up": 4, "shrink": 0.5},
            lambda o: LR.CyclicLR(o, 0.05, 0.2, step_size_up=4, mode="triangular2", cycle_momentum=False),
        ),
        ("one-cycle", {}, lambda o: LR.OneCycleLR(o, 0.2, total_steps=40, cycle_momentum=False)),
        (
            "one-cycle",
            {"rise": 0.45, "start_divisor": 10.0, "end_divisor": 100.0},
            lambda o: LR.OneCycleLR(
                o, 0.2, total_steps=40, pct_start=0.45, div_factor=10.0, final_div_factor=100.0, cycle_momentum=False
            ),
        ),
        ("cosine", {"low": 0.1}, lambda o: LR.CosineAnnealingLR(o, 40, eta_min=0.02)),
    ],
)
def test_schedules_are_those_of_torch(name, options, make):
    assert_allclose(rates(name, options, 40), torchs(make, 40), rtol=1e-9)


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov", "adam", "adamw"])
@pytest.mark.parametrize("name", ["cyclic", "one-cycle"])
def test_the_momentum_of_a_training_is_that_of_torch(name, optimizer):
    n_epochs, n_items = 4, 24  # 6 steps an epoch
    options = {"least_momentum": 0.7} | ({"steps_up": 5, "steps_down": 3} if name == "cyclic" else {})
    settings = TrainSettings(
        optimizer=optimizer, schedule=name, schedule_options=options, lr=0.1, max_epochs=n_epochs, batch_size=4
    )
    rng = np.random.default_rng(0)
    model, found = nn.Linear(3, 2), []
    train = torch.utils.data.TensorDataset(
        torch.tensor(rng.standard_normal((n_items, 3)), dtype=torch.float32), torch.tensor(rng.integers(0, 2, n_items))
    )

    def note(steps, *_):
        group = steps.param_groups[0]
        found.append((group["lr"], group["betas"][0] if "betas" in group else group["momentum"]))

    handle = register_optimizer_step_pre_hook(note)
    try:
        fit(model, train, settings=settings)
    finally:
        handle.remove()

    theirs = make_optimizer(nn.Linear(3, 2).parameters(), settings)
    most = theirs.defaults["betas"][0] if "betas" in theirs.defaults else theirs.defaults["momentum"]
    both = {"base_momentum": 0.7, "max_momentum": most}
    n_steps = n_epochs * n_items // 4
    scheduler = (
        LR.CyclicLR(theirs, 0.025, 0.1, step_size_up=5, step_size_down=3, **both)
        if name == "cyclic"
        else LR.OneCycleLR(theirs, 0.1, total_steps=n_steps, **both)
    )
    expected = []
    for _ in range(n_steps):
        group = theirs.param_groups[0]
        expected.append((group["lr"], group["betas"][0] if "betas" in group else group["momentum"]))
        theirs.step()
        scheduler.step()
    assert_allclose(found, expected, rtol=1e-9)
    assert min(momentum for _, momentum in found) < 0.75


def test_only_an_optimiser_with_momentum_cycles_it():
    with pytest.raises(ValueError, match=r"schedule_options\['least_momentum'\] needs .* with momentum, got 'rmsprop'"):
        TrainSettings(optimizer="rmsprop", schedule="one-cycle", schedule_options={"least_momentum": 0.7})
    with pytest.raises(ValueError, match="least_momentum"):
        TrainSettings(schedule="cosine", schedule_options={"least_momentum": 0.7})


def test_schedules_in_closed_form():
    assert rates("constant", {}, 5) == [0.2] * 5
    assert_allclose(rates("per-step-decay", {"decay": 0.3}, 50), 0.2 / (1 + 0.3 * np.arange(50)))
    # the KTH network's: Adam at 2e-4, decay 2e-4 / 30 a step
    kth = Schedule("per-step-decay", {}, lr=2e-4, max_epochs=30, epoch_steps=1348)
    assert_allclose(kth.rate(30 * 1348), 2e-4 / (1 + 2e-4 / 30 * 30 * 1348))
    assert 0.20 < 1 - kth.rate(30 * 1348) / 2e-4 < 0.22
    assert_allclose(rates("cosine", {"warmup": 3}, 5)[:4], [0.05, 0.1, 0.15, 0.2])
    assert Schedule("one-cycle", {}, lr=1.0, max_epochs=1, epoch_steps=1).rate(0) == 1.0


def test_stuck_training_loss_halves_the_rate_after_forty_epochs():
    schedule = Schedule("halve-when-stuck", {}, lr=0.01, max_epochs=200, epoch_steps=2)
    seen = []
    for epoch in range(130):
        schedule.end_epoch(train_loss=1.0 if epoch < 90 else 0.5, valid_badness=-float(epoch))
        seen.append(schedule.rate(epoch))
    # the first epoch is the best: epochs 1 to 40 are not better, nor 41 to 80; epoch 90 is, 91 to 129 are not
    assert seen == [0.01] * 40 + [0.005] * 40 + [0.0025] * 50


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(1, 5), st.sampled_from([0.0, 1.5]))
def test_plateau_is_that_of_torch_with_one_epoch_less_of_patience(losses, wait, min_delta):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.2)
    theirs = LR.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=wait - 1, threshold=min_delta, threshold_mode="abs", min_lr=0.01, eps=0.0
    )
    options = {"factor": 0.5, "wait": wait, "min_delta": min_delta, "lowest": 0.01}
    ours = Schedule("plateau", options, lr=0.2, max_epochs=len(losses), epoch_steps=1)
    for number, loss in enumerate(losses):
        theirs.step(loss)
        ours.end_epoch(train_loss=0.0, valid_badness=float(loss))
        assert_allclose(ours.rate(number), optimizer.param_groups[0]["lr"])
    again = Schedule("plateau", options, lr=0.2, max_epochs=len(losses), epoch_steps=1)
    again.restore(ours.state())
    assert vars(again) == vars(ours)


# ----------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"loss": "mse"}, ValueError, "loss must be one of"),
        ({"optimizer": "lion"}, ValueError, "optimizer must be one of"),
        ({"constants": "jax"}, ValueError, "constants must be one of"),
        ({"lr": 0.0}, ValueError, "lr must be > 0, got 0.0"),
        ({"lr": "fast"}, TypeError, "lr must be a number"),
        ({"momentum": 1.0}, ValueError, "momentum must be in"),
        ({"weight_decay": -1.0}, ValueError, "weight_decay must be >= 0"),
        ({"schedule": "linear"}, ValueError, "schedule must be one of"),
        ({"schedule_options": {"wait": 3}}, ValueError, "schedule_options of 'constant' are none, got 'wait'"),
        ({"schedule": "plateau", "schedule_options": {"wait": 0}}, ValueError, r"schedule_options\['wait'\] must be"),
        ({"schedule": "plateau", "schedule_options": {"factor": 0.0}}, ValueError, r"must be in \(0, 1\], got 0.0"),
        ({"schedule_options": 3}, TypeError, "schedule_options must be a mapping"),
        ({"clip_norm": 0.0}, ValueError, "clip_norm must be > 0"),
        ({"accumulate": 0}, ValueError, "accumulate must be >= 1"),
        ({"precision": "float16"}, ValueError, "precision must be one of"),
        ({"ema": 1.0}, ValueError, "ema must be in"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be an integer"),
        ({"max_epochs": 0}, ValueError, "max_epochs must be >= 1"),
        ({"patience": 0}, ValueError, "patience must be >= 1"),
        ({"min_delta": -0.1}, ValueError, "min_delta must be >= 0"),
        ({"monitor": "f1"}, ValueError, "monitor must be one of"),
        ({"deterministic": 1}, TypeError, "deterministic must be True or False"),
        ({"random_state": -1}, ValueError, "random_state must be in"),
        ({"class_weights": "fair"}, ValueError, "class_weights must be one of balanced"),
        ({"class_weights": [1.0, 0.0]}, ValueError, r"class_weights\[1\] must be > 0"),
        ({"class_weights": 2.0}, TypeError, "class_weights must be None, 'balanced' or a sequence"),
    ],
)
def test_every_setting_is_checked(wrong, error, message):
    with pytest.raises(error, match=message):
        TrainSettings(**wrong)


def test_settings_go_through_json_and_toml():
    settings = TrainSettings(
        class_weights=np.array([1, 2.5]),
        optimizer="nesterov",
        schedule="cyclic",
        schedule_options={"steps_up": 10, "low": 0.1},
        ema=0.99,
        patience=5,
        random_state=np.int64(7),
    )
    told = settings.to_dict()
    assert TrainSettings.from_dict(json.loads(json.dumps(told))) == settings
    flat = "\n".join(f"{k} = {json.dumps(v)}" for k, v in told.items() if k != "schedule_options")
    toml = f"{flat}\n[schedule_options]\nsteps_up = 10\nlow = 0.1\n"
    assert TrainSettings.from_dict(tomllib.loads(toml)) == settings
    assert hash(settings) == hash(TrainSettings.from_dict(told))
    with pytest.raises(ValueError, match="settings have no field epochs"):
        TrainSettings.from_dict({"epochs": 3})


# ----------------------------------------------------------------------------------------------------- the loop


@given(
    n=st.integers(1, 40), size=st.integers(1, 12), drop=st.booleans(), seed=st.integers(0, 99), epoch=st.integers(0, 9)
)
def test_an_epoch_has_every_item_once(n, size, drop, seed, epoch):
    settings = TrainSettings(batch_size=size, drop_last=drop, random_state=seed)
    batches = epoch_batches(n, settings, epoch=epoch)
    assert batches == epoch_batches(n, settings, epoch=epoch)
    order = [index for batch in batches for index in batch]
    assert len(set(order)) == len(order)
    if drop:
        assert all(len(batch) == size for batch in batches)
        assert len(batches) == n // size
    else:
        assert sorted(order) == list(range(n))
        assert size == 1 or n == 1 or min(map(len, batches)) > 1
        assert all(len(batch) == size for batch in batches[:-1])


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = {
        tuple(epoch_batches(50, TrainSettings(batch_size=50, random_state=seed), epoch=epoch)[0])
        for seed in (0, 1)
        for epoch in (0, 1, 2)
    }
    assert len(orders) == 6


def test_one_epoch_is_the_steps_of_a_plain_loop():
    train, model, twin = items_of(23), small(), small()
    settings = TrainSettings(optimizer="momentum", lr=0.1, batch_size=5, max_epochs=2, clip_norm=0.5)
    result = fit(model, train, settings=settings)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(2):
        losses, hits = 0.0, 0
        for batch in epoch_batches(23, settings, epoch=epoch):
            x, y = torch.stack([train[i][0] for i in batch]), torch.tensor([train[i][1] for i in batch])
            logits = twin(x)
            loss = nn.functional.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
            optimizer.step()
            losses, hits = losses + loss.item() * len(y), hits + int((logits.argmax(1) == y).sum())
        assert_allclose(result.history[epoch].train_loss, losses / 23, rtol=1e-5)
        assert result.history[epoch].train_accuracy == hits / 23
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert_allclose(ours.detach(), theirs.detach(), rtol=1e-4, atol=1e-6)
    assert (result.best_epoch, result.best_score, result.n_steps) == (2, None, 10)


@pytest.mark.parametrize("class_weights", [None, "balanced", (0.5, 1.0, 4.0)])
def test_batches_accumulated_are_one_large_batch(class_weights):
    train = items_of(46)  # 46 items: the last step is of 6 items, in batches of 4 and 2
    settings = {"optimizer": "sgd", "lr": 0.3, "max_epochs": 3, "class_weights": class_weights}
    large, parts = small(), small()
    one = fit(large, train, settings=TrainSettings(batch_size=8, **settings))
    other = fit(parts, train, settings=TrainSettings(batch_size=4, accumulate=2, **settings))
    for a, b in zip(large.parameters(), parts.parameters(), strict=True):
        assert_allclose(a.detach(), b.detach(), rtol=1e-4, atol=1e-6)
    assert_allclose([row.train_loss for row in one.history], [row.train_loss for row in other.history], rtol=1e-5)
    assert one.n_steps == other.n_steps == 18


def test_class_weights_weigh_items():
    train, model, twin, by_class = items_of(16), small(), small(), (1.0, 2.0, 5.0)
    settings = TrainSettings(optimizer="sgd", lr=0.5, batch_size=16, max_epochs=1, class_weights=by_class)
    result = fit(model, train, settings=settings)
    x, y = torch.stack([x for x, _ in train]), torch.tensor([y for _, y in train])
    loss = nn.functional.cross_entropy(twin(x), y, torch.tensor(by_class))
    loss.backward()
    assert_allclose(result.history[0].train_loss, loss.item(), rtol=1e-5)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert_allclose(ours.detach(), (theirs - 0.5 * theirs.grad).detach(), rtol=1e-4, atol=1e-6)


def test_bfloat16_is_close_to_float32():
    train, valid = items_of(120), items_of(60, seed=1)
    curves = {}
    for precision in ("float32", "bfloat16"):
        settings = TrainSettings(lr=0.01, max_epochs=8, precision=precision)
        model = small()
        curves[precision] = [row.train_loss for row in fit(model, train, valid, settings=settings).history]
        assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert curves["float32"] != curves["bfloat16"]  # it was used
    assert_allclose(curves["bfloat16"], curves["float32"], rtol=0.02)


class Noisy:
    """Items that draw: from torch's generator, and by the epoch they are told."""

    def __init__(self, items):
        self.items, self.epochs = items, []

    def __len__(self):
        return len(self.items)

    def set_epoch(self, epoch):
        self.epochs.append(epoch)

    def __getitem__(self, index):
        x, y = self.items[index]
        return x + 0.1 * torch.randn(x.shape) + 0.01 * self.epochs[-1], y


@pytest.mark.parametrize("deterministic", [False, True])
def test_runs_are_bit_equal_whatever_the_workers_and_leave_no_trace(deterministic):
    settings = TrainSettings(max_epochs=2, batch_size=8, deterministic=deterministic, ema=0.5)
    models, curves = [], []
    for num_workers, seed in ((0, 1), (0, 2), (2, 3)):
        model, train = small(dropout=0.5, norm=True), Noisy(items_of(20))
        torch.manual_seed(seed)  # the caller's generator is neither read nor moved
        expected = torch.random.get_rng_state()
        valid = Noisy(items_of(9, seed=1))
        valid.set_epoch(0)
        result = fit(model, train, valid, settings=settings, num_workers=num_workers)
        assert torch.equal(torch.random.get_rng_state(), expected)
        assert not torch.are_deterministic_algorithms_enabled()
        assert train.epochs[-2:] == [0, 1]
        models.append(model)
        curves.append(without_time(result))
    assert same(models[0], models[1])
    assert same(models[0], models[2])
    assert curves[0] == curves[1] == curves[2]
    other = small(dropout=0.5, norm=True)
    train, valid = Noisy(items_of(20)), Noisy(items_of(9, seed=1))
    valid.set_epoch(0)
    fit(other, train, valid, settings=TrainSettings(**{**settings.to_dict(), "random_state": 1}))
    assert not same(other, models[0])


def test_deterministic_mode_is_torchs():
    class Looking(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small()

        def forward(self, x):
            assert torch.are_deterministic_algorithms_enabled()
            return self.inner(x)

    fit(Looking(), items_of(8), settings=TrainSettings(max_epochs=1, deterministic=True))


def test_items_may_come_whole_batches_at_a_time():
    items = items_of(21)

    class Resident:
        x, targets = torch.stack([x for x, _ in items]), [y for _, y in items]
        read = 0

        def __len__(self):
            return len(items)

        def __getitem__(self, index):
            raise AssertionError

        def batch(self, indices):
            Resident.read += len(indices)
            return self.x[indices].double(), np.array(self.targets)[indices]

    one, other = small(), small()
    settings = TrainSettings(max_epochs=2, batch_size=4, class_weights="balanced")
    a = fit(one, items, items, settings=settings)
    b = fit(other, Resident(), Resident(), settings=settings)
    assert same(one, other)
    assert without_time(a) == without_time(b)
    assert Resident.read == 4 * 21 + 1  # and one to count the outputs


class Scripted(nn.Module):
    """A network whose accuracy on four items of class 1 follows a script, one entry an evaluation."""

    def __init__(self, script):
        super().__init__()
        self.script, self.weight, self.turn = [0, *script], nn.Parameter(torch.zeros(1)), -1
        self.was_training = True

    def forward(self, x):
        if not self.training and (self.was_training or len(x) == 1):
            self.turn += 1
        self.was_training = self.training
        hits = (torch.arange(len(x)) < self.script[min(self.turn, len(self.script) - 1)]).float()
        return torch.stack([0.5 - hits, hits - 0.5], dim=1) + self.weight * torch.tensor([0.0, 1e-4])


@pytest.mark.parametrize(
    ("script", "patience", "min_delta", "best", "n_epochs"),
    [
        ([1, 3, 2, 3, 3], None, 0.0, 2, 5),  # the first that reached the maximum
        ([1, 3, 2, 3, 4], 2, 0.0, 2, 4),  # stopped before the best of all
        ([1, 3, 2, 4, 4, 4, 4], 2, 0.0, 4, 6),
        ([2, 3, 4, 4, 4], 2, 0.3, 3, 5),  # 2 -> 3 is not enough, 2 -> 4 is
        ([0, 0, 0, 0], 3, 0.0, 1, 4),
    ],
)
def test_the_first_best_epoch_is_kept(script, patience, min_delta, best, n_epochs):
    items = [(torch.zeros(1), 1)] * 4
    seen = []
    model = Scripted(script)
    settings = TrainSettings(
        optimizer="sgd", lr=0.5, batch_size=4, max_epochs=len(script), patience=patience, min_delta=min_delta
    )
    result = fit(model, items, items, settings=settings, progress=lambda row: seen.append(model.weight.item()))
    assert [row.valid_accuracy for row in result.history] == [hits / 4 for hits in script[:n_epochs]]
    assert (result.best_epoch, len(result.history)) == (best, n_epochs)
    assert result.best_score == script[best - 1] / 4
    assert result.stopped_early == (patience is not None)
    assert len(set(seen)) == n_epochs  # the weights did move
    assert model.weight.item() == seen[best - 1]
    assert not model.training


def test_the_loss_may_be_what_is_monitored():
    train, valid = items_of(40, noise=3.0), items_of(40, seed=5, noise=3.0)
    settings = TrainSettings(optimizer="momentum", lr=0.5, max_epochs=12, monitor="loss", batch_size=8)
    model = small()
    result = fit(model, train, valid, settings=settings)
    losses = [row.valid_loss for row in result.history]
    assert result.best_score == min(losses)
    assert result.best_epoch == int(np.argmin(losses)) + 1 < 12
    x, y = torch.stack([x for x, _ in valid]), torch.tensor([y for _, y in valid])
    assert_allclose(nn.functional.cross_entropy(model(x), y).item(), min(losses), rtol=1e-5)


def test_what_is_validated_and_kept_is_the_moving_average():
    train = items_of(32)
    plain, averaged, averages = small(), small(), []
    twin = MovingAverage(plain, 0.7)
    settings = {"lr": 0.05, "batch_size": 32, "max_epochs": 6}

    def follow(row):
        twin.update()
        averages.append([value.clone() for value in twin.weights])

    fit(plain, train, settings=TrainSettings(**settings), progress=follow)
    result = fit(averaged, train, train, settings=TrainSettings(ema=0.7, monitor="loss", **settings))
    for ours, theirs in zip(averaged.parameters(), averages[result.best_epoch - 1], strict=True):
        assert_allclose(ours.detach(), theirs, rtol=1e-6, atol=1e-7)
    x, y = torch.stack([x for x, _ in train]), torch.tensor([y for _, y in train])
    assert_allclose(nn.functional.cross_entropy(averaged(x), y).item(), result.best_score, rtol=1e-6)


def test_the_schedule_sets_the_rate_of_every_step():
    settings = TrainSettings(
        optimizer="sgd", lr=0.1, schedule="per-step-decay", schedule_options={"decay": 1.0}, max_epochs=2, batch_size=4
    )
    result = fit(small(), items_of(12), settings=settings)
    assert [row.lr for row in result.history] == [0.1 / 3, 0.1 / 6]
    stuck = TrainSettings(
        optimizer="sgd", lr=1e-9, schedule="plateau", schedule_options={"wait": 1, "factor": 0.5}, max_epochs=3
    )
    rates = [row.lr for row in fit(small(), items_of(12), items_of(6), settings=stuck).history]
    assert rates == [1e-9, 1e-9, 0.5e-9]  # the first epoch is the best, the second is not better


def test_a_network_learns():
    model, train, valid = small(norm=True), items_of(300, noise=0.1), items_of(100, seed=1, noise=0.1)
    result = fit(model, train, valid, settings=TrainSettings(lr=0.01, max_epochs=15, schedule="one-cycle"))
    assert result.best_score > 0.9


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"train": []}, ValueError, "train must have one item"),
        ({"valid": []}, ValueError, "valid must have one item"),
        ({"settings": TrainSettings(patience=2)}, ValueError, "valid must be given for patience = 2"),
        ({"settings": TrainSettings(drop_last=True)}, ValueError, "must fill a batch of 32 for drop_last, got 8"),
        ({"settings": TrainSettings(class_weights=[1, 2])}, ValueError, "class_weights must have 3 numbers"),
        ({"model": nn.Linear(6, 1)}, ValueError, "model must give logits .* got shape"),
        ({"model": nn.Flatten(0)}, ValueError, "model must give logits .* got shape"),
        ({"train": [(torch.zeros(6), 3)]}, ValueError, r"class of item 0 must be in \[0, 2\], got 3"),
        ({"train": [(torch.zeros(6), 1.5)]}, TypeError, "class of item 0 must be an integer"),
        ({"checkpoint_steps": 0}, ValueError, "checkpoint_steps must be >= 1"),
        ({"num_workers": -1}, ValueError, "num_workers must be >= 0"),
        ({"resume": True}, ValueError, "folder must be given to resume"),
        ({"tensorboard": True}, ValueError, "folder must be given for tensorboard"),
    ],
)
def test_what_cannot_be_trained_is_refused(change, error, message):
    given = {"model": small(), "train": items_of(8), "valid": None, "settings": TrainSettings(), **change}
    with pytest.raises(error, match=message):
        fit(given.pop("model"), given.pop("train"), given.pop("valid"), **given)


# ------------------------------------------------------------------------------------------ history and reports

ROWS = [
    EpochRow(1, 4, 1e-3, 1.0 / 3, 0.25, 2.0, 0.5, 0.1, 99.0),
    EpochRow(2, 8, 5e-4, 0.3, 0.5, None, None, 0.1, 99.0),
    EpochRow(3, 12, 5e-4, 0.2, 0.75, math.inf, 0.5, 0.1, 99.0),
]


def test_history_is_written_as_lines_and_as_a_table(tmp_path):
    write_history(tmp_path, ROWS[:1])
    write_history(tmp_path, ROWS)
    assert read_history(tmp_path) == tuple(ROWS)
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0].split(",") == list(EpochRow._fields)
    assert float(lines[1].split(",")[3]) == 1.0 / 3
    assert lines[2].split(",")[5:7] == ["", ""]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.csv", "history.jsonl"]
    (tmp_path / "history.jsonl").write_text('{"epoch": 1}\n')
    with pytest.raises(ValueError, match=r"history.jsonl is no history"):
        read_history(tmp_path)


def test_the_curves_are_the_rows():
    pytest.importorskip("matplotlib")
    loss, accuracy = plot_history(ROWS[:2]).axes
    assert_array_equal(loss.lines[0].get_xydata(), [[1, 1 / 3], [2, 0.3]])
    assert_array_equal(accuracy.lines[1].get_xydata(), [[1, 0.5]])
    labels = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert labels == ["training", "validation", "best, epoch 1"]
    assert len(plot_history(ROWS[1:2]).axes[0].lines) == 1  # nothing was validated
    with pytest.raises(ValueError, match="one row at least"):
        plot_history([])


def test_rows_go_to_the_bar_and_to_tensorboard(tmp_path, monkeypatch, capsys):
    pytest.importorskip("tqdm")
    told = []

    class SummaryWriter:
        def __init__(self, folder):
            told.append(folder)

        def add_scalar(self, name, value, epoch):
            told.append((name, value, epoch))

        def close(self):
            told.append("closed")

    fake = types.ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    result = fit(
        small(),
        items_of(8),
        settings=TrainSettings(max_epochs=2),
        folder=tmp_path / "a" / "b",
        progress=True,
        tensorboard=True,
    )
    assert "2/2" in capsys.readouterr().err
    assert told[0] == tmp_path / "a" / "b"
    assert ("train_loss", result.history[1].train_loss, 2) in told
    assert told[-1] == "closed"
    assert not any(each[0] == "valid_loss" for each in told if isinstance(each, tuple))
    assert read_history(tmp_path / "a" / "b") == result.history
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match="needs the package tensorboard"):
        fit(small(), items_of(8), settings=TrainSettings(), folder=tmp_path / "c", tensorboard=True)


def test_a_loss_that_is_not_finite_stops_the_training():
    train = items_of(20)
    train[13] = (torch.full((6,), torch.inf), 0)
    settings = TrainSettings(lr=0.25, batch_size=4, max_epochs=3)
    step = next(n for n, batch in enumerate(epoch_batches(20, settings, epoch=0), 1) if 13 in batch)
    with pytest.raises(TrainingError, match=f"the loss is nan in epoch 1, step {step}, at lr 0.25"):
        fit(small(), train, settings=settings)


def test_weights_that_are_not_finite_stop_the_training():
    class Blowing(nn.Module):  # the loss is finite, its gradient is not
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2))

        def forward(self, x):
            return (self.weight**2 + 0.0).sqrt() + torch.zeros(len(x), 2)

    with pytest.raises(TrainingError, match=r"a weight is not finite in epoch 1 after step 1 at lr 0\.001"):
        fit(Blowing(), items_of(4, n_classes=2), settings=TrainSettings(max_epochs=1))
