"""Published genre networks in PyTorch, on the features of audiofeat.

>>> import audiofeat_nn
>>> model = audiofeat_nn.create_model("kth-cnn", n_classes=8)
>>> audiofeat_nn.count_parameters(model)
1328120
"""

from importlib import import_module

# Module -> its public names. Nothing here is imported before it is asked for (PEP 562): torch takes seconds;
# `__init__.pyi` repeats the table for type checkers.
_PUBLIC = {
    "attention": ("UBCPRCNN", "UBCAttention"),
    "checkpoint": ("LoadedNetwork", "load_network", "save_network"),
    "crnn": ("KTHCNNRNN", "KTHCRNN"),
    "data": (
        "Cutting",
        "Normalization",
        "PatchDataset",
        "ResidentWaveforms",
        "SampleBlocks",
        "StoreDataset",
        "list_cuttings",
        "maps_of",
        "patches_of",
        "split_validation",
    ),
    "distributed": ("process_group",),
    "estimator": ("NeuralClassifier",),
    "exporting": ("export_onnx",),
    "frontend": ("LogMel", "Spectrogram"),
    "inspection": ("InvarianceProbe", "LayerChange", "activation_maps", "invariance_probe", "plot_filters", "saliency"),
    "layers": ("ResetBeforeGRU", "count_parameters"),
    "musical": ("BlackBox", "Frequency", "Time", "TimeFrequency", "mirex2015", "time_frequency_init"),
    "prcnn": ("PRCNN", "FengCNN", "ParallelRecurrent"),
    "prediction": ("Failure", "Prediction", "Predictor", "plot_timeline"),
    "recipes": ("Paper", "Recipe", "list_papers", "list_recipes", "load_paper", "load_recipe"),
    "recurrent": ("GRUClassifier", "SkipGRU", "seconds"),
    "registry": ("NetworkRecipe", "check_front_end", "create_model", "list_models", "model_options"),
    "reproduction": (
        "RecipeClassifier",
        "Reproduction",
        "RowResult",
        "evaluate_recipe",
        "make_classifier",
        "reproduce",
    ),
    "residual": ("CNN3", "KTHCNN"),
    "summaries": ("Layer", "Summary", "summary"),
    "training": ("TrainResult", "TrainSettings", "TrainingError", "fit", "plot_history", "read_history"),
    "vision": (
        "VGG",
        "VGG16",
        "AlexNet",
        "Picture",
        "ResNet",
        "ResNet34",
        "Transfer",
        "load_weights",
    ),
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = [*_HOME]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
