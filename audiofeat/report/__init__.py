"""Pages to click through: one file of HTML for a segmentation, with its sound."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from audiofeat._files import replacing
from audiofeat._validation import as_signal

if TYPE_CHECKING:
    from audiofeat.sections import Segmentation

__all__ = ["save_report"]


def save_report(
    path: str | os.PathLike[str],
    segmentation: "Segmentation",
    *,
    audio: str | os.PathLike[str] | None = None,
    y: ArrayLike | None = None,
    title: str | None = None,
    embed_audio: bool = False,
) -> None:
    """Write a page on which the sections can be seen, heard and clicked through.

    It is one file of HTML that any browser opens without a network: the waveform coloured by section, a table of
    the sections, the matrices of the windows, and a player that jumps to what is clicked and shows where it is.
    The page can be used by keyboard, read without colours and on a phone, and follows the light or dark scheme
    of the reader.

    Parameters
    ----------
    path : str or os.PathLike
        The page, ``.html`` or ``.htm``; one that exists is replaced.
    segmentation : Segmentation
        The result of `segment` or `segment_file`.
    audio : str or os.PathLike, optional
        The file that was segmented, to be played. The page names it by where it lies seen from the page, so that both
        can be moved together. Without it nothing can be played, and the page has no script.
    y : array_like, shape (..., n_samples), optional
        The signal that was segmented, at ``segmentation.sr``, for the waveform; read from `audio` if not given. With
        neither the page shows the sections as blocks.
    title : str, optional
        The heading; the name of `audio` without its extension if not given, or ``"Sections"``.
    embed_audio : bool, default=False
        Put the sound into the page, so that one file can be sent; see Notes.

    Raises
    ------
    ValueError
        If the extension is another, or `y` or `audio` is not as long as the segmentation.
    AudioError
        If `audio` cannot be read, or is more than 256 MiB to be embedded.

    See Also
    --------
    segment_file : The sections of a file.
    plot_summary : A figure for print.

    Notes
    -----
    Of MP3, FLAC, Ogg Vorbis and Opus the file itself is embedded; anything else, such as WAV, is encoded as Ogg Vorbis
    (about 1 MB a minute in stereo; more than two channels are averaged). Files that browsers do not play, such as
    AIFF, AU or CAF, are always embedded so. Embedding makes a page larger by 4/3 of the sound.

    Titles, labels and names are escaped, and a content security policy keeps the page from running any script but its
    own and from loading anything but its sound, whatever a label holds. The matrices are pictures of at most 400 pixels
    a side, in which a pixel shows the closest pair of the windows under it.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat import save, segment_file, synth
    >>> song = synth.ar_regimes("AB", sr=4000, segment_duration=4.0, random_state=0)
    >>> folder = Path(tempfile.mkdtemp())
    >>> save(folder / "song.flac", 0.1 * song.y, song.sr)
    >>> found = segment_file(folder / "song.flac", hop_duration=1.0)
    >>> save_report(folder / "song.html", found, audio=folder / "song.flac")
    >>> (folder / "song.html").read_text(encoding="utf-8").count("<audio")
    1
    """
    from audiofeat.outline import outlined
    from audiofeat.report._audio import audio_url
    from audiofeat.report._page import page

    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        msg = f"path must end in .html or .htm, got {str(path)!r}"
        raise ValueError(msg)
    drawn, signal, name, url = segmentation, None, None, None
    if audio is not None:
        name = Path(audio).name
        url = audio_url(Path(audio), target, embed=embed_audio)
    if y is not None:
        signal = as_signal(y)
        signal = signal.reshape(-1, signal.shape[-1])
    elif audio is not None:
        drawn, signal = outlined(segmentation, audio)
    if signal is not None and abs(signal.shape[1] - int(drawn.boundary_samples[-1])) > 1:
        wanted, got = segmentation.duration, signal.shape[1] / drawn.sr
        msg = f"{'audio' if y is None else 'y'} must be {wanted:.6f} s long, as the segmentation, got {got:.6f} s"
        raise ValueError(msg)
    heading = title if title is not None else Path(name).stem if name is not None else "Sections"
    text = page(segmentation, signal, drawn.sr, title=heading, url=url, name=name)
    with replacing(target) as temporary:
        temporary.write_bytes(text.encode())
