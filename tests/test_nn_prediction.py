"""Prediction of tracks: as the definition, however they come, in memory that does not grow."""

import tracemalloc

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from numpy.testing import assert_allclose, assert_array_equal  # noqa: E402

from audiofeat import AudioClip, FrontEnd, save, vote  # noqa: E402
from audiofeat_nn import create_model  # noqa: E402
from audiofeat_nn.checkpoint import LoadedNetwork, save_network  # noqa: E402
from audiofeat_nn.data import Cutting, Normalization, SampleBlocks  # noqa: E402
from audiofeat_nn.prediction import Failure, Prediction, Predictor, plot_timeline  # noqa: E402

torch.set_num_threads(1)

SR = 8000
FRONT_END = FrontEnd(SR, n_fft=256, hop_length=128, n_mels=20)
NORMALIZATION = Normalization(np.linspace(-30.0, -20.0, 20), np.full(20, 7.0))
CLASSES = ("calm", "loud", "odd")


def network(*, front_end=FRONT_END, seed=0, **notes):
    torch.manual_seed(seed)
    model = create_model("time", n_classes=3, n_bands=20, n_frames=24, length=10, n_filters=4).eval()
    for parameter in model.parameters():  # so that probabilities are not all alike
        parameter.data *= 4.0
    return LoadedNetwork(model, front_end, CLASSES, NORMALIZATION, {"notes": notes})


def noise(n, *, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.uniform(-0.9, 0.9, n) * np.abs(np.sin(np.arange(n) / 3000.0))).astype(np.float32)


@pytest.mark.parametrize("how", ["mean_proba", "majority", "sum_log_proba"])
@pytest.mark.parametrize("batch_size", [1, 5, 100])
def test_a_track_is_the_vote_of_its_patches(how, batch_size):
    y, loaded = noise(3 * SR), network()
    found = Predictor(loaded, cutting=Cutting(overlap=0.5), vote=how, batch_size=batch_size)(y)
    S = (FRONT_END(y) - NORMALIZATION.mean[:, None]) / 7.0
    begins = range(0, S.shape[1] - 23, 12)
    x = torch.tensor(np.stack([S[:, k : k + 24] for k in begins]), dtype=torch.float32)[:, None]
    with torch.no_grad():
        expected = loaded.model(x).double().softmax(dim=1).numpy()
    assert_allclose(found.proba_in_time, expected, atol=1e-6)
    assert np.ptp(expected, axis=0).max() > 0.05  # patches differ
    voted = vote(found.proba_in_time, np.zeros(len(expected)), how=how, classes=CLASSES)
    assert_array_equal(found.proba, voted.proba[0])
    assert found.label == voted.labels[0] == found.classes[found.proba.argmax()]
    assert_allclose(found.times[:, 0], np.array(begins) * 128 / SR)
    assert_allclose(found.times[:, 1] - found.times[:, 0], 24 * 128 / SR)


