"""Networks as ONNX graphs, from features or from the waveform."""

import os
import warnings
from bisect import bisect_left
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from audiofeat import FrontEnd
from audiofeat._files import replacing
from audiofeat_nn.frontend import LogMel, Spectrogram
from audiofeat_nn.registry import NetworkRecipe, check_front_end

NEEDED = ("onnx", "onnxscript")


class Standardized(nn.Module):
    """A network behind the standardisation of its input, ``(x - mean) / deviation``.

    Parameters
    ----------
    model : torch.nn.Module
        A network.
    mean, deviation : array_like
        Scalars, or arrays that broadcast against (n_bands, n_frames).

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.exporting import Standardized
    >>> Standardized(torch.nn.Identity(), 1.0, [[2.0], [4.0]])(torch.full((1, 1, 2, 3), 5.0))[0, 0]
    tensor([[2., 2., 2.],
            [1., 1., 1.]])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, model: nn.Module, mean: ArrayLike, deviation: ArrayLike) -> None:
        super().__init__()
        self.model = model
        for name, value in (("mean", mean), ("deviation", deviation)):
            array = np.asarray(value, dtype=np.float32)
            if not np.isfinite(array).all() or (name == "deviation" and not (array > 0).all()):
                wanted = "finite" if name == "mean" else "above 0 and finite"
                msg = f"{name} of normalization must be {wanted}, got {value!r}"
                raise ValueError(msg)
            self.register_buffer(name, torch.tensor(array))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, n_classes)."""
        logits: Tensor = self.model((x - self.mean) / self.deviation)
        return logits


def export_onnx(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    front_end: FrontEnd | None = None,
    normalization: tuple[ArrayLike, ArrayLike] | None = None,
) -> Path:
    """Write a network as an ONNX graph, which other runtimes run without torch.

    The graph has one input, for any number of items, and the output ``logits``, (batch, n_classes), of float32. It is
    the network as it evaluates, whatever its mode, which is put back.

    Parameters
    ----------
    model : torch.nn.Module
        A network of `audiofeat_nn.create_model`.
    path : str or path
        The file; what is there is replaced.
    front_end : FrontEnd or None
        None: the input is ``x``, features of shape (batch, 1, n_bands, n_frames). A front end: it is ``y``, signals of
        shape (batch, n_samples) at the rate of the front end, with the fewest samples that give the frames of the
        network; the front end is then part of the graph.
    normalization : tuple of array_like or None
        Mean and standard deviation that features are standardised by, part of the graph too. Each is a scalar, a
        value for every band (n_bands,), or an array that broadcasts against (n_bands, n_frames).

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImportError
        If the extra ``audiofeat[onnx]`` is not installed.
    TypeError
        If the model was not made by `create_model`.
    ValueError
        If the front end does not go with the network, cannot give as many frames, or the normalisation is not
        finite, above 0 or of a shape that fits.

    Notes
    -----
    Recurrence of `torch.nn.GRU` becomes an operator of ONNX; `SkipGRU` and `ResetBeforeGRU` are unrolled, a few
    operators a step. Compared with torch under onnxruntime, logits agree to the rounding of float32.

    Examples
    --------
    >>> from audiofeat_nn import create_model
    >>> from audiofeat_nn.exporting import export_onnx
    >>> model = create_model("time", n_classes=8)
    >>> path = export_onnx(model, "time.onnx", front_end=model.recipe.front_end)  # doctest: +SKIP
    """
    recipe = getattr(model, "recipe", None)
    if not isinstance(recipe, NetworkRecipe):
        msg = f"model must be made by create_model, got {type(model).__name__}"
        raise TypeError(msg)
    whole, shape = _graph(model, recipe, front_end, normalization)
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        msg = f"export_onnx needs {' and '.join(missing)}: pip install 'audiofeat[onnx]'"
        raise ImportError(msg)
    path = Path(path)
    modes = [(module, module.training) for module in whole.modules()]
    try:
        program = _exported(whole.eval(), shape, "x" if front_end is None else "y")
    finally:
        for module, training in modes:
            module.training = training
    with replacing(path) as temporary:
        program.save(str(temporary), external_data=False)
    return path


def n_samples_for(front_end: FrontEnd, n_frames: int) -> int:
    """Return the fewest samples of which a front end makes a number of frames.

    Parameters
    ----------
    front_end : FrontEnd
        A front end.
    n_frames : int
        Frames.

    Returns
    -------
    int
        Samples.

    Raises
    ------
    ValueError
        If there is no such number of samples.

    Examples
    --------
    >>> from audiofeat import preset
    >>> from audiofeat_nn.exporting import n_samples_for
    >>> n_samples_for(preset("feng2017"), 128), n_samples_for(preset("pons2016"), 80)
    (66048, 80896)
    """

    def frames_of(n_samples: int) -> int:
        try:
            return front_end.n_frames(n_samples)
        except ValueError:  # fewer samples than a frame
            return 0

    enough = 2 * front_end.n_fft + front_end.hop_length * (n_frames + 1)
    n_samples = 1 + bisect_left(range(1, enough), n_frames, key=frames_of)
    if frames_of(n_samples) != n_frames:
        msg = f"front_end must give {n_frames} frames, gives {frames_of(n_samples)} at most"
        raise ValueError(msg)
    return n_samples


def _graph(
    model: nn.Module,
    recipe: NetworkRecipe,
    front_end: FrontEnd | None,
    normalization: tuple[ArrayLike, ArrayLike] | None,
) -> tuple[nn.Module, tuple[int, ...]]:
    """Return the network with what is before it, and the shape of an item of its input."""
    whole, size = model, (recipe.n_bands, recipe.n_frames)
    if normalization is not None:
        mean, deviation = (np.asarray(v)[:, None] if np.ndim(v) == 1 else v for v in normalization)
        try:
            np.broadcast_to(mean, size)
            np.broadcast_to(deviation, size)
        except ValueError as error:
            msg = f"normalization must broadcast against {size[0]} bands and {size[1]} frames: {error}"
            raise ValueError(msg) from error
        whole = Standardized(model, mean, deviation)
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    if front_end is None:
        return whole.to(device), (1, *size)
    check_front_end(model, front_end)
    n_samples = n_samples_for(front_end, recipe.n_frames)
    module = (Spectrogram if front_end.n_mels is None else LogMel)(front_end)
    return nn.Sequential(module, whole).to(device), (n_samples,)


def _exported(model: nn.Module, shape: tuple[int, ...], name: str) -> Any:
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    example = torch.zeros(2, *shape, device=device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own code: as errors they would end the export of recurrence
        return torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[name],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        )
