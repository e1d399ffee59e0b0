"""Published figures and those found here, side by side."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from audiofeat_nn.recipes import Paper


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """One row: what was published, and what was found.

    Attributes
    ----------
    recipe : str
        Its name, ``"paper/row"``.
    table, title : str
        What the paper calls it.
    protocol : str
        ``"clean"``, ``"published"`` or ``"smoke"``.
    published : mapping
        Fields of `audiofeat_nn.recipes.Published`, in per cent.
    published_on : sequence of str
        Kinds of data sets that these are of.
    accuracy, std, macro_f1 : float or None
        Found, in per cent: mean over folds, standard deviation (``n - 1``), mean F1 of the classes. None if it failed.
    n_folds, n_tested : int
        Folds, and tracks that were tested.
    seconds : float
        All folds together.
    parameters : int or None
        Trainable parameters of a network.
    notes : sequence of str
        What differs from the paper, or is wrong with the protocol.
    error : str
        Why there is no figure; empty if there is one.

    Examples
    --------
    >>> from audiofeat_nn.reproduction import RowResult
    >>> RowResult(recipe="feng2017/t1-prcnn", table="Table 1", title="CNN + 1-layer RNN").accuracy is None
    True
    """

    recipe: str
    table: str
    title: str
    protocol: str = "clean"
    published: Mapping[str, Any] = field(default_factory=dict)
    published_on: Sequence[str] = ()
    accuracy: float | None = None
    std: float | None = None
    macro_f1: float | None = None
    n_folds: int = 0
    n_tested: int = 0
    seconds: float = 0.0
    parameters: int | None = None
    notes: Sequence[str] = ()
    error: str = ""


@dataclass(frozen=True)
class Reproduction:
    """Rows of papers run again; as text it is a report.

    Attributes
    ----------
    data : str
        What they were run on.
    papers : tuple of Paper
        The papers, with the flaws of their protocols and the systems that they only cite.
    rows : tuple of RowResult
        The rows, in the order of the tables.

    Examples
    --------
    >>> from audiofeat_nn.recipes import load_paper
    >>> from audiofeat_nn.reproduction import Reproduction, RowResult
    >>> row = RowResult(recipe="feng2017/t1-prcnn", table="Table 1", title="CNN + 1-layer RNN", accuracy=81.0)
    >>> print(Reproduction("gtzan", (load_paper("feng2017"),), (row,)).to_markdown().splitlines()[0])
    # Music genre classification with paralleling recurrent convolutional neural network
    """

    data: str
    papers: tuple[Paper, ...]
    rows: tuple[RowResult, ...]

    @property
    def failed(self) -> tuple[RowResult, ...]:
        """Rows without a figure."""
        return tuple(row for row in self.rows if row.error)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, in types of which JSON is made.

        Returns
        -------
        dict
            Data, papers and rows.
        """
        return {"data": self.data, "papers": [asdict(p) for p in self.papers], "rows": [asdict(r) for r in self.rows]}

    def to_json(self) -> str:
        """Return `to_dict` as JSON.

        Returns
        -------
        str
            The text.
        """
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def to_markdown(self) -> str:
        """Return the report in Markdown.

        Returns
        -------
        str
            A section for each paper: a table, flaws, notes.
        """
        return "\n\n".join(self._section(paper) for paper in self._shown()) + "\n"

    def __str__(self) -> str:
        """Return the report as text for a terminal."""
        parts = []
        for paper in self._shown():
            head, lines = self._table(paper)
            widths = [max(len(row[i]) for row in (head, *lines)) for i in range(len(head))]
            table = [
                "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
                for row in (head, *lines)
            ]
            remarks = [f"- {text}" for text in self._remarks(paper)]
            parts.append("\n".join([f"{paper.title} ({paper.year})", f"run on {self.data}", "", *table, "", *remarks]))
        return "\n\n".join(parts)

    def _shown(self) -> list[Paper]:
        return [paper for paper in self.papers if self._rows(paper)]

    def _rows(self, paper: Paper) -> list[RowResult]:
        return [row for row in self.rows if row.recipe.partition("/")[0] == paper.name]

    def _section(self, paper: Paper) -> str:
        head, lines = self._table(paper)
        source = f"{paper.authors}, {paper.year}" + (f", <{paper.link}>" if paper.link else "")
        table = [head, ["---"] * len(head), *lines]
        rows = "\n".join(f"| {' | '.join(row)} |" for row in table)
        remarks = "\n".join(f"- {text}" for text in self._remarks(paper))
        return f"# {paper.title}\n\n{source}. Run on {self.data}.\n\n{rows}\n\n{remarks}"

    def _table(self, paper: Paper) -> tuple[list[str], list[list[str]]]:
        head = [
            "table",
            "system",
            "published on",
            "published %",
            "here %",
            "± folds",
            "folds",
            "F1 published %",
            "F1 here %",
        ]
        head += ["parameters", "time"]
        lines = [_line(row) for row in self._rows(paper)]
        cited = [[c.table, c.title, c.of or "(cited)", _percent(c.accuracy), *["-"] * 7] for c in paper.cited]
        return head, [*lines, *cited]

    def _remarks(self, paper: Paper) -> list[str]:
        texts = list(paper.flaws)
        for row in self._rows(paper):
            texts += [
                f"{row.title} ({row.recipe}): {note}" for note in (*row.notes, *([row.error] if row.error else []))
            ]
        return texts


def _line(row: RowResult) -> list[str]:
    published = row.published
    of = published.get("of", "")
    value = _percent(published.get("accuracy"))
    if published.get("std") is not None:
        value += f" ± {published['std']:.2f}"
    if value != "-" and of == "validation":
        value += " (validation)"
    return [
        row.table,
        row.title,
        ", ".join(row.published_on),
        value,
        "failed" if row.error else _percent(row.accuracy),
        _percent(row.std),
        str(row.n_folds),
        _percent(published.get("macro_f1")),
        _percent(row.macro_f1),
        "-" if row.parameters is None else f"{row.parameters:,}",
        f"{row.seconds:.0f} s",
    ]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
