"""Patches against their definitions, whole and streamed; statistics, splits, stores and resident recordings."""

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from numpy.testing import assert_allclose, assert_array_equal  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from audiofeat import AudioClip, FrontEnd, open_store, preset, save  # noqa: E402
from audiofeat.store import Schema, StoreWriter  # noqa: E402
from audiofeat_nn.data import (  # noqa: E402
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
from audiofeat_nn.data.cutting import as_cutting, windows  # noqa: E402
from audiofeat_nn.training import TrainSettings, fit  # noqa: E402

torch.set_num_threads(1)

SR = 8000
FRONT_END = FrontEnd(SR, n_fft=256, hop_length=128, n_mels=12)
CLIP_WIDE = FrontEnd(SR, n_fft=256, hop_length=128, n_mels=12, ref="max", top_db=60.0)


def noise(n, *, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype(np.float32)


cuttings = st.builds(
    Cutting,
    overlap=st.sampled_from([0.0, 0.25, 0.5, 0.9]),
    n_clips=st.none() | st.integers(1, 4),
)


@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=8), size=st.integers(1, 12), first=st.integers(0, 9),
       cutting=cuttings)  # fmt: skip
def test_what_arrives_in_parts_is_cut_as_the_whole(lengths, size, first, cutting):
    whole = np.arange(float(sum(lengths)))[None]
    parts = np.split(whole, np.cumsum(lengths)[:-1], axis=1)
    hop = max(1, round(size * (1 - cutting.overlap)))
    expected = [(at, whole[:, at : at + size]) for at in range(first, whole.shape[1] - size + 1, hop)]
    expected = expected[: cutting.n_clips]
    if not expected and whole.shape[1] <= first:
        with pytest.raises(ValueError, match="offset must lie within the track"):
            list(windows(parts, size, first=first, cutting=cutting))
        return
    found = list(windows(parts, size, first=first, cutting=cutting))
    for (at, part), (place, wanted) in zip(found, expected or [(first, whole[:, first:])], strict=True):
        assert at == place
        assert_array_equal(part, wanted)


@pytest.mark.parametrize(
    ("paper", "front_end", "seconds", "n_frames", "starts"),
    [
        ("feng2017", preset("feng2017"), 30.0, 128, 1.5 * np.arange(19)),
        ("kth2020", preset("kth2020"), 30.0, 128, [15.5]),
        ("pons2016", preset("pons2016"), 30.0, 80, 80 * 1024 / 44100 * np.arange(16)),
        ("pons2016", preset("pons2016"), 30.0, 250, 250 * 1024 / 44100 * np.arange(5)),
        ("ubc2020", preset("ubc2020"), 30.0, 640, [0.0]),
        ("ucsd2020", preset("ucsd2020"), 30.0, 65, 3.0 * np.arange(10)),
        ("ucsd2020-full", preset("ucsd2020"), 31.0, 646, [0.0]),
    ],
)
def test_the_papers_cut_as_they_say(paper, front_end, seconds, n_frames, starts):
    y = noise(round(seconds * front_end.sr))
    found = list(patches_of(y, front_end, n_frames=n_frames, cutting=as_cutting(paper)))
    assert_allclose([start for start, _ in found], starts, rtol=1e-12)
    assert {patch.shape for _, patch in found} == {(front_end.n_bands, n_frames)}
    if paper == "pons2016":
        assert_array_equal([patch for _, patch in found], front_end.patches(y, n_frames))
    elif as_cutting(paper).clip_duration is not None:
        begin, size = round(starts[-1] * front_end.sr), round(as_cutting(paper).clip_duration * front_end.sr)
        assert_array_equal(found[-1][1], front_end(y[begin : begin + size]))
    assert paper in list_cuttings()


