"""Every network learns 32 clips by heart, and filters along time or frequency learn tempo or timbre alone."""

import inspect

import pytest

torch = pytest.importorskip("torch")

from small_networks import ALL, small_options  # noqa: E402
from torch import nn  # noqa: E402
from torch.optim.swa_utils import update_bn  # noqa: E402

from audiofeat import logmel  # noqa: E402
from audiofeat.synth import genre_corpus  # noqa: E402
from audiofeat_nn import create_model, model_options, seconds  # noqa: E402

torch.set_num_threads(1)

GENRES = ("ambient", "blues", "disco", "folk", "hiphop", "jazz", "metal", "techno")
# More than some seconds each; the quick ones take a minute together.
LARGE = ("alexnet", "feng-cnn", "kth-crnn", "prcnn", "resnet34", "ubc-a", "ubc-c", "ubc-t", "vgg")
HEAVY = [name for name in ALL if name.startswith(LARGE)]


@pytest.fixture(scope="module")
def corpus():
    found = genre_corpus(4, classes=GENRES, sr=11025, random_state=0)
    return found, torch.tensor([GENRES.index(label) for label in found.labels])


def standardised(S):
    x = torch.as_tensor(S, dtype=torch.float32)
    return (x - x.mean()) / x.std()


def input_for(model, corpus):
    """Return all clips as a network reads them, in as many bands and frames as it has."""
    n_bands, n_frames = model.recipe.n_bands, model.recipe.n_frames
    if model.recipe.front_end is None:
        return standardised(seconds(torch.tensor(corpus.y), n_samples=n_bands, n_steps=n_frames))
    hop_length = (corpus.y.shape[1] - 1) // (n_frames - 1)
    S = logmel(corpus.y, corpus.sr, n_fft=1024, hop_length=hop_length, n_mels=n_bands)[..., :n_frames]
    return standardised(S)[:, None]


def network_for(name):
    options = small_options(name)
    if inspect.Parameter.empty in model_options(name).values():
        options = {branch: create_model(branch, n_classes=8) for branch in ("time", "frequency")}
    if name.startswith(("alexnet", "vgg")):  # deep and without normalisation, of dense layers that drop half
        options |= {key: value for key, value in (("dropout", 0.0), ("n_units", 128)) if key in model_options(name)}
    return create_model(name, n_classes=8, **options)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return float((model(x).argmax(dim=1) == y).float().mean())


@pytest.mark.filterwarnings("ignore:Empty filters")  # more bands than a short transform has bins
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in HEAVY)) for name in ALL])
def test_a_network_learns_32_clips_by_heart(name, corpus):
    clips, y = corpus
    torch.manual_seed(0)
    model = network_for(name)
    x = input_for(model, clips)
    assert len(x) == 32
    assert accuracy(model, x, y) < 0.5
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4 if name.startswith(("alexnet", "vgg")) else 1e-3)
    for step in range(1, 601):
        model.train()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        if step % 10 == 0 and loss < 1.0:
            update_bn([x], model)  # moving statistics of KTH's networks need hundreds of steps
            if accuracy(model, x, y) == 1.0:
                return
    pytest.fail(f"{name} has learnt {accuracy(model, x, y):.0%} after {step} steps")


@pytest.mark.parametrize(
    ("by", "classes", "able", "blind"),
    [
        ("tempo", ("60-bpm", "110-bpm", "180-bpm"), "time", "frequency"),
        ("timbre", ("flute", "nasal", "saw"), "frequency", "time"),
    ],
)
def test_time_filters_tell_tempo_and_frequency_filters_timbre(by, classes, able, blind):
    n_tracks, n_held_out = 40, 10
    corpus = genre_corpus(n_tracks, by=by, classes=classes, duration=3.75, random_state=1)
    x = standardised(logmel(corpus.y, corpus.sr, hop_length=1024, n_mels=40)[..., :80])[:, None]
    y = torch.tensor([sorted(classes).index(label) for label in corpus.labels])
    held_out = torch.arange(len(y)) % n_tracks >= n_tracks - n_held_out
    scores = {}
    for name in (able, blind):
        torch.manual_seed(0)
        model = create_model(name, n_classes=len(classes))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        for _ in range(300):
            rows = torch.nonzero(~held_out)[torch.randint(int((~held_out).sum()), (32,)), 0]
            model.train()
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        scores[name] = accuracy(model, x[held_out], y[held_out])
    chance = 1 / len(classes)
    assert scores[able] >= 0.85
    assert scores[blind] <= chance + 0.25  # two deviations of 30 guesses are 0.17
