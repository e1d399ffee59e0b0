"""The descriptors of the frames of one signal, of spectra that are computed once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from audiofeat._validation import Float, as_choice, as_count, as_number, as_rate
from audiofeat.cepstrum import cosine_bank, delta
from audiofeat.descriptors._blocks import Frames, as_frames, in_bands, may_be_kept, spectra
from audiofeat.descriptors.chroma import Peaks, chroma_finish, normalized, peaks_of, tonal_centroids, tuning_of
from audiofeat.descriptors.contrast import Bands, contrast_of, extremes_of, octave_bands
from audiofeat.descriptors.levels import crossings_of, rms_of
from audiofeat.descriptors.shape import flatness_of, moments_of, polynomials_of, rolloff_of
from audiofeat.fourier import fft_frequencies
from audiofeat.fourier.engine import as_finish, finish_items
from audiofeat.fourier.framing import Framing, Window, as_framing
from audiofeat.mel import power_to_db
from audiofeat.mel.bands import mel_bank
from audiofeat.mel.recipe import Recipe, decibels
from audiofeat.onset import onset_envelope

Rows = dict[str, Float]  # descriptor -> values, shape (k, n_frames)

NAMES = (
    "rms",
    "zero_crossing_rate",
    "spectral_centroid",
    "spectral_bandwidth",
    "spectral_rolloff",
    "spectral_flatness",
    "spectral_contrast",
    "chroma_stft",
    "poly_features",
    "tonnetz",
    "onset_strength",
    "mfcc",
    "mfcc_delta",
    "mfcc_delta2",
)
OF_SAMPLES = {"rms", "zero_crossing_rate"}
OF_BANDS = {"onset_strength", "mfcc", "mfcc_delta", "mfcc_delta2"}
N_MELS = 128
DELTA = 9  # frames


@dataclass(frozen=True, eq=False)
class Plan:
    """What is computed of each signal, after all checks."""

    sr: float
    names: tuple[str, ...]
    frames: Frames
    samples: Framing  # of the root mean square
    signs: Framing  # of the zero crossings
    bins: Float
    n_mfcc: int
    top_db: float | None


def as_plan(
    sr: float,
    names: Sequence[str],
    known: Sequence[str],
    n_fft: int,
    hop_length: int,
    win_length: int | None,
    window: Window,
    center: bool,
    pad_mode: str,
    n_mfcc: int,
    top_db: float | None,
) -> Plan:
    """Check what the public functions share."""
    sr = as_rate(sr)
    wanted = tuple(as_choice(name, "names", known) for name in ([names] if isinstance(names, str) else names))
    if not wanted or len(set(wanted)) < len(wanted):
        msg = f"names must be different descriptors, at least one, got {list(names)!r}"
        raise ValueError(msg)
    return Plan(
        sr,
        wanted,
        as_frames(n_fft, hop_length, win_length, window, center, pad_mode),
        as_framing(n_fft, hop_length, None, "boxcar", center, pad_mode),
        as_framing(n_fft, hop_length, None, "boxcar", center, "edge"),
        fft_frequencies(sr, n_fft=n_fft),
        as_count(n_mfcc, "n_mfcc", high=N_MELS),
        None if top_db is None else as_number(top_db, "top_db", low=0.0),
    )


def columns_of(rows: Rows, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of descriptors."""
    numbers = {name: range(1, len(rows[name]) + 1) if len(rows[name]) > 1 else () for name in names}
    return tuple(column for name in names for column in ([f"{name}_{i}" for i in numbers[name]] or [name]))


def rows_of(y: Float, plan: Plan) -> Rows:
    """Compute the descriptors of one signal."""
    rows: Rows = {}
    if "rms" in plan.names:
        rows["rms"] = rms_of(y, plan.samples)
    if "zero_crossing_rate" in plan.names:
        rows["zero_crossing_rate"] = crossings_of(y, plan.signs)
    of_spectra = set(plan.names) & set(NAMES) - OF_SAMPLES
    if of_spectra:
        rows |= _rows_of_spectra(y, plan, of_spectra)
    return rows


