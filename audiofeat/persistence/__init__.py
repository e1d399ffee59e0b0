"""Models in files that hold data and no code: skops's archive, its types checked against a fixed list."""

from audiofeat.persistence.archive import ModelInfo, model_info
from audiofeat.persistence.models import data_fingerprint, load_model, save_model

__all__ = ["ModelInfo", "data_fingerprint", "load_model", "model_info", "save_model"]
