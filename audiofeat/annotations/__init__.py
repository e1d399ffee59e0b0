r"""Labelled intervals to and from files.

The formats, all of them UTF-8 (a byte-order mark is read over, and UTF-16 is read if it has one):

``lab`` (MIREX, mir_eval) and ``audacity``
    A line per interval: start, tab, end, tab, label. In labels a backslash is written ``\\``, a tab ``\t``, a
    line break ``\n`` or ``\r``, and a space at either end ``\s``. Read: any white space between the columns,
    blank lines, lines of comment (``#``) and Audacity's lines of frequencies (a backslash) skipped; a column
    between end and label (Isophonics) left out; and files with a line per point, time and label (SALAMI,
    Harmonix), told by their first line.
``csv``
    Columns start, end and label under a header, labels in quotes (RFC 4180). Read: with or without header,
    commas, semicolons or tabs, columns in any order and number if the header names ``start`` and ``end`` or
    ``stop`` (the label is ``label``, ``structure`` or ``section``, else the last of the others); without, the
    label is the last. Two columns are points, time and label.
``json``
    ``{"duration": ..., "segments": [{"start": ..., "end": ..., "label": ...}, ...]}``, as all-in-one has it.
``textgrid`` (Praat)
    One interval tier in the long text form. Read: the first interval tier, long or short form.
``jams``
    One annotation in the namespace ``segment_open``. Read: the first whose namespace starts with ``segment``.
    `save_hierarchy` and `load_hierarchy` write and read several levels at once, as ``multi_segment``.

`load_annotations` gives back what stands in a file; `read_segments` makes sections of it, which figures and
scores take.
"""

from audiofeat.annotations.hierarchy import load_hierarchy, save_hierarchy
from audiofeat.annotations.reading import load_annotations
from audiofeat.annotations.segments import Sections, read_segments
from audiofeat.annotations.writing import save_annotations

__all__ = [
    "Sections",
    "load_annotations",
    "load_hierarchy",
    "read_segments",
    "save_annotations",
    "save_hierarchy",
]
