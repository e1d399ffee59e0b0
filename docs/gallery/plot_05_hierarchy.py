"""
Several levels at once: drums, sections, chords
===============================================

How many sections a song has depends on who asks. `segment_hierarchy` answers at several levels: every border of a
coarse level is one of the finer levels too, and a coarse label is some fine labels together.
"""

import matplotlib.pyplot as plt
import numpy as np

import audiofeat

plt.rcParams.update({"font.size": 12, "figure.constrained_layout.use": True})
song = audiofeat.synth.song(random_state=0)  # intro, verse, chorus, verse, chorus, bridge, chorus: ABCBCDC

# %%
# Three truths
# ------------
# What the song is made of is known at three levels: whether there are drums, the sections, and their chords, one in
# each bar of two seconds.

progressions = {"A": ["I", "vi", "IV", "V"], "B": ["vi", "IV", "I", "V"] * 2, "C": ["IV", "V", "I", "vi"]}
progressions["D"] = ["ii", "bVII", "bVI", "V"]
bars = np.arange(0.0, song.boundaries[-1], 2.0)
drums = ["drums" if label in "BC" else "none" for label in song.labels]
chords = [f"{label} {chord}" for label in song.labels for chord in progressions[label]]
truth = [(song.intervals, drums), (song.intervals, song.labels), (np.stack([bars, bars + 2.0], axis=1), chords)]
print([len(set(labels)) for _, labels in truth], "labels")

# %%
# Three levels found
# ------------------
# As many labels are asked for as the truth has: 2, 4 and 16. Windows are half as long as usual and lie on beats, since
# a chord is short.

levels = audiofeat.segment_hierarchy(song.y, song.sr, levels=(2, 4, 16), window_duration=0.5, sync="beat")
for level in levels[:2]:
    print(level)

_, ax = plt.subplots(figsize=(6.4, 3.4))
audiofeat.plot_hierarchy(levels, ax=ax)
ax.get_legend().remove()
ax.set_title("Found: drums or none, sections, chords")
for boundary in song.boundaries[1:-1]:
    ax.axvline(boundary, color="black", linestyle=":", linewidth=1.2)
plt.show()

# %%
# Dotted lines are the true borders of the sections, and windows on beats are up to half a second off. The first level
# has told music with drums from music without; the third finds chords of the verses, and few of the others.
#
# At which level do two moments meet?
# -----------------------------------
# The scores of hierarchies compare, for each pair of moments, the deepest level at which both have one label. As a
# picture that is a self-similarity matrix made of labels alone.


def depth(hierarchy, times):
    """Return for each pair of times how many levels give both the same label."""
    found = np.zeros((len(times), len(times)), dtype=int)
    for number, (intervals, labels) in enumerate(hierarchy, 1):
        names = np.array(labels)[np.searchsorted(intervals[1:, 0], times, side="right")]
        found[names[:, None] == names] = number
    return found


times = np.arange(0.25, song.boundaries[-1], 0.5)
colours = plt.get_cmap("viridis", 4)
_, axes = plt.subplots(2, 1, figsize=(6.4, 10.4), sharex=True)
found = [(level.intervals, level.labels) for level in levels]
for ax, hierarchy, title in zip(axes, (truth, found), ("Truth", "Found"), strict=True):
    image = ax.imshow(depth(hierarchy, times), origin="lower", extent=(0, 72, 0, 72), vmin=-0.5, vmax=3.5, cmap=colours)
    ax.set(title=title, ylabel="Time (s)")
    ax.set_xticks(song.boundaries)
    ax.set_yticks(song.boundaries)
axes[1].set_xlabel("Time (s)")
bar = axes[0].figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.8, pad=0.02, ticks=[0, 1, 2, 3])
bar.ax.set_xticklabels(["none", "drums", "section", "chord"])
bar.set_label("Deepest level that two moments share")
plt.show()

# %%
# Scores
# ------
# The L-measure scores labels over all levels, the T-measure borders. One level of `segment`, whose borders are right
# to some hundredths of a second, has the better T. By labels three levels tell more than one.

for name, estimate in (("three levels", levels), ("one level", [audiofeat.segment(song.y, song.sr)])):
    scores = audiofeat.evaluate_hierarchy(truth, estimate)
    print(f"{name:12}  L-measure {scores['L-Measure']:.2f}  T-measure {scores['T-Measure full']:.2f}")
