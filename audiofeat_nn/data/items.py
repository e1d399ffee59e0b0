"""Data sets for the training loop, and for torch's DataLoader."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audiofeat import Store
from audiofeat._validation import Float, as_choice, as_count
from audiofeat_nn.data.cutting import Cutting, as_cutting, fitted, starts
from audiofeat_nn.data.normalization import Normalization

CROPS = ("grid", "random")


class PatchDataset:
    """Patches of spectrograms, each with the number of its class.

    Items are cut out when they are asked for: of maps that are views of files only what is read is loaded.

    Parameters
    ----------
    maps : sequence of ndarray, shape (n_bands, n_frames) or (n_clips, n_bands, n_frames)
        Features of tracks, or of clips; a list, or anything with a length that gives arrays by number.
    targets : sequence of int
        Number of the class of each map.
    n_frames : int
        Frames of a patch.
    cutting : Cutting, str or None
        Overlap of patches, and how many of a map are used. Offset and clips of the signal have been seen to before,
        by `maps_of`.
    normalization : Normalization or None
        What patches are standardised by.
    crop : {"grid", "random"}
        Where patches begin: one after another; or as many of them, each anywhere, drawn anew from torch's generator
        whenever it is asked for.
    shapes : sequence of tuple or None
        Shapes of the maps, if they are known without a look at each.

    Attributes
    ----------
    targets : list of int
        Class of each patch.
    sources : ndarray of int
        Number of the map of each patch.

    Raises
    ------
    ValueError
        If there are no maps, lengths differ, or a map has another number of bands than the first.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat_nn.data import PatchDataset
    >>> dataset = PatchDataset([np.zeros((40, 200)), np.ones((40, 90))], [0, 1], n_frames=80)
    >>> len(dataset), dataset.targets, dataset[2][0].shape
    (3, [0, 0, 1], torch.Size([1, 40, 80]))
    """

    def __init__(
        self,
        maps: Any,
        targets: Sequence[int],
        *,
        n_frames: int,
        cutting: Cutting | str | None = None,
        normalization: Normalization | None = None,
        crop: str = "grid",
        shapes: Sequence[tuple[int, ...]] | None = None,
    ) -> None:
        self.n_frames, self.normalization = as_count(n_frames, "n_frames"), normalization
        self.crop = as_choice(crop, "crop", CROPS)
        self.maps = maps
        numbers = [as_count(number, f"targets[{i}]", low=0) for i, number in enumerate(targets)]
        if len(numbers) != len(maps) or not numbers:
            msg = f"maps and targets must be as many, and 1 at least, got {len(maps)} and {len(numbers)}"
            raise ValueError(msg)
        cut = as_cutting(cutting)
        index = []
        known = [maps[i].shape for i in range(len(maps))] if shapes is None else shapes
        for i, shape in enumerate(known):
            if len(shape) not in (2, 3) or 0 in shape:
                msg = f"maps must be (n_bands, n_frames), or a stack of such, none of it 0: map {i} has {shape}"
                raise ValueError(msg)
            if shape[-2] != known[0][-2]:
                msg = f"maps must have {known[0][-2]} bands, as map 0, but map {i} has {shape}"
                raise ValueError(msg)
            places = starts(shape[-1], self.n_frames, cut)
            index += [(i, k, start) for k in range(shape[0] if len(shape) == 3 else 1) for start in places]
        self.index = np.array(index, dtype=np.intp).reshape(-1, 3)
        self.sources = self.index[:, 0]
        self.targets = [numbers[i] for i in self.sources]

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        """Return a patch, shape (1, n_bands, n_frames), float32, and its class."""
        source, clip, start = self.index[number].tolist()
        S: Float = self.maps[source]
        S = S[clip] if S.ndim == 3 else S
        room = S.shape[1] - self.n_frames
        if self.crop == "random" and room > 0:
            start = int(torch.randint(room + 1, ()))
        patch = fitted(S[:, start : start + self.n_frames], self.n_frames)
        patch = np.array(patch, np.float32) if self.normalization is None else self.normalization.apply(patch)
        return torch.from_numpy(np.ascontiguousarray(patch))[None], self.targets[number]


class StoreDataset(PatchDataset):
    """Patches of the items of a feature store, which stay on the disk until they are read.

    A copy in a worker process opens the store itself and maps the same files: nothing is held twice.

    Parameters
    ----------
    store : Store
        Items of shape (n_bands, n_frames), or (n_clips, n_bands, n_frames) of excerpts.
    labels : mapping of str to str or int
        Class of each path of the store. Others may be in the mapping, so a table of a whole data set will do.
    n_frames : int
        Frames of a patch.
    classes : sequence or None
        Classes in the order of their numbers; those of the store's items, sorted, if not given.
    cutting, normalization, crop : as in `PatchDataset`
        How patches are cut.
    rows : sequence of int or None
        Which of the store's items; None for all. A split is two data sets of one store.

    Attributes
    ----------
    classes : tuple
        Classes in the order of their numbers.

    Raises
    ------
    ValueError
        If a path has no label, or a label is not in `classes`.

    See Also
    --------
    audiofeat.extract_features : Writes stores.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from audiofeat import extract_features, open_store, save
    >>> from audiofeat_nn.data import StoreDataset
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = [f"{folder}/{name}.wav" for name in ("a", "b")]
    ...     for path in paths:
    ...         save(path, np.zeros(22050), 22050)
    ...     store = extract_features(paths, f"{folder}/store", features="librosa", engine="serial")
    ...     dataset = StoreDataset(store, dict(zip(paths, ["jazz", "pop"])), n_frames=20)
    ...     len(dataset), dataset.classes, dataset[2][0].shape
    (4, ('jazz', 'pop'), torch.Size([1, 128, 20]))
    """

    def __init__(
        self,
        store: Store,
        labels: Mapping[str, Any],
        *,
        n_frames: int,
        classes: Sequence[Any] | None = None,
        cutting: Cutting | str | None = None,
        normalization: Normalization | None = None,
        crop: str = "grid",
        rows: Sequence[int] | None = None,
    ) -> None:
        chosen = list(range(len(store))) if rows is None else [int(row) for row in rows]
        paths, shapes = store.paths, store.shapes
        unknown = [paths[row] for row in chosen if paths[row] not in labels]
        if unknown:
            msg = f"labels must have every path of the store, {len(unknown)} are missing: {unknown[0]!r}"
            raise ValueError(msg)
        found = [labels[paths[row]] for row in chosen]
        self.classes = tuple(sorted(set(found)) if classes is None else classes)
        number = {name: i for i, name in enumerate(self.classes)}
        strange = [name for name in found if name not in number]
        if strange:
            msg = f"classes must have every label, got {strange[0]!r} beside {self.classes}"
            raise ValueError(msg)
        super().__init__(
            _Rows(store, chosen),
            [number[name] for name in found],
            n_frames=n_frames,
            cutting=cutting,
            normalization=normalization,
            crop=crop,
            shapes=[shapes[row] for row in chosen],
        )


class _Rows:
    """Some items of a store, by number."""

    def __init__(self, store: Store, rows: Sequence[int]) -> None:
        self.store, self.rows = store, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> Any:
        return self.store[self.rows[number]]
