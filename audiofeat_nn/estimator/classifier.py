"""A network as a classifier of scikit-learn: how it is trained."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data
from torch import nn

from audiofeat import FrontEnd
from audiofeat._validation import Float, as_choice
from audiofeat_nn.data.cutting import Cutting
from audiofeat_nn.data.items import CROPS, PatchDataset
from audiofeat_nn.data.splits import split_validation
from audiofeat_nn.estimator.preparing import (
    NORMALIZATIONS,
    Input,
    compute,
    learn_normalization,
    made_settings,
    make_network,
    patches_by_themselves,
    with_variants,
)
from audiofeat_nn.estimator.trained import TrainedNetwork
from audiofeat_nn.prediction.predictor import HOW
from audiofeat_nn.training import fit

Array = NDArray[Any]


class NeuralClassifier(TrainedNetwork):
    """Train a network on tracks and classify tracks by the votes of their patches.

    Parameters
    ----------
    model : str or callable
        Name of a network, see `audiofeat_nn.list_models`; or a function ``model(n_classes, *, n_bands, n_frames)`` that
        returns a module with input (batch, 1, n_bands, n_frames) and logits as output.
    frontend : FrontEnd, str or None
        What makes the network's input from signals and files, or the name of a preset; None for that of its paper.
    model_options : mapping or None
        Options of the network.
    n_frames : int or None
        Frames of its input; None for the paper's, for a function those of the first item.
    sr : float
        Sample rate in Hz for a network that reads samples; others have that of the front end.
    rows : {"signals", "features"}
        What the rows of a 2-D `X` are: signals of equal length; or features, such as `LogMelTransformer` makes, of
        ``n_bands`` rows with all their frames laid out one after another. ``n_bands`` is an option of the network; a
        function that gets none takes a row for one frame.
    cutting : Cutting, str or None
        How tracks are cut into patches, see `audiofeat_nn.data.Cutting`, or the name of a paper; None for patches of
        the spectrogram one after another.
    crop : {"grid", "random"}
        Whether training sees the same patches as prediction in every epoch, or as many from anywhere in the track.
    normalization : {"band", "all", "none", "leaky"}
        Standardise the input by mean and deviation of every band, or of all values, of the training part. "leaky"
        has those of all values of everything that `fit` sees, the validation part and `leak` too, as in published
        experiments whose statistics were taken before the split.
    augment : sequence of (str, float) or None
        Variants that training items bring along, such as `audiofeat.augment.KTH2020`; never of those validated on.
    validation : float or None
        Share of the items, in whole groups, to validate on: the weights of the best epoch are kept. None trains on
        all items and keeps the last.
    validation_by : {"item", "patch"}
        What that share is of. "patch" divides the patches of every item between the two parts, which then know each
        other, as in published experiments whose validation scores say little.
    vote : {"mean_proba", "majority", "sum_log_proba"}
        How patches become the class of their track, see `audiofeat.vote`.
    max_epochs, batch_size, lr, patience, class_weights : as in `TrainSettings`
        How the network is trained.
    settings : mapping or None
        Other fields of `TrainSettings`: optimiser, schedule, loss and so on.
    warm_start : bool
        Go on with the weights of an earlier `fit`, instead of new ones.
    device : str
        Of torch.
    n_jobs : int or None
        Items whose features are computed at a time, in threads; -1 for all cores.
    random_state : int, RandomState or None
        Of weights, split, order and augmentation. The same number gives the same network on one CPU.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Classes, sorted.
    model_ : torch.nn.Module
        The trained network, in evaluation mode.
    front_end_ : FrontEnd, SampleBlocks or None
        What makes its input; None if all items were features and the network is a function's.
    normalization_ : Normalization or None
        What its input is standardised by.
    history_ : tuple of EpochRow
        A row for every epoch, see `audiofeat_nn.training`; accuracy is that of patches.
    n_iter_ : int
        Epochs.
    n_features_in_ : int
        Columns of `X`, if it was a 2-D array.
    feature_names_in_ : ndarray of str
        Their names, if it was a data frame.

    See Also
    --------
    audiofeat.ClipVotingClassifier : The same for any classifier of clips.
    audiofeat.SegmentExcerpt : Before this in a pipeline, it picks the largest cluster of a song, or its thumbnail.

    Notes
    -----
    Items are tracks: signals of any lengths at the front end's rate, paths, `AudioClip`, or spectrograms
    (n_bands, n) computed before, also as views of a store. The features of all training items are in memory; those
    of a store's items are read where they are used.

    A prediction is that of its item alone; on a CPU to the last bit.

    Examples
    --------
    >>> from audiofeat import FrontEnd, synth
    >>> from audiofeat_nn.estimator import NeuralClassifier
    >>> corpus = synth.genre_corpus(6, classes=["ambient", "metal"], sr=8000, duration=1.5, random_state=0)
    >>> front_end = FrontEnd(8000, n_fft=512, hop_length=256, n_mels=40)
    >>> model = NeuralClassifier("time", frontend=front_end, n_frames=40, model_options={"length": 20}, max_epochs=4)
    >>> model = model.set_params(random_state=0).fit(corpus.y[::2], corpus.labels[::2])
    >>> model.predict(corpus.y[[1, 7]])
    array(['ambient', 'metal'], dtype='<U7')
    """

    def __init__(
        self,
        model: str | Callable[..., nn.Module] = "prcnn",
        *,
        frontend: FrontEnd | str | None = None,
        model_options: Mapping[str, Any] | None = None,
        n_frames: int | None = None,
        sr: float | None = None,
        rows: str = "signals",
        cutting: Cutting | str | None = None,
        crop: str = "grid",
        normalization: str = "band",
        augment: Sequence[tuple[str, float]] | None = None,
        validation: float | None = 0.15,
        validation_by: str = "item",
        vote: str = "mean_proba",
        max_epochs: int = 30,
        batch_size: int = 32,
        lr: float = 1e-3,
        patience: int | None = None,
        class_weights: str | Sequence[float] | None = None,
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        device: str = "cpu",
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.frontend = frontend
        self.model_options = model_options
        self.n_frames = n_frames
        self.sr = sr
        self.rows = rows
        self.cutting = cutting
        self.crop = crop
        self.normalization = normalization
        self.augment = augment
        self.validation = validation
        self.validation_by = validation_by
        self.vote = vote
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.patience = patience
        self.class_weights = class_weights
        self.settings = settings
        self.warm_start = warm_start
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        *,
        valid: tuple[Any, ArrayLike] | None = None,
        leak: Any = None,
        folder: str | os.PathLike[str] | None = None,
        resume: bool = False,
        progress: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array_like, shape (n_items, n_columns), or sequence of items
            A table whose rows are what the parameter `rows` says; a list, or 1-D array of objects, of signals of any
            lengths, paths, `AudioClip` or spectrograms (n_bands, n); an array of spectrograms; a feature store; or a
            data set.
        y : array_like, shape (n_items,)
            Classes.
        groups : array_like, shape (n_items,), or None
            What must stay on one side of the internal split, such as tracks or artists; each item if not given.
        valid : (X, y) or None
            Items and classes to validate on, such as a published part, instead of the share `validation` of `X`.
        leak : as `X`, or None
            Other items whose statistics the normalisation "leaky" takes too: those of the test.
        folder, resume, progress : as in `audiofeat_nn.training.fit`
            Where checkpoints and history are written, and whether to go on from them; who is told.

        Returns
        -------
        NeuralClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of its range, there are fewer than 2 classes, an item is no signal of finite numbers,
            or items and network do not fit.
        TypeError
            If a parameter or item is not of its type.
        AudioError
            As `audiofeat.load`.
        TrainingError
            If the loss is not finite.
        """
        as_choice(self.normalization, "normalization", NORMALIZATIONS)
        as_choice(self.crop, "crop", CROPS)
        as_choice(self.vote, "vote", HOW)
        as_choice(self.validation_by, "validation_by", ("item", "patch"))
        if leak is not None and self.normalization != "leaky":
            msg = f"leak must be None unless normalization is 'leaky', got normalization {self.normalization!r}"
            raise ValueError(msg)
        before = getattr(self, "classes_", None) if self.warm_start else None
        items, labels = self._training_items(X, y)
        classes, targets = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            msg = f"y must have at least 2 classes, got 1 class: {classes[0]!r}"
            raise ValueError(msg)
        if before is not None and not np.array_equal(before, classes):
            msg = f"y must have the classes of the earlier fit, {before.tolist()}, with warm_start, got {classes}"
            raise ValueError(msg)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        settings = made_settings(self, seed)
        model, read = make_network(self._wanted(), items, len(classes), seed)
        if before is not None:
            model = read.continued(self.model_, self.read_)
        maps, numbers, valid_maps, valid_numbers = self._divided(
            items, targets, groups, self._validation_items(valid, classes), read, seed
        )
        leaked = [] if leak is None else compute(self._items(leak, reset=False), read, self.n_jobs)[0]
        normalization = learn_normalization(self.normalization, maps, [*valid_maps, *leaked])
        whole = read.cutting.clip_duration is None
        options: dict[str, Any] = {
            "n_frames": read.n_frames,
            "normalization": normalization,
            "cutting": read.cutting if whole else Cutting(),  # clips have been cut, of a patch each
        }
        result = fit(
            model,
            PatchDataset(maps, numbers.tolist(), crop=self.crop, **options),
            PatchDataset(valid_maps, valid_numbers.tolist(), **options) if valid_maps else None,
            settings=settings,
            device=self.device,
            folder=folder,
            resume=resume,
            progress=progress,
        )
        self.classes_, self.model_, self.normalization_ = classes, model, normalization
        self.read_, self.front_end_ = read, read.front_end
        self.history_, self.n_iter_ = result.history, len(result.history)
        return self

    def _training_items(self, X: Any, y: ArrayLike) -> tuple[list[Any], Array]:
        """Return checked items and labels."""
        items = self._items(X, reset=True, y=y)
        labels: Array = validate_data(self, X="no_validation", y=y)
        check_consistent_length(items, labels)
        check_classification_targets(labels)
        return items, labels

    def _divided(
        self,
        items: list[Any],
        targets: Array,
        groups: ArrayLike | None,
        given: tuple[list[Any], Array] | None,
        read: Input,
        seed: int,
    ) -> tuple[list[Float], Array, list[Float], Array]:
        """Return the maps to learn from with the numbers of their classes, and those to validate on."""
        learnt, numbers = items, targets
        known, known_numbers = ([], targets[:0]) if given is None else given
        share = self.validation if given is None else None
        if share is not None and self.validation_by == "item":
            train, held = split_validation(targets, groups, share=share, random_state=seed)
            learnt, numbers = [items[i] for i in train], targets[train]
            known, known_numbers = [items[i] for i in held], targets[held]
        if self.augment is not None:
            learnt, numbers = with_variants(learnt, numbers, self.augment, read, seed, self.n_jobs)
        maps, owners = compute(learnt, read, self.n_jobs)
        numbers = numbers[owners]
        valid_maps, valid_owners = compute(known, read, self.n_jobs)
        if share is not None and self.validation_by == "patch":
            maps, numbers = patches_by_themselves(maps, numbers, read)
            train, held = split_validation(numbers, share=share, random_state=seed)
            return [maps[i] for i in train], numbers[train], [maps[i] for i in held], numbers[held]
        return maps, numbers, valid_maps, known_numbers[valid_owners]

    def _validation_items(self, valid: tuple[Any, ArrayLike] | None, classes: Array) -> tuple[list[Any], Array] | None:
        """Return the given items to validate on, and the numbers of their classes."""
        if valid is None:
            return None
        items, labels = self._items(valid[0], reset=False), np.asarray(valid[1])
        check_consistent_length(items, labels)
        numbers = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
        odd = classes[numbers] != labels
        if odd.any():
            msg = f"valid must have classes of y, {classes.tolist()}, got {labels[odd][0].item()!r}"
            raise ValueError(msg)
        return items, numbers
