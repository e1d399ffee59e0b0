"""What `explain_difference` tells is what an independent computation finds."""

import re
from dataclasses import fields, replace
from itertools import combinations, permutations

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, reject
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from audiofeat import FrontEnd, list_presets, preset
from audiofeat.comparison import effects, explain_difference
from audiofeat.comparison.measures import SOUND, paired_frames, probe

SR = 8000
BASE = FrontEnd(SR, n_fft=512, hop_length=200, n_mels=20)

# Two values for each field, and what else must be so that it matters.
CHANGES = {
    "sr": (8000.0, 16000.0, {}),
    "n_fft": (512, 1024, {}),
    "hop_length": (200, 250, {}),
    "win_length": (400, 300, {}),
    "window": ("hann", "hamming", {}),
    "symmetric": (False, True, {}),
    "gain": (1.0, 2.0, {}),
    "center": (True, False, {}),
    "pad_mode": ("reflect", "edge", {}),
    "power": (1.0, 2.0, {}),
    "n_mels": (20, 24, {}),
    "fmin": (0.0, 100.0, {}),
    "fmax": (4000.0, 3000.0, {}),
    "htk": (False, True, {}),
    "norm": ("slaney", 1.0, {}),
    "triangles": ("hz", "mel", {}),
    "compression": ("log", "power_db", {}),
    "factor": (10000.0, 5.0, {"compression": "log1p"}),
    "ref": (1.0, 10.0, {}),
    "amin": (1e-10, 1e-4, {}),
    "top_db": (None, 40.0, {}),
    "n_mfcc": (13, 20, {}),
    "max_frames": (30, 40, {}),
    "frames": ("librosa", "kaldi", {}),
    "remove_dc": (False, True, {"window": "boxcar"}),
    "preemphasis": (0.0, 0.97, {}),
    "log_energy": ("c0", None, {"n_mfcc": 13, "compression": "log"}),
    "lifter": (0.0, 22.0, {"n_mfcc": 13}),
    "lifter_start": (0, 1, {"n_mfcc": 13, "lifter": 22.0}),
    "scale": (1.0, 0.5, {}),
    "shift": (0.0, 3.0, {}),
}
NAMES = [field.name for field in fields(FrontEnd)]


def pair(name):
    x, y, others = CHANGES[name]
    return replace(BASE, **others, **{name: x}), replace(BASE, **others, **{name: y})


def flat(text):
    return " ".join(text.split())


def told(a, b):
    """The values of the fields that are listed with their effect, by name."""
    return dict(
        re.findall(r"^  ([a-z]\w*): (.*? \| .*?)(?: Hz| samples| dB)?\.(?: |$)", explain_difference(a, b), re.M)
    )


def shown(value):
    return f"{value:g}" if isinstance(value, float) else repr(value)


def numbers(pattern, text):
    found = re.search(pattern, flat(text))
    assert found, text
    return [float(number) for number in found.groups()]


N = r"(-?[\d.]+(?:e[-+]\d+)?)"


def test_two_values_are_known_for_every_field():
    assert set(NAMES) == set(CHANGES)
    assert set(NAMES) <= set(effects.EFFECTS)


@pytest.mark.parametrize("name", list_presets())
def test_the_same_front_end_is_identical(name):
    text = f"identical: same fingerprint {preset(name).fingerprint()}"
    assert explain_difference(name, name) == explain_difference(preset(name), name) == text


@pytest.mark.parametrize("name", NAMES)
def test_a_field_is_told_with_both_values_and_an_effect(name):
    a, b = pair(name)
    x, y, _ = CHANGES[name]
    text = explain_difference(a, b)
    assert "\n1 field differs (a | b):\n" in text
    assert told(a, b) == {name: f"{shown(x)} | {shown(y)}"}
    assert told(b, a) == {name: f"{shown(y)} | {shown(x)}"}
    line = next(line for line in text.splitlines() if line.startswith(f"  {name}: "))
    assert len(line) > len(f"  {name}: {shown(x)} | {shown(y)}.") + 10
    same = np.array_equal(a(probe(a.sr, 2.0)), b(probe(b.sr, 2.0)))
    assert same is False


def test_a_field_without_a_sentence_is_listed(monkeypatch):
    monkeypatch.delitem(effects.EFFECTS, "power")
    assert "\n  power: 1 | 2.\n" in explain_difference(*pair("power"))


