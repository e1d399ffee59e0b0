"""
Log-mel spectrograms, beside librosa and beside each other
==========================================================

Two questions about a front end: does it compute what others compute under the same name, and what changes if another
one is taken? Both have answers in numbers.
"""

import librosa
import matplotlib.pyplot as plt
import numpy as np

import audiofeat

plt.rcParams.update({"font.size": 12, "figure.constrained_layout.use": True})
song = audiofeat.synth.song("ABC", random_state=0)  # a pad, a verse, a chorus: 32 s with known sections
y, sr = song.y, song.sr

# %%
# The same numbers as librosa
# ---------------------------
# `audiofeat.logmel` has librosa's names and defaults, and its result for them. One default is another: nothing is
# clipped 80 dB below the loudest value of the clip, as that would make a frame depend on all others, so
# ``top_db=None`` stands on librosa's side.


def theirs(y):
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr), top_db=None)


ours = audiofeat.logmel(y, sr)
print("shape:", ours.shape)
print(f"largest difference in float64: {np.abs(ours - theirs(y)).max():.0e} dB")
narrow = y.astype(np.float32)
difference = np.abs(audiofeat.logmel(narrow, sr) - theirs(narrow))
below = ours - ours.max()
print(f"in float32: {difference[below > -60].max():.0e} dB in the upper 60 dB, {difference.max():.0e} dB in all")

_, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 6.8), height_ratios=[1.4, 1])
audiofeat.plot_spectrogram(y, sr, ax=top)
top.set_title("audiofeat.logmel of 32 s")
bottom.semilogy(below[:, ::5].ravel(), difference[:, ::5].ravel() + 1e-8, ".", markersize=2, color="#0072B2", alpha=0.3)
bottom.set(xlabel="Level below the maximum (dB)", ylabel="Difference (dB)", ylim=(1e-7, 1), xlim=(-130, 0))
bottom.set_title("float32: difference from librosa")
plt.show()

# %%
# In float64 the two agree to a millionth of a decibel. Given float32, audiofeat transforms in float32 and librosa in
# float64: seven digits of the loudest bin of a frame leave two of what lies 100 dB below it, which no ear or model
# meets.
#
# Other front ends
# ----------------
# A preset pins everything that a feature depends on, down to the rate of the samples. `plot_spectrogram` draws any of
# them in seconds and hertz, which is the only scale that they share.

names = {"librosa": "librosa: 128 bands", "whisper": "whisper: 80 bands", "kaldi": "kaldi: 23 bands, pre-emphasis"}
_, panels = plt.subplots(len(names), 1, figsize=(6.4, 8.4), sharex=True, sharey=True)
for ax, (name, title) in zip(panels, names.items(), strict=True):
    front_end = audiofeat.preset(name)
    resampled = librosa.resample(y[: 12 * int(sr)], orig_sr=sr, target_sr=front_end.sr)
    audiofeat.plot_spectrogram(resampled, front_end.sr, front_end=front_end, ax=ax)
    ax.set(title=title, xlabel="")
panels[-1].set_xlabel("Time (s)")
plt.show()

# %%
# The difference, told
# --------------------
# A model that was trained on one front end and is given another fails without a word. `explain_difference` has the
# words: which fields differ, what each one does, and what the two make of the same sound.

print(audiofeat.explain_difference("librosa", "torchaudio"))

# %%
# Most of it is no gain and no offset, so that no normalisation could repair it. Two lines of the text are easy to see:
# the scale that spaces the bands, and the area of the filters.

_, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 6), sharex=True)
for ax, htk, norm, title in (
    (top, False, "slaney", "Slaney's scale, equal areas: librosa"),
    (bottom, True, None, "HTK's scale, equal heights: torchaudio"),
):
    bank = audiofeat.mel_filterbank(16000, n_fft=2048, n_mels=20, htk=htk, norm=norm)
    ax.plot(audiofeat.fft_frequencies(16000, n_fft=2048), bank.T, linewidth=1.5)
    ax.set(title=title, ylabel="Weight")
bottom.set(xlabel="Frequency (Hz)", xlim=(0, 8000))
plt.show()
