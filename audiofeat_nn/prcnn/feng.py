"""The networks of Feng, Liu and Yao 2017: convolutions alone, and with recurrence beside them."""

from torch import Tensor, nn

from audiofeat._validation import as_choice, as_count
from audiofeat_nn.layers import checked
from audiofeat_nn.prcnn.branches import FUSIONS, N_FEATURES, PooledConvolutions, RecurrentBranch, as_pair, fused

FILTERS = (16, 32, 64, 128, 64)
POOLS = ((2, 2), (2, 2), (2, 2), (4, 4), (4, 4))


def _convolutions(
    n_bands: int, n_frames: int, kernel: tuple[int, int], padding: tuple[int, int] | None
) -> PooledConvolutions:
    kernel = as_pair(kernel, "kernel")
    if padding is None:
        padding = (kernel[0] // 2, kernel[1] // 2)
    return PooledConvolutions(n_bands, n_frames, filters=FILTERS, pools=POOLS, kernel=kernel, padding=padding)


class FengCNN(nn.Module):
    """The convolutions of PRCNN alone, with a dense layer on them: "our CNN" in table 2 of [1]_.

    Parameters
    ----------
    n_classes : int
        Genres.
    n_bands, n_frames : int
        Of the input, 128 at least.
    kernel, padding : (int, int)
        See `PRCNN`.

    Raises
    ------
    ValueError
        If an option is out of range, or bands or frames are too few.

    Notes
    -----
    The output are logits. The convolutions have 57,184 parameters, the network 59,754 for ten classes.

    References
    ----------
    .. [1] L. Feng, S. Liu and J. Yao, "Music genre classification with paralleling recurrent convolutional neural
       network", arXiv 1712.08370, 2017, section 3.1.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.prcnn import FengCNN
    >>> FengCNN(10, n_bands=128, n_frames=128)(torch.zeros(2, 1, 128, 128)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 513,
        n_frames: int = 128,
        kernel: tuple[int, int] = (1, 3),
        padding: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.cnn = _convolutions(n_bands, n_frames, kernel, padding)
        self.output = nn.Linear(self.cnn.n_features, as_count(n_classes, "n_classes"))
        self.n_bands, self.n_frames = n_bands, n_frames

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of spectrograms, (batch, 1, n_bands, n_frames)."""
        logits: Tensor = self.output(self.cnn(checked(x, bands=self.n_bands, frames=self.n_frames)))
        return logits


class PRCNN(nn.Module):
    """Parallel recurrent and convolutional network of Feng, Liu and Yao [1]_.

    For 1 x 513 x 128 (bands x frames) and ten classes:

    ================= ================ ==========
    layer             output           parameters
    ================= ================ ==========
    ``cnn.pool1``     16 x 256 x 64    64
    ``cnn.pool2``     32 x 128 x 32    1,568
    ``cnn.pool3``     64 x 64 x 16     6,208
    ``cnn.pool4``     128 x 16 x 4     24,704
    ``cnn.pool5``     64 x 4 x 1       24,640
    ``rnn.pool``      1 x 256 x 128
    ``rnn.embedding`` 128 x 128        32,896
    ``rnn.gru``       256              198,144
    ``output``        10               5,130
    ================= ================ ==========

    Parameters
    ----------
    n_classes : int
        Genres.
    n_bands, n_frames : int
        Of the input, 128 at least.
    fusion : {"concat", "add"}
        Join the two branches' vectors, or add them.
    n_layers : int
        Recurrent layers, 1 or 2.
    join : {"directions", "layers"}
        What the recurrence gives, see `RecurrentBranch`.
    reset_after : bool
        `torch.nn.GRU`; False for the paper's equations.
    kernel : (int, int)
        Of all convolutions, (bands, frames).
    padding : (int, int), optional
        Of all convolutions, (bands, frames): half the kernel unless given.

    Raises
    ------
    ValueError
        If an option is out of range, if bands or frames are too few, or if the convolutions give another number of
        features than the recurrence, 256, and `fusion` is to add them.

    Notes
    -----
    The output are logits. There are 293,354 parameters for ten classes; 290,794 with `fusion` "add", 589,802 with two
    layers; each direction of a layer has 384 less as the paper writes the recurrence, which is ``reset_after=False``.

    What the paper leaves open, and how it is read here:

    - "3x1" kernels, rows x columns, on pictures of 128 frames x 513 bins: three frames of one bin, ``(1, 3)`` in
      this library's order. ``(3, 3)`` would fit all stated sizes as well.
    - "1x1 padding" lies along the kernel's length only. ``padding=(1, 1)`` takes it literally; the map grows in
      between and comes out with the same size. Without padding the last pool has nothing to stand on.
    - Both fusions are said to give 521 values. Two vectors of 256 give 512 joined, and 256 added.
    - The embedding "after the pre-training", of which nothing else is said: a dense layer on each frame.
    - "Outputs of two stacked BGRU layers" spliced to 256: only 128 units each way give 256 from one layer too;
      ``join="layers"`` is the other reading. What is spliced are last states.

    Initialisation and dropout are not stated: weights start as torch's defaults, and nothing is dropped.

    References
    ----------
    .. [1] L. Feng, S. Liu and J. Yao, "Music genre classification with paralleling recurrent convolutional neural
       network", arXiv 1712.08370, 2017, section 3 and figure 1.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.prcnn import PRCNN
    >>> PRCNN(10, n_bands=513, n_frames=128, fusion="add")(torch.zeros(2, 1, 513, 128)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 513,
        n_frames: int = 128,
        fusion: str = "concat",
        n_layers: int = 1,
        join: str = "directions",
        reset_after: bool = True,
        kernel: tuple[int, int] = (1, 3),
        padding: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.fusion = as_choice(fusion, "fusion", FUSIONS)
        self.cnn = _convolutions(n_bands, n_frames, kernel, padding)
        if fusion == "add" and self.cnn.n_features != N_FEATURES:
            msg = (
                f"fusion 'add' needs {N_FEATURES} features of the convolutions, got {self.cnn.n_features} of "
                f"{n_bands} bands and {n_frames} frames"
            )
            raise ValueError(msg)
        self.rnn = RecurrentBranch(n_bands, n_layers=n_layers, join=join, reset_after=reset_after)
        n_fused = N_FEATURES if fusion == "add" else self.cnn.n_features + N_FEATURES
        self.output = nn.Linear(n_fused, as_count(n_classes, "n_classes"))
        self.n_bands, self.n_frames = n_bands, n_frames

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of spectrograms, (batch, 1, n_bands, n_frames)."""
        x = checked(x, bands=self.n_bands, frames=self.n_frames)
        logits: Tensor = self.output(fused(self.cnn(x), self.rnn(x), self.fusion))
        return logits
