from .attention import (
    UBCPRCNN,
    UBCAttention,
)
from .checkpoint import (
    LoadedNetwork,
    load_network,
    save_network,
)
from .crnn import (
    KTHCNNRNN,
    KTHCRNN,
)
from .data import (
    Cutting,
    Normalization,
    PatchDataset,
    ResidentWaveforms,
    SampleBlocks,
    StoreDataset,
    list_cuttings,
    maps_of,
    patches_of,
    split_validation,
)
from .distributed import (
    process_group,
)
from .estimator import (
    NeuralClassifier,
)
from .exporting import (
    export_onnx,
)
from .frontend import (
    LogMel,
    Spectrogram,
)
from .inspection import (
    InvarianceProbe,
    LayerChange,
    activation_maps,
    invariance_probe,
    plot_filters,
    saliency,
)
from .layers import (
    ResetBeforeGRU,
    count_parameters,
)
from .musical import (
    BlackBox,
    Frequency,
    Time,
    TimeFrequency,
    mirex2015,
    time_frequency_init,
)
from .prcnn import (
    PRCNN,
    FengCNN,
    ParallelRecurrent,
)
from .prediction import (
    Failure,
    Prediction,
    Predictor,
    plot_timeline,
)
from .recipes import (
    Paper,
    Recipe,
    list_papers,
    list_recipes,
    load_paper,
    load_recipe,
)
from .recurrent import (
    GRUClassifier,
    SkipGRU,
    seconds,
)
from .registry import (
    NetworkRecipe,
    check_front_end,
    create_model,
    list_models,
    model_options,
)
from .reproduction import (
    RecipeClassifier,
    Reproduction,
    RowResult,
    evaluate_recipe,
    make_classifier,
    reproduce,
)
from .residual import (
    CNN3,
    KTHCNN,
)
from .summaries import (
    Layer,
    Summary,
    summary,
)
from .training import (
    TrainingError,
    TrainResult,
    TrainSettings,
    fit,
    plot_history,
    read_history,
)
from .vision import (
    VGG,
    VGG16,
    AlexNet,
    Picture,
    ResNet,
    ResNet34,
    Transfer,
    load_weights,
)

__all__ = [
    "CNN3",
    "KTHCNN",
    "KTHCNNRNN",
    "KTHCRNN",
    "PRCNN",
    "UBCPRCNN",
    "VGG",
    "VGG16",
    "AlexNet",
    "BlackBox",
    "Cutting",
    "Failure",
    "FengCNN",
    "Frequency",
    "GRUClassifier",
    "InvarianceProbe",
    "Layer",
    "LayerChange",
    "LoadedNetwork",
    "LogMel",
    "NetworkRecipe",
    "NeuralClassifier",
    "Normalization",
    "Paper",
    "ParallelRecurrent",
    "PatchDataset",
    "Picture",
    "Prediction",
    "Predictor",
    "Recipe",
    "RecipeClassifier",
    "Reproduction",
    "ResNet",
    "ResNet34",
    "ResetBeforeGRU",
    "ResidentWaveforms",
    "RowResult",
    "SampleBlocks",
    "SkipGRU",
    "Spectrogram",
    "StoreDataset",
    "Summary",
    "Time",
    "TimeFrequency",
    "TrainResult",
    "TrainSettings",
    "TrainingError",
    "Transfer",
    "UBCAttention",
    "activation_maps",
    "check_front_end",
    "count_parameters",
    "create_model",
    "evaluate_recipe",
    "export_onnx",
    "fit",
    "invariance_probe",
    "list_cuttings",
    "list_models",
    "list_papers",
    "list_recipes",
    "load_network",
    "load_paper",
    "load_recipe",
    "load_weights",
    "make_classifier",
    "maps_of",
    "mirex2015",
    "model_options",
    "patches_of",
    "plot_filters",
    "plot_history",
    "plot_timeline",
    "process_group",
    "read_history",
    "reproduce",
    "saliency",
    "save_network",
    "seconds",
    "split_validation",
    "summary",
    "time_frequency_init",
]
