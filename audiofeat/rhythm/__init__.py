"""Tempo, beats and periodicities of the onset strength.

Estimates of tempo and of beats [1]_, and the tempogram, are librosa's; the onset strength is ours. It is computed in
double precision and rounded once: a tempo is a decision, which should not hang on the last digits.

References
----------
.. [1] D. P. W. Ellis, "Beat tracking by dynamic programming", Journal of New Music Research 36(1), 2007.
"""

from audiofeat.rhythm.beats import Beats, beat_track, tempo
from audiofeat.rhythm.periodicity import BeatHistogram, beat_histogram, tempogram
from audiofeat.rhythm.summary import rhythm_statistics

__all__ = ["BeatHistogram", "Beats", "beat_histogram", "beat_track", "rhythm_statistics", "tempo", "tempogram"]
