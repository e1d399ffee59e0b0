"""Prediction: of long files in bounded memory, of many files in batches, with probabilities in time."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from audiofeat import vote
from audiofeat._validation import Float, as_choice, as_count
from audiofeat_nn.checkpoint import LoadedNetwork, load_network
from audiofeat_nn.data.cutting import Cutting, as_cutting
from audiofeat_nn.data.normalization import Normalization
from audiofeat_nn.data.sources import Front, SampleBlocks, patches_of

HOW = ("majority", "mean_proba", "sum_log_proba")
CUTTING, RATE = "cutting", "sr"  # among the notes of a saved network


class Prediction(NamedTuple):
    """What a network says of a track.

    Attributes
    ----------
    label : object
        The class of the track.
    proba : ndarray, shape (n_classes,)
        Probability of each class, or its share in the votes: they sum to 1.
    classes : ndarray, shape (n_classes,)
        The classes.
    times : ndarray, shape (n_patches, 2)
        Where each patch begins and ends, in seconds; in frames for features without a front end.
    proba_in_time : ndarray, shape (n_patches, n_classes)
        Probabilities of each patch.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat_nn.prediction import Prediction
    >>> found = Prediction("jazz", np.array([0.9, 0.1]), np.array(["jazz", "pop"]), np.zeros((1, 2)), np.ones((1, 2)))
    >>> found.label
    'jazz'
    """

    label: Any
    proba: NDArray[np.float64]
    classes: NDArray[Any]
    times: NDArray[np.float64]
    proba_in_time: NDArray[np.float64]


class Failure(NamedTuple):
    """A file that could not be predicted.

    Attributes
    ----------
    source : object
        The file, or what was given in its place.
    reason : str
        Why.

    Examples
    --------
    >>> from audiofeat_nn.prediction import Failure
    >>> Failure("song.mp3", "no such file").reason
    'no such file'
    """

    source: Any
    reason: str


class Predictor:
    """A trained network at work on tracks.

    Parameters
    ----------
    network : LoadedNetwork, str or path
        The network, or the file or folder that `audiofeat_nn.checkpoint.save_network` wrote.
    cutting : Cutting, str or None
        How tracks are cut into patches, see `audiofeat_nn.data.Cutting`. None takes that of the training, which
        `NeuralClassifier.save` writes among the notes, or else patches one after another.
    vote : {"mean_proba", "majority", "sum_log_proba"}
        How the patches of a track become its class, see `audiofeat.vote`.
    batch_size : int
        Patches that the network sees at a time, and so what is in memory.
    device : str
        Of torch.
    front_end : FrontEnd, SampleBlocks or None
        Instead of the network's own; needed for a network that reads samples, if its file does not tell the rate.

    Raises
    ------
    ValueError
        If an argument is out of its range, or a file is no network.

    Notes
    -----
    On a CPU a prediction is that of its track alone, to the last bit, whatever is predicted beside it. On a GPU the
    batches of `many` go across tracks, and last bits may depend on them.

    Of a file, some seconds of samples, `batch_size` patches and the probabilities are in memory, however long it is.
    A front end that looks at the whole clip reads it twice.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import preset
    >>> from audiofeat_nn import create_model
    >>> from audiofeat_nn.checkpoint import LoadedNetwork
    >>> from audiofeat_nn.prediction import Predictor
    >>> model = create_model("time", n_classes=2)
    >>> network = LoadedNetwork(model.eval(), preset("pons2016"), ("calm", "loud"), None, {})
    >>> found = Predictor(network)(np.zeros(220500))
    >>> found.proba_in_time.shape, found.times[1].round(2).tolist()
    ((2, 2), [1.86, 3.72])
    """

    def __init__(
        self,
        network: LoadedNetwork | str | os.PathLike[str],
        *,
        cutting: Cutting | str | None = None,
        vote: str = "mean_proba",
        batch_size: int = 32,
        device: str = "cpu",
        front_end: Front | None = None,
    ) -> None:
        loaded = network if isinstance(network, LoadedNetwork) else load_network(network, device=device)
        notes = dict(loaded.info.get("notes", {}))
        recipe: Any = getattr(loaded.model, "recipe", None)
        self.model, self.device = loaded.model.to(device).eval(), torch.device(device)
        size = notes if recipe is None else {"n_bands": recipe.n_bands, "n_frames": recipe.n_frames}
        self.n_bands, self.n_frames = (as_count(size.get(name), name) for name in ("n_bands", "n_frames"))
        self.front_end: Front | None = front_end or loaded.front_end
        if self.front_end is None and RATE in notes:
            self.front_end = SampleBlocks(notes[RATE], self.n_bands)
        self.classes = np.asarray(loaded.classes)
        self.normalization = None if loaded.normalization is None else Normalization(*loaded.normalization)
        self.cutting = as_cutting(cutting)
        if cutting is None and CUTTING in notes:
            self.cutting = Cutting.from_dict(notes[CUTTING])
        self.vote = as_choice(vote, "vote", HOW)
        self.batch_size = as_count(batch_size, "batch_size")
        self.apart = self.device.type == "cpu"  # a batch holds patches of one track only

    def __call__(self, source: Any) -> Prediction:
        """Predict a track.

        Parameters
        ----------
        source : str, path, AudioClip or array_like
            A file or a part of one, a signal at the front end's rate (n_samples,), features (n_bands, n_frames), or a
            stack of them.

        Returns
        -------
        Prediction
            Class and probabilities, of the track and along it.

        Raises
        ------
        ValueError
            If the track is too short for the front end, or does not fit to the network.
        AudioError
            As `audiofeat.load`.
        """
        return cast(Prediction, next(self.many([source])))  # a failure would have been raised

    def many(self, sources: Iterable[Any], *, on_error: str = "raise") -> Iterator[Prediction | Failure]:
        """Predict many tracks, each when it is asked for.

        Parameters
        ----------
        sources : iterable
            Tracks, each as for a call; a list of paths, for instance.
        on_error : {"raise", "record"}
            What to do with a track that cannot be predicted: stop, or give a `Failure` in its place.

        Yields
        ------
        Prediction or Failure
            One for each track, in their order.

        Raises
        ------
        ValueError, AudioError
            As a call.
        """
        as_choice(on_error, "on_error", ("raise", "record"))
        waiting: list[tuple[int, Float]] = []  # number of the track, patch
        open_: dict[int, _Track] = {}  # those whose patches are not all predicted, in their order

        def flush() -> None:
            if waiting:
                proba = self._probabilities([patch for _, patch in waiting])
                for (number, _), row in zip(waiting, proba, strict=True):
                    open_[number].rows.append(row)
                waiting.clear()

        for number, source in enumerate(sources):
            track = open_[number] = _Track(source)
            try:
                for start, patch in patches_of(source, self.front_end, n_frames=self.n_frames, cutting=self.cutting):
                    track.starts.append(start)
                    waiting.append((number, self._normalized(patch)))
                    if len(waiting) >= self.batch_size:
                        flush()
            except (ValueError, TypeError, OSError) as error:
                if on_error == "raise":
                    raise
                track.reason = str(error)
                waiting[:] = [each for each in waiting if each[0] != number]
            if self.apart:
                flush()
            done = [n for n in open_ if n < (waiting[0][0] if waiting else number + 1)]
            yield from (self._told(open_.pop(n)) for n in done)
        flush()
        yield from (self._told(track) for track in open_.values())

    def _normalized(self, patch: Float) -> Float:
        if patch.shape[0] != self.n_bands:
            msg = f"features must have {self.n_bands} bands, got shape {patch.shape}"
            raise ValueError(msg)
        return patch if self.normalization is None else self.normalization.apply(patch)

    @torch.no_grad()
    def _probabilities(self, patches: list[Float]) -> NDArray[np.float64]:
        x = torch.from_numpy(np.stack(patches).astype(np.float32, copy=False))[:, None]
        logits = self.model(x.to(self.device)).double()
        proba: NDArray[np.float64] = torch.softmax(logits, dim=1).cpu().numpy()
        return proba

    def _told(self, track: "_Track") -> Prediction | Failure:
        if track.reason is not None:
            return Failure(track.source, track.reason)
        rows = np.array(track.rows)
        found = vote(rows, np.zeros(len(rows)), how=self.vote, classes=self.classes)
        begin = np.array(track.starts)
        times = np.stack([begin, begin + self._duration()], axis=1)
        return Prediction(found.labels[0], found.proba[0], self.classes, times, rows)

    def _duration(self) -> float:
        """Return how long a patch is, in seconds; in frames without a front end."""
        if self.front_end is None:
            return float(self.n_frames)
        if self.cutting.clip_duration is not None:
            return self.cutting.clip_duration
        return self.n_frames * self.front_end.hop_length / self.front_end.sr


class _Track:
    """What is known of a track so far."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.starts: list[float] = []
        self.rows: list[NDArray[np.float64]] = []
        self.reason: str | None = None
