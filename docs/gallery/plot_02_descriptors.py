"""
Descriptors: along a song, and a row to a clip
==============================================

`frames` computes what describes a signal, frame by frame, and `describe` the statistics of that over a clip: tables
with named columns, the numbers of librosa's functions, of spectra that are computed once for all of them.
"""

import matplotlib.pyplot as plt
import numpy as np

import audiofeat

plt.rcParams.update({"font.size": 12, "figure.constrained_layout.use": True})
song = audiofeat.synth.song("ABCD", random_state=0)  # a pad, a verse, a chorus, an organ bridge

# %%
# Along a song
# ------------
# A descriptor is a column, or several; ``table["chroma_stft"]`` has the twelve pitch classes. Dashed lines are where
# the sections of the song meet.

table = audiofeat.frames(song.y, song.sr, names=["rms", "spectral_centroid", "spectral_flatness", "chroma_stft"])
print(len(table.columns), "columns,", len(table.times), "frames")

fig, axes = plt.subplots(4, 1, figsize=(6.4, 8), sharex=True, height_ratios=[1, 1, 1, 1.6])
axes[0].plot(table.times, table["rms"], color="#0072B2", linewidth=0.8)
axes[0].set(title="Root mean square", ylabel="Amplitude")
axes[1].plot(table.times, table["spectral_centroid"] / 1000, color="#D55E00", linewidth=0.8)
axes[1].set(title="Spectral centroid", ylabel="kHz")
axes[2].semilogy(table.times, table["spectral_flatness"], color="#009E73", linewidth=0.8)
axes[2].set(title="Spectral flatness: 1 is noise", ylabel="Ratio")
image = axes[3].imshow(
    table["chroma_stft"].T, aspect="auto", origin="lower", extent=(0, table.times[-1], -0.5, 11.5), interpolation="none"
)
axes[3].set_yticks([0, 2, 4, 5, 7, 9, 11], list("CDEFGAB"))
axes[3].set(title="Chroma", xlabel="Time (s)", ylabel="Pitch class", xlim=(0, table.times[-1]))
fig.colorbar(image, ax=axes[3], label="Share of the largest", pad=0.01)
for ax in axes:
    for boundary in song.boundaries[1:-1]:
        ax.axvline(boundary, color="white" if ax is axes[3] else "0.4", linestyle="--", linewidth=1.2)
plt.show()

# %%
# The first three change at every border, each in its own way. The chords are in the chroma: one every two seconds,
# plain in the pad and the organ, and broken into single notes in the verse.
#
# A row to a clip
# ---------------
# `describe_many` gives mean, variance, skewness, kurtosis, median and extremes of each descriptor: 658 numbers of a
# clip, and no larger for an hour. Here are clips of five kinds of made-up music.

genres = ["ambient", "folk", "jazz", "metal", "techno"]
corpus = audiofeat.synth.genre_corpus(16, classes=genres, random_state=0)
clips = audiofeat.describe_many(list(corpus.y), corpus.sr)
print(clips.values.shape)
label = np.array(corpus.labels)

_, ax = plt.subplots(figsize=(6.4, 5))
colours = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"]
for genre, colour, marker in zip(genres, colours, "os^DX", strict=True):
    x, y = (clips[name][label == genre] for name in ("spectral_centroid_mean", "onset_strength_mean"))
    ax.scatter(x, y, 55, color=colour, marker=marker, label=genre, edgecolors="white", linewidths=0.5)
ax.set(xscale="log", xlim=(900, 3700), xlabel="Mean spectral centroid (Hz)", ylabel="Mean onset strength (dB)")
ax.set_xticks([1000, 2000, 3000], ["1000", "2000", "3000"])
ax.set_xticks([], minor=True)
ax.set_title("80 clips by two of 658 numbers")
ax.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.18))
plt.show()

# %%
# Which numbers tell the kinds apart
# ----------------------------------
# The share of a column's variance that lies between the kinds, rather than within them, is the correlation ratio. Its
# largest values say what to look at first. Of 658 columns some are large by chance: the dashed line is the largest of
# all if labels are shuffled.


def correlation_ratio(values, label):
    groups = [values[label == genre] for genre in genres]
    between = np.var([group.mean(axis=0) for group in groups], axis=0)
    within = np.mean([group.var(axis=0) for group in groups], axis=0)
    return between / np.maximum(between + within, 1e-30)


ratio = correlation_ratio(clips.values, label)
chance = correlation_ratio(clips.values, np.random.default_rng(0).permutation(label)).max()
best = np.argsort(ratio)[-12:]

_, ax = plt.subplots(figsize=(6.4, 5))
ax.barh([clips.columns[i] for i in best], ratio[best], color="#0072B2")
ax.axvline(chance, color="#D55E00", linestyle="--")
ax.set(xlim=(0, 1), xlabel="Share of the variance between kinds")
ax.tick_params(axis="y", labelsize="small")
plt.show()

# %%
# A classifier takes all of them, as :doc:`plot_06_baseline_without_leaks` shows.
