"""
Variants to learn from, and clips that vote
===========================================

Two ways to get more out of few tracks: train on variants of each as well, so that a model meets in training what it
will meet in use; and cut a track into clips, each of which has a vote on the track.
"""

import matplotlib.pyplot as plt
import numpy as np

import audiofeat
from audiofeat import augment, baselines

plt.rcParams.update({"font.size": 12, "figure.constrained_layout.use": True})

# %%
# What a variant is
# -----------------
# Two semitones up, a tenth slower, noise 10 dB below the music: `augment.augmented` makes such variants of a list of
# clips with their labels and groups, so that a variant stays on its clip's side of every fold.

sr = 11025
train = audiofeat.synth.genre_corpus(5, duration=6.0, sr=sr, random_state=0)
test = audiofeat.synth.genre_corpus(5, duration=6.0, sr=sr, random_state=1)  # other tracks of the same ten kinds
which = [("pitch_shift", 2.0), ("time_stretch", 0.9), ("noise", 10.0)]
jazz = train.labels.index("jazz")
variants = augment.augmented([train.y[jazz, : 3 * sr]], ["jazz"], which=which)
print(variants.labels, variants.groups)

front_end = audiofeat.FrontEnd(sr, n_fft=1024, hop_length=128, n_mels=96, fmax=4000.0)
titles = ["As it is", "Two semitones up", "A tenth slower", "With noise, 10 dB below"]
_, axes = plt.subplots(4, 1, figsize=(6.4, 9.6), sharex=True)
for ax, y, title in zip(axes, variants.items, titles, strict=True):
    audiofeat.plot_spectrogram(y, sr, front_end=front_end, ax=ax)
    ax.set(title=title, xlabel="", xlim=(0, 3.35))
axes[-1].set_xlabel("Time (s)")
plt.show()

# %%
# Trained on clean music, used on noisy
# -------------------------------------
# `augment.AugmentedClassifier` makes the variants inside `audiofeat_nn.fit`: in cross-validation none of a test track
# is ever trained on. Two levels of noise, grey in the figure, change what a model does with all others.

plain = baselines.svm(features=audiofeat.FeatureStatistics(sr))
models = {
    "trained as it is": plain.fit(train.y, train.labels),
    "trained with noise too": augment.AugmentedClassifier(plain, which=[("noise", 20.0), ("noise", 10.0)]).fit(
        train.y, train.labels
    ),
}
ratios = [40, 30, 20, 10, 0]
scores = {name: [] for name in models}
for snr in ratios:
    noisy = np.array([augment.add_noise(y, snr_db=snr, random_state=i) for i, y in enumerate(test.y)])
    for name, model in models.items():
        scores[name].append(100 * model.score(noisy, test.labels))

_, ax = plt.subplots(figsize=(6.4, 4.4))
for (name, values), colour, marker in zip(scores.items(), ("#D55E00", "#0072B2"), "os", strict=True):
    ax.plot(ratios, values, color=colour, marker=marker, linewidth=2, label=name)
    print(f"{name:23}", *[f"{snr} dB: {value:.0f} %  " for snr, value in zip(ratios, values, strict=True)])
for snr in (20, 10):
    ax.axvline(snr, color="0.8", zorder=0)
ax.axhline(10, color="0.3", linestyle="--")
ax.text(40, 12, "chance", color="0.3")
ax.set(xlabel="Music above noise in the test (dB)", ylabel="Accuracy (%)", ylim=(0, 104), xlim=(41, -1))
ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2, columnspacing=1)
plt.show()

# %%
# Clips that vote
# ---------------
# `ClipVotingClassifier` learns clips of a second and lets those of a track vote: by their classes, or by their mean
# probability, which also counts how sure each is. The more of a track is heard, the better it is known.

model = audiofeat.ClipVotingClassifier(baselines.softmax(features=audiofeat.FeatureStatistics(sr)), clip_duration=1.0)
model.fit(train.y, train.labels)
proba = np.array(model.predict_proba_clips(test.y))  # (n_tracks, n_clips, n_classes)
truth = np.array(test.labels)
n_tracks, n_clips, n_classes = proba.shape


def accuracy(n, how):
    """Return the share of tracks that the votes of `n` clips in a row get right, over all such rows."""
    right = []
    for first in range(n_clips - n + 1):
        some = proba[:, first : first + n].reshape(-1, n_classes)
        found = audiofeat.vote(some, np.repeat(np.arange(n_tracks), n), how=how, classes=model.classes_)
        right.append(np.mean(found.labels == truth))
    return 100 * np.mean(right)


heard = range(1, n_clips + 1)
_, ax = plt.subplots(figsize=(6.4, 4.2))
for how, colour, marker in (("mean_proba", "#0072B2", "s"), ("majority", "#E69F00", "o")):
    values = [accuracy(n, how) for n in heard]
    print(f"{how:11} {values[0]:.0f} % with one clip, {values[-1]:.0f} % with {n_clips}")
    ax.plot(heard, values, color=colour, marker=marker, linewidth=2, label=how)
ax.set(xlabel="Clips of a second that vote", ylabel="Tracks told right (%)", ylim=(65, 100))
ax.legend(frameon=False, loc="lower right")
plt.show()
