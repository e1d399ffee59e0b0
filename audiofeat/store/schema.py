"""What the items of a store are, and how two such descriptions differ."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np

from audiofeat._validation import as_choice
from audiofeat.frontend import FrontEnd

KINDS = ("frontend", "function", "segments", "statistics")
INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
DTYPES = ("float16", "float32", "float64", "complex64", "complex128", "bool", *INTEGERS)


@dataclass(frozen=True)
class Schema:
    """Description of the items of a store, the same for all of them.

    Attributes
    ----------
    kind : {"frontend", "statistics", "segments", "function"}
        What the items come from.
    spec : dict
        How they are computed: what `FrontEnd.to_dict` gives, or the options, as JSON can hold them. Tuples become
        lists.
    excerpt : dict or None
        Which part of each file, as JSON can hold it; None for the whole file.
    dtype : str
        Name of the dtype of all items.
    columns : tuple of str or None
        Names along the last axis of each item, none twice and none ``"path"``; None if it has none.

    Raises
    ------
    ValueError
        If `kind`, `dtype` or `columns` is none of these, or JSON cannot hold a number.
    TypeError
        If JSON cannot hold `spec` or `excerpt`.

    Examples
    --------
    >>> from audiofeat import preset
    >>> from audiofeat.store import Schema
    >>> schema = Schema("frontend", preset("librosa").to_dict(), dtype="float16")
    >>> schema.spec["hop_length"], schema == Schema.from_dict(schema.to_dict())
    (512, True)
    """

    kind: str
    spec: dict[str, Any]
    excerpt: dict[str, Any] | None = None
    dtype: str = "float32"
    columns: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        as_choice(self.kind, "kind", KINDS)
        spec, excerpt = _as_json(self.spec, "spec"), _as_json(self.excerpt, "excerpt")
        object.__setattr__(self, "spec", spec)
        object.__setattr__(self, "excerpt", excerpt)
        object.__setattr__(self, "dtype", as_choice(np.dtype(self.dtype).name, "dtype", DTYPES))
        if self.columns is not None:
            columns = tuple(self.columns)
            if not columns or not all(isinstance(name, str) and name for name in columns):
                msg = f"columns must be names, got {self.columns!r}"
                raise ValueError(msg)
            if len(set(columns)) < len(columns) or "path" in columns:
                msg = f"columns must be different names other than 'path', got {self.columns!r}"
                raise ValueError(msg)
            object.__setattr__(self, "columns", columns)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them."""
        return {**asdict(self), "columns": None if self.columns is None else list(self.columns)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """Make a schema from what `to_dict` returned.

        Parameters
        ----------
        told : mapping
            Fields by name.

        Returns
        -------
        Schema
            The schema.

        Raises
        ------
        ValueError
            If a name is no field.
        """
        unknown = sorted(set(told) - {field.name for field in fields(cls)})
        if unknown:
            msg = f"a schema has unknown fields: {', '.join(unknown)}"
            raise ValueError(msg)
        return cls(**told)

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that tell schemas apart, the same on every machine."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]

    def difference(self, asked: "Schema") -> str | None:
        """Return how a store of this schema is not what was asked for.

        Parameters
        ----------
        asked : Schema
            What was asked for.

        Returns
        -------
        str or None
            The first field that differs, with both values; None if none does. Of front ends, a field that one was
            saved without is at its default.
        """
        return _first_difference(_completed(self), _completed(asked), "")


def as_schema(value: object) -> Schema:
    """Return `value` if it is a schema."""
    if not isinstance(value, Schema):
        msg = f"schema must be a Schema, got {value!r}"
        raise TypeError(msg)
    return value


def _as_json(value: Any, name: str) -> Any:
    """Return a dict as it is after a trip through JSON."""
    if value is None and name == "excerpt":
        return None
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        msg = f"{name} must be a dict with str as keys, got {value!r}"
        raise TypeError(msg)
    try:
        return json.loads(json.dumps(dict(value), allow_nan=False))
    except ValueError as error:
        msg = f"{name} must hold what JSON can, got {value!r}"
        raise ValueError(msg) from error


def _completed(schema: Schema) -> dict[str, Any]:
    """Return the fields, those of a front end in full: a later version may have more of them."""
    told = schema.to_dict()
    if schema.kind == "frontend":
        try:
            told["spec"] = FrontEnd.from_dict(schema.spec).to_dict()
        except (TypeError, ValueError):  # of a later version, or no plain front end: compared as it is
            return told
    return told


def _first_difference(ours: Any, asked: Any, name: str) -> str | None:
    """Return the first field in which two descriptions differ, in words."""
    if isinstance(ours, dict) and isinstance(asked, dict):
        for key in {**ours, **asked}:
            inner = f"{name}.{key}" if name else key
            if key not in ours or key not in asked:
                here, there = [repr(told[key]) if key in told else "missing" for told in (ours, asked)]
                return f"{inner} is {here} in the store, {there} was asked for"
            found = _first_difference(ours[key], asked[key], inner)
            if found:
                return found
        return None
    return None if _is_same(ours, asked) else f"{name} is {ours!r} in the store, {asked!r} was asked for"


def _is_same(ours: Any, asked: Any) -> bool:
    """Tell if two values are equal, where 1 is 1.0 but not True."""
    if isinstance(ours, list) and isinstance(asked, list):
        return len(ours) == len(asked) and all(map(_is_same, ours, asked))
    return bool(ours == asked) and isinstance(ours, bool) == isinstance(asked, bool)
