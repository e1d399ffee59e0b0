"""From audio files to features, labelled segments and genre baselines.

>>> import audiofeat
>>> y, sr = audiofeat.synth.tone(440.0, sr=22050, duration=1.0), 22050
>>> audiofeat.logmel(y, sr).shape
(128, 44)
"""

from importlib import import_module

# Module -> its public names. Nothing here is imported before it is asked for (PEP 562), so that
# `import audiofeat` costs milliseconds; `__init__.pyi` repeats the table for type checkers.
_PUBLIC = {
    "agglomeration": ("Agglomeration", "agglomerate", "mutual_proximity"),
    "annotation_scores": ("AnnotationScores", "evaluate_annotations"),
    "annotations": (
        "Sections",
        "load_annotations",
        "load_hierarchy",
        "read_segments",
        "save_annotations",
        "save_hierarchy",
    ),
    "ar": ("ARModel", "ar_spectrum", "fit_ar", "select_ar_order"),
    "cepstrum": ("delta", "mfcc"),
    "changes": ("change_points", "novelty"),
    "comparison": ("explain_difference",),
    "compilation": ("warmup",),
    "descriptors": (
        "chroma_stft",
        "poly_features",
        "rms",
        "spectral_bandwidth",
        "spectral_centroid",
        "spectral_contrast",
        "spectral_flatness",
        "spectral_rolloff",
        "tonnetz",
        "zero_crossing_rate",
    ),
    "estimators": (
        "AudioClip",
        "DescriptorTransformer",
        "FeatureStatistics",
        "LogMelTransformer",
        "SegmentExcerpt",
        "SpectralSegmenter",
    ),
    "evaluation": ("evaluate_segments",),
    "extraction": ("Describe", "Excerpts", "Progress", "Segments", "extract_features"),
    "fourier": ("fft_frequencies", "istft", "spectrogram", "stft"),
    "frontend": ("FrontEnd",),
    "graph": ("affinity", "normalized_laplacian", "symmetrize"),
    "hierarchy_scores": ("evaluate_hierarchy",),
    "io": ("AudioError", "AudioInfo", "info", "load", "save", "stream"),
    "mel": (
        "amplitude_to_db",
        "db_to_amplitude",
        "db_to_power",
        "hz_to_mel",
        "logmel",
        "mel_filterbank",
        "mel_frequencies",
        "mel_to_hz",
        "melspectrogram",
        "power_to_db",
    ),
    "neighbors": ("mutual_knn", "nearest_neighbors", "temporal_path", "timelag_median"),
    "onset": ("onset_envelope", "onset_strength"),
    "persistence": ("ModelInfo", "data_fingerprint", "load_model", "model_info", "save_model"),
    "plot": (
        "plot_eigenvalues",
        "plot_features",
        "plot_graph",
        "plot_hierarchy",
        "plot_matrix",
        "plot_segments",
        "plot_spectrogram",
        "plot_summary",
    ),
    "presets": ("list_presets", "preset"),
    "report": ("save_report",),
    "resegmentation": ("resegment",),
    "rhythm": ("BeatHistogram", "Beats", "beat_histogram", "beat_track", "rhythm_statistics", "tempo", "tempogram"),
    "sections": ("Segmentation",),
    "segmentation": ("segment", "segment_file", "segment_hierarchy"),
    "sem": ("spectral_error", "spectral_error_matrix"),
    "separation": ("hpss",),
    "spectral": ("assign_clusters", "estimate_n_clusters", "leading_eigenvectors", "spectral_partition"),
    "store": ("Schema", "Store", "StoreError", "StoreWriter", "compact_store", "merge_stores", "open_store"),
    "tables": ("FeatureTable", "describe", "describe_many", "frames"),
    "voting": ("ClipVotingClassifier", "Votes", "vote"),
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}
_MODULES = ("augment", "baselines", "classification", "datasets", "synth", "testing")  # used as modules

__all__ = [*_HOME, *_MODULES]
__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> object:
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    else:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
