"""
The sections of a song, and how to read what was found
======================================================

`segment` cuts a song into sections and gives those that sound alike one label. The result keeps what it was found
from: the distances between windows, their graph, and its eigenvalues. They show where to trust it, and what to try
where not.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import audiofeat

plt.rcParams.update({"font.size": 12, "figure.constrained_layout.use": True})
song = audiofeat.synth.song(random_state=0)  # intro, verse, chorus, verse, chorus, bridge, chorus

# %%
# Sections
# --------
# Nothing has to be said about the number of labels. The truth is known, as the song is made up.

found = audiofeat.segment(song.y, song.sr)
print(found)
scores = audiofeat.evaluate_segments(song, found)
print(f"borders within half a second: F = {scores['F-measure@0.5']:.2f}")
print("borders are off by", np.round(1000 * (found.boundaries - song.boundaries)[1:-1]).astype(int), "ms")
print(f"labels: adjusted Rand index {scores['Adjusted Rand Index']:.2f}")


def compare(truth, estimate, y, titles=("Truth", "Found")):
    _, axes = plt.subplots(2, 1, figsize=(6.4, 4.6), sharex=True, height_ratios=[1, 2.4])
    audiofeat.plot_segments(truth, ax=axes[0])
    audiofeat.plot_segments(estimate, y, ax=axes[1])
    for ax, title in zip(axes, titles, strict=True):
        ax.get_legend().remove()  # the letters stand in the strips
        ax.set_title(title)
    axes[0].set_xlabel("")


compare(song, found, song.y)
plt.show()

# %%
# All borders are found, most to some milliseconds. But the bridge, D in truth, has the label of the intro.
#
# What the windows say
# --------------------
# Of the distances between windows, squares on the diagonal are sections, and dark lines beside the diagonal are music
# that comes again: the second verse repeats the first, and each verse its own chords. The intro (0 to 8 s) and the
# bridge (56 to 64 s) are as far from each other as from the rest, so that nothing speaks for one label.

_, ax = plt.subplots(figsize=(6.4, 5.4))
audiofeat.plot_matrix(found, ax=ax)
ax.set_title("Distance between windows: dark is alike")
plt.show()

# %%
# Laid out so that distances are kept as well as two dimensions can, each window is a point. Repetitions fall on each
# other, and what has label A (blue) are two clouds.

_, ax = plt.subplots(figsize=(6.4, 5))
audiofeat.plot_graph(found, ax=ax)
ax.set_title("Each window is a point")
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=2, frameon=False)
plt.show()

# %%
# The eigenvalues of the graph count its clusters in another way: as many are near 1 as there are groups of windows
# that hardly reach each other. Here four are, and the result has three labels.

_, ax = plt.subplots(figsize=(6.4, 4))
audiofeat.plot_eigenvalues(found, ax=ax)
ax.set(xlim=(0.3, 12.7), ylim=(0.85, 1.01))
plt.show()

# %%
# A second opinion
# ----------------
# So four labels are asked for, and taken from the graph rather than from the distances. That tells the bridge from the
# intro. Borders now lie between windows, a third of a second away from where they were.

second = audiofeat.segment(song.y, song.sr, n_clusters=4, graph="knn")
print(second)
print(f"labels: adjusted Rand index {audiofeat.evaluate_segments(song, second)['Adjusted Rand Index']:.2f}")
compare(song, second, song.y, ("Truth", "From the graph, four labels"))
plt.show()

# %%
# A real recording
# ----------------
# This part needs a recording of Schubert's *Täuschung* (D 911, 19; sung in 1933) and the sections annotated for it,
# both of the Schubert Winterreise Dataset, in the folder that ``AUDIOFEAT_DATA`` names.

folder = Path(os.environ.get("AUDIOFEAT_DATA", "no folder")) / "schubert_HU33"
if folder.is_dir():
    name = "Schubert_D911-19_HU33"
    y, sr = audiofeat.load(folder / f"audio/{name}.wav")
    annotated = audiofeat.read_segments(folder / f"structure/{name}.csv")
    sections = audiofeat.segment(y, sr, n_clusters=4)
    print(sections)
    scores = audiofeat.evaluate_segments(annotated, sections)
    print({key: round(scores[key], 2) for key in ("F-measure@3.0", "Adjusted Rand Index")})
    compare(annotated, sections, y, ("Annotated", "Found, four labels"))
else:
    print("AUDIOFEAT_DATA names no folder with schubert_HU33: this part was left out")

plt.show()