@pytest.mark.parametrize(("a", "b"), list(combinations(list_presets(), 2)))
def test_every_pair_of_presets_is_told_in_lines(a, b):
    text = explain_difference(a, b)
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(r"\b(nan|inf)\b", text)
    names = [name for name in NAMES if getattr(preset(a), name) != getattr(preset(b), name)]
    assert names
    assert all(f"{name}: " in text for name in names)
    swapped = "\n".join(effects.tell_fields(preset(b), preset(a)))
    assert all(f"{name}: " in swapped for name in names)


def test_the_text_is_the_same_for_a_name_and_at_every_call():
    text = explain_difference("librosa", "pons2016")
    assert text == explain_difference("librosa", "pons2016")
    assert text == explain_difference(preset("librosa"), "pons2016").replace("a: FrontEnd", "a: preset librosa")


IDLE = [
    ({}, {"win_length": 512}),
    ({}, {"fmax": SR / 2}),
    ({}, {"factor": 3.0}),
    ({"window": "boxcar"}, {"symmetric": True}),
    ({"window": "hann"}, {"window": ("general_cosine", (0.5, 0.5))}),
    ({"center": False}, {"pad_mode": "reflect"}),
    ({"compression": "none"}, {"amin": 1.0, "ref": "max", "top_db": 3.0}),
    ({"compression": "log1p"}, {"amin": 1.0, "ref": "max", "top_db": 3.0}),
    ({}, {"lifter": 22.0, "lifter_start": 0}),
    ({"n_mfcc": 13}, {"lifter_start": 0}),
    ({"n_mels": None}, {"fmin": 10.0, "fmax": 3000.0, "htk": True, "norm": None, "triangles": "mel"}),
]


@pytest.mark.parametrize(("common", "changed"), IDLE)
def test_fields_without_effect_are_told_as_such(common, changed):
    a = replace(BASE, **common)
    b = replace(a, **changed)
    text = flat(explain_difference(a, b))
    assert told(a, b) == {}
    for name, value in changed.items():
        assert f"{name}: {shown(getattr(a, name))} | {shown(value)}" in text
    assert "The features are the same. Without effect: " in text
    assert "Equal in every value." in text


@given(st.lists(st.sampled_from(sorted(set(CHANGES) - {"sr"})), min_size=1, max_size=4, unique=True))
def test_what_is_told_to_be_the_same_is(names):
    others = {key: value for name in names for key, value in CHANGES[name][2].items() if key not in names}
    try:
        a, b = (replace(BASE, **others, **{name: CHANGES[name][k] for name in names}) for k in (0, 1))
    except ValueError:  # some need others, as the energy needs the logarithm
        reject()
    text = explain_difference(a, b)
    listed = {name for name in names if f"{name}: " in text}
    assert listed == set(names)
    A, B = a(probe(SR, 2.0)), b(probe(SR, 2.0))
    if "The features are the same" in text:
        assert np.array_equal(A, B)
    if A.shape == B.shape and a.center == b.center and a.hop_length == b.hop_length:
        assert ("Equal in every value" in text) == np.array_equal(A, B)