@pytest.mark.parametrize("front_end", [FRONT_END, CLIP_WIDE, SampleBlocks(SR, 100)], ids=["own", "clip", "samples"])
@pytest.mark.parametrize(
    "cutting",
    [Cutting(), Cutting(overlap=0.5, offset=0.3), Cutting(clip_duration=0.4, overlap=0.5), Cutting(n_clips=2)],
    ids=["grid", "overlap", "clips", "two"],
)
def test_a_file_a_clip_and_a_signal_are_cut_alike(tmp_path, front_end, cutting):
    y = noise(3 * SR + 11)
    save(tmp_path / "y.wav", y, SR, subtype="FLOAT")
    options = {"n_frames": 20, "cutting": cutting}
    expected = list(patches_of(y, front_end, **options))
    for source in (tmp_path / "y.wav", str(tmp_path / "y.wav"), AudioClip(tmp_path / "y.wav")):
        for (at, patch), (place, wanted) in zip(patches_of(source, front_end, **options), expected, strict=True):
            assert at == place
            assert_array_equal(patch, wanted)
    part = list(patches_of(AudioClip(tmp_path / "y.wav", 1.0, 2.0), front_end, **options))
    of_samples = list(patches_of(y[SR : 2 * SR], front_end, **options))
    assert_array_equal([patch for _, patch in part], [patch for _, patch in of_samples])


@pytest.mark.parametrize("cutting", [Cutting(offset=0.25), Cutting(clip_duration=0.35, overlap=0.25), Cutting()])
def test_training_sees_the_patches_of_prediction(tmp_path, cutting):
    tracks = [noise(n, seed=n) for n in (SR, 2 * SR + 5, SR // 2)]
    save(tmp_path / "y.wav", tracks[1], SR, subtype="FLOAT")
    tracks[1] = tmp_path / "y.wav"
    maps, targets, expected = [], [], []
    for target, track in enumerate(tracks):
        own = maps_of(track, FRONT_END, n_frames=20, cutting=cutting)
        maps, targets = maps + own, targets + [target] * len(own)
        expected += [patch for _, patch in patches_of(track, FRONT_END, n_frames=20, cutting=cutting)]
    inside = Cutting() if cutting.clip_duration is not None else cutting
    dataset = PatchDataset(maps, targets, n_frames=20, cutting=inside)
    assert_array_equal([dataset[i][0][0] for i in range(len(dataset))], np.array(expected, np.float32))
    assert dataset.targets == [dataset[i][1] for i in range(len(dataset))]


def test_a_short_track_is_filled_with_its_lowest_value_and_samples_with_silence():
    y = noise(1000) + 0.6
    ((_, patch),) = patches_of(y, FRONT_END, n_frames=30, cutting=Cutting())
    S = FRONT_END(y)
    assert_array_equal(patch[:, : S.shape[1]], S)
    assert (patch[:, S.shape[1] :] == S.min()).all()
    ((_, blocks),) = patches_of(y, SampleBlocks(SR, 300), n_frames=5, cutting=Cutting())
    assert_array_equal(blocks.T.reshape(-1), np.pad(y, (0, 500)))


def test_features_are_cut_as_they_are():
    S = np.arange(60.0).reshape(2, 30)
    found = list(patches_of(S, None, n_frames=8, cutting=Cutting(overlap=0.5)))
    assert [start for start, _ in found] == [0.0, 4.0, 8.0, 12.0, 16.0, 20.0]
    assert_array_equal(found[2][1], S[:, 8:16])
    stack = np.stack([S, S + 100])
    assert_array_equal([patch for _, patch in patches_of(stack, None, n_frames=30, cutting=Cutting())], stack)
    for source, front_end, cutting, message in (
        (S, None, Cutting(offset=1.0), "frontend must be given"),
        (S, FRONT_END, Cutting(offset=1.0), "offset must lie within the track, got 1 s"),
        (noise(50), None, Cutting(), "frontend must be given"),
        (np.zeros((1, 1, 1, 1)), None, Cutting(), "source must be a signal"),
    ):
        with pytest.raises(ValueError, match=message):
            list(patches_of(source, front_end, n_frames=8, cutting=cutting))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"clip_duration": 0.0}, "clip_duration must be > 0"),
        ({"overlap": 1.0}, "overlap must be < 1, got 1.0"),
        ({"overlap": -0.1}, "overlap must be >= 0"),
        ({"offset": -1.0}, "offset must be >= 0"),
        ({"n_clips": 0}, "n_clips must be >= 1"),
    ],
)
def test_cuttings_that_cannot_be_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Cutting(**fields)
    with pytest.raises(ValueError, match="a cutting has no field size"):
        Cutting.from_dict({"size": 3})
    cutting = Cutting(clip_duration=3, overlap=0.5, n_clips=2)
    assert Cutting.from_dict(cutting.to_dict()) == cutting


