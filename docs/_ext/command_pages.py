"""The directive ``commands``: what a command and its subcommands take, asked of their own parser."""

import argparse
import importlib
from collections.abc import Iterator
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives


def subcommands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers of the commands, in their order."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def taken(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Yield what a command takes, and what that is: arguments as they are given, then the text of the help."""
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        value = action.metavar if isinstance(action.metavar, str) else None
        if value is None and action.choices is not None:
            value = "{" + ",".join(map(str, action.choices)) + "}"
        if action.option_strings:
            value = f" {value or action.dest.upper()}" if action.nargs != 0 else ""
            if action.nargs == "?":
                value = f" [{value.strip()}]"
            name = ", ".join(action.option_strings) + value
        else:
            name = (value or action.dest) + (" ..." if action.nargs in ("+", "*") else "")
        yield name, (action.help or "").replace("%%", "%")


class Commands(Directive):
    """A section for each command of a package, from its parser."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"only": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        parser = importlib.import_module(f"{self.arguments[0]}.cli")._parser()
        return [section for inner in subcommands(parser) for section in self.sections(inner)]

    def sections(self, parser: argparse.ArgumentParser) -> Iterator[nodes.section]:
        """Yield the section of a command, then those of its own commands."""
        inner = list(subcommands(parser))
        if not inner:
            section = nodes.section(ids=[nodes.make_id(parser.prog)], names=[parser.prog])
            section += nodes.title("", "", nodes.literal("", parser.prog))
            section += nodes.paragraph("", parser.description or "")
            section += self.table(parser)
            self.state.document.note_implicit_target(section, section)
            yield section
        for one in inner:
            yield from self.sections(one)

    def table(self, parser: argparse.ArgumentParser) -> nodes.definition_list:
        """Return what the command takes as a list of terms."""
        rows = nodes.definition_list(classes=["command"])
        for name, text in taken(parser):
            words = nodes.paragraph("", text or "")
            row = nodes.definition_list_item("", nodes.term("", "", nodes.literal("", name)))
            row += nodes.definition("", words)
            rows += row
        return rows


def setup(app: Any) -> dict[str, bool]:
    """Offer the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
