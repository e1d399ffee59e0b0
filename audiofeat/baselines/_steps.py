"""The steps that all baselines share."""

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from audiofeat.estimators import LogMelTransformer
from audiofeat.frontend import FrontEnd

N_FRAMES = {"feng2017": 128, "kth2020": 128, "pons2016": 80, "ubc2020": 640, "ucsd2020": 646}

RandomState = int | np.random.RandomState | None


def pipeline(
    classifier: Any,
    *,
    preset: str | FrontEnd | None,
    n_frames: int | None,
    features: Any,
    scale: bool = False,
    pca: PCA | None = None,
) -> Pipeline:
    """Return the steps that there are."""
    if preset is None and n_frames is not None:
        msg = f"n_frames must be left out without preset, got {n_frames!r}"
        raise ValueError(msg)
    if preset is not None:
        if features is not None:
            msg = f"preset and features must not be given both, got {preset!r} and {features!r}"
            raise ValueError(msg)
        paper = N_FRAMES.get(preset) if isinstance(preset, str) else None
        features = LogMelTransformer(preset, n_frames=paper if n_frames is None else n_frames)
    scaler = StandardScaler() if scale else None
    steps = {"features": features, "scaler": scaler, "pca": pca, "classifier": classifier}
    return Pipeline([(name, step) for name, step in steps.items() if step is not None])
