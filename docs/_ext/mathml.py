"""Formulas as MathML, which browsers draw themselves: no script of another host, and no LaTeX at the build."""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

LOG = logging.getLogger(__name__)
UNKNOWN = {  # to docutils
    r"\\dots(?![a-z])": r"\\ldots",
    r"\\[lr]vert(?![a-z])": "|",
    r"\\tfrac(?![a-z])": r"\\frac",
    r"\\[bB]igg?(?![a-zA-Z])": "",  # fences grow by themselves
}


def visit_math(self: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(converted(node, node.astext(), as_block=False))
    raise nodes.SkipNode


def visit_math_block(self: Any, node: nodes.math_block) -> None:
    """Write a formula on lines of its own."""
    tex, tag = without_tag(node.astext())
    if r"\\" in tex and r"\begin" not in tex:
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    self.body.append(self.starttag(node, "div", CLASS="math-block"))
    self.body.append(converted(node, tex, as_block=True))
    self.body.append(f'<span class="math-tag">{tag}</span></div>\n' if tag else "</div>\n")
    raise nodes.SkipNode


def without_tag(tex: str) -> tuple[str, str]:
    """Return a formula and its number, which stands beside it."""
    tag = re.search(r"\\tag\{(\w+)\}", tex)
    return (tex.replace(tag[0], ""), f"({tag[1]})") if tag else (tex, "")


def converted(node: nodes.Node, tex: str, *, as_block: bool) -> str:
    """Return the formula as MathML; what docutils does not know is a warning, which fails the build."""
    for pattern, known in UNKNOWN.items():
        tex = re.sub(pattern, known, tex)
    try:
        return str(tex2mathml(tex, as_block=as_block))
    except MathError as error:
        LOG.warning("a formula that docutils cannot write as MathML: %s in %s", error, tex, location=node)
        return ""


def setup(app: Any) -> dict[str, bool]:
    """Make it the renderer."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
