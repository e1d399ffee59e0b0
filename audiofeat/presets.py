"""Named front ends: the inputs of published networks, and other libraries' defaults.

Files are resampled by soxr, whatever the authors used. What a network does to its input after the front end
(standardisation over a training set, resizing, colour) is not part of it.
"""

from collections.abc import Callable
from dataclasses import replace

from audiofeat._validation import as_choice
from audiofeat.frontend import FrontEnd


def librosa() -> FrontEnd:
    """Return ``librosa.power_to_db(librosa.feature.melspectrogram(y=y))``, as of librosa 0.11.

    Its rate of 22,050 Hz and its `top_db` of 80, which looks at the whole clip, included.
    """
    return FrontEnd(22050, top_db=80.0)


def feng2017() -> FrontEnd:
    """Return the input of Feng, Liu and Yao 2017 (arXiv 1712.08370, section 4): (513, 128) from 3 s.

    Magnitudes of 1024-sample frames with half overlap at 22,050 Hz, neither mel nor logarithm. Clips are 3 s
    long and overlap by half.

    Not stated: centring, but only uncentred frames are 128 for 3 s (66,150 samples), centred ones are 130;
    and the window, here Hann.
    """
    return FrontEnd(22050, n_fft=1024, hop_length=512, center=False, power=1.0, n_mels=None, compression="none")


def ubc2020() -> FrontEnd:
    """Return the input of the PRCNN replication on FMA (UBC 2020): (128, 640) from 30 s at 22,050 Hz.

    The paper states windows of 2048, hops of 512 and 640 frames, but 30 s have 1292 such frames. The code
    that it builds on has hops of 1024 and keeps the first 640 of 646 frames, as here. That code takes dB
    under the clip's maximum, 80 dB of them, and turns these into natural logarithms of power: values from
    -18.42 to 0, the maximum taken before the last frames are dropped. Clips shorter than 29.7 s give fewer
    frames.

    Padding by reflection was the default of librosa before 0.9.
    """
    return FrontEnd(
        22050, hop_length=1024, pad_mode="reflect", compression="log", ref="max", top_db=80.0, max_frames=640
    )


def kth2020() -> FrontEnd:
    """Return the input of the DT2119 project (KTH 2020): (128, 128) from 3.5 s at 22,050 Hz, in dB.

    Windows of 2048, hops of 604, 128 bands, dB under the clip's maximum.

    The paper says 3 s, which is 110 frames; its code loads 3.5 s (77,175 samples) from 15.5 s on, which is
    128. It also calls 2048 samples 10 ms: they are 93. Not stated: the range, here the 80 dB which are
    `power_to_db`'s default, and the padding, by reflection as in librosa before 0.9.
    """
    return FrontEnd(22050, hop_length=604, pad_mode="reflect", ref="max", top_db=80.0)


def ucsd2020() -> FrontEnd:
    """Return the input of the segmentation and transfer report (UCSD 2020): (128, 646) from 30 s.

    And (128, 65) from 3 s. Mel power of 2048-sample frames with half overlap at 22,050 Hz, which the paper
    then draws through a colour map.

    Not stated: compression, so there is none here, as the paper says power; for the image in dB, use
    ``dataclasses.replace(preset("ucsd2020"), compression="power_db", ref="max", top_db=80.0)``. Nor is the
    padding, here zeros.
    """
    return FrontEnd(22050, hop_length=1024, compression="none")


def pons2016() -> FrontEnd:
    """Return the input of Pons, Lidy and Serra 2016 (CBMI): 40 bands at 44,100 Hz.

    Its patches are 80 or 250 frames: ``preset("pons2016").patches(y, 80)`` has the shape (16, 40, 80) for 30
    s, and (5, 40, 250) with 250; they follow each other, and the rest is dropped. The networks' input has one
    mean and deviation over all clips, which is not done here.

    The paper states a Blackman-Harris window of 2048 with half overlap and log(1 + 10000 x). The authors'
    code makes it Essentia's: the symmetric three-term window of -62 dB with a sum of 2, power, 40 bands from
    0 to 22,050 Hz on HTK's scale, triangular in mel and with weights that sum to 1 (``norm=1``), and log10.
    Essentia 2.1 gives the same numbers within 4e-6 (float32). It has 1293 frames for 30 s, one more than
    here: the last is centred beyond the end, and no patch reaches it.
    """
    terms = (0.44959, 0.49364, 0.05677)
    n_fft = 2048
    total = terms[0] * n_fft - terms[1] + terms[2]  # of the symmetric window: each cosine sums to 1
    return FrontEnd(
        44100,
        n_fft=n_fft,
        hop_length=1024,
        window=("general_cosine", terms),
        symmetric=True,
        gain=2.0 / total,
        n_mels=40,
        htk=True,
        norm=1.0,
        triangles="mel",
        compression="log10_1p",
        factor=10000.0,
    )


def torchaudio() -> FrontEnd:
    """Return ``torchaudio.transforms.MelSpectrogram(16000)``, as of torchaudio 2.11: power, not decibels.

    Its defaults: windows of 400 (Hann, periodic), hops of 200, padding by reflection, 128 bands from 0 to 8000 Hz
    on HTK's scale, triangular in Hz and of height 1. Many of the lowest bands are too narrow to hold a bin, and
    are 0.
    """
    return FrontEnd(16000, n_fft=400, hop_length=200, pad_mode="reflect", htk=True, norm=None, compression="none")


