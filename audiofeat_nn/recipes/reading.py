"""From TOML files to recipes."""

import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from audiofeat._validation import as_choice
from audiofeat_nn.data.cutting import CUTTINGS
from audiofeat_nn.recipes.schema import Paper, Recipe

COMMON = "paper.toml"
WHOLE = ("cutting", "frontend", "options", "schedule_options")  # without some of their keys they mean something else
ABOUT = ("title", "authors", "year", "link", "flaws", "cited")  # of a paper, and not of its rows


def list_papers() -> list[str]:
    """Return the names of the papers.

    Returns
    -------
    list of str
        In alphabetical order.

    Examples
    --------
    >>> from audiofeat_nn.recipes import list_papers
    >>> list_papers()
    ['feng2017', 'kth2020', 'pons2016', 'ubc2020', 'ucsd2020']
    """
    return sorted(each.name for each in files(__package__).iterdir() if each.joinpath(COMMON).is_file())


def list_recipes(paper: str | None = None) -> list[str]:
    """Return the names of the recipes.

    Parameters
    ----------
    paper : str or None
        Of one paper only.

    Returns
    -------
    list of str
        ``"paper/row"``, in the order of the tables.

    Raises
    ------
    ValueError
        If there is no such paper.

    Examples
    --------
    >>> from audiofeat_nn.recipes import list_recipes
    >>> list_recipes("feng2017")[:2]
    ['feng2017/t1-prcnn-2-layers', 'feng2017/t1-prcnn']
    """
    papers = list_papers() if paper is None else [as_choice(paper, "paper", list_papers())]
    return [f"{each}/{name}" for each in papers for name in _rows(each)]


def load_paper(name: str) -> Paper:
    """Return what the rows of a paper share.

    Parameters
    ----------
    name : str
        A name of `list_papers`.

    Returns
    -------
    Paper
        Title, flaws, cited systems.

    Raises
    ------
    ValueError
        If there is no such paper.

    Examples
    --------
    >>> from audiofeat_nn.recipes import load_paper
    >>> load_paper("pons2016").authors
    'J. Pons, T. Lidy and X. Serra'
    """
    common = _common(as_choice(name, "name", list_papers()))
    return Paper(name=name, **{key: common[key] for key in ABOUT if key in common})


def load_recipe(name: str | PathLike[str], *, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    name : str or path
        A name of `list_recipes`, or a file ``.toml`` of one's own. A key ``paper`` there names the paper whose tables
        its own are laid over.
    changes : mapping, optional
        Values by their dotted place, laid over those of the file: ``{"training.lr": 1e-4}``.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError, TypeError
        If there is no such recipe, the file is no TOML, or a name or value in it is wrong.

    Examples
    --------
    >>> from audiofeat_nn.recipes import load_recipe
    >>> load_recipe("pons2016/t1-time-60", changes={"training.max_epochs": 3}).training["max_epochs"]
    3
    """
    if isinstance(name, str) and not name.endswith(".toml"):
        paper, _, row = as_choice(name, "name", list_recipes()).partition("/")
        spec = _parsed(files(__package__).joinpath(paper, f"{row}.toml").read_text(encoding="utf-8"), name)
    else:
        file = Path(name)
        spec = _parsed(file.read_text(encoding="utf-8"), file.name)
        paper, row = spec.pop("paper", ""), file.stem
        if paper != "":
            as_choice(paper, f"{file.name}: paper", list_papers())
    common = {} if paper == "" else {key: value for key, value in _common(paper).items() if key not in (*ABOUT, "rows")}
    if spec.get("model", {}).get("kind") == "baseline":  # nothing is trained by steps, nor leaks into it
        common = {key: value for key, value in common.items() if key not in ("training", "published_protocol")}
    merged = _laid_over(common, spec, whole=WHOLE)
    for place, value in (changes or {}).items():
        merged = _laid_over(_spelt_out(merged), _nested(place.split("."), value))
    return Recipe.from_dict(merged, paper=paper or "own", name=row)


@cache
def _rows(paper: str) -> tuple[str, ...]:
    """Return the rows of a paper, as its file orders them; a row that it does not name is an error of ours."""
    order = list(_common(paper)["rows"])
    found = {Path(each.name).stem for each in files(__package__).joinpath(paper).iterdir() if each.name != COMMON}
    if set(order) != found:
        msg = f"rows of {paper} must be its files, {sorted(set(order) ^ found)} are not in both"
        raise ValueError(msg)
    return tuple(order)


def _common(paper: str) -> dict[str, Any]:
    return _parsed(files(__package__).joinpath(paper, COMMON).read_text(encoding="utf-8"), f"{paper}/{COMMON}")


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{name} is no TOML: {error}"
        raise ValueError(msg) from error


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any], *, whole: Collection[str] = ()) -> dict[str, Any]:
    """Return one table over another; of tables in both, the values by key, and anything else whole."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and key not in whole
        merged[key] = _laid_over(merged[key], value, whole=whole) if both else value
    return merged


def _spelt_out(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table whose cutting and front end are tables too, so that one of their values can be changed."""
    given = dict(_laid_over({"input": {}}, spec)["input"])
    if isinstance(given.get("cutting"), str):
        given["cutting"] = {
            key: value
            for key, value in CUTTINGS[as_choice(given["cutting"], "input.cutting", CUTTINGS)].to_dict().items()
            if value is not None
        }
    if isinstance(given.get("frontend"), str):
        given["frontend"] = {"preset": given["frontend"]}
    return {**spec, "input": given}


def _nested(keys: list[str], value: Any) -> dict[str, Any]:
    return {keys[0]: _nested(keys[1:], value)} if len(keys) > 1 else {keys[0]: value}
