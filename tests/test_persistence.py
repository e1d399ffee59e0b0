"""A model is the same after a round trip, and a file that is none is refused by name."""

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, StackingClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.svm import LinearSVC

from audiofeat import DescriptorTransformer, FeatureStatistics, FrontEnd, SegmentExcerpt, augment, baselines, preset
from audiofeat.datasets.table import AudioDataset, Item
from audiofeat.persistence import data_fingerprint, load_model, model_info, save_model
from audiofeat.voting import ClipVotingClassifier

ROOT = Path(__file__).parents[1]
sio = pytest.importorskip("skops.io", reason="skops is not installed")

rng = np.random.default_rng(0)
SIGNALS = np.concatenate([rng.normal(size=(6, 3000)), np.sin(np.outer(rng.uniform(0.1, 0.9, 6), np.arange(3000)))])
LABELS = np.repeat(["noise", "tone"], 6)
INPUT = {"preset": "kth2020", "n_frames": 4}
FRONT_END = FrontEnd(8000, n_mels=16, n_fft=512, window=("kaiser", 4.0))
RMS = FeatureStatistics(8000, names=["rms"], n_fft=512)

MODELS = {
    **{name: getattr(baselines, name)(**INPUT) for name in ("knn", "svm", "softmax", "decision_tree", "naive_bayes")},
    **{name: getattr(baselines, name)(2, **INPUT) for name in ("pca_knn", "pca_svm")},
    "cosine": baselines.knn(metric="cosine", **INPUT),
    "manhattan": baselines.knn(metric="manhattan", features=RMS),
    "ball": make_pipeline(RMS, KNeighborsClassifier(algorithm="ball_tree")),
    "statistics": baselines.knn(features=RMS),
    "union": baselines.knn(features=make_union(RMS, DescriptorTransformer(names=["rms"], sr=8000, n_frames=2))),
    "excerpt": baselines.knn(features=SegmentExcerpt(8000, duration=0.1)),
    "forest": make_pipeline(MinMaxScaler(), RandomForestClassifier(3, random_state=0)),
    "extra": ExtraTreesClassifier(3, random_state=0),
    "linear": LinearSVC(random_state=0),
    "votes": ClipVotingClassifier(baselines.svm(preset=FRONT_END, n_frames=4), clip_duration=0.1),
    "grid": GridSearchCV(baselines.svm(features=RMS), {"classifier__C": [0.5, 2.0], "scaler": ["passthrough"]}, cv=2),
    "scored": GridSearchCV(
        baselines.knn(2, features=RMS),
        [{"classifier__n_neighbors": [1]}, {"classifier__weights": ["distance"]}],
        scoring={"f1": "f1_macro", "balanced": "balanced_accuracy"},
        refit="f1",
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
    ),
    "sampled": RandomizedSearchCV(baselines.svm(features=RMS), {"classifier__C": [1.0, 2.0, 4.0]}, n_iter=2, cv=2),
    "stacked": StackingClassifier([("a", baselines.knn(features=RMS)), ("b", baselines.svm(features=RMS))], cv=2),
    "sigmoid": CalibratedClassifierCV(baselines.svm(features=RMS), cv=2),
    "isotonic": CalibratedClassifierCV(baselines.svm(features=RMS), cv=2, method="isotonic", ensemble=False),
    "augmented": augment.AugmentedClassifier(baselines.knn(features=RMS), which=(("gain", -6.0),)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_round_trip_changes_nothing(name, tmp_path):
    path, model = tmp_path / "model.skops", MODELS[name].fit(SIGNALS, LABELS)
    save_model(path, model)
    again = load_model(path)
    assert repr(again) == repr(model)
    assert_array_equal(again.predict(SIGNALS), model.predict(SIGNALS))
    for method in ("predict_proba", "decision_function"):
        if hasattr(model, method):
            assert_array_equal(getattr(again, method)(SIGNALS), getattr(model, method)(SIGNALS))
    assert_array_equal(again.classes_, LABELS[[0, -1]])
    assert_array_equal(again.fit(SIGNALS, LABELS).predict(SIGNALS), model.predict(SIGNALS))
    assert [p.name for p in tmp_path.iterdir()] == ["model.skops"]


def test_a_search_keeps_its_table(tmp_path):
    model = MODELS["scored"].fit(SIGNALS, LABELS)
    save_model(tmp_path / "a", model)
    again = load_model(tmp_path / "a")
    assert again.cv_results_.keys() == model.cv_results_.keys()
    for column, values in model.cv_results_.items():
        assert type(again.cv_results_[column]) is type(values)
        assert_array_equal(np.ma.getmaskarray(again.cv_results_[column]), np.ma.getmaskarray(values))
        assert np.all(again.cv_results_[column] == values)
    assert again.best_params_ == model.best_params_
    assert again.score(SIGNALS, LABELS) == model.score(SIGNALS, LABELS)


def test_the_front_end_that_a_search_chose_is_in_the_header(tmp_path):
    grid = {"features__frontend": [FRONT_END]}
    search = GridSearchCV(baselines.knn(1, preset="kth2020", n_frames=4), grid, cv=2).fit(SIGNALS, LABELS)
    save_model(tmp_path / "model.skops", search)
    found = model_info(tmp_path / "model.skops").frontends
    assert found["best_estimator__features__frontend"] == FRONT_END
    assert found["estimator__features__frontend"] == preset("kth2020")


def test_a_search_by_another_score_is_refused(tmp_path):
    for name, scoring in {"matthews_corrcoef": "matthews_corrcoef", "score_by_ear": make_scorer(score_by_ear)}.items():
        search = GridSearchCV(baselines.knn(1, features=RMS), {"classifier__p": [1]}, cv=2, scoring=scoring)
        with pytest.raises(ValueError, match=rf"load_model allows, got .*{name} \(FunctionNode\)"):
            save_model(tmp_path / "a", search.fit(SIGNALS, LABELS))


def score_by_ear(y_true, y_pred):
    return 1.0


def test_tempi_and_integer_classes(tmp_path):
    model = baselines.tempo_nn(sr=None).fit([[90.0], [120.0], [180.0]], [3, 1, 2])
    save_model(tmp_path / "a", model)
    assert load_model(str(tmp_path / "a")).predict([[100.0], [170.0]]).tolist() == [3, 2]
    assert model_info(tmp_path / "a").classes == [1, 2, 3]
    transformer = baselines.TempoTransformer(8000).fit([SIGNALS[0]])
    save_model(tmp_path / "a", transformer)  # replaces
    assert load_model(tmp_path / "a").sr_ == 8000
    assert model_info(tmp_path / "a").classes is None


def dataset(folder, *, label="pop", backwards=False):
    items = [Item(f"{folder}/{i}.wav", label, str(i), "", "") for i in range(3)]
    return AudioDataset(items=tuple(items[::-1] if backwards else items), name="x", problems=())


def test_the_header_tells_what_the_model_was_made_of(tmp_path, monkeypatch):
    save_model(tmp_path / "a", MODELS["votes"].fit(SIGNALS, LABELS), data=dataset("b"), metadata={"folds": [1, 2]})
    monkeypatch.setattr("audiofeat.persistence.models._skops", None)  # which is not asked
    info = model_info(tmp_path / "a")
    assert info.classes == ["noise", "tone"]
    assert info.frontends == {"estimator__features__frontend": FRONT_END}
    assert info.versions.keys() == {"audiofeat", "numpy", "scikit-learn", "scipy", "skops"}
    assert info.data == data_fingerprint(dataset("b"))
    assert info.metadata == {"folds": [1, 2]}


def test_a_fingerprint_is_of_the_rows():
    assert data_fingerprint(dataset("a")) == data_fingerprint(dataset("b/c", backwards=True))
    assert data_fingerprint(dataset("a")) != data_fingerprint(dataset("a", label="jazz"))
    assert data_fingerprint(dataset("a")) != data_fingerprint(dataset("a")[:2])


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        (baselines.svm(), {}, ValueError, "estimator must be fitted"),
        (make_pipeline(FunctionTransformer(np.abs), KNeighborsClassifier()), {}, ValueError, "FunctionTransformer"),
        (baselines.svm(), {"metadata": {"a": {1}}}, TypeError, "not JSON serializable"),
    ],
)
def test_what_cannot_be_saved_leaves_the_old_file(model, options, error, message, tmp_path):
    (tmp_path / "a").write_text("old")
    model = model if "fitted" in message else model.fit(SIGNALS, LABELS)
    with pytest.raises(error, match=message):
        save_model(tmp_path / "a", model, **options)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.skops"
    save_model(path, MODELS["statistics"].fit(SIGNALS, LABELS))
    return path


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, *, compression=zipfile.ZIP_STORED, seal=True):
    """Write an archive, with checksums that fit if asked: a forger can compute them too."""
    members = dict(members)
    if seal:
        header = json.loads(members["audiofeat.json"])
        others = {name: content for name, content in members.items() if name != "audiofeat.json"}
        header["checksums"] = {name: hashlib.sha256(content).hexdigest() for name, content in others.items()}
        members["audiofeat.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def edited(members, name, edit):
    told = json.loads(members[name])
    edit(told)
    return members | {name: json.dumps(told).encode()}


def refuse(path, message):
    with pytest.raises(ValueError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


class Bomb:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("exploded",))


def first_step(schema):
    """Return the state of the pipeline's first transformer, for a forger."""
    return next(node for node in nodes(schema) if node.get("__class__") == "FeatureStatistics")


def nodes(part):
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from nodes(inner)


FORGED = {
    "score": {"__class__": "get_scorer", "__module__": "sklearn.metrics", "__loader__": "FunctionNode"},
    "object": {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode"},
    "function": {"__class__": "function", "__module__": "os", "__loader__": "FunctionNode", "content": "system"},
    "reduce": {"__class__": "list", "__module__": "builtins", "__loader__": "ConstructorFromReduceNode"},
    "method": {"__class__": "Pipeline", "__module__": "sklearn.pipeline", "__loader__": "MethodNode"},
    "another estimator": {"__class__": "FunctionTransformer", "__loader__": "ObjectNode"},
    "no loader": {"__loader__": None},
    "numbers": {"__loader__": 1, "__module__": 2},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_type_that_is_not_allowed_is_named(forged, saved, tmp_path):
    members = edited(members_of(saved), "schema.json", lambda schema: first_step(schema).update(forged))
    write(tmp_path / "a", members)
    refuse(tmp_path / "a", "it holds types that are not allowed: ")
    with pytest.raises(ValueError, match=str(forged.get("__class__", "FeatureStatistics"))):
        load_model(tmp_path / "a")


def test_a_foreign_model_of_skops_is_refused(tmp_path):
    sio.dump(KNeighborsClassifier().fit(SIGNALS, LABELS), tmp_path / "a")
    refuse(tmp_path / "a", r"lacks audiofeat\.json")


def test_pickles_are_not_run(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_bytes(pickle.dumps(Bomb()))
    refuse(tmp_path / "a", "no whole archive")
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()], dtype=object), allow_pickle=True)
    members = members_of(saved)
    array = next(name for name in members if name.endswith(".npy"))
    write(tmp_path / "a", members | {array: buffer.getvalue()})
    refuse(tmp_path / "a", "cannot be built")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(share, saved, tmp_path):
    content = saved.read_bytes()
    (tmp_path / "a").write_bytes(content[: int(share * len(content))])
    refuse(tmp_path / "a", "no whole archive")


def test_any_changed_byte_of_data_is_found(saved, tmp_path):
    content = saved.read_bytes()
    for place in range(40, len(content) - 2000, len(content) // 20):
        (tmp_path / "a").write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        refuse(tmp_path / "a", "is no model that can be loaded")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"../evil.npy": b""}, "has members"),
        ({"/etc/evil": b""}, "has members"),
        ({"1.npz": b""}, "has members"),
        ({"folder/": b""}, "has members"),
        ({"schema.json": b"{"}, "schema.json cannot be read"),
        ({"schema.json": b"[" * 100000}, "schema.json cannot be read"),
        ({"schema.json": b"{}"}, "cannot be built"),
        ({"schema.json": b'{"protocol": 2, "_skops_version": "0.16.0"}'}, "cannot be built"),
    ],
)
def test_strange_members_are_refused(more, message, saved, tmp_path):
    write(tmp_path / "a", members_of(saved) | more)
    refuse(tmp_path / "a", message)


