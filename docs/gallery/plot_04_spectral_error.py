"""
How the spectral error measure sees autoregressive processes
============================================================

An autoregressive model of a window is a smooth spectrum, and its inverse a filter that turns the window into white
noise. The spectral error measure asks how white *another* window is after that filter. Two windows of one process give
almost nothing; two processes give much, and not the same in both directions.
"""

import matplotlib.pyplot as plt
import numpy as np

import audiofeat

plt.rcParams.update({"font.size": 12, "figure.constrained_layout.use": True})
COLOURS = ["#0072B2", "#E69F00", "#009E73"]

# %%
# Three processes
# ---------------
# `synth.ar_regimes` makes noise with one resonance that jumps: A low, B in the middle, C high, all equally loud.
# `fit_ar` finds the resonance in half a second of it; `ar_spectrum` draws it over the window's own spectrum.

sr = 8000
noise = audiofeat.synth.ar_regimes("ABACBC", sr=sr, segment_duration=4.0, random_state=0)
windows = noise.y.reshape(-1, sr // 2)
label = np.repeat(noise.labels, 8)
frequencies = audiofeat.fft_frequencies(sr, n_fft=4096)

_, axes = plt.subplots(3, 1, figsize=(6.4, 7), sharex=True, sharey=True)
for ax, name, colour in zip(axes, "ABC", COLOURS, strict=True):
    window = windows[label == name][0]
    smooth = audiofeat.ar_spectrum(audiofeat.fit_ar(window, order=2), n_fft=4096)
    ax.plot(frequencies, 10 * np.log10(np.abs(np.fft.rfft(window, 4096)) ** 2), color="0.75", linewidth=0.7)
    ax.plot(frequencies, 10 * np.log10(smooth), color=colour, linewidth=2.5)
    ax.set(title=f"Process {name}", ylabel="Energy (dB)", ylim=(0, 60))
axes[-1].set(xlabel="Frequency (Hz)", xlim=(0, sr / 2))
plt.show()

# %%
# What a filter leaves
# --------------------
# The filter of A takes A's resonance out, and what is left is flat. Given C, it takes out what is not there, and
# leaves a spectrum that rises by 40 dB.

whitening = audiofeat.fit_ar(windows[label == "A"][0], order=2).coefficients
_, ax = plt.subplots(figsize=(6.4, 4))
for name, colour in zip("AC", COLOURS[::2], strict=True):
    left = np.convolve(windows[label == name][1], whitening)
    spectrum = audiofeat.ar_spectrum(audiofeat.fit_ar(left, order=8), n_fft=4096)
    ax.plot(frequencies, 10 * np.log10(spectrum), color=colour, linewidth=2.5, label=f"{name}, after the filter of A")
ax.set(xlabel="Frequency (Hz)", ylabel="Energy (dB)", xlim=(0, sr / 2), title="What is left of another window")
ax.legend(frameon=False)
error = [audiofeat.spectral_error(windows[label == "A"][0], windows[label == name][1], order=2) for name in "ABC"]
print("the model of A against other windows of A, B and C:", np.round(error, 3))
plt.show()

# %%
# All pairs
# ---------
# `spectral_error_matrix` measures every window against the model of every other, in products of matrices and without
# filtering any. The song ABACBC stands in it as squares. It is not symmetric; `symmetrize` makes it so.

errors = audiofeat.spectral_error_matrix(windows, order=2, lags=20)
print("model of A, window of C:", np.median(errors[np.ix_(label == "A", label == "C")]).round(2))
print("model of B, window of A:", np.median(errors[np.ix_(label == "B", label == "A")]).round(2))
print("model of A, window of B:", np.median(errors[np.ix_(label == "A", label == "B")]).round(2))

_, ax = plt.subplots(figsize=(6.4, 5.4))
image = ax.imshow(np.log10(errors), extent=(0, 24, 24, 0))
ax.set(xlabel="Window that is filtered, at (s)", ylabel="Window of the model, at (s)", title="Spectral error of ABACBC")
ax.set_xticks(noise.boundaries)
ax.set_yticks(noise.boundaries)
ax.figure.colorbar(image, label="log10 of the measure")
plt.show()

# %%
# Two limits
# ----------
# With a number of lags K the measure of two windows of one process is about 2 K / M, for windows of M samples: here 2
# · 20 / 4000 = 0.01. With all lags, as the formula is written, it is about 1 however long the windows are, and much of
# the contrast is gone. And level counts: a window that is 6 dB quieter, otherwise the same process, scores 9.

same = (label[:, None] == label) & ~np.eye(len(label), dtype=bool)
full = audiofeat.spectral_error_matrix(windows, order=2, lags="full")
quiet = audiofeat.spectral_error_matrix(np.concatenate([windows[:8], windows[16:24] / 2]), order=2, lags=20)[:8, 8:]

_, ax = plt.subplots(figsize=(6.4, 4.4))
cases = {
    "one process,\n20 lags": errors[same],
    "two processes,\n20 lags": errors[label[:, None] != label],
    "one process,\nall lags": full[same],
    "two processes,\nall lags": full[label[:, None] != label],
    "one process,\n6 dB quieter": quiet.ravel(),
}
for row, values in enumerate(cases.values()):
    ax.plot(values, row + np.random.default_rng(0).uniform(-0.25, 0.25, values.size), ".", markersize=3, alpha=0.4)
ax.set_yticks(range(len(cases)), cases)
ax.set(xscale="log", xlabel="Spectral error measure")
ax.invert_yaxis()
plt.show()

# %%
# `segment` takes 20 lags and brings all windows to one level first, unless it is told otherwise.
