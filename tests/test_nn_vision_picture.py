"""The spectrogram as a picture: its scale, its colours against matplotlib's, its gradient."""

import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from audiofeat_nn.vision import Picture  # noqa: E402

torch.set_num_threads(1)

HEAT = torch.tensor([[0.0, 0.0, 0.25], [1.0, 0.0, 0.5], [1.0, 1.0, 0.75]])


def test_a_colour_map_of_matplotlib_is_met_at_its_entries_and_joined_between():
    matplotlib = pytest.importorskip("matplotlib")
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    for name, n_entries in (("viridis", 256), ("magma", 256), ("tab10", 10)):
        levels = torch.linspace(-3.0, 5.0, n_entries, dtype=torch.float64)
        expected = torch.tensor(matplotlib.colormaps[name](np.linspace(0, 1, n_entries))[:, :3], dtype=torch.float64)
        picture = Picture(name)
        assert picture.table.shape == (n_entries, 3)
        found = picture(levels[None, None, None])[0, :, 0].T * deviation + mean
        torch.testing.assert_close(found, expected, rtol=0, atol=2e-7)
    # halfway between the entries
    halves = torch.linspace(0, 1, 19, dtype=torch.float64)[None, None, None]
    found = picture(halves)[0, :, 0].T * deviation + mean
    torch.testing.assert_close(found[1::2], (expected[1:] + expected[:-1]) / 2, rtol=0, atol=2e-7)


def test_without_matplotlib_a_name_is_refused_and_a_table_is_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"audiofeat\[plot\]"):
        Picture("viridis")
    assert Picture(HEAT).n_channels == 3
    assert Picture(None).n_channels == 1


def test_each_spectrogram_has_its_own_scale_and_limits_have_one():
    torch.manual_seed(0)
    x = torch.randn(3, 1, 5, 7)
    for colormap in (None, HEAT):
        own = Picture(colormap)
        torch.testing.assert_close(own(x * 4 - 9), own(x))
        torch.testing.assert_close(torch.cat([own(item[None]) for item in x]), own(x))
        fixed = Picture(colormap, limits=(-0.5, 0.5))
        torch.testing.assert_close(fixed(x), fixed(x.clamp(-0.5, 0.5)))
        assert (fixed(x + 0.1) - fixed(x)).abs().max() > 0.1
    grey = Picture(None, limits=(0.0, 1.0))(torch.tensor([0.0, 1.0])[None, None, None])
    expected = (torch.tensor([0.0, 1.0]) - (0.485 + 0.456 + 0.406) / 3) / ((0.229 + 0.224 + 0.225) / 3)
    torch.testing.assert_close(grey[0, 0, 0], expected)


@pytest.mark.parametrize("colormap", [None, HEAT])
def test_silence_is_the_lowest_colour_and_has_a_finite_gradient(colormap):
    x = torch.full((1, 1, 3, 4), -80.0, requires_grad=True)
    out = Picture(colormap)(x)
    assert torch.equal(out, Picture(colormap, limits=(0.0, 1.0))(torch.zeros(1, 1, 3, 4)))
    out.sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("colormap", [None, HEAT])
@pytest.mark.parametrize("limits", [None, (-1.0, 2.0)])
def test_the_gradient_of_the_picture_is_its_slope(colormap, limits):
    torch.manual_seed(1)
    x = torch.rand(2, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Picture(colormap, limits=limits), x, eps=1e-7, atol=1e-5)


def test_what_is_not_a_number_stays_so():
    x = torch.rand(1, 1, 2, 3)
    x[0, 0, 1, 1] = float("nan")
    out = Picture(HEAT, limits=(0.0, 1.0))(x)
    assert torch.equal(out.isnan(), x.isnan().expand_as(out))


@pytest.mark.parametrize(
    ("colormap", "limits", "error", "message"),
    [
        (3, None, TypeError, "colormap must be a name, a tensor of colours or None, got int"),
        (torch.zeros(1, 3), None, ValueError, r"at least two entries, got shape \(1, 3\)"),
        (torch.zeros(5, 4), None, ValueError, r"got shape \(5, 4\)"),
        (HEAT * 255, None, ValueError, "values in 0..1, got 0 to 255"),
        (None, (0.0, 0.0), ValueError, "limits must rise"),
        (None, 5.0, TypeError, "limits must be two numbers, got 5.0"),
        (None, (0.0, float("inf")), ValueError, "limits must be finite"),
    ],
)
def test_pictures_that_cannot_be_are_refused(colormap, limits, error, message):
    with pytest.raises(error, match=message):
        Picture(colormap, limits=limits)


def test_an_unknown_name_and_a_picture_of_colours_are_refused():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="colour map of matplotlib, got 'sunset'"):
        Picture("sunset")
    with pytest.raises(ValueError, match=r"x must be \(batch, 1, bands, frames\), got shape \(2, 3, 4, 5\)"):
        Picture(HEAT)(torch.zeros(2, 3, 4, 5))
