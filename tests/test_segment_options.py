"""Options of `segment`: what windows are compared by, where they lie, and repetitions in their graph."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score

import audiofeat
from audiofeat import save, segment, segment_file, synth
from audiofeat.segmentation.beats import beat_times, interval_edges
from audiofeat.windows import cut_between

tracks_beats = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="librosa.beat is not imported without compilation")
BEAT, BAR = (pytest.param(name, marks=tracks_beats) for name in ("beat", "bar"))
SR = 8000.0
SONG = synth.ar_regimes("ABACBC", sr=SR, segment_duration=5.0, random_state=0)


def rand_index(found, song=SONG):
    centres = found.window_intervals.mean(axis=1)
    return adjusted_rand_score(
        [song.labels[i] for i in np.searchsorted(song.boundaries, centres) - 1], found.window_labels
    )


def tones(windows, sr):
    """Where the power of windows lies, in eight bands."""
    power = np.abs(np.fft.rfft(windows)) ** 2
    bands = np.stack([part.sum(axis=1) for part in np.array_split(power, 8, axis=1)], axis=1)
    return np.log(bands / bands.sum(axis=1, keepdims=True))


# --- distances

ALONE = ["cepstra", "sem", "semitones"]


@pytest.mark.parametrize("graph", [None, "knn", "paper", "local"])
@pytest.mark.parametrize("distances", [*ALONE, tones, {"sem": 1.0, tones: 2.0}], ids=[*ALONE, "function", "sum"])
def test_regimes_are_recovered_by_each_distance_and_their_sums(distances, graph):
    found = segment(SONG.y, SR, n_clusters=3, distances=distances, graph=graph)
    assert found.labels == SONG.labels
    assert rand_index(found) > 0.8  # windows across a change belong to neither side


@pytest.mark.parametrize("graph", [None, "knn"])
def test_a_matrix_is_what_a_function_gives(graph):
    windows = np.lib.stride_tricks.sliding_window_view(SONG.y, 8000)[::2000]
    by_function = segment(SONG.y, SR, n_clusters=3, distances=tones, graph=graph)
    features = tones(windows, SR)
    matrix = cdist(features, features)
    by_matrix = segment(SONG.y, SR, n_clusters=3, distances=matrix, graph=graph)
    assert by_matrix.window_labels == by_function.window_labels
    assert_allclose(by_matrix.distance, by_function.distance, rtol=1e-6, atol=1e-6)
    assert (by_function.parameters["distances"], by_matrix.parameters["distances"]) == ({"tones": 1.0}, "precomputed")


def test_a_matrix_counts_silent_windows():
    y = np.concatenate([np.zeros(80000), SONG.y])
    n = 1 + (len(y) - 8000) // 2000
    matrix = np.random.default_rng(0).uniform(1.0, 2.0, (n, n))
    matrix += matrix.T
    np.fill_diagonal(matrix, 0.0)
    found = segment(y, SR, distances=matrix, n_clusters=2)
    active = found.active
    assert 0 < len(active) < n
    sub = matrix[np.ix_(active, active)]
    assert_allclose(found.distance, sub / np.median(sub[np.triu_indices(len(sub), 1)]), rtol=1e-9)


def test_the_default_is_its_weights():
    named = {"cepstra": 1.0, "semitones": 0.3, "chroma": 0.3, "dynamics": 0.4}
    by_default, by_name = segment(SONG.y, SR, n_clusters=3), segment(SONG.y, SR, n_clusters=3, distances=named)
    assert by_default.parameters["distances"] == named
    assert_array_equal(by_default.distance, by_name.distance)


def test_a_function_sees_the_windows_as_they_are(tmp_path):
    seen = []

    def levels(windows, sr):
        seen.append((windows.copy(), sr))
        return np.log(np.abs(windows).mean(axis=1))[:, None]

    y = (0.1 * SONG.y / np.abs(SONG.y).max()).astype(np.float32)
    found = segment(y, SR, distances={levels: 1.0, "sem": 0.5}, n_clusters=2)
    assert_array_equal(
        np.concatenate([rows for rows, _ in seen]), np.lib.stride_tricks.sliding_window_view(y, 8000)[::2000]
    )
    assert {sr for _, sr in seen} == {SR}
    save(tmp_path / "song.wav", y, SR, subtype="FLOAT")
    of_file = segment_file(tmp_path / "song.wav", distances={levels: 1.0, "sem": 0.5}, n_clusters=2)
    assert_array_equal(of_file.distance, found.distance)


def test_rhythm_tells_tempi_apart():
    sr = 8000
    slow, fast = (synth.clicks(np.arange(0.05, 12.0, step), sr=sr, duration=12.0) for step in (0.61, 0.37))
    rng = np.random.default_rng(0)
    y = np.concatenate([slow, fast, slow, fast]) + 1e-3 * rng.standard_normal(48 * sr)
    found = segment(y, sr, n_clusters=2, distances="rhythm")
    assert found.labels == ["A", "B", "A", "B"]
    assert np.abs(found.boundaries[1:-1] - [12.0, 24.0, 36.0]).max() < 2.0


def test_preemphasis_comes_before_the_measure():
    filtered = np.concatenate([SONG.y[:1], SONG.y[1:] - 0.9 * SONG.y[:-1]])
    options = {"distances": "sem", "n_clusters": 3, "hop_duration": 1.0, "order": 1}
    ours = segment(SONG.y, SR, preemphasis=0.9, **options)
    assert_allclose(ours.distance, segment(filtered, SR, **options).distance, atol=0.05)  # but for first samples
    assert np.abs(ours.distance - segment(SONG.y, SR, **options).distance).max() > 0.5


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"distances": "mfcc"}, ValueError, "distances must be one of cepstra, chroma, .*, got 'mfcc'"),
        ({"distances": {}}, ValueError, "distances must hold at least one, got none"),
        ({"distances": {None: 1.0}}, TypeError, "distances must have names and functions for keys, got None"),
        ({"sync": ["a"]}, ValueError, r"sync must be 'beat', 'bar' or ascending times of 0 s or more, got \['a'\]"),
        ({"y": "song.wav"}, TypeError, "y must hold samples, got the path 'song.wav': audiofeat.load reads files"),
        ({"distances": {"sem": 0.0}}, ValueError, r"distances\['sem'\] must be > 0, got 0.0"),
        ({"distances": {"sem": "1"}}, TypeError, r"distances\['sem'\] must be a"),
        ({"distances": np.ones((3, 4))}, ValueError, "distances must be a name, a function, .* square matrix: .*3, 4"),
        (
            {"distances": np.ones((3, 3))},
            ValueError,
            r"distances must have shape \(117, 117\), a row to a window, got \(3, 3\)",
        ),
        ({"distances": -np.ones((117, 117))}, ValueError, "distances must be a name, .*"),
        (
            {"distances": lambda windows, sr: 1.0},
            ValueError,
            r"distances: <lambda> must return an array of shape \(117, n_f",
        ),
        (
            {"distances": lambda windows, sr: np.full((len(windows), 1), np.nan)},
            ValueError,
            "must return finite values, got nan",
        ),
        ({"preemphasis": 1.5}, ValueError, r"preemphasis must be in \[0, 1\], got 1.5"),
        ({"timelag": 0}, ValueError, "timelag must be >= 1, got 0"),
        ({"timelag": 4, "graph": "knn"}, ValueError, "width must be an odd number, got 4"),
        ({"timelag": 3, "graph": "paper"}, ValueError, "timelag must be 1 beside graph='paper', got 3"),
        ({"sync": "measure"}, ValueError, "sync must be one of bar, beat, got 'measure'"),
        (
            {"sync": [1.0, 0.5]},
            ValueError,
            r"sync must be 'beat', 'bar' or ascending times of 0 s or more, got \[1.0, 0.5\]",
        ),
        ({"sync": [1.0, np.inf]}, ValueError, "sync must be 'beat', 'bar' or ascending times"),
        ({"sync": "beat", "distances": "rhythm"}, ValueError, "sync must be None beside distances='rhythm'"),
        ({"min_silence": -1.0}, ValueError, "min_silence must be >= 0, got -1.0"),
    ],
)
def test_bad_options_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        segment(**({"y": SONG.y, "sr": SR} | parameters))


# --- sync


@pytest.mark.parametrize("n_clusters", [None, 3])
@pytest.mark.parametrize("graph", [None, "knn"])
def test_borders_are_on_the_times_that_are_given(n_clusters, graph):
    exact = segment(SONG.y, SR, sync=np.arange(1.0, 30.0), n_clusters=n_clusters, graph=graph)
    assert exact.labels == SONG.labels
    assert_array_equal(exact.boundaries, SONG.boundaries)
    times = np.sort(np.random.default_rng(0).uniform(0.2, 29.8, 40))
    found = segment(SONG.y, SR, sync=times, n_clusters=3, graph=graph)
    edges = interval_edges(times, SR) / SR
    assert np.abs(found.boundaries[1:-1, None] - edges).min(axis=1).max() == 0.0
    assert np.abs(found.boundaries[:, None] - SONG.boundaries).min(axis=1).max() < 1.0


def metronome(bpm, duration=24.0, sr=22050):
    times = np.arange(0.3, duration - 0.1, 60.0 / bpm)
    rng = np.random.default_rng(0)
    accents = np.where(np.arange(len(times)) % 4 == 1, 1.0, 0.25)
    y = sum(a * synth.clicks([t], sr=sr, duration=duration) for a, t in zip(accents, times, strict=True))
    noise = synth.ar_regimes("ABA", sr=sr, segment_duration=duration / 3, random_state=0).y
    return y + 3e-3 * noise / np.abs(noise).max() + 1e-4 * rng.standard_normal(len(y)), times


@tracks_beats
def test_windows_lie_on_beats_and_bars():
    y, times = metronome(100.0)
    beats = beat_times([y], 22050.0, bars=False)
    assert np.abs(beats[:, None] - times).min(axis=1).max() < 0.05
    bars = beat_times([y], 22050.0, bars=True)
    assert np.abs(bars[:, None] - times[1::4]).min(axis=1).max() < 0.05
    for sync, grid in (("beat", beats), ("bar", bars)):
        found = segment(y, 22050, sync=sync, n_clusters=2)
        edges = np.append(interval_edges(grid, 22050.0) / 22050.0, [0.0, 24.0])
        assert np.abs(found.boundaries[:, None] - edges).min(axis=1).max() < 1e-4
        assert found.labels == ["A", "B", "A"]
        assert np.abs(found.boundaries[1:-1] - [8.0, 16.0]).max() < (0.7 if sync == "beat" else 2.5)
        assert found.parameters["sync"] == sync


@pytest.mark.parametrize("sync", [BEAT, BAR, [3.0, 4.0, 5.5, 20.0, 1000.0]], ids=str)
def test_a_file_has_the_windows_of_its_signal(tmp_path, monkeypatch, sync):
    y, _ = metronome(130.0, duration=12.0, sr=8000)
    y = y.astype(np.float32)
    save(tmp_path / "song.wav", y / 2, 8000, subtype="FLOAT")
    for samples in (1 << 14, 1 << 21):
        monkeypatch.setattr("audiofeat.windows.SAMPLES", samples)
        of_file, expected = segment_file(tmp_path / "song.wav", sync=sync), segment(y / 2, 8000, sync=sync)
        assert_array_equal(of_file.window_samples, expected.window_samples)
        assert_array_equal(of_file.boundary_samples, expected.boundary_samples)
        assert_array_equal(of_file.distance, expected.distance)


@pytest.mark.parametrize("n_samples", [1, 100, 7999, 8000, 8001, 50000])
@pytest.mark.parametrize("sync", [BEAT, BAR, [0.0], [0.3], [0.01, 0.02, 0.9, 1.0, 3.0, 99.0]], ids=str)
def test_every_length_has_a_result(n_samples, sync):
    for y in (np.zeros(n_samples), np.random.default_rng(0).standard_normal(n_samples)):
        found = segment(y, 8000, sync=sync)
        assert found.boundary_samples[-1] == n_samples
        assert (np.diff(found.boundary_samples) > 0).all()
        assert (found.window_samples[:, 1] <= n_samples).all()


@pytest.mark.parametrize("samples", [1, 30, 1000])
@pytest.mark.parametrize("cuts", [[], [50], [1, 2, 3, 99], list(range(0, 100, 7))])
@pytest.mark.parametrize("edges", [[], [50], [1, 2, 3], [10, 40, 45, 99], [100], [30, 130], [5, 97, 98, 99, 200, 300]])
def test_windows_lie_in_the_middle_of_their_intervals(edges, cuts, samples, monkeypatch):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", samples)
    y, starts = np.arange(100.0), []
    blocks = list(cut_between(np.split(y, cuts), np.array(edges, np.intp), 20, starts))
    ends = [edge for edge in edges if edge < 100] + [100]
    begins = [0, *ends[:-1]]
    assert starts == [min(max(0, (a + b - 20) // 2), 80) for a, b in zip(begins, ends, strict=True)]
    assert_array_equal(np.concatenate(blocks), [y[start : start + 20] for start in starts])
    assert {len(block) for block in blocks[:-1]} <= {max(1, samples // 20)}


def test_long_intervals_are_cut():
    assert_array_equal(interval_edges(np.array([1.0, 2.0, 3.0, 8.0, 9.0]), 100.0), [100, 200, 300, 466, 633, 800, 900])


# --- timelag


def test_the_median_along_repetitions_finds_what_recurs_in_order():
    rng = np.random.default_rng(0)
    theme = rng.standard_normal((12, 4))
    rows = np.concatenate([theme, rng.standard_normal((10, 4)), theme, rng.standard_normal((10, 4))])
    D = cdist(rows, rows) + 0.3 * np.abs(rng.standard_normal((44, 44)))
    D = np.maximum(D, D.T)
    np.fill_diagonal(D, 0.0)
    graph = audiofeat.mutual_knn(D, n_neighbors=5)
    kept = audiofeat.timelag_median(graph, width=5).toarray() > 0
    repeated = np.zeros((44, 44), bool)
    repeated[np.arange(12), np.arange(22, 34)] = True
    repeated |= repeated.T
    assert kept[repeated].mean() > 0.8
    assert kept[~repeated].sum() < 10 < 100 < (graph.toarray() > 0)[~repeated].sum()


def test_a_graph_of_repetitions_segments_a_song():
    plain, enhanced = (segment(SONG.y, SR, n_clusters=3, graph="knn", timelag=width) for width in (1, 5))
    assert enhanced.affinity.nnz < plain.affinity.nnz
    assert enhanced.labels == SONG.labels
