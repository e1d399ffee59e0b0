"""More training material from what there is: effects on signals, and their use in training alone.

The effects are functions of a signal. `augmented` adds variants to the items of a training set, and
`AugmentedClassifier` does so in `fit`, and never in `predict`.

>>> import numpy as np
>>> from audiofeat import augment
>>> y = np.sin(0.1 * np.arange(22050.0))
>>> augment.time_stretch(y, rate=1.1).shape
(20045,)
"""

from audiofeat.augment.classifier import AugmentedClassifier
from audiofeat.augment.levels import add_noise, gain, mix
from audiofeat.augment.time import excerpt, pitch_shift, time_stretch
from audiofeat.augment.variants import KTH2020, Augmented, augmented

__all__ = [
    "KTH2020",
    "Augmented",
    "AugmentedClassifier",
    "add_noise",
    "augmented",
    "excerpt",
    "gain",
    "mix",
    "pitch_shift",
    "time_stretch",
]
