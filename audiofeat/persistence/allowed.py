"""The types that the file of a model may hold."""

from collections.abc import Iterator
from typing import Any

# What a file may hold, by the part of skops that builds it. A list from the file itself is never taken for this one.
ALLOWED = {
    "DictNode": {"builtins.dict", "sklearn.utils._bunch.Bunch"},
    # the scores of searches: by name, and called by none but `score`
    "FunctionNode": {
        f"sklearn.metrics._classification.{name}" for name in ("accuracy_score", "balanced_accuracy_score", "f1_score")
    },
    "JsonNode": {f"builtins.{name}" for name in ("str", "int", "float", "bool", "NoneType")},
    "ListNode": {"builtins.list"},
    "TupleNode": {"builtins.tuple", "audiofeat._kernels.arguments.Conditioning"},
    "TypeNode": {f"builtins.{name}" for name in ("str", "int", "float", "bool")},
    "MaskedArrayNode": {"numpy.ma.MaskedArray"},
    "NdArrayNode": {
        f"numpy.{name}" for name in ("ndarray", "float32", "float64", "int32", "int64", "bool", "bool_", "str_")
    },
    "TreeNode": {"sklearn.tree._tree.Tree"},
    "ObjectNode": {
        "audiofeat.augment.classifier.AugmentedClassifier",
        "audiofeat.baselines._tempo.TempoTransformer",
        "audiofeat.estimators._clips.FeatureStatistics",
        "audiofeat.estimators._clips.SegmentExcerpt",
        "audiofeat.estimators._frames.DescriptorTransformer",
        "audiofeat.estimators._frames.LogMelTransformer",
        "audiofeat.fourier.framing.Framing",
        "audiofeat.frontend.computing.FrontEnd",
        "audiofeat.voting.classifier.ClipVotingClassifier",
        "sklearn.calibration.CalibratedClassifierCV",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.decomposition._pca.PCA",
        "sklearn.ensemble._forest.ExtraTreesClassifier",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.ensemble._stacking.StackingClassifier",
        "sklearn.isotonic.IsotonicRegression",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.metrics._dist_metrics.EuclideanDistance32",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.model_selection._search.GridSearchCV",
        "sklearn.model_selection._search.RandomizedSearchCV",
        "sklearn.model_selection._split.GroupKFold",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedGroupKFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.naive_bayes.GaussianNB",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._classification.KNeighborsClassifier",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.pipeline.FeatureUnion",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.MinMaxScaler",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn.svm._classes.LinearSVC",
        "sklearn.svm._classes.SVC",
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.tree._classes.ExtraTreeClassifier",
    },
}


def refused_in(schema: Any) -> Iterator[str]:
    """Yield what skops would build and is not allowed, of a schema and all in it."""
    if isinstance(schema, dict):
        if "__loader__" in schema or "__class__" in schema:
            loader = schema.get("__loader__")
            kind = f"{schema.get('__module__')}.{schema.get('__class__')}"
            if not isinstance(loader, str) or kind not in ALLOWED.get(loader, ()):
                yield f"{kind} ({loader})"
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from refused_in(part)
