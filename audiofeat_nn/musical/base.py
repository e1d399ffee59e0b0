"""What the networks of Pons, Lidy and Serra (2016) share: check, dropout, dense layers and start."""

from torch import Tensor, nn

from audiofeat._validation import as_count, as_number
from audiofeat_nn.layers import checked


class Musical(nn.Module):
    """What the networks share: the check of the input, dropout before each dense layer, and the start.

    The paper says that half is dropped at the feed-forward layers; in the authors' code that is the input of each.
    Weights start uniform as Glorot's, biases at 0: the default of the authors' framework.

    Parameters
    ----------
    n_classes, n_bands, n_frames, n_filters : int
        Classes; bands and frames of the input; filters of each convolution.
    dropout : float
        Share of values dropped, in [0, 1].
    """

    def __init__(self, n_classes: int, *, n_bands: int, n_frames: int, n_filters: int, dropout: float) -> None:
        super().__init__()
        self.n_classes = as_count(n_classes, "n_classes")
        self.n_bands, self.n_frames = as_count(n_bands, "n_bands"), as_count(n_frames, "n_frames")
        self.n_filters = as_count(n_filters, "n_filters")
        self.share_dropped = as_number(dropout, "dropout", low=0.0, high=1.0)

    def classifier(self, n_inputs: int, n_units: int | None) -> nn.Sequential:
        """Return the layers from the flattened maps to the logits, with a hidden layer or without."""
        classify = nn.Sequential()
        if n_units is not None:
            n_units = as_count(n_units, "n_units")
            classify.add_module("dropout1", nn.Dropout(self.share_dropped))
            classify.add_module("dense1", nn.Linear(n_inputs, n_units))
            classify.add_module("relu1", nn.ReLU())
            n_inputs = n_units
        classify.add_module("dropout", nn.Dropout(self.share_dropped))
        classify.add_module("out", nn.Linear(n_inputs, self.n_classes))
        return classify

    def start(self) -> None:
        """Draw the weights."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def checked(self, x: Tensor) -> Tensor:
        """Return `x` as it is, if it is (batch, 1, n_bands, n_frames)."""
        return checked(x, bands=self.n_bands, frames=self.n_frames)


def shape_of(value: object, name: str) -> tuple[int, int]:
    """Return a filter's or pool's bands and frames."""
    if not isinstance(value, tuple | list) or len(value) != 2:  # a list where options were read from a file
        msg = f"{name} must be two numbers, over bands and over frames, got {value!r}"
        raise ValueError(msg)
    return as_count(value[0], name), as_count(value[1], name)
