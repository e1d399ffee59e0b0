"""Prediction of tracks by trained networks."""

from audiofeat_nn.prediction.predictor import Failure, Prediction, Predictor
from audiofeat_nn.prediction.timeline import plot_timeline

__all__ = ["Failure", "Prediction", "Predictor", "plot_timeline"]
