"""
From a folder to scikit-learn, by way of a store
================================================

`extract_features` fills a store with the features of every file below a folder. It can be ended at any moment and goes
on where it was; a file that cannot be read is a row with its reason. What comes out is one matrix on the disk, which
scikit-learn reads without a copy.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import audiofeat
from audiofeat import baselines
from audiofeat.classification import evaluate

plt.rcParams.update({"font.size": 12, "figure.constrained_layout.use": True})
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"]

# %%
# A folder of music
# -----------------
# Six kinds with twelve files of three seconds each; one file is broken, as in most folders.

place = tempfile.TemporaryDirectory()
music, stored = Path(place.name, "music"), Path(place.name, "mel.store")
genres = ["ambient", "blues", "jazz", "metal", "techno", "waltz"]
audiofeat.synth.write_genre_corpus(music, audiofeat.synth.genre_corpus(12, classes=genres, random_state=0))
(music / "jazz" / "broken.wav").write_bytes(b"RIFF")
print(len(list(music.rglob("*.wav"))), "files")

# %%
# Extract
# -------
# The log-mel spectrogram of the two seconds in the middle of each file, in 64 bands and half precision. The same call
# with ``resume=True`` goes on with a store, and has nothing to do for one that is complete.

front_end = audiofeat.FrontEnd(22050, n_mels=64, hop_length=1024)
options = {"features": front_end, "excerpts": "2s@center", "dtype": "float16", "n_jobs": 1}
store = audiofeat.extract_features(music, stored, **options)
store = audiofeat.extract_features(music, stored, **options, resume=True)
print(len(store), "items of shape", store.shapes[0])
for failure in store.errors:
    print(Path(failure.path).name, "-", failure.state, "-", failure.reason)

# %%
# One matrix
# ----------
# ``matrix(copy=False)`` maps all items at once: what nothing touches is not read. The mean over the files of each
# folder is what a kind sounds like, with its rhythm blurred away and its spectrum left.

X = store.matrix(copy=False)
label = np.array([Path(path).parent.name for path in store.paths])
print(X.shape, X.dtype, f"{X.nbytes / 1e6:.1f} MB, a view of the file: {not X.flags.owndata}")

_, ax = plt.subplots(figsize=(6.4, 4.6))
bands = audiofeat.mel_frequencies(n_mels=64 + 2, fmax=22050 / 2)[1:-1]
for genre, colour in zip(genres, COLOURS, strict=True):
    mean = X[label == genre].mean(axis=(0, 1, 3), dtype=np.float64)
    ax.semilogx(bands, mean, color=colour, linewidth=2, label=genre)
ax.set(xlabel="Frequency (Hz)", ylabel="Mean level (dB)", xlim=(bands[0], bands[-1]))
ax.set_title("Mean spectrum of twelve files")
ax.set_xticks([100, 300, 1000, 3000, 10000], ["100", "300", "1000", "3000", "10 000"])
ax.legend(frameon=False, ncols=2)
plt.show()

# %%
# A map
# -----
# The matrix is what any estimator of scikit-learn takes. Mean and deviation of each band over time, two principal
# components of them, and each file is a point.

rows = np.concatenate([X[:, 0].mean(axis=2, dtype=np.float64), X[:, 0].std(axis=2, dtype=np.float64)], axis=1)
points = make_pipeline(StandardScaler(), PCA(2)).fit_transform(rows)

_, ax = plt.subplots(figsize=(6.4, 5.2))
for genre, colour, marker in zip(genres, COLOURS, "os^DXP", strict=True):
    ax.scatter(*points[label == genre].T, 60, color=colour, marker=marker, label=genre, edgecolors="white")
ax.set(xlabel="First principal component", ylabel="Second principal component", title="72 files")
ax.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.14))
plt.show()

# %%
# A classifier
# ------------
# The rows go into a baseline as they are. Each file is a track of its own here; where files are parts of tracks, the
# third thing in the tuple says of which.

result = evaluate(baselines.pca_svm(), (rows, label, store.paths), cv=6)
low, high = result.interval()
print(f"accuracy {result.accuracy:.0%}, 95 % interval {low:.0%} to {high:.0%}; chance {1 / len(genres):.0%}")
place.cleanup()