shapes = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@given(lengths=shapes, per=st.sampled_from(["band", "all"]), shift=st.sampled_from([0.0, 1e6]))
def test_statistics_are_those_of_all_frames_together(lengths, per, shift):
    rng = np.random.default_rng(sum(lengths))
    maps = [rng.normal(shift, [[1.0], [2.0], [0.5]], (3, n)) for n in lengths]
    found, joined = Normalization.learn(iter(maps), per=per), np.concatenate(maps, axis=1)
    axis = 1 if per == "band" else None
    deviation = joined.std(axis=axis)
    assert_allclose(found.mean, joined.mean(axis=axis), rtol=1e-12, atol=1e-12)
    if sum(lengths) > 1:
        assert_allclose(found.std, deviation, rtol=1e-6)
    else:
        assert_allclose(found.std, np.where(deviation > 0, deviation, 1.0))
    scaled = found.apply(joined)
    assert scaled.dtype == np.float32
    assert_allclose(scaled.mean(axis=axis), 0.0, atol=1e-5)
    assert_array_equal(np.concatenate([found.apply(S) for S in maps], axis=1), scaled)


def test_a_constant_band_stays_finite_and_wrong_maps_are_refused():
    found = Normalization.learn([np.full((2, 5), 0.1), np.full((2, 7), 0.1)])
    assert_array_equal(found.std, 1.0)
    assert_allclose(found.apply(np.full((2, 3), 0.1)), 0.0, atol=1e-7)
    for maps, message in (
        ([], "at least 1 item"),
        ([np.ones((2, 3)), np.ones((3, 3))], "bands as the first, 2, got 3"),
    ):
        with pytest.raises(ValueError, match=message):
            Normalization.learn(maps)
    with pytest.raises(ValueError, match="per must be one of all, band, got 'bin'"):
        Normalization.learn([], per="bin")
    with pytest.raises(ValueError, match="features must have 2 bands"):
        found.apply(np.ones((3, 3)))


def test_an_empty_band_has_the_deviation_of_the_others():
    rng = np.random.default_rng(0)
    S = np.array([[3.0], [4.0], [1e-6], [0.0]]) * rng.standard_normal((4, 20_000)) - 100.0
    found = Normalization.learn([S])
    assert_allclose(found.std[:2], [3.0, 4.0], rtol=0.02)
    assert_allclose(found.std[2:], np.sqrt((found.std[:2] ** 2).mean()))
    heard = found.apply(np.full((4, 1), -40.0))  # a file that has something there
    assert heard.max() < 25.0


