"""Numbers and tables as reports print them."""


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def seconds(value: float) -> str:
    return f"{value:.3g} s" if value < 1000 else f"{value:.0f} s"


def as_text(header: list[str], rows: list[list[str]]) -> str:
    """Return columns of equal width, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for first, *others in [header, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(["", first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def as_markdown(header: list[str], rows: list[list[str]]) -> str:
    """Return a table of Markdown; what would end a cell or a row early is escaped."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    cells = [
        [cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in row] for row in [header, *rows]
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [cells[0], rule, *cells[1:]])
