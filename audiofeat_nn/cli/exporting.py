"""The command ``export``: a trained network as an ONNX graph."""

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiofeat_nn.cli._terminal import FAILURES, UsageError, keep_inputs, report, say


def run_export(arguments: argparse.Namespace) -> int:
    from audiofeat_nn.checkpoint import DEFAULT_NAME, load_network
    from audiofeat_nn.exporting import export_onnx, n_samples_for

    output = Path(arguments.output)
    if output.suffix.lower() != ".onnx":
        msg = f"--onnx must end in .onnx, got {arguments.output!r}"
        raise UsageError(msg)
    try:
        loaded = load_network(arguments.network)
    except FAILURES as error:
        return report(arguments.network, error)
    front_end = loaded.front_end if arguments.source == "waveform" else None
    if arguments.source == "waveform" and front_end is None:
        msg = f"{arguments.network} has no front end: --from must be features, got 'waveform'"
        raise UsageError(msg)
    given = Path(arguments.network)
    try:
        keep_inputs([output], [str(given / DEFAULT_NAME if given.is_dir() else given)])
        output.parent.mkdir(parents=True, exist_ok=True)
        with _without_advice():
            export_onnx(loaded.model, output, front_end=front_end, normalization=loaded.normalization)
    except ImportError as error:
        raise UsageError(str(error)) from error
    except FAILURES as error:
        return report(arguments.network, error)
    recipe = loaded.model.recipe
    sizes = f"1, {recipe.n_bands}, {recipe.n_frames}"  # type: ignore[union-attr]
    shape = f"x (batch, {sizes})"
    if front_end is not None:
        n_samples = n_samples_for(front_end, recipe.n_frames)  # type: ignore[union-attr, arg-type]
        shape = f"y (batch, {n_samples}) at {front_end.sr:g} Hz"
    classes = ", ".join(map(str, loaded.classes))
    say(f"input {shape}", f"output logits (batch, {len(loaded.classes)}): {classes}", f"wrote {output}")
    return 0


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep torch from telling which packages, of no use here, it has not found."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