def _rows_of_spectra(y: Float, plan: Plan, wanted: set[str]) -> Rows:
    """Compute the descriptors that are made of spectra, block by block, and then those that look at all of them."""
    sr, n_fft = plan.sr, plan.frames.n_fft
    chroma, mel = wanted & {"chroma_stft", "tonnetz"}, wanted & OF_BANDS
    octaves = _octaves(sr, n_fft) if "spectral_contrast" in wanted else None
    bank = as_finish(y.dtype, mel_bank(y.dtype, sr, n_fft, N_MELS, 0.0, None, False, "slaney", "hz"))
    blocks: dict[str, list[Float]] = {}
    peaks: list[Peaks] = []
    kept: list[Float] = []
    keep = may_be_kept(y, plan.frames)
    for _, _, S in spectra(y, plan.frames):
        found: Rows = {}
        if wanted & {"spectral_centroid", "spectral_bandwidth"}:
            found["spectral_centroid"], found["spectral_bandwidth"] = moments_of(S, plan.bins)[:, None]
        if "spectral_rolloff" in wanted:
            found["spectral_rolloff"] = rolloff_of(S, plan.bins)
        if "spectral_flatness" in wanted:
            found["spectral_flatness"] = flatness_of(S)
        if "poly_features" in wanted:
            found["poly_features"] = polynomials_of(S, sr, n_fft)
        if octaves:
            found["spectral_contrast"] = extremes_of(S, octaves)
        if chroma or mel:
            P = S * S
            if mel:
                found["mel"] = in_bands(P, bank)
            if chroma:
                peaks.append(peaks_of(P, sr, n_fft))
                kept += [P] if keep else []
        for name, values in found.items():
            blocks.setdefault(name, []).append(values)
    rows = {name: np.concatenate(values, axis=-1) for name, values in blocks.items()}
    if octaves:
        rows["spectral_contrast"] = contrast_of(rows["spectral_contrast"])
    if chroma:
        pitches = chroma_finish(y.dtype, tuning_of(peaks, 12), sr, n_fft)
        powers: Iterable[Float] = kept or (S * S for _, _, S in spectra(y, plan.frames))
        raw = np.concatenate([in_bands(P, pitches) for P in powers], axis=-1)
        rows["chroma_stft"] = normalized(raw, np.inf)
        if "tonnetz" in wanted:
            rows["tonnetz"] = tonal_centroids(rows["chroma_stft"])
    return rows | (_rows_of_bands(rows["mel"], plan) if mel else {})


def _octaves(sr: float, n_fft: int) -> Bands:
    """Return the bands of the spectral contrast that there are at this rate."""
    n_bands = 6
    while n_bands > 1 and 200.0 * 2.0 ** (n_bands - 1) >= sr / 2.0:
        n_bands -= 1
    return octave_bands(sr, n_fft, n_bands=n_bands)


def _rows_of_bands(mel: Float, plan: Plan) -> Rows:
    """Compute the descriptors that are made of mel power, shape (n_mels, n_frames)."""
    framing, rows = plan.frames.whole, {}
    if "onset_strength" in plan.names:
        S_db = power_to_db(mel)
        rows["onset_strength"] = onset_envelope(S_db, n_fft=framing.n_fft, hop_length=framing.hop_length)[None]
    if OF_BANDS - {"onset_strength"} & set(plan.names):
        cosines = cosine_bank(mel.dtype, plan.n_mfcc, N_MELS)
        recipe = Recipe(2.0, N_MELS, None, decibels(1.0, 1e-10, plan.top_db), cosines, None)
        finish = recipe.for_clip(mel.dtype, N_MELS, None, 1.0, float(mel.max()))
        rows["mfcc"] = finish_items(mel.copy(), [finish])
        mode = "interp" if mel.shape[1] >= DELTA else "nearest"
        for order, name in ((1, "mfcc_delta"), (2, "mfcc_delta2")):
            if name in plan.names:
                rows[name] = delta(rows["mfcc"], width=DELTA, order=order, mode=mode)
    return rows
