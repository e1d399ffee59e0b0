"""What is linked, directly or through others, is one group."""

from collections.abc import Iterable


def joined(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for every name among the links the name of its group: the first of the group, in alphabetical order."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]  # halves the way, so that long chains stay cheap
            name = parent[name]
        return name

    for a, b in links:
        first, second = sorted((root(a), root(b)))
        parent[second] = first
    return {name: root(name) for name in list(parent)}
