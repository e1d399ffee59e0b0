"""docs/howto/librosa.md: both sides of every row of its table give the same, within the limits that it prints."""

import re

import numba
import numpy as np
import pages
import pytest

from audiofeat import load, save, synth

PAGE = pages.DOCS / "howto" / "librosa.md"
ROW = re.compile(r"^\| `(?P<theirs>[^`]+)` \| `(?P<ours>[^`]+)` \| (?P<float32>\S+) \| (?P<float64>\S+) \|$")
ROWS = [row for row in map(ROW.match, PAGE.read_text(encoding="utf-8").splitlines()) if row]
DTYPES = ["float32", "float64"]
pytestmark = [
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="librosa needs its compiler"),
    pytest.mark.filterwarnings("ignore:'(aifc|audioop|sunau)' is deprecated:DeprecationWarning"),  # of librosa.load
]


def deviation(theirs, ours):
    """The largest deviation from librosa's result, relative to its largest value; infinity for another shape."""
    if isinstance(theirs, tuple):  # signals and rates, or parts
        return max(deviation(*pair) for pair in zip(theirs, ours, strict=True))
    a, b = (np.squeeze(value).astype(np.complex128) for value in (theirs, ours))
    if a.shape != b.shape or not a.size:
        return np.inf
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.finfo(float).tiny))


def written(folder, *, sr=44100):
    """A stereo file of a song with noise 60 dB below it, and a second of silence, where floors show."""
    song = synth.song("AB", sr=sr, random_state=0)
    noise = 1e-3 * np.random.default_rng(0).standard_normal((2, len(song.y)))
    y = song.y * np.array([[0.8], [0.4]]) + noise
    y[:, 5 * sr : 6 * sr] = 0.0
    save(folder / "song.wav", y, sr)


def names_of_the_page(dtype):
    """What the first block of the page defines, with the signal in a dtype."""
    (block,) = (block for block in pages.blocks(PAGE.read_text(encoding="utf-8")) if "import *" in block.text)
    code = block.text.replace("duration=10.0)", f'duration=10.0, dtype="{dtype}")')
    assert code != block.text
    names = {}
    exec(code, names)
    assert names["y"].dtype == dtype
    return names


@pytest.fixture(scope="module", params=DTYPES)
def defined(request, tmp_path_factory):
    """The dtype, and the names of the page, in a folder that has its song."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = tmp_path_factory.mktemp("librosa")
        written(folder)
        monkeypatch.chdir(folder)
        yield request.param, names_of_the_page(request.param)


def check(row, dtype, names):
    theirs, ours = (eval(row[side], dict(names)) for side in ("theirs", "ours"))
    found, limit = deviation(theirs, ours), float(row[dtype])
    assert found <= limit, f"{row['ours']}: {found:.1e}"


@pytest.mark.parametrize("row", ROWS, ids=[row["ours"] for row in ROWS])
def test_both_sides_of_a_row_are_equal(row, defined):
    check(row, *defined)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["Hungarian_Dance", "Vibe_Ace", "198-209-0000", "glacier-bay"])
def test_they_are_on_recordings(name, dtype, data, tmp_path, monkeypatch):
    (path,) = data.glob(f"librosa_audio_ccby/*{name}*.ogg")
    y, sr = load(path, mono=False, duration=12.0)
    save(tmp_path / "song.wav", np.atleast_2d(y), sr)
    monkeypatch.chdir(tmp_path)
    names = names_of_the_page(dtype)
    for row in ROWS:
        check(row, dtype, names)


def test_the_table_is_read_whole_and_no_limit_is_lax():
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(ROWS) == len(lines) == len({row["ours"] for row in ROWS}) >= 40
    assert all(0 <= float(row["float32"]) <= 2e-3 and 0 <= float(row["float64"]) <= 5e-7 for row in ROWS)
    assert all(row["theirs"].startswith(("librosa.", "np.abs(librosa.")) for row in ROWS)
    assert not any("librosa" in row["ours"] for row in ROWS)


def test_deviations_are_seen():
    assert deviation([1.0, 2.0], [1.0, 2.5]) == 0.25
    assert deviation(([4.0], 1), ([4.0], 2)) == 1.0
    assert deviation([1.0, 2.0], [1.0]) == np.inf
