"""
Two small networks: one hears time, one hears frequency
=======================================================

The networks of Pons, Lidy and Serra (2016) have filters along one axis only. *Time* has filters of one band, and takes
their maximum over all bands: rhythm, whatever the pitch. *Frequency* has filters of one frame, and takes their maximum
over all frames: timbre, whenever it sounds. On music that differs in tempo alone, or in timbre alone, each should
learn one and be deaf to the other.
"""

from importlib.util import find_spec

import matplotlib.pyplot as plt
import numpy as np

import audiofeat

if find_spec("torch") is None:
    print("This example needs PyTorch: pip install 'audiofeat[nn]'")
    raise SystemExit

import torch

import audiofeat_nn

torch.set_num_threads(1)
plt.rcParams.update({"font.size": 12, "figure.constrained_layout.use": True})

# %%
# Two corpora
# -----------
# Three tempi with all sounds and chords alike, and three timbres at all tempi. There are 28 clips of each tempo and 20
# of each timbre to learn from, and half as many of other tracks to test on. A frame is 46 ms, so that the 80 frames of
# the networks' input are 3.7 s.

front_end = audiofeat.FrontEnd(44100, n_fft=4096, hop_length=2048, n_mels=40)
classes = {"tempo": ["60-bpm", "110-bpm", "180-bpm"], "timbre": ["flute", "nasal", "saw"]}
n_tracks = {"tempo": 42, "timbre": 30}
corpora = {
    by: audiofeat.synth.genre_corpus(n_tracks[by], by=by, classes=names, sr=44100, duration=3.75, random_state=0)
    for by, names in classes.items()
}

_, axes = plt.subplots(2, 1, figsize=(6.4, 6), sharex=True)
for ax, by, i in zip(axes, corpora, (45, 42), strict=True):
    audiofeat.plot_spectrogram(corpora[by].y[i], 44100, front_end=front_end, ax=ax)
    ax.set(title=f"{by}: {corpora[by].labels[i]}", xlabel="")
axes[1].set_xlabel("Time (s)")
plt.show()

# %%
# Four trainings
# --------------
# `audiofeat_nn.NeuralClassifier` is an estimator of scikit-learn. It takes files, signals or, as here, what the front
# end made of them, standardises that by what it trains on, and keeps the history.

trained, score = {}, {}
for by, corpus in corpora.items():
    items, label = list(front_end(corpus.y)), np.array(corpus.labels)
    learn, test = (np.flatnonzero((np.arange(len(label)) % 3 == 2) == held_out) for held_out in (False, True))
    for name in ("time", "frequency"):
        network = audiofeat_nn.NeuralClassifier(
            name,
            frontend=front_end,
            normalization="all",
            validation=None,
            max_epochs=45,
            lr=3e-3,
            settings={"optimizer": "adamw", "weight_decay": 10.0},  # what is not needed fades, to see what is
            random_state=0,
        )
        network.fit([items[i] for i in learn], label[learn])
        trained[name, by] = network
        score[name, by] = network.score([items[i] for i in test], label[test])
        print(f"{name:9} on {by:6}: {score[name, by]:4.0%} of {len(test)} clips")

_, ax = plt.subplots(figsize=(6.4, 4.2))
for place, (name, colour) in enumerate((("time", "#0072B2"), ("frequency", "#E69F00"))):
    at = np.arange(2) + 0.4 * place - 0.2
    bars = ax.bar(at, [100 * score[name, by] for by in corpora], 0.36, color=colour, label=f"filters along {name}")
    ax.bar_label(bars, fmt="%.0f")
ax.axhline(100 / 3, color="0.3", linestyle="--")
ax.text(0.5, 36, "chance", color="0.3", ha="center")
ax.set_xticks([0, 1], ["tempo", "timbre"])
ax.set(ylabel="Accuracy on unheard clips (%)", ylim=(0, 109))
ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2, columnspacing=1)
plt.show()

# %%
# Each network knows what its filters can hold, and guesses at the rest: 30 to 42 guesses among three classes stray
# from a third by 7 to 9 points.
#
# What the layers respond to
# --------------------------
# `audiofeat_nn.invariance_probe` plays clicks at other tempi, clicks that come later, and tones of other pitch, and
# measures how much each layer changes: 0 is not at all.

best = {"time": trained["time", "tempo"].model_, "frequency": trained["frequency", "timbre"].model_}
pools = {}
for name, model in best.items():
    probe = audiofeat_nn.invariance_probe(model, front_end=front_end)
    print(name, probe, sep="\n")
    pools[name] = next(layer for layer in probe.layers if layer.name == "pool1")

_, ax = plt.subplots(figsize=(6.4, 4))
for place, (name, colour) in enumerate((("time", "#0072B2"), ("frequency", "#E69F00"))):
    values = [pools[name].tempo, pools[name].shift, pools[name].pitch]
    ax.bar(np.arange(3) + 0.4 * place - 0.2, values, 0.36, color=colour, label=f"filters along {name}")
ax.set_xticks(range(3), ["other tempo", "later clicks", "other pitch"])
ax.set(ylabel="Change after the maximum, 0 to 1")
ax.legend(frameon=False)
plt.show()

# %%
# What they have learnt
# ---------------------
# The filters themselves, red where they ask for sound and blue where for none. Those along time are stripes, and the
# stripes of a filter have one distance.

figure = plt.figure(audiofeat_nn.plot_filters(best["time"]))  # before matplotlib 3.11: savefig of the figure itself
figure.set_size_inches(6.4, 5)
plt.show()

# %%
# Those along frequency ask for sound in some bands beside others without it, low bands below.

figure = plt.figure(audiofeat_nn.plot_filters(best["frequency"]))
figure.set_size_inches(6.4, 6)
plt.show()

# %%
# At which distances are the stripes? The spectrum of the filters along time, all of them together, has its peaks at
# the three tempi, with small ones at half the slowest and twice the fastest. Nobody told the network what a beat is.

filters = best["time"].conv1.weight.detach().numpy().reshape(32, -1)
power = (np.abs(np.fft.rfft(filters - filters.mean(axis=1, keepdims=True), 1024)) ** 2).sum(axis=0)
tempo = 60 * np.fft.rfftfreq(1024, d=2048 / 44100)

_, ax = plt.subplots(figsize=(6.4, 3.8))
ax.plot(tempo, power / power.max(), color="#0072B2", linewidth=2)
for beats in (60, 110, 180):
    ax.axvline(beats, color="#D55E00", linestyle="--", zorder=0)
    ax.text(beats + 4, 1.06, f"{beats}", color="#D55E00")
ax.set(xlabel="Beats per minute", ylabel="Power of all filters", xlim=(0, 400), ylim=(0, 1.18))
plt.show()