def test_what_unpacks_to_more_than_the_file_is_refused(saved, tmp_path):
    write(tmp_path / "a", members_of(saved) | {"7.npy": bytes(10**6)}, compression=zipfile.ZIP_DEFLATED)
    refuse(tmp_path / "a", "compressed")


def test_a_missing_or_exchanged_array_is_found(saved, tmp_path):
    members = members_of(saved)
    arrays = [name for name in members if name.endswith(".npy")]
    write(tmp_path / "a", members | {arrays[0]: members[arrays[1]]}, seal=False)
    refuse(tmp_path / "a", "has not the checksum")
    write(tmp_path / "a", {name: content for name, content in members.items() if name != arrays[0]})
    refuse(tmp_path / "a", "cannot be built")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda told: told.update(format="other"), "format 'audiofeat model', got 'other'"),
        (lambda told: told.update(version=2), "version 1, got 2"),
        (lambda told: told.pop("versions"), "audiofeat.json cannot be read"),
        (lambda told: told["versions"].pop("scikit-learn"), "audiofeat.json cannot be read"),
        (lambda told: told.update(frontends=[]), "audiofeat.json cannot be read"),
        (lambda told: told.update(classes=["tone", "noise"]), "tells of the classes"),
        (lambda told: told["versions"].update({"scikit-learn": "0.9.1"}), "must be of scikit-learn"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(edit, message, saved, tmp_path):
    write(tmp_path / "a", edited(members_of(saved), "audiofeat.json", edit))
    refuse(tmp_path / "a", message)


def test_another_version_can_be_loaded_on_request(saved, tmp_path):
    edit = edited(members_of(saved), "audiofeat.json", lambda told: told["versions"].update({"scikit-learn": "0.9.1"}))
    write(tmp_path / "a", edit)
    assert load_model(tmp_path / "a", check_versions=False).predict(SIGNALS).shape == (12,)


def test_a_preset_that_has_changed_is_refused(tmp_path, monkeypatch):
    save_model(tmp_path / "a", MODELS["svm"].fit(SIGNALS, LABELS))
    monkeypatch.setattr("audiofeat.persistence.models.preset", lambda name: FRONT_END)
    refuse(tmp_path / "a", "tells of the front ends")


def test_a_new_process_needs_the_file_alone(saved):
    code = f"from audiofeat.persistence import load_model; print(*load_model({str(saved)!r}).classes_)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["noise", "tone"]


def test_without_skops_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ModuleNotFoundError, match=r"audiofeat\[persist\]"):
        save_model(tmp_path / "a", MODELS["statistics"].fit(SIGNALS, LABELS))


def test_a_missing_file_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none")
