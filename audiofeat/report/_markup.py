"""HTML from names and texts: what is not markup already is escaped, so that no text can become markup."""

import html
from collections.abc import Iterable, Mapping
from unicodedata import category

UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of surrogates, line and paragraph separators


class Markup(str):
    """HTML, as distinct from text."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """Return text as HTML; what a page cannot show or hold is written as in Python."""
    if isinstance(text, Markup):
        return text
    shown = "".join(c.encode("unicode_escape").decode() if category(c) in UNSEEN else c for c in text)
    return Markup(html.escape(shown))


def join(parts: Iterable[str], separator: str = "") -> Markup:
    """Join texts and markup to markup."""
    return Markup(escape(separator).join(map(escape, parts)))


def tag(name: str, attributes: Mapping[str, object], *children: str) -> Markup:
    """Return an element. An attribute that is None or False is left out, one that is True has no value."""
    given = [(key, value) for key, value in attributes.items() if value is not None and value is not False]
    head = "".join(f" {key}" if value is True else f' {key}="{escape(str(value))}"' for key, value in given)
    return Markup(f"<{name}{head}>{join(children)}</{name}>")
