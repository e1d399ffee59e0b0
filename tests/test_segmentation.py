"""Laws of `segment`: recovery of known structure, invariances, odd input, and a result for every input."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.linalg import eigh, solve_toeplitz
from scipy.signal import lfilter
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

import audiofeat
from audiofeat import segment, synth
from audiofeat.labels import absorb_short, name_clusters
from audiofeat.segmentation.energy import MOST

SR = 8000.0
WINDOW = 0.25  # 2000 samples
GRIDS = {
    "paper preset": {"preset": "ucsd2020"},
    "paper kernel": {"graph": "paper", "lags": 20, "normalize": "window"},
}


def regimes(k, seed, segments=None, windows=6):
    """An AR signal of k regimes, each heard at least once and some again, changing on borders of windows."""
    rng = np.random.default_rng(seed)
    sequence = list(range(1, k + 1))
    while len(sequence) < (segments or 2 * k + 1):
        c = 1 + int(rng.integers(k))
        if k == 1 or c != sequence[-1]:
            sequence.append(c)
    return synth.ar_regimes(
        sequence, sr=SR, segment_duration=windows * WINDOW, n_regimes=k, random_state=rng.integers(1 << 31)
    )


def aligned(song, **parameters):
    return segment(song.y, song.sr, window_duration=WINDOW, hop_duration=WINDOW, **parameters)


def rand_index(song, found):
    """Adjusted Rand index over the centres of the windows."""
    centres = found.window_intervals.mean(axis=1)
    true = [song.labels[i] for i in np.searchsorted(song.boundaries, centres) - 1]
    ours = [found.labels[i] for i in np.searchsorted(found.boundaries, centres) - 1]
    return adjusted_rand_score(true, ours)


@pytest.mark.parametrize("k", range(2, 7))
@pytest.mark.parametrize("name", GRIDS)
def test_regimes_are_recovered_exactly(name, k):
    for seed in range(20):
        song = regimes(k, seed)
        found = aligned(song, n_clusters=k, **GRIDS[name])
        assert rand_index(song, found) == 1.0
        assert_array_equal(found.boundaries, song.boundaries)


@pytest.mark.parametrize("k", range(2, 7))
@pytest.mark.parametrize("windows", [4, 6])
def test_regimes_are_recovered_by_default(k, windows):
    scores = []
    for seed in range(20):
        song = regimes(k, seed, windows=windows)
        scores.append(rand_index(song, aligned(song, n_clusters=k)))
    assert np.mean(scores) >= 0.98


@pytest.mark.parametrize("k", range(1, 7))
@pytest.mark.parametrize("preset", ["default", "ucsd2020"])
def test_number_of_regimes_is_estimated(preset, k):
    for seed in range(5):
        song = regimes(k, seed, windows=8)
        found = aligned(song, preset=preset)
        assert found.n_clusters == k
        assert found.confidence > 0.0


def test_unaligned_changes_are_found_within_one_window():
    song = synth.ar_regimes("ABACBC", sr=SR, segment_duration=3.37, random_state=3)
    for parameters in ({}, *GRIDS.values()):
        found = segment(song.y, SR, n_clusters=3, window_duration=0.5, min_duration=1.0, **parameters)
        assert len(found.boundaries) == len(song.boundaries)
        assert np.abs(found.boundaries - song.boundaries).max() <= 0.5


def transcription(windows, order, lags, k):
    """Algorithms 1 to 3 of the paper with loops, a filter, a dense solver and k-means."""
    n, m = windows.shape
    S = np.empty((n, n))
    for i, reference in enumerate(windows):
        r = np.correlate(reference, reference, "full")[m - 1 : m + order] / m
        a = solve_toeplitz(r[:-1], r[1:])
        noise = r[0] - a @ r[1:]
        for j, sliding in enumerate(windows):
            e = lfilter(np.append(1.0, -a), [1.0], sliding)
            c = np.array([e[lag:] @ e[: m - lag] for lag in range(lags + 1)]) / m
            S[i, j] = (noise / c[0] - 1.0) ** 2 + 2.0 * ((c[1:] / c[0]) ** 2).sum()
    A = np.exp(-(((S + S.T) / 2.0) ** 2))
    np.fill_diagonal(A, 0.0)
    d = A.sum(axis=1)
    U = eigh(A / np.sqrt(np.outer(d, d)))[1][:, -k:]
    T = U / np.linalg.norm(U, axis=1, keepdims=True)
    return KMeans(k, n_init=50, random_state=0).fit_predict(T)


def test_partition_is_that_of_a_plain_transcription():
    for seed in range(3):
        song = regimes(3, seed, windows=3)
        expected = transcription(song.y.reshape(-1, int(WINDOW * SR)), 12, 20, 3)
        found = aligned(song, n_clusters=3, preset="ucsd2020", lags=20)
        assert adjusted_rand_score(expected, found.window_labels) == 1.0


def test_level_of_windows_does_not_matter_by_default():
    for seed in range(8):
        song = regimes(3, seed, segments=7, windows=9)
        gains = 10.0 ** (np.random.default_rng(seed).normal(0.0, 10.0, 63) / 20.0)
        jittered = song._replace(y=song.y * np.repeat(gains, int(WINDOW * SR)))
        for parameters in ({}, {"graph": "paper"}):
            assert rand_index(song, aligned(jittered, n_clusters=3, **parameters)) == 1.0


SONG = regimes(3, 0)


@given(
    exponent=st.floats(-4.0, 4.0), sign=st.sampled_from([-1.0, 1.0]), preset=st.sampled_from(["default", "ucsd2020"])
)
def test_gain_and_polarity_do_not_matter(exponent, sign, preset):
    found, expected = (aligned(SONG._replace(y=y), preset=preset) for y in (sign * 10.0**exponent * SONG.y, SONG.y))
    assert found.window_labels == expected.window_labels
    assert_array_equal(found.boundary_samples, expected.boundary_samples)


@given(
    seed=st.integers(0, 99),
    exponent=st.floats(-2.0, 0.0),
    dtype=st.sampled_from(["float32", "int16", "int32", ">f8"]),
    preset=st.sampled_from(["default", "ucsd2020"]),
)
def test_dtype_does_not_matter(seed, exponent, dtype, preset):
    song = regimes(2, seed, windows=4)
    y = 10.0**exponent * song.y / np.abs(song.y).max()
    steps = {"int16": 32767, "int32": 2147483647}.get(dtype)
    other = np.round(y * steps).astype(dtype) if steps else y.astype(dtype)
    found, expected = (aligned(song._replace(y=x), preset=preset, n_clusters=2) for x in (other, y))
    assert found.window_labels == expected.window_labels


@pytest.mark.parametrize("preset", ["default", "ucsd2020"])
def test_dtype_layout_and_extreme_level_do_not_matter(preset):
    y = SONG.y / np.abs(SONG.y).max() * 0.99
    expected = aligned(SONG._replace(y=y), preset=preset)
    frozen = y.copy()
    frozen.setflags(write=False)
    strided = np.repeat(y, 2)[::2]
    pcm = np.round(y * 32767).astype(np.int16)
    for other in (y.astype(np.float32), pcm, frozen, strided, y.astype(">f8"), y * 1e-200, y * 1e150, np.stack([y, y])):
        assert aligned(SONG._replace(y=other), preset=preset).window_labels == expected.window_labels


@given(order=st.permutations(range(len(SONG.labels))))
def test_moving_sections_moves_their_labels(order):
    parts = SONG.y.reshape(len(SONG.labels), -1)
    found = aligned(SONG._replace(y=parts[order].ravel()), preset="ucsd2020", n_clusters=3)
    moved = SONG._replace(labels=[SONG.labels[i] for i in order])
    assert rand_index(moved, found) == 1.0


@given(seed=st.integers(0, 99), n_hops=st.integers(1, 8), preset=st.sampled_from(["default", "ucsd2020"]))
def test_a_shift_by_hops_shifts_boundaries_by_as_many(seed, n_hops, preset):
    song = synth.ar_regimes("ABAC", sr=SR, segment_duration=5.0, random_state=seed)
    hop = 0.25 if preset == "default" else 0.5
    parameters = {"n_clusters": 3, "window_duration": 0.5, "hop_duration": hop, "preset": preset}
    whole = segment(song.y, SR, **parameters)
    shifted = segment(song.y[round(n_hops * hop * SR) :], SR, **parameters)
    assert shifted.labels == whole.labels
    assert np.abs(shifted.boundaries[1:-1] + n_hops * hop - whole.boundaries[1:-1]).max() <= hop


def test_a_signal_twice_has_its_labels_twice():
    once = aligned(SONG, n_clusters=3, preset="ucsd2020")
    twice = aligned(SONG._replace(y=np.tile(SONG.y, 2)), n_clusters=3, preset="ucsd2020")
    assert twice.window_labels == 2 * once.window_labels


@pytest.mark.parametrize("preset", ["default", "ucsd2020"])
def test_runs_agree_to_the_bit_and_leave_the_global_generator_alone(preset):
    found = []
    for seed in range(10):
        np.random.seed(seed)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        found.append(aligned(SONG, preset=preset))
        assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    for other in found[1:]:
        assert other.window_labels == found[0].window_labels
        assert_array_equal(other.eigenvalues, found[0].eigenvalues)
        assert_array_equal(other.distance, found[0].distance)


@pytest.mark.slow
def test_the_partition_does_not_depend_on_the_number_of_threads():
    code = (
        "import audiofeat; s = audiofeat.synth.song(random_state=0);print(audiofeat.segment(s.y, s.sr).window_labels)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"OMP_NUM_THREADS": n, "OPENBLAS_NUM_THREADS": n, "PATH": ""},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for n in ("1", "2", "4")
    }
    assert len(printed) == 1


RNG = np.random.default_rng(0)
ODD = {  # input: (sr, labels by default, labels by the paper's preset; None: anything lawful)
    "one sample": (np.array([0.5]), 22050, ["A"]),
    "one zero": (np.array([0.0]), 22050, ["silence"]),
    "shorter than a window": (RNG.standard_normal(100), 22050, ["A"]),
    "one window and one sample": (RNG.standard_normal(22051), 22050, ["A"]),
    "zeros": (np.zeros(50000), 22050, ["silence"]),
    "DC": (np.ones(100000), 22050, ["A"]),
    "one click": (np.eye(1, 100000, 50000)[0], 22050, ["silence", "A", "silence"]),
    "tone": (synth.tone(440.0, sr=22050, duration=5.0), 22050, ["A"]),
    "high tone": (synth.tone(9000.0, sr=22050, duration=5.0), 22050, ["A"]),
    "square": (np.sign(synth.tone(100.0, sr=22050, duration=5.0)), 22050, None),
    "noise": (RNG.standard_normal(200000), 22050, ["A"]),
    "int16": ((RNG.standard_normal(100000) * 3000).astype(np.int16), 22050, ["A"]),
    "uint8": (RNG.integers(0, 256, 100000).astype(np.uint8), 22050, ["A"]),
    "stereo": (RNG.standard_normal((2, 100000)), 22050, ["A"]),
    "channels that cancel": (np.stack([np.ones(50000), -np.ones(50000)]), 22050, ["silence"]),
    "denormal": (RNG.standard_normal(50000) * 1e-310, 22050, None),
    "very high rate": (RNG.standard_normal(2 * 768000), 768000, ["A"]),
    "silence inside": (RNG.standard_normal(300000) * np.repeat([1, 0, 1], 100000), 22050, ["A", "silence", "A"]),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("preset", ["default", "ucsd2020"])
@pytest.mark.parametrize("name", ODD)
def test_odd_input_has_a_documented_result(name, preset):
    y, sr, labels = ODD[name]
    found = segment(y, sr, preset=preset, min_silence=0.0)
    check_lawful(found, y.shape[-1], sr)
    if labels is not None:
        assert found.labels == labels


@pytest.mark.parametrize("name", [name for name, (y, sr, _) in ODD.items() if y.shape[-1] > 0.2 * sr])
def test_mir_eval_takes_every_result(name):
    y, sr, _ = ODD[name]
    found = segment(y, sr)
    assert audiofeat.evaluate_segments(found, found)["Pairwise F-measure"] == 1.0


@given(data=st.data())
def test_every_input_has_a_lawful_result(data):
    piece = st.sampled_from(["zeros", "noise", "tone", "dc", "click", "quiet"])
    pieces = data.draw(st.lists(st.tuples(piece, st.integers(1, 900)), min_size=1, max_size=8))
    rng = np.random.default_rng(len(pieces))
    make = {
        "zeros": np.zeros,
        "noise": rng.standard_normal,
        "tone": lambda n: np.sin(np.arange(n) * 0.3),
        "dc": np.ones,
        "click": lambda n: np.eye(1, n)[0],
        "quiet": lambda n: 1e-3 * rng.standard_normal(n),
    }
    y = np.concatenate([make[kind](n) for kind, n in pieces])
    parameters = data.draw(
        st.fixed_dictionaries(
            {"preset": st.sampled_from(["default", "ucsd2020"])},
            optional={
                "graph": st.sampled_from(["knn", "paper", "local"]),
                "n_clusters": st.integers(1, 6),
                "hop_duration": st.sampled_from([0.05, 0.03]),
                "normalize": st.sampled_from(["window", "global", None]),
                "assign": st.sampled_from(["cluster_qr", "kmeans"]),
                "lags": st.sampled_from([1, 20, "full"]),
                "min_duration": st.sampled_from([0.0, 0.2]),
            },
        )
    )
    found = segment(y, 1000.0, window_duration=0.05, order=4, **parameters)
    check_lawful(found, len(y), 1000.0)
    wanted = parameters.get("n_clusters")
    if wanted is not None:
        assert found.n_clusters == min(wanted, len(found.active))


def check_lawful(found, n_samples, sr):
    """Properties of every result."""
    assert found.boundary_samples[0] == 0
    assert found.boundary_samples[-1] == n_samples
    assert (np.diff(found.boundary_samples) > 0).all()
    assert found.duration == n_samples / sr
    assert len(found.labels) == len(found.boundaries) - 1
    assert all(left != right for left, right in zip(found.labels, found.labels[1:], strict=False))
    named = list(dict.fromkeys(label for label in found.window_labels if label != "silence"))
    assert named == [chr(ord("A") + i) for i in range(len(named))]
    assert set(found.labels) == set(found.window_labels)
    assert len(named) <= max(found.n_clusters, len(named) > 0)
    assert np.isfinite(found.eigenvalues).all()
    assert (np.abs(found.eigenvalues) <= 1.0 + 1e-9).all()
    assert 0.0 <= found.confidence <= 1.0
    if found.distance is not None:
        assert not np.isnan(found.distance).any()
        assert_array_equal(found.distance, found.distance.T)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": []}, ValueError, r"y must have at least 1 sample.*\(0,\)"),
        ({"y": [0.0, np.nan]}, ValueError, "y must be finite, got nan at index 1"),
        ({"y": [np.inf]}, ValueError, "y must be finite, got inf at index 0"),
        ({"y": np.zeros((2, 2, 2))}, ValueError, r"y must have 1 or 2 dimensions, got shape \(2, 2, 2\)"),
        ({"y": [1j]}, TypeError, "y must hold floats"),
        ({"sr": 0}, ValueError, "sr must be > 0, got 0"),
        ({"sr": 1}, ValueError, "window_duration must be at least 17 s for order 16 at 1 Hz, got 1"),
        ({"n_clusters": 0}, ValueError, "n_clusters must be >= 1, got 0"),
        ({"n_clusters": 2.5}, TypeError, "n_clusters must be an integer, got 2.5"),
        ({"preset": "foote"}, ValueError, "preset must be one of default, ucsd2020, got 'foote'"),
        ({"window_duration": -1.0}, ValueError, "window_duration must be > 0, got -1.0"),
        ({"hop_duration": 2.0}, ValueError, r"hop_duration must be in \[.*, 1\], got 2"),
        ({"hop_duration": 0.0}, ValueError, r"hop_duration must be in \[.*, 1\], got 0"),
        ({"order": 0}, ValueError, "order must be >= 1, got 0"),
        ({"lags": 0}, ValueError, r"lags must be in \[1, 8015\], got 0"),
        ({"lags": "all"}, TypeError, "lags must be an integer, got 'all'"),
        ({"normalize": "loud"}, ValueError, "normalize must be one of global, window, got 'loud'"),
        ({"graph": "full"}, ValueError, "graph must be one of knn, local, paper, got 'full'"),
        ({"assign": "em"}, ValueError, "assign must be one of cluster_qr, energy, kmeans, got 'em'"),
        ({"min_duration": -1}, ValueError, "min_duration must be >= 0, got -1"),
        ({"silence_db": 3.0}, ValueError, "silence_db must be"),
        ({"max_clusters": 0}, ValueError, "max_clusters must be >= 1, got 0"),
    ],
)
def test_bad_input_is_named(change, error, message):
    arguments = {"y": np.ones(20000), "sr": SR} | change
    with pytest.raises(error, match=message):
        segment(**arguments)


def test_silence_has_its_own_label_and_no_place_in_the_graph():
    rng = np.random.default_rng(0)
    noise, gap = rng.standard_normal(40000), np.zeros(24000)
    y = np.concatenate([gap, noise, 1e-5 * noise[:24000], rng.standard_normal(40000)])
    found = segment(y, SR, hop_duration=1.0, min_silence=0.0)
    assert found.labels == ["silence", "A", "silence", "A"]
    assert_array_equal(found.boundaries, [0.0, 3.0, 8.0, 11.0, 16.0])
    assert len(found.active) == 10
    assert found.distance.shape == (10, 10)
    loud = segment(np.concatenate([noise, 1e-3 * noise]), SR, hop_duration=1.0, silence_db=-50.0, min_silence=0.0)
    assert loud.labels == ["A", "silence"]


def test_sections_begin_and_end_with_their_sound():
    rng = np.random.default_rng(0)
    lengths = [20123, 60001, 17003, 55555, 30000]  # of which those of silence are no multiple of a hop
    y = np.concatenate([rng.standard_normal(n) if i % 2 else np.zeros(n) for i, n in enumerate(lengths)])
    found = segment(y, SR, min_silence=0.0)
    assert found.labels == ["silence", "A", "silence", "A", "silence"]
    assert np.abs(found.boundary_samples - np.cumsum([0, *lengths])).max() <= 3  # noise has samples near 0
    click = np.zeros(100000)
    click[47123] = 1.0
    assert_array_equal(segment(click, SR, min_silence=0.0).boundary_samples, [0, 47123, 47124, 100000])


def test_short_silence_belongs_to_the_section_before():
    y = np.random.default_rng(0).standard_normal(160000) * np.repeat([0, 1, 0, 1, 0], [1, 5, 3, 5, 6]).repeat(8000)
    for least, expected in {
        0.0: ["silence", "A", "silence", "A", "silence"],
        2.0: ["A", "silence", "A", "silence"],
        5.0: ["A", "silence"],
        9.0: ["A"],
    }.items():
        assert segment(y, SR, min_silence=least, min_duration=0.0).labels == expected
    assert segment(y, SR).labels == ["A", "silence"]
    assert segment(np.zeros(8000), SR).labels == ["silence"]


@pytest.mark.parametrize(
    ("clusters", "shortest", "expected"),
    [
        ("AABAA", 2, "AAAAA"),
        ("AABAA", 1, "AABAA"),
        ("AAABCC", 2, "AAAACC"),  # to the longer neighbour
        ("AABCC", 2, "AAACC"),  # to the earlier of equal ones
        ("AABCBAA", 2, "AAAAAAA"),  # one after the other
        ("--A--", 3, "--A--"),  # silence inherits nothing
        ("AA-AA", 2, "AAAAA"),  # but gives
        ("--AB--", 2, "--BB--"),
        ("A", 9, "A"),
        ("AB", 9, "BB"),
        ("ABB", 9, "BBB"),
    ],
)
def test_short_sections_are_given_to_a_neighbour(clusters, shortest, expected):
    number = np.array([" -AB C".index(c) - 2 if c != "C" else 2 for c in clusters])
    lengths = np.ones(len(number), dtype=int)
    absorbed = absorb_short(number, lengths, shortest)
    assert "".join("-ABC"[c + 1] for c in absorbed) == expected


def test_the_least_duration_is_two_windows_by_default():
    y = synth.song(random_state=0).y[: 30 * 22050]
    by_default, short, all_kept = (segment(y, 22050, n_clusters=5, min_duration=d) for d in (None, 2.0, 0.0))
    assert by_default.labels == short.labels
    assert np.diff(short.boundaries).min() >= 2.0 > np.diff(all_kept.boundaries).min()


def test_largest_extract_and_sample_ranges():
    song = synth.ar_regimes("ABBAAB", sr=SR, segment_duration=2.0, random_state=0)
    found = segment(song.y, SR, n_clusters=2, hop_duration=1.0)
    assert found.labels == ["A", "B", "A", "B"]
    assert_array_equal(found.sample_ranges("B"), [[16000, 48000], [80000, 96000]])
    assert_array_equal(found.extract(song.y, "B"), np.concatenate([song.y[16000:48000], song.y[80000:]]))
    assert found.extract(np.stack([song.y, song.y]), "A").shape == (2, 48000)
    largest = found.largest()
    assert largest.label == "A"  # as long as B, and first
    assert largest.longest == (6.0, 10.0)
    assert_array_equal(largest.runs, [[0.0, 2.0], [6.0, 10.0]])
    with pytest.raises(ValueError, match="label must be one of A, B, got 'C'"):
        found.sample_ranges("C")
    with pytest.raises(ValueError, match=r"y must have 96000 samples, got shape \(5,\)"):
        found.extract(np.ones(5), "A")


def test_windows_that_are_nearly_all_alike_are_no_error():
    y = np.ones(68)
    y[45] = 0.0
    found = segment(y, 1000.0, window_duration=0.05, hop_duration=0.001, order=4, lags=1, graph="paper")
    assert found.boundaries[-1] == 0.068


def test_silence_is_the_largest_only_if_alone():
    y = np.concatenate([np.zeros(80000), np.random.default_rng(0).standard_normal(20000)])
    assert segment(y, SR).largest().label == "A"
    assert segment(np.zeros(80000), SR).largest().label == "silence"


def test_labels_go_on_after_z():
    names = name_clusters(np.arange(-1, 26 + 26 * 26 + 1))
    assert names[:3] + names[26:29] == ["silence", "A", "B", "Z", "AA", "AB"]
    assert names[-2:] == ["ZZ", "AAA"]


def test_repr_is_short():
    assert len(repr(aligned(SONG))) < 400
    assert repr(segment(np.zeros(8000), SR)) == "<Segmentation of 1.00 s: 0.00 silence>"


def test_sections_of_a_song_are_not_its_chords():
    """A verse of eight bars, a chord to a bar, is one section."""
    pytest.importorskip("mir_eval")
    songs = [synth.song(random_state=seed) for seed in range(6)]
    found = [segment(song.y, song.sr) for song in songs]
    scores = [audiofeat.evaluate_segments(song, own) for song, own in zip(songs, found, strict=True)]
    assert np.mean([score["F-measure@0.5"] for score in scores]) > 0.95
    assert np.mean([score["Adjusted Rand Index"] for score in scores]) > 0.9


@pytest.mark.slow
def test_blocks_give_the_partition_of_the_whole_matrix(monkeypatch):
    song = synth.song(random_state=0)
    expected = segment(song.y, song.sr, graph="knn")
    monkeypatch.setattr("audiofeat.recurrence.WHOLE", 10)
    monkeypatch.setattr("audiofeat.neighbors.TILE", 64)
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 1 << 17)
    found = segment(song.y, song.sr, graph="knn")
    assert found.distance is None
    assert adjusted_rand_score(found.window_labels, expected.window_labels) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("most", [90, 150])
def test_every_second_or_third_window_gives_the_same_sections(most, monkeypatch):
    song = synth.ar_regimes("ABACBC", sr=8000.0, segment_duration=11.0, random_state=0)
    whole = segment(song.y, song.sr, n_clusters=3)
    monkeypatch.setattr("audiofeat.segmentation.energy.MOST", most)
    found = segment(song.y, song.sr, n_clusters=3)
    assert whole.distance is not None
    assert found.distance is None
    assert found.labels == whole.labels == song.labels
    assert np.abs(found.boundaries - song.boundaries).max() < 0.25


def test_borders_are_finer_than_the_hop():
    song = synth.ar_regimes("ABACBC", sr=22050.0, segment_duration=4.4, random_state=1)
    found = segment(song.y, song.sr, n_clusters=3)
    assert found.labels == song.labels
    assert np.abs(found.boundaries - song.boundaries).max() < 0.07  # two slices of 31 ms


@pytest.mark.slow
def test_memory_does_not_grow_with_the_square_of_the_length():
    song = synth.ar_regimes("ABC" * 5, sr=1000.0, segment_duration=180.0, random_state=0)
    tracemalloc.start()
    try:
        found = segment(song.y, song.sr)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.labels == song.labels
    assert peak < 8 * 8 * MOST**2  # of a few dense matrices of the windows that are looked at


@pytest.mark.realdata
def test_recordings_are_cut_where_they_change(data):
    y, sr = audiofeat.load(data / "ina_musanmix" / "musanmix.mp3")  # music to 22.5 s, noise, speech from 63 s
    found = segment(y, sr)
    inner = found.boundaries[1:-1]
    assert np.abs(inner - 22.5).min() < 0.6
    assert np.abs(inner - 63.0).min() < 0.6
    assert len(found.labels) < 12


@pytest.mark.realdata
@pytest.mark.parametrize("preset", ["default", "ucsd2020"])
def test_schubert_is_cut_better_than_by_a_grid(data, preset):
    scores, grids = [], []
    for path in sorted((data / "schubert_HU33" / "audio").glob("*.wav")):
        y, sr = audiofeat.load(path)
        found = segment(y, sr, preset=preset)
        check_lawful(found, len(y), sr)
        truth = audiofeat.load_annotations(data / "schubert_HU33" / "structure" / f"{path.stem}.csv")
        edges = np.append(np.arange(0.0, found.duration, 8.0), found.duration)
        grid = np.stack([edges[:-1], edges[1:]], axis=1), ["A"] * (len(edges) - 1)
        scores.append(audiofeat.evaluate_segments(truth, found, trim=True)["V-measure"])
        grids.append(audiofeat.evaluate_segments(truth, grid, trim=True)["V-measure"])
    assert np.mean(scores) > np.mean(grids)