@pytest.mark.parametrize("n_mels", [20, 64])
@pytest.mark.parametrize("norms", list(permutations(["slaney", None, 2.0], 2)))
def test_the_gains_of_norms_are_librosas(n_mels, norms):
    bank = {"sr": 22050, "n_fft": 2048, "n_mels": n_mels, "htk": True, "fmin": 30.0, "dtype": np.float64}
    w, v = (librosa.filters.mel(norm=norm, **bank) for norm in norms)
    gains = v[w > 0] / w[w > 0]
    a, b = (FrontEnd(22050, n_mels=n_mels, htk=True, fmin=30.0, norm=norm) for norm in norms)
    low, high, *decibels = numbers(rf"from a to b, {N} to {N}: {N} to {N} dB", explain_difference(a, b))
    assert_allclose([low, high], [gains.min(), gains.max()], rtol=1e-3)
    assert_allclose(decibels, 10 * np.log10([gains.min(), gains.max()]), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("n_mels", [1, 20, 128])
@pytest.mark.parametrize("fmax", [8000.0, 11025.0])
def test_the_places_of_bands_are_librosas(n_mels, fmax):
    x, y = (
        librosa.mel_frequencies(n_mels + 2, fmin=0.0, fmax=top, htk=htk)[1:-1]
        for top, htk in ((11025.0, False), (fmax, True))
    )
    text = explain_difference(
        FrontEnd(22050, n_mels=n_mels), FrontEnd(22050, n_mels=n_mels, htk=True, fmax=fmax, n_mfcc=1)
    )
    apart, band, at_x, at_y, median = numbers(
        rf"lie up to {N} Hz apart \(band (\d+): {N} \| {N} Hz\), by the median {N} Hz", text
    )
    k = int(np.abs(x - y).argmax())
    assert band == k
    expected = [np.abs(x - y).max(), x[k], y[k], np.median(np.abs(x - y))]
    assert_allclose([apart, at_x, at_y, median], expected, rtol=6e-4)


def test_bands_without_a_bin_are_counted():
    a, b = (FrontEnd(16000, n_fft=400, n_mels=128, htk=htk) for htk in (False, True))
    with pytest.warns(UserWarning, match="Empty filters"):
        banks = [librosa.filters.mel(sr=16000, n_fft=400, n_mels=128, htk=htk) for htk in (False, True)]
    expected = [int((bank.max(axis=1) == 0).sum()) for bank in banks]
    assert max(expected) > 0
    assert numbers(r"which stay empty: (\d+) \| (\d+)", explain_difference(a, b)) == expected
    assert "stay empty" not in explain_difference(BASE, replace(BASE, htk=True))


@pytest.mark.parametrize(
    ("changed", "offset"),
    [
        ({"gain": 2.0}, 20 * np.log10(2.0)),
        ({"ref": 10.0}, -10.0),
        ({"gain": 2.0, "power": 1.0, "amin": 1e-14}, 10 * np.log10(2.0)),
        ({"gain": 2.0, "compression": "log"}, 2 * np.log(2.0)),
    ],
)
def test_a_gain_of_the_levels_is_an_offset_of_decibels(changed, offset):
    common = {key: value for key, value in changed.items() if key not in ("gain", "ref")}
    a = replace(BASE, **common)
    text = explain_difference(a, replace(BASE, **changed))
    unit = "" if "compression" in changed else " dB"
    assert f"That is an offset of {offset:.4g}{unit}, above the floor." in flat(text)
    assert f"mean offset {offset:.4g}{unit}; |b - a| by the median {abs(offset):.4g}{unit}" in flat(text)
    assert "That fit is exact" in text
    assert f"best fit b = 1 a {'+' if offset > 0 else '-'} {abs(offset):.4g}." in text


@pytest.mark.parametrize(
    ("common", "changed", "sentence"),
    [
        ({"compression": "none"}, {"gain": 3.0}, "That is a gain of 9."),
        ({"compression": "log1p"}, {"gain": 3.0}, "That bends the features"),
        ({"ref": "max"}, {"gain": 3.0}, "The clip's maximum moves with it."),
        ({}, {"gain": 3.0, "compression": "none"}, "depends on the power, the compression and the scale"),
        ({"compression": "log1p"}, {"compression": "log10_1p"}, "a gain of 0.4343 from a to b"),
        ({"compression": "log"}, {"compression": "power_db"}, "a gain of 4.343 from a to b"),
        ({}, {"compression": "log1p"}, "no gain and offset turn one into the other"),
        ({}, {"ref": "max"}, "changes from clip to clip"),
        ({}, {"power": 1.0}, "add 6.021 | 3.01 dB to the features"),
        ({"compression": "none"}, {"power": 1.0}, "the power 2 | 1"),
        ({}, {"n_mels": None}, "20 mel bands | 257 bins of the spectrum"),
        ({}, {"n_mfcc": 13}, "beside the bands themselves"),
        ({"n_mfcc": 20}, {"n_mfcc": 13}, "both have the first 13"),
        ({}, {"max_frames": 40}, "the first all | 1 s is kept"),
        ({}, {"amin": 1e-4}, "-100 | -40 dB"),
        ({}, {"sr": 6000.0}, "Sound above 3000 Hz is lost in b."),
        ({}, {"center": False}, "its centre is 32 ms later"),
        ({}, {"pad_mode": "edge"}, "at most the first and last 2."),
        ({}, {"hop_length": 100}, "A frame every 25 | 12.5 ms."),
        ({"frames": "kaldi", "win_length": 400}, {"center": False}, "its centre is 12.5 ms later"),
        ({}, {"preemphasis": 0.97}, "0 Hz moves by 0 | -30.46 dB, half the sample rate by 0 | 5.889 dB."),
        ({}, {"preemphasis": 1.0}, "0 Hz moves by 0 | -inf dB"),
        ({}, {"scale": 0.5}, "a gain of 0.5 from a to b"),
        ({}, {"shift": -3.0}, "an offset of -3."),
        ({"scale": 0.5}, {"gain": 2.0}, "That is an offset of 3.01, above the floor."),
        ({"scale": 0.5}, {"power": 1.0}, "add 3.01 | 1.505 to the features"),
        ({}, {"n_fft": 1024}, "a steady tone changes by 6.021 dB, white noise by 3.01 dB"),
        ({}, {"window": "boxcar"}, "a bin gathers noise from 23.44 | 15.62 Hz"),  # 1.5 bins and 1
        ({}, {"center": False}, "the first centred at 0 | 32 ms"),
        ({"n_mels": None}, {"n_mels": 20, "htk": True}, "htk: False | True. Slaney's | HTK's mel scale. (a does not"),
    ],
)
def test_sentences(common, changed, sentence):
    a = replace(BASE, **common)
    assert sentence in flat(explain_difference(a, replace(a, **changed)))


@pytest.mark.parametrize("compression", ["none", "log", "log1p"])
def test_compressions_of_a_family_differ_by_a_gain_only(compression):
    other = {"none": "none", "log": "power_db", "log1p": "log10_1p"}[compression]
    a = replace(BASE, compression=compression)
    b = replace(BASE, compression=other, gain=2.0 if compression == "none" else 1.0)
    gain = {"none": 4.0, "log": 4.343, "log1p": 0.4343}[compression]
    text = explain_difference(a, b)
    assert f"best fit b = {gain:.4g} a + 0." in text
    assert "That fit is exact" in text


def test_what_a_gain_for_each_band_explains():
    text = explain_difference(BASE, replace(BASE, norm=None))
    assert "That fit is exact" not in text
    assert "With a gain and an offset for each row nothing is left" in text
    assert "for each row would leave" in explain_difference(BASE, replace(BASE, htk=True))


@pytest.mark.parametrize(
    "changed", [{"window": "hamming"}, {"htk": True}, {"pad_mode": "reflect"}, {"compression": "none"}]
)
def test_the_measures_are_those_of_numpy(changed):
    b = replace(BASE, **changed)
    text = explain_difference(BASE, b)
    y = probe(SR, 2.0)
    A, B = BASE(y), b(y)
    heard = (A > -100) & ((0 if "compression" in changed else -100) < B)
    x, y = A[heard], B[heard]
    assert numbers(rf"{N} % of the values are above", text) == pytest.approx([100 * heard.mean()], rel=1e-3)
    unit = "" if "compression" in changed else " dB"
    mean, median, most, close = numbers(
        rf"mean offset {N}{unit}; \|b - a\| by the median {N}{unit}, at most {N}{unit}; {N} % of the values agree", text
    )
    assert_allclose([mean, median, most], [(y - x).mean(), np.median(abs(y - x)), abs(y - x).max()], rtol=1e-3)
    assert close == pytest.approx(100 * np.isclose(y, x, rtol=1e-4, atol=0).mean(), rel=1e-3)
    correlation, slope = numbers(rf"Correlation {N}; best fit b = {N} a", text)
    line = np.polyfit(x, y, 1)
    assert correlation == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-4)
    assert slope == pytest.approx(line[0], rel=1e-3)
    rest = y - np.polyval(line, x)
    left, worst, spread = numbers(rf"leaves {N}{unit} rms, at most {N}{unit}; b .* by {N}{unit} rms", text)
    assert_allclose([left, worst, spread], [rest.std(), abs(rest).max(), y.std()], rtol=1e-3)


