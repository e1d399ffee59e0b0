"""Rows of published tables run again: from a recipe and a data set to the figure beside the published one."""

from audiofeat_nn.reproduction.classifier import RecipeClassifier
from audiofeat_nn.reproduction.reports import Reproduction, RowResult
from audiofeat_nn.reproduction.running import evaluate_recipe, make_classifier, reproduce

__all__ = ["RecipeClassifier", "Reproduction", "RowResult", "evaluate_recipe", "make_classifier", "reproduce"]
