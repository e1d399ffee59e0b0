"""The table that is handed around with the GTZAN data set."""

from dataclasses import replace

import numpy as np

from audiofeat._validation import Float
from audiofeat.tables.rows import NAMES, Plan, as_plan, rows_of

COLUMNS = {  # of descriptors
    "chroma_stft": "chroma_stft",
    "rms": "rms",
    "spectral_centroid": "spectral_centroid",
    "spectral_bandwidth": "spectral_bandwidth",
    "spectral_rolloff": "rolloff",
    "zero_crossing_rate": "zero_crossing_rate",
}


def gtzan_plan(sr: float) -> Plan:
    """Return how the descriptors are computed: as by librosa of the day."""
    return as_plan(sr, (*COLUMNS, "mfcc"), NAMES, 2048, 512, None, "hann", True, "reflect", 20, 80.0)


def gtzan_row(y: Float, plan: Plan) -> dict[str, float]:
    """Return the 57 columns of one signal by name."""
    from audiofeat.rhythm import beat_track
    from audiofeat.separation import hpss

    rows = rows_of(y.astype(np.float64), plan)
    # Of a sum next to the share, the rounding of the table's float32 decided.
    rows["spectral_rolloff"] = rows_of(y, replace(plan, names=("spectral_rolloff",)))["spectral_rolloff"]
    parts = dict(zip(("harmony", "perceptr"), hpss(y, pad_mode="reflect"), strict=True))
    spectral = {column: rows[name] for name, column in COLUMNS.items()}
    tempo = {"tempo": beat_track(y, plan.sr, pad_mode="reflect").tempo}
    cepstra = {f"mfcc{i}": row for i, row in enumerate(rows["mfcc"], start=1)}
    return _moments(spectral | parts) | tempo | _moments(cepstra)


def _moments(rows: dict[str, Float]) -> dict[str, float]:
    """Return the mean and the variance of each, in their own precision as users of NumPy do."""
    return {
        f"{name}_{kind}": float(getattr(values, kind)()) for name, values in rows.items() for kind in ("mean", "var")
    }
