"""A network as a classifier of scikit-learn."""

from audiofeat_nn.estimator.classifier import NeuralClassifier

__all__ = ["NeuralClassifier"]