def test_a_row_of_energies_is_left_out_where_the_other_has_none():
    a = replace(BASE, compression="log")
    b = replace(a, log_energy="first", amin=1e-9)
    for text in (explain_difference(a, b), explain_difference(b, a)):
        assert f"The first row of {'b' if text.index('20, 81') < text.index('21, 81') else 'a'}, of energies" in text
        assert "best fit b = 1 a + 0." in text
    assert "of energies" not in explain_difference(b, replace(b, shift=1.0))
    many = explain_difference(b, replace(b, n_mels=30))
    assert "rows are 21 mel bands | 31 mel bands" in many
    hz = librosa.mel_frequencies(22, fmax=SR / 2)[1:-1]
    expected = np.interp(1000.0, hz, b(probe(SR, 2.0))[1:].mean(axis=1))
    assert numbers(rf"1000 Hz: {N} \|", many) == pytest.approx([expected], rel=1e-3)


def test_frames_are_compared_where_they_lie():
    text = explain_difference(BASE, replace(BASE, n_fft=400, center=False))
    assert "Compared: all rows, at 79 frames of each that lie at the same times." in text
    halves = explain_difference(BASE, replace(BASE, hop_length=100))
    assert "Compared: all rows, at 81 frames of each that lie at the same times.\n  Equal in every value." in halves
    text = explain_difference(BASE, replace(BASE, n_fft=500, center=False))
    assert re.search(r"frames of each that lie up to 6\.25 ms apart", text)
    apart = explain_difference(replace(BASE, max_frames=1), replace(BASE, max_frames=1, center=False))
    assert "No two frames lie within half a hop of each other." in apart


