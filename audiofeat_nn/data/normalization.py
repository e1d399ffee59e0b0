"""Mean and deviation of the training data, by which all input is standardised."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from audiofeat._validation import Float, as_choice

PER = ("all", "band")
LEAST = 1e-3  # of the largest deviation: a band below it is empty


class Normalization(NamedTuple):
    """Mean and standard deviation that features are standardised by.

    Attributes
    ----------
    mean, std : ndarray of float64, shape (n_bands,) or ()
        By band, or of all values. A band with less than a thousandth of the largest deviation, as one that a lower
        sampling rate left empty, has the root mean square of the others': a file that has something there would else
        be a million to the network. Where nothing varies, `std` is 1.

    Notes
    -----
    It is a pair, as `audiofeat_nn.checkpoint.save_network` takes one and `load_network` returns one.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat_nn.data import Normalization
    >>> normalization = Normalization.learn([np.array([[1.0, 3.0], [5.0, 5.0]])])
    >>> normalization.apply(np.array([[4.0], [6.0]]))
    array([[2.],
           [1.]], dtype=float32)
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def learn(cls, maps: Iterable[Float], *, per: str = "band") -> Self:
        """Compute mean and deviation of features, one map in memory at a time.

        Parameters
        ----------
        maps : iterable of ndarray, shape (n_bands, n_frames)
            Features of the training data, every frame of which weighs the same.
        per : {"band", "all"}
            Of every band by itself, or of all values together.

        Returns
        -------
        Normalization
            The pair, in float64.

        Raises
        ------
        ValueError
            If there are no maps, or they differ in their number of bands.
        """
        as_choice(per, "per", PER)
        n, mean, squares = 0, np.zeros(()), np.zeros(())
        for S in maps:
            values = np.asarray(S, dtype=np.float64)
            values = values if per == "band" else values.reshape(1, -1)
            if n and len(values) != len(mean):
                msg = f"maps must have as many bands as the first, {len(mean)}, got {len(values)}"
                raise ValueError(msg)
            m, own = values.shape[1], values.mean(axis=1)
            # parts are joined by their means (Chan, Golub and LeVeque 1979): sums of squares would cancel
            shift = own - mean
            squares = squares + ((values - own[:, None]) ** 2).sum(axis=1) + shift**2 * (n * m / (n + m))
            mean = mean + shift * (m / (n + m))
            n += m
        if n == 0:
            msg = "maps must have at least 1 item, got none"
            raise ValueError(msg)
        std = np.sqrt(squares / n)
        # what rounding leaves of a constant is no deviation
        varies = (std > 1e-12 * np.maximum(np.abs(mean), 1e-300)) & (std >= LEAST * std.max())
        std = np.where(varies, std, np.sqrt((std[varies] ** 2).mean()) if varies.any() else 1.0)
        return cls(mean, std) if per == "band" else cls(mean[0], std[0])

    def apply(self, S: Float) -> NDArray[np.float32]:
        """Standardise features.

        Parameters
        ----------
        S : ndarray, shape (..., n_bands, n_frames)
            Features.

        Returns
        -------
        ndarray of float32
            ``(S - mean) / std``, a copy.

        Raises
        ------
        ValueError
            If the number of bands is another.
        """
        mean, std = np.asarray(self.mean), np.asarray(self.std)
        if mean.ndim and S.shape[-2] != len(mean):
            msg = f"features must have {len(mean)} bands, as those in training, got shape {S.shape}"
            raise ValueError(msg)
        scaled: NDArray[Any] = (S - mean[..., None]) / std[..., None] if mean.ndim else (S - mean) / std
        return scaled.astype(np.float32)
