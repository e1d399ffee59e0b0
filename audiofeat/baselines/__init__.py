"""The classical genre classifiers of the papers, as scikit-learn pipelines.

Each function returns a new pipeline of named steps, to be fitted, searched and cloned as any other: ``"features"``,
if there are any, ``"scaler"`` and ``"pca"``, if the classifier wants them, and ``"classifier"``.

What comes first is chosen by three arguments that all but `tempo_nn` share:

preset : str or FrontEnd, optional
    The paper's input: the spectrogram of this front end, laid out as a row. `X` then holds signals at its rate, files
    or clips, as for `LogMelTransformer`.
n_frames : int, optional
    Frames of that spectrogram; what is longer is cut, and what is shorter filled up with zeros. By default those of
    the paper, or without one those of the longest signal in `fit`: ``"kth2020"`` 128 (3.5 s, which its code takes from
    15.5 s on: ``AudioClip(path, 15.5, 19.0)``), ``"ucsd2020"`` 646 (30 s; its clips of 3 s are 65), ``"feng2017"`` 128
    (3 s), ``"ubc2020"`` 640 (30 s), ``"pons2016"`` 80 (1.9 s).
features : transformer, optional
    Another first step, such as `FeatureStatistics`.

Without `preset` and `features`, `X` is a matrix of features, of shape (n_clips, n_features).

>>> import numpy as np
>>> from audiofeat import baselines
>>> rng = np.random.default_rng(0)
>>> noise, tones = rng.normal(size=(9, 9000)), np.sin(np.outer(rng.uniform(0.1, 0.9, 9), np.arange(9000)))
>>> model = baselines.pca_knn(n_components=2, preset="kth2020", n_frames=8)
>>> model.fit(np.concatenate([noise[:8], tones[:8]]), ["noise"] * 8 + ["tone"] * 8).predict([noise[8], tones[8]])
array(['noise', 'tone'], dtype='<U5')
"""

from audiofeat.baselines._plain import decision_tree, knn, naive_bayes, softmax, svm
from audiofeat.baselines._reduced import pca_knn, pca_svm
from audiofeat.baselines._tempo import TempoTransformer, tempo_nn

__all__ = [
    "TempoTransformer",
    "decision_tree",
    "knn",
    "naive_bayes",
    "pca_knn",
    "pca_svm",
    "softmax",
    "svm",
    "tempo_nn",
]
