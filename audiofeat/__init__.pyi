from . import synth
from .annotations import load_annotations, save_annotations
from .ar import (
    ARModel,
    ar_spectrum,
    fit_ar,
    select_ar_order,
)
from .cepstrum import delta, mfcc
from .compilation import warmup
from .evaluation import evaluate_segments
from .fourier import (
    fft_frequencies,
    istft,
    spectrogram,
    stft,
)
from .frontend import FrontEnd
from .graph import (
    affinity,
    normalized_laplacian,
    symmetrize,
)
from .io import (
    AudioError,
    AudioInfo,
    info,
    load,
    save,
    stream,
)
from .mel import (
    amplitude_to_db,
    db_to_amplitude,
    db_to_power,
    hz_to_mel,
    logmel,
    mel_filterbank,
    mel_frequencies,
    mel_to_hz,
    melspectrogram,
    power_to_db,
)
from .neighbors import (
    mutual_knn,
    nearest_neighbors,
    temporal_path,
)
from .plot import (
    plot_eigenvalues,
    plot_graph,
    plot_matrix,
    plot_segments,
    plot_summary,
)
from .presets import list_presets, preset
from .sections import Segmentation
from .segmentation import segment
from .sem import spectral_error, spectral_error_matrix
from .spectral import (
    assign_clusters,
    estimate_n_clusters,
    leading_eigenvectors,
    spectral_partition,
)

__all__ = [
    "ARModel",
    "AudioError",
    "AudioInfo",
    "FrontEnd",
    "Segmentation",
    "affinity",
    "amplitude_to_db",
    "ar_spectrum",
    "assign_clusters",
    "db_to_amplitude",
    "db_to_power",
    "delta",
    "estimate_n_clusters",
    "evaluate_segments",
    "fft_frequencies",
    "fit_ar",
    "hz_to_mel",
    "info",
    "istft",
    "leading_eigenvectors",
    "list_presets",
    "load",
    "load_annotations",
    "logmel",
    "mel_filterbank",
    "mel_frequencies",
    "mel_to_hz",
    "melspectrogram",
    "mfcc",
    "mutual_knn",
    "nearest_neighbors",
    "normalized_laplacian",
    "plot_eigenvalues",
    "plot_graph",
    "plot_matrix",
    "plot_segments",
    "plot_summary",
    "power_to_db",
    "preset",
    "save",
    "save_annotations",
    "segment",
    "select_ar_order",
    "spectral_error",
    "spectral_error_matrix",
    "spectral_partition",
    "spectrogram",
    "stft",
    "stream",
    "symmetrize",
    "synth",
    "temporal_path",
    "warmup",
]
__version__: str
