"""
A genre baseline, and the same with a leak
==========================================

Where tracks are cut into clips, and the clips divided at random, clips of one track are both trained on and tested on,
and the score tells how well tracks are recognised, not genres. `classification.evaluate` keeps tracks whole, and
refuses to go on where they are not, unless it is told to.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import audiofeat
from audiofeat import baselines
from audiofeat.classification import evaluate

plt.rcParams.update({"font.size": 12, "figure.constrained_layout.use": True})

# %%
# Sixty tracks of ten kinds of made-up music, four clips of three seconds from each. The features are statistics of
# descriptors, computed once. They know nothing of other clips, so that this cannot leak.

corpus = audiofeat.synth.genre_corpus(6, duration=12.0, sr=11025, random_state=0)
clips = corpus.y.reshape(4 * len(corpus.y), -1)
label, track = np.repeat(corpus.labels, 4), np.repeat(np.arange(len(corpus.y)), 4)
features = audiofeat.FeatureStatistics(sr=corpus.sr).fit_transform(clips)
print(features.shape)

# %%
# Tracks stay whole
# -----------------
# Five folds of whole tracks. The interval counts tracks rather than clips, as clips of one track are no independent
# trials.

fair = evaluate(baselines.svm(), (features, label, track), cv=5, name="SVM")
low, high = fair.interval()
print(f"accuracy {fair.accuracy:.1%}, 95 % interval {low:.1%} to {high:.1%}, of {fair.n_groups} tracks")
print(f"the largest class {fair.majority:.1%}, the nearest neighbour {fair.nearest:.1%}")

_, ax = plt.subplots(figsize=(6.4, 5.8))
fair.plot(ax=ax)
ax.set_title(f"Whole tracks: {fair.accuracy:.0%}")
plt.show()

# %%
# Clips are divided at random
# ---------------------------
# First the guard, then the same with ``allow_leakage=True``. Reports of such a result say what it is, and so does the
# title of its figure.

try:
    evaluate(baselines.svm(), (features, label, track), cv=5, groups=None)
except ValueError as error:
    print(error)

leaky = evaluate(baselines.svm(), (features, label, track), cv=5, groups=None, allow_leakage=True, name="SVM")
print(leaky.warning)

_, ax = plt.subplots(figsize=(6.4, 6.2))
leaky.plot(ax=ax)
plt.show()

# %%
# How much of it is the leak?
# ---------------------------
# A test that needs no theory: give every track a label at random, the same to its four clips. There is nothing left to
# learn about genres, so that an honest score falls to chance, a tenth. A leaky one does not.

names = np.random.default_rng(0).permutation(corpus.labels)
nonsense = np.repeat(names, 4)
results = {
    "whole tracks": (fair, evaluate(baselines.svm(), (features, nonsense, track), cv=5)),
    "clips at random": (
        leaky,
        evaluate(baselines.svm(), (features, nonsense, track), cv=5, groups=None, allow_leakage=True),
    ),
}
for name, (true, shuffled) in results.items():
    print(f"{name:16} true labels {true.accuracy:.0%}, random labels {shuffled.accuracy:.0%}")

_, ax = plt.subplots(figsize=(6.4, 4.4))
for place, (colour, pair) in enumerate(zip(("#0072B2", "#D55E00"), results.values(), strict=True)):
    at = np.arange(2) + 0.4 * place - 0.2
    score = np.array([result.accuracy for result in pair])
    reach = np.abs(np.array([result.interval() for result in pair]).T - score)
    ax.bar(at, 100 * score, 0.36, color=colour, label=list(results)[place])
    ax.errorbar(at, 100 * score, 100 * reach, fmt="none", ecolor="black", capsize=4)
ax.axhline(10, color="0.3", linestyle="--")
ax.text(0.5, 12, "chance", color="0.3", ha="center")
ax.set_xticks([0, 1], ["true labels", "random labels"])
ax.set(ylabel="Accuracy (%)", ylim=(0, 105))
ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2)
plt.show()

# %%
# On random labels, what the second way of dividing measures is the memory of tracks alone. The same memory is in its
# score for the true ones.
#
# On real music
# -------------
# This part needs numbers that were computed from GTZAN, 28 rows to a track: the tags of a network, in the folder
# ``pons_gtzan_taggram`` of what ``AUDIOFEAT_DATA`` names.

folder = Path(os.environ.get("AUDIOFEAT_DATA", "no folder")) / "pons_gtzan_taggram/audio_representations"
if folder.is_dir():
    table = np.load(folder / "training_data_GTZAN_MSDmusicnn_taggram.npz")
    gtzan = table["X"], table["Y"], table["IDS"]
    print(gtzan[0].shape, len(np.unique(gtzan[2])), "tracks")
    for options in ({}, {"groups": None, "allow_leakage": True}):
        result = evaluate(baselines.knn(1), gtzan, cv=5, baselines=False, **options)
        print(f"{result.accuracy:.1%}", result.warning)
else:
    print("AUDIOFEAT_DATA names no folder with pons_gtzan_taggram: this part was left out")
