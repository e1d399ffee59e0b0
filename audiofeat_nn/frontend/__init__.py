"""Front ends as modules of torch: a batch of signals becomes the input of a network."""

from audiofeat_nn.frontend.modules import LogMel, Spectrogram

__all__ = ["LogMel", "Spectrogram"]
