"""Recipes: a TOML file for every row of every table of the five papers.

A folder here is a paper. Its ``paper.toml`` says what all its rows share, and what the paper leaves open; every other
file is a row, whose tables are laid over those of the paper key by key.
"""

from audiofeat_nn.recipes.reading import list_papers, list_recipes, load_paper, load_recipe
from audiofeat_nn.recipes.schema import Cited, Input, Model, Paper, Protocol, Published, Recipe

__all__ = [
    "Cited",
    "Input",
    "Model",
    "Paper",
    "Protocol",
    "Published",
    "Recipe",
    "list_papers",
    "list_recipes",
    "load_paper",
    "load_recipe",
]
