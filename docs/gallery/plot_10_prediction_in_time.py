"""
What a network says along a recording
=====================================

A network that was trained on clips of one kind of music each is asked about a medley, of which every part is another
kind. `audiofeat_nn.Predictor` moves it along the recording, in memory that does not grow with its length, and
`audiofeat_nn.plot_timeline` draws what it says.
"""

import tempfile
from importlib.util import find_spec
from pathlib import Path

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
# A network that knows five kinds of music
# ----------------------------------------
# Thirty clips of each kind to learn from, of which a part is held out to choose the best epoch. *Time-frequency* has
# both the filters along time and those along frequency of :doc:`plot_09_small_networks`.

sr = 22050
kinds = ["ambient", "folk", "jazz", "metal", "techno"]
corpus = audiofeat.synth.genre_corpus(30, classes=kinds, sr=sr, duration=3.8, random_state=0)
network = audiofeat_nn.NeuralClassifier(
    "time-frequency",
    frontend=audiofeat.FrontEnd(sr, n_fft=2048, hop_length=1024, n_mels=40),
    normalization="all",
    max_epochs=25,
    random_state=0,
)
network.fit(corpus.y, corpus.labels)
best = max(network.history_, key=lambda row: row.valid_accuracy)
print(f"best epoch {best.epoch}, {best.valid_accuracy:.0%} of the clips held out")

# %%
# A medley
# --------
# Six parts of ten seconds, of tracks that the network has not met, written to a file. A saved network holds its front
# end, its classes and the statistics of its input, so that `audiofeat_nn.Predictor` needs nothing else.

place = tempfile.TemporaryDirectory()
order = ["jazz", "ambient", "techno", "folk", "metal", "jazz"]
unheard = audiofeat.synth.genre_corpus(2, classes=kinds, sr=sr, duration=10.0, random_state=1)
medley = np.concatenate([unheard.y[2 * kinds.index(kind) + (i == 5)] for i, kind in enumerate(order)])
audiofeat.save(Path(place.name, "medley.wav"), medley, sr)
network.save(Path(place.name, "network.safetensors"))

predictor = audiofeat_nn.Predictor(
    Path(place.name, "network.safetensors"), cutting=audiofeat_nn.Cutting(overlap=0.9), batch_size=16
)
found = predictor(Path(place.name, "medley.wav"))
print(found.proba_in_time.shape, "probabilities, a row every", round(float(np.diff(found.times[:2, 0])[0]), 2), "s")

figure = plt.figure(audiofeat_nn.plot_timeline(found, title="Probability of each kind"))
figure.set_size_inches(6.4, 3.8)
ax = figure.axes[0]
for i, kind in enumerate(order):
    ax.axvline(10 * i, color="white", linestyle="--")
    ax.text(10 * i + 5, 1.02, kind, ha="center", fontsize="small")
ax.set_title("")
plt.show()

# %%
# The names above are the truth. A patch is 3.7 s long, so that near a border it holds something of both sides.
#
# Borders from one, names from the other
# --------------------------------------
# `segment` has never heard of kinds. It finds where the sound changes, here within 0.3 s if it is told of five labels.
# But labels say which parts sound alike, and two pieces of jazz need not. With the mean probability of the patches
# inside it, every section gets a name.

sections = audiofeat.segment(medley, sr, n_clusters=len(kinds))
print(sections)
middles = found.times.mean(axis=1)
names = []
for start, end in sections.intervals:
    inside = (middles > start) & (middles < end)
    names.append(str(found.classes[found.proba_in_time[inside].mean(axis=0).argmax()]))
print([f"{start:.2f} s {name}" for start, name in zip(sections.boundaries, names, strict=False)])

_, axes = plt.subplots(3, 1, figsize=(6.4, 5.6), sharex=True)
truth = audiofeat.synth.Song(medley, sr, np.arange(len(order) + 1) * 10.0, order)
named = audiofeat.synth.Song(medley, sr, sections.boundaries, names)
titles = ["Truth", "Sections and labels of segment", "The same sections, named by the network"]
for ax, song, title in zip(axes, (truth, sections, named), titles, strict=True):
    audiofeat.plot_segments(song, ax=ax)
    ax.get_legend().remove()
    ax.set(title=title, xlabel="")
axes[-1].set_xlabel("Time (s)")
plt.show()
place.cleanup()
