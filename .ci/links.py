"""Follow every local link of the HTML pages in a folder: `python .ci/links.py FOLDER`."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINKS = {"href", "src", "poster", "data-src"}


class Page(HTMLParser):
    """The links of a page, and the names that others may link to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.names.add(value)
            elif name in LINKS and value is not None:
                self.links.append(value)


def broken(folder: Path) -> list[str]:
    """Return a line for each link to a file or a place on a page that is not there."""
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    lines = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            place = unquote(parts.fragment)
            if not target.is_relative_to(folder) or not target.exists():
                lines.append(f"{path.relative_to(folder)}: no file {link}")
            elif place and target in pages and place not in pages[target].names:
                lines.append(f"{path.relative_to(folder)}: no place {link}")
    return lines


def main(folder: str) -> int:
    """Print what is broken."""
    root = Path(folder).resolve()
    if not any(root.rglob("*.html")):
        sys.stderr.write(f"{folder}: no pages\n")
        return 2
    lines = broken(root)
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
