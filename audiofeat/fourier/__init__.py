"""Short-time Fourier analysis: where the frames lie, their spectra, and back to a signal."""

from audiofeat.fourier.transform import fft_frequencies, istft, spectrogram, stft

__all__ = ["fft_frequencies", "istft", "spectrogram", "stft"]
