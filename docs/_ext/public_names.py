"""What is public, and the role of single backquotes in docstrings: a link to what is public, else literal.

`S` or `frames` in a docstring is a parameter wherever the page's object has one of that name, and a link to the
public object of that name elsewhere.
"""

import importlib
import inspect
import re
from functools import cache
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.ext.autosummary import autosummary_table
from sphinx.util.docutils import SphinxRole

PACKAGES = ("audiofeat", "audiofeat_nn")
CONSTANTS = {  # which have no docstrings of their own
    "audiofeat.augment.KTH2020": "Variants of kth2020: two semitones up and down, and the tempo times 0.9 and 1.1.",
}


def is_member(name: str, member: object) -> bool:
    """Whether a member of a class is described: ours, public, and not a mere field."""
    function = getattr(member, "fget", None) or getattr(member, "func", None) or getattr(member, "__func__", member)
    home = getattr(function, "__module__", None) or ""
    return not name.startswith("_") and re.match(r"audiofeat(_nn)?(\.|$)", home) is not None


@cache
def public() -> dict[str, object]:
    """Return every public object by its full name, the members of classes included."""
    found: dict[str, object] = {}
    for package in map(importlib.import_module, PACKAGES):
        modules = getattr(package, "_MODULES", ())
        for name in package.__all__:
            value = getattr(package, name)
            found[f"{package.__name__}.{name}"] = value
            if name in modules:
                found |= {f"{package.__name__}.{name}.{inner}": getattr(value, inner) for inner in value.__all__}
    for name, value in list(found.items()):
        if inspect.isclass(value):
            members = inspect.getmembers_static(value)
            found |= {f"{name}.{key}": member for key, member in members if is_member(key, member)}
    return found


@cache
def own_words(name: str) -> frozenset[str]:
    """Return the parameters, fields and members of a public object: they mean themselves on its page."""
    value = public().get(name)
    words: set[str] = set()
    inner = [member for key, member in vars(value).items() if is_member(key, member)] if inspect.isclass(value) else []
    for callable_ in (value, *inner):
        try:
            words |= set(inspect.signature(callable_).parameters)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
    doc = inspect.getdoc(value) or ""
    return frozenset(words) | {word for line in re.findall(r"^(\w[\w, ]*) :", doc, re.M) for word in line.split(", ")}


def found_for(text: str, page: str, module: str | None) -> str | None:
    """Return the full name of the public object that a word means on a page."""
    page = page.rpartition("/")[2]
    owner = page if inspect.isclass(public().get(page)) else None
    package = "audiofeat_nn" if page.startswith("audiofeat_nn") or (module or "").startswith("audiofeat_nn") else ""
    home = page.rpartition(".")[0]
    for prefix in (owner, module, home, package, "audiofeat", None):
        name = f"{prefix}.{text}" if prefix else text
        if prefix != "" and name in public():
            return name
    return None


class PublicRole(SphinxRole):
    """A link to a public object, or literal text."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the one node."""
        page, literal = self.env.docname, nodes.literal(self.rawtext, self.text)
        name = found_for(self.text.removesuffix("()"), page, self.env.ref_context.get("py:module"))
        if name is None or self.text in own_words(page.rpartition("/")[2]):
            return [literal], []
        kind = {"refdomain": "py", "reftype": "obj", "refexplicit": True, "refwarn": True}
        return [addnodes.pending_xref(self.rawtext, literal, refdoc=page, reftarget=name, **kind)], []


def resolved(app: Any, env: Any, node: addnodes.pending_xref, inner: nodes.Node) -> nodes.Node | None:
    """Find what a section See Also names from another module."""
    name = found_for(node["reftarget"], node["refdoc"], None) if node.get("refdomain") == "py" else None
    if name is None or name == node["reftarget"]:
        return None
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, inner)


def skipped(app: object, what: str, name: str, member: object, skip: bool, options: object) -> bool | None:
    """Leave out of a class's page what it inherits from other libraries."""
    return True if what == "class" and not is_member(name, member) else None


def escaped(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Keep `n_features_in_` in a type from being read as a reference, and say what constants are."""
    if name in CONSTANTS:
        lines[:] = [CONSTANTS[name]]
    for number, line in enumerate(lines):
        if re.match(r" *[\w*, ]+ : ", line):
            lines[number] = re.sub(r"(\w)_(?=[,)])", r"\1\\_", line)


def renumbered(app: object, doctree: nodes.document, page: str) -> None:
    """Give references that a table's summaries have the numbers that they have on the pages of the objects."""
    for table in doctree.findall(autosummary_table):
        for text in list(table.findall(nodes.Text)):
            if found := re.fullmatch(r"\[?R[0-9a-f]{8,}-(\d+)\]?", text):
                text.parent.replace(text, nodes.Text(f"[{found[1]}]"))


def setup(app: Any) -> dict[str, bool]:
    """Offer the role, and the choice of members."""
    app.add_role("public", PublicRole())
    app.connect("missing-reference", resolved)
    app.connect("autodoc-skip-member", skipped)
    app.connect("doctree-resolved", renumbered)
    app.connect("autodoc-process-docstring", escaped, priority=400)  # before numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
