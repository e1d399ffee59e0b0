"""Names and defaults are librosa 0.11's, but for the exceptions written here."""

import inspect
from inspect import Parameter

import librosa
import numba
import numpy as np
import pytest

import audiofeat

REQUIRED = Parameter.empty
# No **kwargs, no S= beside y=, and the dtype follows the input.
NEVER = {"kwargs", "S", "dtype", "out"}
BANDS = [librosa.feature.melspectrogram, librosa.filters.mel]


def octaves(*, ctroct=5.0, octwidth=2, base_c=True):
    """The parameters of librosa.filters.chroma that chroma_stft hands on."""


# Our name: (librosa's functions, the first of which wins; parameters of theirs that we leave out;
# parameters that we add or whose default is another).
SPECTRA = {"y": REQUIRED, "sr": REQUIRED}
FREE = {*NEVER, "freq"}
TABLE = {
    "amplitude_to_db": ([librosa.amplitude_to_db], set(), {}),
    "chroma_stft": ([librosa.feature.chroma_stft, octaves], NEVER, {**SPECTRA}),
    "db_to_amplitude": ([librosa.db_to_amplitude], set(), {}),
    "db_to_power": ([librosa.db_to_power], set(), {}),
    "delta": ([librosa.feature.delta], {"data", *NEVER}, {"X": REQUIRED}),
    "fft_frequencies": ([librosa.fft_frequencies], set(), {"sr": REQUIRED}),
    "hz_to_mel": ([librosa.hz_to_mel], set(), {}),
    "hpss": ([librosa.effects.hpss], NEVER, {}),
    "istft": ([librosa.istft], NEVER, {}),
    "load": (
        [librosa.load],
        {"res_type"},
        {"sr": None, "dtype": "float32", "max_duration": 86400.0, "max_size": None, "truncated": "raise"},
    ),
    "logmel": (
        [*BANDS, librosa.power_to_db],
        NEVER,
        {"y": REQUIRED, "sr": REQUIRED, "top_db": None, "triangles": "hz", "workers": 1},
    ),
    "mel_filterbank": ([librosa.filters.mel], set(), {"n_fft": 2048, "triangles": "hz"}),
    "mel_frequencies": ([librosa.mel_frequencies], set(), {}),
    "mel_to_hz": ([librosa.mel_to_hz], set(), {}),
    "melspectrogram": (BANDS, NEVER, {"y": REQUIRED, "sr": REQUIRED, "triangles": "hz", "workers": 1}),
    "mfcc": (
        [librosa.feature.mfcc, *BANDS, librosa.power_to_db],
        NEVER,
        {"y": REQUIRED, "sr": REQUIRED, "top_db": None, "triangles": "hz", "workers": 1},
    ),
    "onset_strength": (
        [librosa.onset.onset_strength, *BANDS],
        {"ref", "feature", *NEVER},
        {**SPECTRA, "workers": 1},
    ),
    "poly_features": ([librosa.feature.poly_features], FREE, SPECTRA),
    "power_to_db": ([librosa.power_to_db], set(), {}),
    "rms": ([librosa.feature.rms], NEVER, {"y": REQUIRED}),
    "spectral_bandwidth": ([librosa.feature.spectral_bandwidth], {"centroid", *FREE}, {**SPECTRA, "p": 2.0}),
    "spectral_centroid": ([librosa.feature.spectral_centroid], FREE, SPECTRA),
    "spectral_contrast": ([librosa.feature.spectral_contrast], FREE, SPECTRA),
    "spectral_flatness": ([librosa.feature.spectral_flatness], NEVER, {"y": REQUIRED}),
    "spectral_rolloff": ([librosa.feature.spectral_rolloff], FREE, SPECTRA),
    "spectrogram": ([librosa.core.spectrum._spectrogram], NEVER, {"y": REQUIRED, "workers": 1}),
    "stft": ([librosa.stft], NEVER, {"workers": 1}),
    "tempo": (
        [librosa.feature.tempo],
        {"onset_envelope", "tg", "aggregate", "prior", *NEVER},
        {**SPECTRA, "pad_mode": "constant"},
    ),
    "tempogram": ([librosa.feature.tempogram], {"onset_envelope", *NEVER}, SPECTRA),
    "tonnetz": ([librosa.feature.tonnetz, librosa.feature.chroma_stft], {"norm", "chroma", *NEVER}, SPECTRA),
    "zero_crossing_rate": (
        [librosa.feature.zero_crossing_rate, librosa.zero_crossings],
        {"pad", "ref_magnitude", "zero_pos", "axis", *NEVER},
        {},
    ),
}

if not numba.config.DISABLE_JIT:  # without it librosa.beat cannot be imported
    TABLE["beat_track"] = (
        [librosa.beat.beat_track],
        {"onset_envelope", "bpm", "prior", "units", "sparse", *NEVER},
        {"y": REQUIRED, "sr": REQUIRED, "pad_mode": "constant"},
    )


def defaults(function):
    return {name: p.default for name, p in inspect.signature(function).parameters.items()}


@pytest.mark.parametrize("name", TABLE)
def test_names_and_defaults_are_librosas(name):
    functions, left_out, ours = TABLE[name]
    theirs = {}
    for function in reversed(functions):
        theirs |= defaults(function)
    theirs = {parameter: value for parameter, value in theirs.items() if parameter not in left_out}
    assert {k: v for k, v in ours.items() if theirs.get(k, Parameter) is v} == {}, "not an exception"
    assert defaults(getattr(audiofeat, name)) == theirs | ours


@pytest.mark.parametrize("name", TABLE)
def test_only_data_and_rate_are_positional(name):
    parameters = list(inspect.signature(getattr(audiofeat, name)).parameters.values())
    positional = [p.name for p in parameters if p.kind is not Parameter.KEYWORD_ONLY]
    assert positional == [p.name for p in parameters][: len(positional)]
    assert positional[1:] in ([], ["sr"])


def test_every_function_that_librosa_has_is_in_the_table():
    modules = ("cepstrum", "descriptors", "fourier", "mel", "onset", "rhythm", "separation")
    ours = {"BeatHistogram", "Beats", "beat_histogram", "beat_track", "onset_envelope", "rhythm_statistics"}
    assert {n for n in audiofeat.__all__ if audiofeat._HOME.get(n) in modules} | {"load"} == set(TABLE) | ours


def test_the_defaults_give_librosas_numbers():
    y = np.random.default_rng(0).uniform(-1, 1, 30000).astype(np.float32)
    S = librosa.feature.melspectrogram(y=y)
    np.testing.assert_allclose(audiofeat.melspectrogram(y, 22050), S, rtol=1e-5, atol=1e-6 * S.max())
    expected = librosa.power_to_db(S)
    np.testing.assert_allclose(audiofeat.power_to_db(S), expected)
    np.testing.assert_allclose(audiofeat.logmel(y, 22050, top_db=80.0), expected, rtol=1e-5, atol=1e-4)
