from . import augment, baselines, classification, datasets, synth, testing
from .agglomeration import (
    Agglomeration,
    agglomerate,
    mutual_proximity,
)
from .annotation_scores import AnnotationScores, evaluate_annotations
from .annotations import (
    Sections,
    load_annotations,
    load_hierarchy,
    read_segments,
    save_annotations,
    save_hierarchy,
)
from .ar import (
    ARModel,
    ar_spectrum,
    fit_ar,
    select_ar_order,
)
from .cepstrum import delta, mfcc
from .changes import change_points, novelty
from .comparison import explain_difference
from .compilation import warmup
from .descriptors import (
    chroma_stft,
    poly_features,
    rms,
    spectral_bandwidth,
    spectral_centroid,
    spectral_contrast,
    spectral_flatness,
    spectral_rolloff,
    tonnetz,
    zero_crossing_rate,
)
from .estimators import (
    AudioClip,
    DescriptorTransformer,
    FeatureStatistics,
    LogMelTransformer,
    SegmentExcerpt,
    SpectralSegmenter,
)
from .evaluation import evaluate_segments
from .extraction import (
    Describe,
    Excerpts,
    Progress,
    Segments,
    extract_features,
)
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
from .hierarchy_scores import evaluate_hierarchy
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
    timelag_median,
)
from .onset import onset_envelope, onset_strength
from .persistence import (
    ModelInfo,
    data_fingerprint,
    load_model,
    model_info,
    save_model,
)
from .plot import (
    plot_eigenvalues,
    plot_features,
    plot_graph,
    plot_hierarchy,
    plot_matrix,
    plot_segments,
    plot_spectrogram,
    plot_summary,
)
from .presets import list_presets, preset
from .report import save_report
from .resegmentation import resegment
from .rhythm import (
    BeatHistogram,
    Beats,
    beat_histogram,
    beat_track,
    rhythm_statistics,
    tempo,
    tempogram,
)
from .sections import Segmentation
from .segmentation import (
    segment,
    segment_file,
    segment_hierarchy,
)
from .sem import spectral_error, spectral_error_matrix
from .separation import hpss
from .spectral import (
    assign_clusters,
    estimate_n_clusters,
    leading_eigenvectors,
    spectral_partition,
)
from .store import (
    Schema,
    Store,
    StoreError,
    StoreWriter,
    compact_store,
    merge_stores,
    open_store,
)
from .tables import (
    FeatureTable,
    describe,
    describe_many,
    frames,
)
from .voting import (
    ClipVotingClassifier,
    Votes,
    vote,
)

__all__ = [
    "ARModel",
    "Agglomeration",
    "AnnotationScores",
    "AudioClip",
    "AudioError",
    "AudioInfo",
    "BeatHistogram",
    "Beats",
    "ClipVotingClassifier",
    "Describe",
    "DescriptorTransformer",
    "Excerpts",
    "FeatureStatistics",
    "FeatureTable",
    "FrontEnd",
    "LogMelTransformer",
    "ModelInfo",
    "Progress",
    "Schema",
    "Sections",
    "SegmentExcerpt",
    "Segmentation",
    "Segments",
    "SpectralSegmenter",
    "Store",
    "StoreError",
    "StoreWriter",
    "Votes",
    "affinity",
    "agglomerate",
    "amplitude_to_db",
    "ar_spectrum",
    "assign_clusters",
    "augment",
    "baselines",
    "beat_histogram",
    "beat_track",
    "change_points",
    "chroma_stft",
    "classification",
    "compact_store",
    "data_fingerprint",
    "datasets",
    "db_to_amplitude",
    "db_to_power",
    "delta",
    "describe",
    "describe_many",
    "estimate_n_clusters",
    "evaluate_annotations",
    "evaluate_hierarchy",
    "evaluate_segments",
    "explain_difference",
    "extract_features",
    "fft_frequencies",
    "fit_ar",
    "frames",
    "hpss",
    "hz_to_mel",
    "info",
    "istft",
    "leading_eigenvectors",
    "list_presets",
    "load",
    "load_annotations",
    "load_hierarchy",
    "load_model",
    "logmel",
    "mel_filterbank",
    "mel_frequencies",
    "mel_to_hz",
    "melspectrogram",
    "merge_stores",
    "mfcc",
    "model_info",
    "mutual_knn",
    "mutual_proximity",
    "nearest_neighbors",
    "normalized_laplacian",
    "novelty",
    "onset_envelope",
    "onset_strength",
    "open_store",
    "plot_eigenvalues",
    "plot_features",
    "plot_graph",
    "plot_hierarchy",
    "plot_matrix",
    "plot_segments",
    "plot_spectrogram",
    "plot_summary",
    "poly_features",
    "power_to_db",
    "preset",
    "read_segments",
    "resegment",
    "rhythm_statistics",
    "rms",
    "save",
    "save_annotations",
    "save_hierarchy",
    "save_model",
    "save_report",
    "segment",
    "segment_file",
    "segment_hierarchy",
    "select_ar_order",
    "spectral_bandwidth",
    "spectral_centroid",
    "spectral_contrast",
    "spectral_error",
    "spectral_error_matrix",
    "spectral_flatness",
    "spectral_partition",
    "spectral_rolloff",
    "spectrogram",
    "stft",
    "stream",
    "symmetrize",
    "synth",
    "tempo",
    "tempogram",
    "temporal_path",
    "testing",
    "timelag_median",
    "tonnetz",
    "vote",
    "warmup",
    "zero_crossing_rate",
]
__version__: str
