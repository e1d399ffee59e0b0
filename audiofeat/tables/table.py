"""A table with named columns."""

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audiofeat._validation import Float

if TYPE_CHECKING:
    import pandas as pd


SHOWN = 6  # columns in a line


@dataclass(frozen=True, eq=False, repr=False)
class FeatureTable:
    """Features with named columns.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns.
    values : ndarray, shape (..., n_columns)
        The features: a row to a frame, shape (..., n_frames, n_columns), or to a clip.
    times : ndarray, shape (n_frames,), or None
        Centres of the frames in seconds; None for clips.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import frames
    >>> table = frames(np.zeros(22050), 22050, names=["rms", "mfcc"])
    >>> table["rms"].shape, table["mfcc"].shape, table["mfcc_1"].shape
    ((44,), (44, 20), (44,))
    >>> table
    <FeatureTable of shape (44, 21), 21 columns: rms, mfcc_1, mfcc_2, mfcc_3, mfcc_4, ..., mfcc_20>
    """

    columns: tuple[str, ...]
    values: Float
    times: Float | None = None

    def __repr__(self) -> str:
        """Name the first columns, and say how many there are."""
        n = len(self.columns)
        shown = self.columns if n <= SHOWN else (*self.columns[: SHOWN - 1], "...", self.columns[-1])
        return f"<FeatureTable of shape {self.values.shape}, {n} columns: {', '.join(shown)}>"

    def __getitem__(self, name: str) -> Float:
        """Return the column of a name, or those of a descriptor, "mfcc_1" to "mfcc_20" of "mfcc", as a last axis."""
        if name in self.columns:
            return self.values[..., self.columns.index(name)]
        split = [column.rpartition("_") for column in self.columns]
        found = [i for i, (head, _, number) in enumerate(split) if head == name and number.isdigit()]
        if not found:
            near = difflib.get_close_matches(str(name), self.columns, n=3, cutoff=0.0)
            msg = f"name must be one of {len(self.columns)} columns, or what is before a number, got {name!r}"
            msg += f"; near it are {', '.join(near)}"
            raise KeyError(msg)
        return self.values[..., found]

    def to_dict(self) -> dict[str, Any]:
        """Return the columns by name: arrays, or numbers if the table is a single row without an axis."""
        columns = np.moveaxis(self.values, -1, 0)
        return dict(zip(self.columns, columns.tolist() if self.values.ndim == 1 else columns, strict=True))

    def to_pandas(self) -> "pd.DataFrame":
        """Return a data frame with these columns, and the times of frames as its index; not of more than two axes."""
        import pandas as pd

        if self.values.ndim > 2:
            msg = f"values must have at most 2 dimensions, got shape {self.values.shape}"
            raise ValueError(msg)
        index = None if self.times is None else pd.Index(self.times, name="time")
        return pd.DataFrame(np.atleast_2d(self.values), columns=list(self.columns), index=index)
