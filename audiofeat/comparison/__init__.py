"""How two front ends differ, in words and numbers, and what that does to the features."""

import textwrap

from audiofeat.comparison.effects import tell_fields
from audiofeat.comparison.facts import as_front_end
from audiofeat.comparison.measures import tell_measures
from audiofeat.frontend import FrontEnd

__all__ = ["explain_difference"]

WIDTH = 100  # characters of a line


def explain_difference(a: FrontEnd | str, b: FrontEnd | str) -> str:
    """Tell how two front ends differ, and what that does to the features.

    Parameters
    ----------
    a, b : FrontEnd or str
        Front ends, or names of presets.

    Returns
    -------
    str
        Lines of up to about 100 characters, the same at every call. First the fields that differ, with their
        values as ``a | b`` and what each does; then those that change nothing, such as the `factor` of a
        compression that has none; last what was measured: both front ends on the same sound, a dying tone,
        bursts of noise and silence, band-limited to the rate of each.

    Raises
    ------
    ValueError
        If a name is no preset.
    TypeError
        If `a` or `b` is neither a front end nor a name.

    Notes
    -----
    Frames are compared in pairs, nearest to each other in time. Values that silence gives too are left out: they
    lie at the floor of the compression, which no gain moves.

    Examples
    --------
    >>> from audiofeat import FrontEnd
    >>> text = explain_difference(FrontEnd(22050), FrontEnd(22050, htk=True))
    >>> print(*text.splitlines()[2:5], sep="\\n")
    1 field differs (a | b):
      htk: False | True. Slaney's | HTK's mel scale.
      -> Band centres lie up to 424.7 Hz apart (band 100: 5235 | 5660 Hz), by the median 142.6 Hz.
    """
    first, second = as_front_end(a, "a"), as_front_end(b, "b")
    if first == second:
        return f"identical: same fingerprint {first.fingerprint()}"
    lines = [f"a: {_title(a, first)}", f"b: {_title(b, second)}"]
    lines += [*tell_fields(first, second), *tell_measures(first, second)]
    wrap = textwrap.TextWrapper(WIDTH, subsequent_indent=" " * 6, break_on_hyphens=False, break_long_words=False)
    return "\n".join(wrap.fill(line) for line in lines)


def _title(given: FrontEnd | str, front_end: FrontEnd) -> str:
    what = f"preset {given}" if isinstance(given, str) else "FrontEnd"
    return f"{what}, fingerprint {front_end.fingerprint()}"