def test_rows_that_are_not_the_same_are_compared_by_frequency():
    a, b = FrontEnd(22050, n_mels=None, compression="none"), FrontEnd(22050, compression="none", norm=1.0)
    text = flat(explain_difference(a, b))
    assert "rows are 1025 bins of the spectrum | 128 mel bands" in text
    y = probe(22050, 2.0)
    x, hz = a(y).mean(axis=1), librosa.mel_frequencies(130, fmax=11025)[1:-1]
    expected = np.interp(1000.0, np.fft.rfftfreq(2048, 1 / 22050), x), np.interp(1000.0, hz, b(y).mean(axis=1))
    assert_allclose(numbers(rf"1000 Hz: {N} \| {N}", text), expected, rtol=1e-3)
    assert "16000 Hz" not in text
    assert "125 Hz" not in flat(explain_difference(a, replace(b, fmin=500.0)))
    cepstra = flat(explain_difference(replace(BASE, n_mfcc=20), BASE))
    assert "rows are 20 cepstral coefficients | 20 mel bands." in cepstra
    assert cepstra.endswith("bands.")


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        (replace(BASE, compression="none"), replace(BASE, compression="none", power=150.0), "beyond 1e+100"),
        (BASE, replace(BASE, gain=1e-9), "All of these are the same in b."),
        (replace(BASE, gain=1e-9), BASE, "All of these are the same in a."),
        (BASE, replace(BASE, max_frames=1), "at 1 frames"),
        (FrontEnd(1.0, n_fft=4, hop_length=1, n_mels=1), BASE, "Shapes: (1, "),
        (FrontEnd(22050.5, n_fft=100), FrontEnd(22050.5, n_fft=101, hop_length=7), "best fit"),
        (BASE, replace(BASE, window=("general_cosine", (0.0, 1.0))), "steady tone changes by"),
        (BASE, replace(BASE, n_fft=40000, hop_length=20000), "Measured on 11.5 s"),
    ],
)
def test_odd_front_ends(a, b, sentence):
    for text in (explain_difference(a, b), explain_difference(b, a)):
        assert len(text.splitlines()) >= 4
    assert sentence in flat(explain_difference(a, b))


@pytest.mark.parametrize(("low", "high"), list(combinations([8000.0, 22050.0, 44100.0], 2)))
def test_the_probe_is_one_sound_at_every_rate(low, high):
    x, y = probe(low, 2.0), probe(high, 2.0)
    assert (len(x), len(y)) == (2 * low, 2 * high)
    # what an ideal resampler makes of the faster one; fades alone reach over half the rate
    assert_allclose(scipy.signal.resample(y, len(x)), x, atol=5e-3)
    assert 0.2 < np.abs(x).max() < 1.0
    assert not x[round(SOUND * low) :].any()
    assert np.abs(x[: round(SOUND * low) - 1]).min(initial=1.0, where=x[: round(SOUND * low) - 1] != 0) > 0


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 90), st.integers(1, 90), st.booleans())
def test_frames_are_paired_one_to_one_and_nearest(n_a, n_b, hop_a, hop_b, center):
    a = FrontEnd(1000, n_fft=64, hop_length=hop_a, n_mels=4)
    b = FrontEnd(1000, n_fft=32, hop_length=hop_b, n_mels=4, center=center)
    i, j, late = paired_frames(a, b, n_a, n_b)
    assert len(i) == len(j) == len(set(i)) == len(set(j))
    t, u = a.frame_times(n_a), b.frame_times(n_b)
    gaps = np.abs(np.subtract.outer(t, u))
    assert_allclose(gaps[i, j], gaps[i].min(axis=1, initial=np.inf), atol=1e-12)
    assert late == gaps[i, j].max(initial=0.0) <= 0.501 * min(hop_a, hop_b) / 1000
    coincide = [(m, n) for m in range(n_a) for n in range(n_b) if gaps[m, n] < 1e-9]
    assert set(coincide) <= set(zip(i.tolist(), j.tolist(), strict=True))


@pytest.mark.parametrize("bad", [None, 3, {"sr": 8000}, b"librosa"])
def test_what_is_no_front_end_is_refused(bad):
    with pytest.raises(TypeError, match="a must be a FrontEnd or the name of a preset, got"):
        explain_difference(bad, BASE)
    with pytest.raises(TypeError, match="b must be a FrontEnd or the name of a preset, got"):
        explain_difference(BASE, bad)


def test_an_unknown_name_is_answered_with_the_names():
    with pytest.raises(ValueError, match=r"name must be one of .*librosa.*, got 'librosar'"):
        explain_difference("librosa", "librosar")