def sources(tmp_path):
    """Tracks of several lengths in every form, and their samples."""
    signals = [noise(n, seed=n) for n in (2 * SR, 500, 3 * SR + 77, SR)]
    for i, y in enumerate(signals):
        save(tmp_path / f"{i}.wav", y, SR, subtype="FLOAT")
    clip = AudioClip(tmp_path / "2.wav", 0.5, 1.5)
    given = [tmp_path / "0.wav", str(tmp_path / "1.wav"), signals[2], AudioClip(tmp_path / "3.wav"), clip]
    return given, [*signals, signals[2][SR // 2 : 3 * SR // 2]]


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_many_tracks_are_predicted_as_each_alone(tmp_path, batch_size):
    given, signals = sources(tmp_path)
    predictor = Predictor(network(), batch_size=batch_size)
    for found, y in zip(predictor.many(given), signals, strict=True):
        alone = predictor(y)
        assert found.label == alone.label
        for name in ("proba", "times", "proba_in_time"):
            assert_array_equal(getattr(found, name), getattr(alone, name))


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_batches_across_tracks_change_rounding_only(tmp_path, batch_size, monkeypatch):
    given, signals = sources(tmp_path)
    expected = [Predictor(network())(y) for y in signals]
    predictor = Predictor(network(), batch_size=batch_size)
    sizes = []

    def counted(patches, forward=predictor._probabilities):
        sizes.append(len(patches))
        return forward(patches)

    monkeypatch.setattr(predictor, "_probabilities", counted)
    monkeypatch.setattr(predictor, "apart", False)  # as on a GPU
    missing = tmp_path / "missing.wav"
    found = list(predictor.many([given[0], missing, *given[1:]], on_error="record"))
    assert max(sizes) == min(batch_size, sum(len(each.times) for each in expected))
    assert all(size == batch_size for size in sizes[:-1])
    failure = found.pop(1)
    assert isinstance(failure, Failure)
    assert failure.source == missing
    assert "missing.wav" in failure.reason
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one.proba_in_time, other.proba_in_time, atol=1e-6)
        assert_array_equal(one.times, other.times)
        assert one.label == other.label


def test_a_track_that_fails_is_recorded_and_leaves_nothing_behind():
    y, wrong = noise(2 * SR), noise(2 * SR)
    wrong[-1] = np.nan
    predictor = Predictor(network(), batch_size=64)
    for apart in (True, False):
        predictor.apart = apart
        one, failure, two, other = predictor.many([y, wrong, y, np.zeros((7, 30))], on_error="record")
        assert "finite" in failure.reason
        assert isinstance(other, Failure)
        assert_allclose(one.proba_in_time, two.proba_in_time, atol=1e-6)
        with pytest.raises(ValueError, match="finite"):
            list(predictor.many([y, wrong]))
    with pytest.raises(ValueError, match="on_error must be one of raise, record"):
        list(predictor.many([y], on_error="skip"))


def test_what_was_read_of_a_broken_file_is_not_predicted(tmp_path, monkeypatch):
    y = noise(120 * SR)
    for name in ("whole", "cut"):
        save(tmp_path / f"{name}.wav", y, SR)
    content = (tmp_path / "cut.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[: len(content) * 3 // 4])
    predictor, n_seen = Predictor(network(), batch_size=10**6), []
    monkeypatch.setattr(predictor, "_probabilities", lambda patches: n_seen.append(len(patches)) or np.ones((1, 3)) / 3)
    (failure,) = predictor.many([tmp_path / "cut.wav"], on_error="record")
    assert "cut.wav" in failure.reason
    assert n_seen == []


def test_bands_are_counted_before_the_network_sees_them():
    loaded = network()._replace(normalization=None)
    y, wrong = noise(SR), np.zeros((7, 30))
    one, failure, two = Predictor(loaded).many([y, wrong, y], on_error="record")
    assert failure.reason == "features must have 20 bands, got shape (7, 24)"
    assert_array_equal(one.proba, two.proba)


def test_tracks_are_predicted_when_they_are_asked_for():
    asked = []

    def tracks():
        for i in range(3):
            asked.append(i)
            yield noise(SR, seed=i)

    found = Predictor(network()).many(tracks())
    assert isinstance(next(found), Prediction)
    assert asked == [0]
    assert len(list(found)) == 2
    assert list(Predictor(network()).many([])) == []


def peak(predictor, path):
    tracemalloc.start()
    try:
        found = predictor(path)
        return tracemalloc.get_traced_memory()[1], len(found.times)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("cutting", [None, Cutting(clip_duration=3.0)], ids=["patches", "clips"])
def test_memory_does_not_grow_with_the_length_of_a_file(tmp_path, cutting):
    for minutes in (3, 12):
        save(tmp_path / f"{minutes}.wav", noise(minutes * 60 * SR), SR)
    predictor = Predictor(network(), cutting=cutting)
    predictor(tmp_path / "3.wav")  # what is loaded once
    (short, few), (long, many) = (peak(predictor, tmp_path / f"{minutes}.wav") for minutes in (3, 12))
    assert many >= 3.9 * few
    assert long < short + 1.5e6
    assert long < 12 * 60 * SR * 4 * 0.7  # less than the samples alone


def test_a_saved_network_knows_how_it_is_cut(tmp_path):
    cutting = Cutting(clip_duration=0.4, overlap=0.5)
    loaded, y = network(), noise(2 * SR)
    options = {"classes": CLASSES, "front_end": FRONT_END, "normalization": NORMALIZATION}
    path = save_network(loaded.model, tmp_path, notes={"cutting": cutting.to_dict()}, **options)
    expected = Predictor(loaded, cutting=cutting)(y)
    for given in (path, tmp_path):
        found = Predictor(given)(y)
        assert_array_equal(found.proba_in_time, expected.proba_in_time)
    assert_allclose(found.times[:, 1] - found.times[:, 0], 0.4)
    assert len(Predictor(path, cutting="pons2016")(y).times) == 126 // 24
    assert len(Predictor(network(cutting=cutting.to_dict()))(y).times) == len(expected.times)


def test_a_network_that_reads_samples():
    model = create_model("gru-raw", n_classes=3, n_bands=50, n_frames=4, n_units=4).eval()
    loaded = LoadedNetwork(model, None, CLASSES, None, {"notes": {"sr": 100}})
    found = Predictor(loaded)(noise(1000))
    assert_allclose(found.times, 2.0 * np.stack([np.arange(5), np.arange(1, 6)], axis=1))
    other = Predictor(LoadedNetwork(model, None, CLASSES, None, {}), front_end=SampleBlocks(100, 50))(noise(1000))
    assert_array_equal(other.proba_in_time, found.proba_in_time)
    with pytest.raises(ValueError, match="frontend must be given"):
        Predictor(LoadedNetwork(model, None, CLASSES, None, {}))(noise(1000))
    x = torch.from_numpy(noise(1000)[:200].reshape(4, 50).T.copy())[None, None]
    with torch.no_grad():
        assert_allclose(found.proba_in_time[0], model(x).double().softmax(1)[0], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vote": "mean"}, "vote must be one of"),
        ({"batch_size": 0}, "batch_size must be >= 1"),
        ({"cutting": "feng"}, "cutting must be one of"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Predictor(network(), **options)
    with pytest.raises(FileNotFoundError):
        Predictor("no-such.safetensors")


def test_a_timeline_shows_every_probability():
    pytest.importorskip("matplotlib")
    found = Predictor(network(), cutting=Cutting(overlap=0.5))(noise(3 * SR))
    figure = plot_timeline(found)
    (axes,) = figure.axes
    assert axes.get_title() == found.label
    assert axes.get_xlim() == (found.times[0, 0], found.times[-1, 1])
    middles, below = found.times.mean(axis=1), np.zeros(len(found.times))
    for area, column in zip(axes.collections, found.proba_in_time.T, strict=True):
        outline = area.get_paths()[0].vertices
        for x, low, high in zip(middles, below, below + column, strict=True):
            heights = outline[np.isclose(outline[:, 0], x), 1]
            assert_allclose([heights.min(), heights.max()], [low, high], atol=1e-9)
        below = below + column
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(CLASSES[::-1])
    assert plot_timeline(found, title="song").axes[0].get_title() == "song"
    with pytest.raises(TypeError, match="found must be a Prediction, got Failure"):
        plot_timeline(Failure("a", "b"))


@pytest.mark.gpu
def test_a_gpu_predicts_what_a_cpu_does():
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    tracks = [noise(n, seed=n) for n in (SR, 3 * SR, 2 * SR)]
    expected = [Predictor(network())(y) for y in tracks]
    for found, wanted in zip(Predictor(network(), device="cuda").many(tracks), expected, strict=True):
        assert_allclose(found.proba_in_time, wanted.proba_in_time, atol=1e-4)
