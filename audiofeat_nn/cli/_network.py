"""A trained network at work on files: the classes of each, or what is wrong with it."""

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from audiofeat_nn.cli._terminal import FAILURES, explained
from audiofeat_nn.cli.training import read_about

if TYPE_CHECKING:
    from audiofeat import SegmentExcerpt, datasets
    from audiofeat_nn.prediction import Failure, Prediction, Predictor


class Trained(NamedTuple):
    """A network from a file, and what is known of its training."""

    predictor: "Predictor"
    excerpt: "SegmentExcerpt | None"  # finds the part of a track that the network has learnt from
    name: str
    fingerprint: str | None  # of the data
    n_files: int

    def predictions(
        self, files: Iterable[str], n_jobs: int | None = None
    ) -> Iterator[tuple[str, "Prediction | Failure"]]:
        """Yield each file with its prediction, or why there is none; `n_jobs` at a time on a CPU."""
        import joblib

        from audiofeat_nn.prediction import Failure

        if self.predictor.apart or self.excerpt is not None:
            run = joblib.Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
            yield from run(joblib.delayed(self._one)(file) for file in files)
            return
        ahead: deque[str] = deque()  # on a GPU a batch goes across files, so more are read than are predicted

        def noted() -> Iterator[str]:
            for file in files:
                ahead.append(file)
                yield file

        for found in self.predictor.many(noted(), on_error="record"):
            file = ahead.popleft()
            if isinstance(found, Failure):
                found = Failure(file, found.reason.removeprefix(f"{file}: "))
            yield file, found

    def _one(self, file: str) -> tuple[str, "Prediction | Failure"]:
        from audiofeat_nn.prediction import Failure

        try:
            return file, self.predictor(file if self.excerpt is None else self.excerpt.fit_transform([file])[0])
        except FAILURES as error:
            return file, Failure(file, explained(file, error).removeprefix(f"{file}: "))

    def is_of(self, dataset: "datasets.AudioDataset") -> bool:
        """Tell whether the network was trained on these very files."""
        from audiofeat import data_fingerprint

        return self.fingerprint is not None and self.fingerprint == data_fingerprint(dataset)


def load_trained(given: str, *, vote: str | None = None, batch_size: int = 32, device: str = "cpu") -> Trained:
    """Read a trained network from its folder or file."""
    from audiofeat import SegmentExcerpt
    from audiofeat_nn.checkpoint import DEFAULT_NAME, load_network
    from audiofeat_nn.prediction import Predictor

    loaded = load_network(given, device=device)
    path = Path(given)
    folder = path if path.is_dir() else path.parent
    about: Any = read_about(folder) if path.is_dir() or path.name == DEFAULT_NAME else {}
    votes = loaded.info["notes"].get("estimator", {}).get("vote", "mean_proba")
    predictor = Predictor(loaded, vote=vote or votes, batch_size=batch_size, device=device)
    seen = about.get("recipe", {}).get("input", {})
    excerpt = None
    if seen.get("excerpt") and predictor.front_end is not None:
        excerpt = SegmentExcerpt(
            predictor.front_end.sr, duration=seen["excerpt_duration"], excerpt=seen["excerpt"], preset="ucsd2020"
        )
    data = about.get("data", {})
    fingerprint = loaded.info.get("data_fingerprint") or data.get("fingerprint")
    name = str(loaded.info.get("model"))
    return Trained(predictor, excerpt, name, fingerprint, int(data.get("n_files", 0)))
