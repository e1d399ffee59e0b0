"""Networks with filters along time, along frequency, or both, after Pons, Lidy and Serra (2016)."""

from audiofeat_nn.musical.black_box import BlackBox, mirex2015
from audiofeat_nn.musical.branches import Frequency, Time
from audiofeat_nn.musical.combined import TimeFrequency, time_frequency_init

__all__ = ["BlackBox", "Frequency", "Time", "TimeFrequency", "mirex2015", "time_frequency_init"]
