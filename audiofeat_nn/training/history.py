"""What a training tells of every epoch, in files and as a figure."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audiofeat._files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

JSONL, CSV = "history.jsonl", "history.csv"


class EpochRow(NamedTuple):
    """One epoch.

    Attributes
    ----------
    epoch : int
        Its number, from 1.
    step : int
        Steps of the optimiser done by its end.
    lr : float
        Learning rate of its last step.
    train_loss, train_accuracy : float
        Means over the epoch while the weights changed, in training mode.
    valid_loss, valid_accuracy : float or None
        Of the validation data at its end, in evaluation mode, the loss without class weights.
    seconds : float
        Time it took.
    clips_per_second : float
        Training items by the time they took, validation aside.

    Examples
    --------
    >>> from audiofeat_nn.training import EpochRow
    >>> EpochRow(1, 10, 1e-3, 2.1, 0.25, 2.0, 0.3, 1.5, 213.0).valid_accuracy
    0.3
    """

    epoch: int
    step: int
    lr: float
    train_loss: float
    train_accuracy: float
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float
    clips_per_second: float


def write_history(folder: Path, history: Sequence[EpochRow]) -> None:
    """Write the rows as ``history.jsonl`` and ``history.csv``, in place of what was there.

    Parameters
    ----------
    folder : path
        Where to.
    history : sequence of EpochRow
        Rows, in which numbers keep all their digits.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from audiofeat_nn.training import EpochRow, read_history, write_history
    >>> row = EpochRow(1, 10, 1e-3, 2.1, 0.25, None, None, 1.5, 213.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_history(Path(folder), [row])
    ...     read_history(Path(folder)) == (row,)
    True
    """
    table = io.StringIO(newline="")
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(EpochRow._fields)
    rows.writerows(history)
    lines = "".join(json.dumps(row._asdict()) + "\n" for row in history)
    for name, text in ((JSONL, lines), (CSV, table.getvalue())):
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")


def read_history(folder: Path) -> tuple[EpochRow, ...]:
    """Return the rows that `write_history` wrote.

    Parameters
    ----------
    folder : path
        Where ``history.jsonl`` lies.

    Returns
    -------
    tuple of EpochRow
        The rows.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds anything else.

    Examples
    --------
    See `write_history`.

    >>> from audiofeat_nn.training import read_history
    """
    path = Path(folder) / JSONL
    try:
        return tuple(EpochRow(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())
    except (TypeError, ValueError) as error:
        msg = f"{path.name} is no history of a training: {error}"
        raise ValueError(msg) from error


def plot_history(history: Sequence[EpochRow]) -> "Figure":
    """Plot loss and accuracy of training and validation over the epochs.

    Parameters
    ----------
    history : sequence of EpochRow
        The rows of a training, one at least.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels; the epoch of the highest validation accuracy is marked. Save it by ``figure.savefig(path)``.

    Raises
    ------
    ValueError
        If there are no rows.
    ImportError
        If the extra ``plot`` is not installed.

    Examples
    --------
    >>> from audiofeat_nn.training import EpochRow, plot_history
    >>> rows = [EpochRow(n, n, 1e-3, 1 / n, 1 - 1 / n, 1.5 / n, 0.9 - 1 / n, 1.0, 9.0) for n in (1, 2, 3)]
    >>> [ax.get_ylabel() for ax in plot_history(rows).axes]
    ['loss', 'accuracy']
    """
    if not history:
        msg = "history must have one row at least, got none"
        raise ValueError(msg)
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        msg = "figures need the package matplotlib: pip install 'audiofeat[plot]'"
        raise ImportError(msg) from error
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    validated = [row for row in history if row.valid_accuracy is not None]
    best = max(validated, key=lambda row: row.valid_accuracy or 0.0, default=None)  # of equals the first
    for ax, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, rows, colour in (("train", history, "#0072B2"), ("valid", validated, "#D55E00")):
            if rows:
                heights = [getattr(row, f"{part}_{quantity}") for row in rows]
                name = {"train": "training", "valid": "validation"}[part]
                ax.plot([row.epoch for row in rows], heights, color=colour, marker=".", label=name)
        if best is not None:
            ax.axvline(best.epoch, color="#8A8A8A", linestyle=":", label=f"best, epoch {best.epoch}")
        ax.set(xlabel="epoch", ylabel=quantity)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.legend(frameon=False)
    figure.axes[1].set_ylim(0.0, 1.0)
    return figure