def whisper() -> FrontEnd:
    """Return the input of OpenAI's Whisper (openai-whisper 20231117), up to its large-v2: (80, 3000) from 30 s.

    Windows of 400 (Hann, periodic), hops of 160 at 16,000 Hz, padding by reflection, the last frame left out; 80
    of Slaney's bands from 0 to 8000 Hz; log10 of at least 1e-10, at least 8 below the clip's maximum, plus 4, over
    4. That is 80 dB of range, times 0.025, plus 1.

    Whisper fills audio with zeros up to 30 s, or cuts it, before. That is not done here: pass 480,000 samples
    for what it sees. The maximum is taken without the frame that is left out.
    """
    return FrontEnd(
        16000,
        n_fft=400,
        hop_length=160,
        pad_mode="reflect",
        n_mels=80,
        top_db=80.0,
        frames="whisper",
        scale=0.025,
        shift=1.0,
    )


def whisper_v3() -> FrontEnd:
    """Return the input of Whisper's large-v3 and turbo: `whisper` with 128 bands."""
    return replace(whisper(), n_mels=128)


def musicnn() -> FrontEnd:
    """Return the input of musicnn 0.1.0 (Pons and Serra 2019), before it is cut: 96 bands at 16,000 Hz.

    librosa's mel spectrogram of its day (0.7): windows of 512, hops of 256, padding by reflection, Slaney's bands
    from 0 to 8000 Hz; then log10(1 + 10000 x).

    Its patches are 187 frames, 3 s: ``preset("musicnn").patches(y, 187)``; musicnn turns them, time first. From the
    power on it computes in float16, which is not done here: that moves values by up to 0.003, and makes those of
    power above 6.5 infinite.
    """
    return FrontEnd(
        16000, n_fft=512, hop_length=256, pad_mode="reflect", n_mels=96, compression="log10_1p", factor=10000.0
    )


def kaldi() -> FrontEnd:
    """Return ``compute-fbank-feats --dither=0`` of Kaldi 5.5: natural logarithms of 23 bands at 16,000 Hz.

    Its other defaults: windows of 25 ms, every 10 ms, that lie within the signal (snip-edges); samples in units of
    16-bit PCM; without their mean, pre-emphasis of 0.97, Povey's window, a transform of 512; power; bands
    from 20 to 8000 Hz on HTK's scale, triangular in mel and of height 1; a floor of float32's epsilon.

    Variants are made by :func:`dataclasses.replace`: ``center=True`` is ``--snip-edges=false``,
    ``log_energy="first"`` is ``--use-energy=true`` (raw energy, its floor 0), ``n_mels`` is ``--num-mel-bins``;
    other rates take their own ``win_length`` and ``hop_length``, and as `n_fft` the next power of 2. Frames are
    columns here, not rows.

    There is no dither, which is noise; Kaldi's default is 1 unit of PCM. Its transform multiplies up its twiddle
    factors in single precision, which is not done here: of the 4720 values of a sweep in 40 bands, that moves
    three by more than 0.02, and none by more than 0.031.
    """
    return FrontEnd(
        16000,
        n_fft=512,
        hop_length=160,
        win_length=400,
        window="povey",
        symmetric=True,
        gain=32768.0,
        center=False,
        pad_mode="symmetric",
        n_mels=23,
        fmin=20.0,
        htk=True,
        norm=None,
        triangles="mel",
        compression="log",
        amin=float.fromhex("0x1p-23"),
        frames="kaldi",
        remove_dc=True,
        preemphasis=0.97,
    )


def kaldi_mfcc() -> FrontEnd:
    """Return ``compute-mfcc-feats --dither=0`` of Kaldi 5.5: 13 coefficients at 16,000 Hz.

    The orthonormal DCT of `kaldi`, with a lifter of 22; the logarithm of the frame's raw energy takes the place of
    coefficient 0, as by default (``--use-energy=true``).
    """
    return replace(kaldi(), n_mfcc=13, log_energy="c0", lifter=22.0, lifter_start=0)


PRESETS: dict[str, Callable[[], FrontEnd]] = {
    "feng2017": feng2017,
    "kaldi": kaldi,
    "kaldi_mfcc": kaldi_mfcc,
    "kth2020": kth2020,
    "librosa": librosa,
    "musicnn": musicnn,
    "pons2016": pons2016,
    "torchaudio": torchaudio,
    "ubc2020": ubc2020,
    "ucsd2020": ucsd2020,
    "whisper": whisper,
    "whisper_v3": whisper_v3,
}


def preset(name: str) -> FrontEnd:
    """Return the front end of a name.

    Parameters
    ----------
    name : str
        One of `list_presets`. What each reproduces, and how its source's ambiguities are resolved, is in the
        docstring of the function of that name in ``audiofeat.presets``.

    Returns
    -------
    FrontEnd
        The front end; :func:`dataclasses.replace` makes variants of it.

    Raises
    ------
    ValueError
        If there is no such preset.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import preset
    >>> preset("kth2020")(np.zeros(77175)).shape
    (128, 128)
    """
    return PRESETS[as_choice(name, "name", PRESETS)]()


def list_presets() -> list[str]:
    """Return the names of the presets.

    Returns
    -------
    list of str
        Names for `preset`, sorted.

    Examples
    --------
    >>> from audiofeat import list_presets
    >>> list_presets()
    ['feng2017', 'kaldi', 'kaldi_mfcc', 'kth2020', 'librosa', 'musicnn', 'pons2016', 'torchaudio', 'ubc2020',
     'ucsd2020', 'whisper', 'whisper_v3']
    """
    return sorted(PRESETS)