@given(data=st.data(), share=st.sampled_from([0.1, 0.3, 0.5]), seed=st.integers(0, 20))
def test_a_split_keeps_groups_together_and_every_class_in_training(data, share, seed):
    n = data.draw(st.integers(4, 60))
    targets = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    groups = np.array(data.draw(st.lists(st.integers(0, n // 3), min_size=n, max_size=n)))
    of_class = [set(groups[targets == c]) for c in set(targets)]
    try:
        train, valid = split_validation(targets, groups, share=share, random_state=seed)
    except ValueError:  # no group can go
        assert all(any(own == {g} for own in of_class) for g in set(groups))
        return
    assert sorted([*train, *valid]) == list(range(n))
    assert len(valid) >= 1
    assert not set(groups[train]) & set(groups[valid])
    assert set(targets[train]) == set(targets)
    again = split_validation(targets, groups, share=share, random_state=seed)
    assert_array_equal(again[1], valid)


def test_a_split_has_the_share_of_each_class():
    targets = np.repeat([0, 1, 2], [100, 40, 20])
    for seed in range(5):
        _, valid = split_validation(targets, share=0.15, random_state=seed)
        assert_array_equal(np.bincount(targets[valid]), [15, 6, 3])
    _, valid = split_validation(np.repeat([0, 1], 30), np.arange(60) // 5, share=1 / 3)
    assert_array_equal(np.bincount(np.repeat([0, 1], 30)[valid]), [10, 10])
    sizes = [50, 3, 50]  # too large for the share, all of them: the smallest is taken
    _, valid = split_validation(np.zeros(103, int), np.repeat([0, 1, 2], sizes), share=0.01)
    assert_array_equal(valid, [50, 51, 52])
    different = {tuple(split_validation(targets, random_state=seed)[1]) for seed in range(5)}
    assert len(different) == 5
    for share, groups, message in (
        (1.0, None, "share must be < 1"),
        (0.0, None, "share must be > 0"),
        (0.5, [1], "as many"),
    ):
        with pytest.raises(ValueError, match=message):
            split_validation([0, 1], groups, share=share)


def test_random_crops_lie_anywhere_and_follow_torchs_generator():
    S = np.tile(np.arange(50.0), (2, 1))
    dataset = PatchDataset([S, S[:, :4]], [0, 1], n_frames=10, crop="random")
    assert len(dataset) == 6  # as many as on the grid
    torch.manual_seed(0)
    begins = [int(dataset[k % 5][0][0, 0, 0]) for k in range(600)]
    assert set(begins) == set(range(41))
    torch.manual_seed(0)
    assert [int(dataset[k % 5][0][0, 0, 0]) for k in range(600)] == begins
    assert_array_equal(dataset[5][0][0, 0], [0, 1, 2, 3, 0, 0, 0, 0, 0, 0])
    fixed = PatchDataset([S], [0], n_frames=10)
    assert fixed[3][0].dtype == torch.float32
    assert_array_equal(fixed[3][0][0], S[:, 30:40])
    scaled = PatchDataset(
        [S], [0], n_frames=10, normalization=Normalization(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    )
    assert_allclose(scaled[0][0][0, :, :3], [[-0.5, 0.0, 0.5], [-0.5, -0.25, 0.0]])


@pytest.mark.parametrize(
    ("maps", "targets", "options", "message"),
    [
        ([], [], {}, "1 at least, got 0 and 0"),
        ([np.ones((2, 3))], [0, 1], {}, "as many, and 1 at least, got 1 and 2"),
        ([np.ones((2, 3)), np.ones((3, 3))], [0, 1], {}, r"2 bands, as map 0, .* map 1 has \(3, 3\)"),
        ([np.ones(3)], [0], {}, r"\(n_bands, n_frames\), .* map 0 has \(3,\)"),
        ([np.ones((2, 3))], [-1], {}, r"targets\[0\] must be >= 0"),
        ([np.ones((2, 3))], [0], {"n_frames": 0}, "n_frames must be >= 1"),
        ([np.ones((2, 3))], [0], {"crop": "any"}, "crop must be one of grid, random"),
    ],
)
def test_patches_that_cannot_be_cut_are_refused(maps, targets, options, message):
    with pytest.raises(ValueError, match=message):
        PatchDataset(maps, targets, **{"n_frames": 2, **options})


@pytest.fixture
def store(tmp_path):
    """Return a store of four items, and the items."""
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    items = {
        f"{name}.wav": rng.normal(size=(4, n)).astype("float32")
        for name, n in zip("abcd", (30, 25, 9, 40), strict=True)
    }
    with StoreWriter.open(tmp_path / "store", Schema("function", {}), resume=False) as writer:
        writer.enlist([(path, 1, 0) for path in items])
        for row, path in writer.claim(len(items)):
            writer.put(row, items[path], seconds=0.0)
    return open_store(tmp_path / "store"), items


LABELS = {"a.wav": "pop", "b.wav": "jazz", "c.wav": "pop", "d.wav": "folk", "e.wav": "rock"}


def test_items_of_a_store_stay_in_its_files(store):
    opened, items = store
    dataset = StoreDataset(opened, LABELS, n_frames=10)
    assert dataset.classes == ("folk", "jazz", "pop")
    assert dataset.targets == [2] * 3 + [1] * 2 + [2] + [0] * 4
    expected = [S[:, k : k + 10] for S in items.values() for k in range(0, max(1, S.shape[1] - 9), 10)]
    for (x, _), S in zip((dataset[i] for i in range(len(dataset))), expected, strict=True):
        assert_array_equal(x[0, :, : S.shape[1]], S)
    assert np.shares_memory(dataset.maps[0], opened[0])
    assert len(pickle.dumps(dataset)) < 3000  # a worker is sent where the items are, not the items
    some = StoreDataset(opened, LABELS, n_frames=10, rows=[3, 1], classes=["folk", "jazz", "pop"])
    assert some.targets == [0] * 4 + [1] * 2
    assert_array_equal(some[0][0][0], items["d.wav"][:, :10])
    for labels, classes, message in (({"a.wav": 0}, None, "3 are missing: 'b.wav'"), (LABELS, ["pop"], "got 'jazz'")):
        with pytest.raises(ValueError, match=message):
            StoreDataset(opened, labels, n_frames=10, classes=classes)


def test_two_workers_read_the_items_of_a_store(store):
    dataset = StoreDataset(store[0], LABELS, n_frames=10)
    alone = list(DataLoader(dataset, batch_size=3))
    for (x, target), (wanted, numbers) in zip(DataLoader(dataset, batch_size=3, num_workers=2), alone, strict=True):
        assert torch.equal(x, wanted)
        assert torch.equal(target, numbers)
    settings = TrainSettings(max_epochs=1, batch_size=4, lr=0.1)
    models = []
    for num_workers in (0, 2):
        torch.manual_seed(0)
        models.append(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 3)))
        data = StoreDataset(store[0], LABELS, n_frames=10, crop="random")
        fit(models[-1], data, settings=settings, num_workers=num_workers)
    assert torch.equal(models[0][1].weight, models[1][1].weight)


def test_resident_recordings_give_the_windows_of_their_samples():
    pcm = np.random.default_rng(0).integers(-32768, 32768, 1000).astype(np.int16)
    floats = np.linspace(-1.2, 1.2, 250, dtype=np.float32)
    data = ResidentWaveforms([pcm, floats, pcm[:7]], [2, 0, 1], n_samples=100, overlap=0.5)
    assert data.targets == [2] * 19 + [0] * 4 + [1]
    x, target = data.batch([3, 23, 19])
    assert_array_equal(x[0], pcm[150:250] / np.float32(32768))
    assert_array_equal(x[1], np.pad(pcm[:7] / np.float32(32768), (0, 93)))
    assert_allclose(x[2], np.clip(floats[:100], -1, 1), atol=0.51 / 32768)
    assert target.tolist() == [2, 1, 0]
    assert torch.equal(data[3][0], x[0])
    anywhere = ResidentWaveforms([pcm, floats], [0, 1], n_samples=100, crop="random")
    ramp = ResidentWaveforms([np.arange(300, dtype=np.int16), -np.arange(150, dtype=np.int16)], [0, 1], n_samples=100,
                             crop="random")  # fmt: skip
    torch.manual_seed(0)
    first = (ramp.batch([0] * 3000)[0][:, 0] * 32768).int()
    assert set(first.tolist()) == set(range(201))
    assert set((ramp.batch([3] * 2000)[0][:, 0] * -32768).int().tolist()) == set(range(51))
    assert anywhere.batch([0])[0].shape == (1, 100)
    net = torch.nn.Linear(100, 2)
    result = fit(net, anywhere, settings=TrainSettings(max_epochs=2, class_weights="balanced"))
    assert len(result.history) == 2
    for signals, targets, message in (([], [], "1 at least"), ([pcm], [0, 1], "as many"), ([[np.nan]], [0], "finite")):
        with pytest.raises(ValueError, match=message):
            ResidentWaveforms(signals, targets, n_samples=10)
    with pytest.raises(ValueError, match="crop must be one of grid, random, got 'all'"):
        ResidentWaveforms([pcm], [0], n_samples=10, crop="all")


def test_sample_blocks_check_their_numbers():
    with pytest.raises(ValueError, match="sr must be > 0"):
        SampleBlocks(0, 5)
    with pytest.raises(ValueError, match="n_bands must be >= 1"):
        SampleBlocks(SR, 0)
