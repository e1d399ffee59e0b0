"""What a recipe says, field by field, and what each of them may be."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Any, Self

from audiofeat import FrontEnd, augment, baselines, list_presets, preset
from audiofeat._validation import as_choice, as_count, as_number
from audiofeat_nn.data.cutting import CUTTINGS, Cutting
from audiofeat_nn.data.items import CROPS
from audiofeat_nn.registry import list_models, model_options
from audiofeat_nn.training import TrainSettings

SETS = (
    "1517-artists",
    "ballroom",
    "csv",
    "esc10",
    "esc50",
    "extended-ballroom",
    "fma-large",
    "fma-medium",
    "fma-small",
    "folder",
    "gtzan",
)
KINDS = ("baseline", "network")
FEATURES = ("spectrogram", "statistics")
EXCERPTS = ("largest", "thumbnail")
NORMALIZATIONS = ("all", "band", "leaky", "none")
VOTES = ("majority", "mean_proba", "sum_log_proba")
PROTOCOLS = ("clean", "published")
SCORES = ("test", "unstated", "validation")
TOTALS = ("accuracy", "macro_f1", "macro_precision", "macro_recall", "std")


@dataclass(frozen=True, kw_only=True)
class Published:
    """The figures of a row, in per cent.

    Attributes
    ----------
    accuracy : float or None
        Share of right answers.
    std : float or None
        Its standard deviation over folds.
    macro_precision, macro_recall, macro_f1 : float or None
        Means over classes.
    of : {"test", "validation", "unstated"}
        Which part of the data they are of.
    validation : float or None
        Accuracy on the validation part, where both are printed.
    per_class : mapping of str to sequence of float
        Precision, recall and F1 of each class.
    """

    accuracy: float | None = None
    std: float | None = None
    macro_precision: float | None = None
    macro_recall: float | None = None
    macro_f1: float | None = None
    of: str = "test"
    validation: float | None = None
    per_class: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every field."""
        as_choice(self.of, "published.of", SCORES)
        for name in (*TOTALS, "validation"):
            value = getattr(self, name)
            if value is not None:
                _put(self, name, as_number(value, f"published.{name}", low=0.0, high=100.0))
        table = {}
        for label, values in _mapping(self.per_class, "published.per_class").items():
            if not isinstance(values, list | tuple) or len(values) != 3:
                msg = f"published.per_class.{label} must be precision, recall and F1, got {values!r}"
                raise ValueError(msg)
            table[label] = tuple(as_number(v, f"published.per_class.{label}", low=0.0, high=100.0) for v in values)
        _put(self, "per_class", table)


@dataclass(frozen=True, kw_only=True)
class Model:
    """What learns.

    Attributes
    ----------
    kind : {"network", "baseline"}
        A name of `audiofeat_nn.list_models`, or a function of `audiofeat.baselines`.
    name : str
        That name.
    options : mapping
        Its options.
    branches : mapping of str to str
        Option -> row of the same paper whose network, trained on the same fold, is that option.
    weights : str
        What the network began with in the paper, if that was no chance: ``"imagenet"``. The weights themselves are
        the user's to bring.
    """

    kind: str = "network"
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    branches: Mapping[str, str] = field(default_factory=dict)
    weights: str = ""

    def __post_init__(self) -> None:
        """Check every field."""
        as_choice(self.kind, "model.kind", KINDS)
        known = list_models() if self.kind == "network" else _baselines()
        as_choice(self.name, "model.name", known)
        _put(self, "options", dict(_mapping(self.options, "model.options")))
        _put(self, "branches", dict(_mapping(self.branches, "model.branches")))
        as_choice(self.weights, "model.weights", ("", "imagenet"))
        if self.kind == "network":
            _known({**self.options, **self.branches}, model_options(self.name), f"model.options of {self.name}")
        elif self.branches or self.weights:
            msg = f"model.branches and model.weights must be left out for the baseline {self.name}"
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Input:
    """What the model sees of a track.

    Attributes
    ----------
    features : {"spectrogram", "statistics"}
        The front end's frames; or, for baselines, the statistics of `audiofeat.describe`.
    frontend : str, mapping or None
        A preset's name, or its changes to one: ``{preset = "kth2020", n_mels = 64}``. None is the network's own.
    n_frames : int or None
        Frames of an input; None is the network's own.
    sr : float or None
        Rate in Hz of a network that reads samples.
    cutting : Cutting
        How tracks are cut, in a file a name of `list_cuttings` or the fields.
    crop : {"grid", "random"}
        Whether training sees the patches of `cutting` in every epoch, or as many from anywhere in the track, as in
        `NeuralClassifier`. Clips of `clip_duration` are a patch each, and baselines have no epochs: "grid".
    excerpt : {"", "largest", "thumbnail"}
        Part of the track that is found first, by `audiofeat.SegmentExcerpt` with the preset of the paper on
        segmentation; empty for the track itself.
    excerpt_duration : float
        Its length in seconds.
    augment : {"", "kth2020"} or sequence of (str, float)
        Variants of the training items.
    vote : {"mean_proba", "majority", "sum_log_proba"}
        How clips become tracks.
    """

    features: str = "spectrogram"
    frontend: str | Mapping[str, Any] | None = None
    n_frames: int | None = None
    sr: float | None = None
    cutting: Cutting = field(default_factory=Cutting)
    crop: str = "grid"
    excerpt: str = ""
    excerpt_duration: float = 30.0
    augment: Any = ""
    vote: str = "mean_proba"

    def __post_init__(self) -> None:
        """Check every field."""
        as_choice(self.features, "input.features", FEATURES)
        as_choice(self.crop, "input.crop", CROPS)
        as_choice(self.excerpt, "input.excerpt", ("", *EXCERPTS))
        as_choice(self.vote, "input.vote", VOTES)
        _put(self, "excerpt_duration", as_number(self.excerpt_duration, "input.excerpt_duration", low=0.1))
        if self.n_frames is not None:
            _put(self, "n_frames", as_count(self.n_frames, "input.n_frames"))
        if self.sr is not None:
            _put(self, "sr", as_number(self.sr, "input.sr", low=1.0))
        if isinstance(self.frontend, str):
            as_choice(self.frontend, "input.frontend", list_presets())
        elif self.frontend is not None:
            _put(self, "frontend", dict(_mapping(self.frontend, "input.frontend")))
        self.front_end  # noqa: B018  (that there is one)
        if isinstance(self.cutting, str):
            _put(self, "cutting", CUTTINGS[as_choice(self.cutting, "input.cutting", CUTTINGS)])
        elif isinstance(self.cutting, Mapping):
            _put(self, "cutting", Cutting.from_dict(self.cutting))
        if self.crop == "random" and self.cutting.clip_duration is not None:
            msg = "input.crop must be 'grid' for clips of clip_duration, which are a patch each, got 'random'"
            raise ValueError(msg)
        _put(self, "augment", _variants(self.augment))

    @property
    def front_end(self) -> FrontEnd | None:
        """The front end that is named here; None for the network's own."""
        if self.frontend is None:
            return None
        if isinstance(self.frontend, str):
            return preset(self.frontend)
        changes = dict(self.frontend)
        base = as_choice(changes.pop("preset", "librosa"), "input.frontend.preset", list_presets())
        _known(changes, {each.name for each in fields(FrontEnd)}, "input.frontend")
        return replace(preset(base), **changes)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How a row is tested.

    Attributes
    ----------
    cv : int, "official" or "holdout"
        Folds; the published split; or one division, of which `share` is tested.
    share : float
        Of the holdout.
    groups : {"track", "artist"}
        What stays on one side.
    repeats : int
        Runs of all folds.
    validation : float, "official" or None
        Share of the training part by which the best epoch is chosen, the published validation part, or none.
    validation_by : {"item", "patch"}
        Whether that share is of tracks, or of patches, which then are on both sides.
    normalization : {"band", "all", "none", "leaky"}
        As in `NeuralClassifier`.
    flaws : sequence of str
        What is wrong with it, for the report.
    """

    cv: Any = 10
    share: float = 0.3
    groups: str = "track"
    repeats: int = 1
    validation: Any = 0.1
    validation_by: str = "item"
    normalization: str = "band"
    flaws: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check every field."""
        if isinstance(self.cv, str):
            as_choice(self.cv, "protocol.cv", ("holdout", "official"))
        else:
            _put(self, "cv", as_count(self.cv, "protocol.cv", low=2))
        _put(self, "share", _share(self.share, "protocol.share"))
        as_choice(self.groups, "protocol.groups", ("artist", "track"))
        _put(self, "repeats", as_count(self.repeats, "protocol.repeats"))
        if isinstance(self.validation, str):
            as_choice(self.validation, "protocol.validation", ("none", "official"))
            _put(self, "validation", None if self.validation == "none" else "official")
        elif self.validation is not None:
            _put(self, "validation", _share(self.validation, "protocol.validation"))
        as_choice(self.validation_by, "protocol.validation_by", ("item", "patch"))
        as_choice(self.normalization, "protocol.normalization", NORMALIZATIONS)
        _put(self, "flaws", _texts(self.flaws, "protocol.flaws"))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A row of a table of a paper.

    Attributes
    ----------
    paper, name : str
        Where it lies: ``"feng2017"``, ``"t1-prcnn"``.
    title, table : str
        What the paper calls it, and where.
    sets : sequence of str
        Kinds of data sets that the published figure is of, see `audiofeat.datasets.load_dataset`.
    published : Published
        The figures.
    model : Model
        What learns.
    input : Input
        What it sees.
    training : mapping
        Fields of `TrainSettings`; empty for a baseline.
    protocols : mapping of str to Protocol
        ``"clean"``, which does not leak; ``"published"`` where the paper's own does and is known.
    notes : sequence of str
        What the paper does not say of this row, and what was chosen.

    Examples
    --------
    >>> from audiofeat_nn.recipes import load_recipe
    >>> recipe = load_recipe("feng2017/t1-prcnn")
    >>> recipe.title, recipe.published.accuracy, recipe.model.name
    ('CNN + 1-layer RNN', 90.2, 'prcnn')
    """

    paper: str
    name: str
    title: str
    table: str
    sets: tuple[str, ...]
    published: Published
    model: Model
    input: Input
    training: Mapping[str, Any]
    protocols: Mapping[str, Protocol]
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Paper and name: ``"feng2017/t1-prcnn"``."""
        return f"{self.paper}/{self.name}"

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any], *, paper: str, name: str) -> Self:
        """Make a recipe of the tables of a file.

        Parameters
        ----------
        spec : mapping
            Tables by name: title, table, notes, sets, published, model, input, training, protocol and, where the
            paper's own is another, published_protocol, which is laid over protocol.
        paper, name : str
            Where it lies.

        Returns
        -------
        Recipe
            The recipe.

        Raises
        ------
        ValueError
            If a name is no field, or a value is none of its field's; the message tells the recipe.
        TypeError
            If a value is of the wrong type.
        """
        tables = {"title", "table", "notes", "sets", "published", "model", "input", "training"}
        try:
            _known(spec, {*tables, "protocol", "published_protocol"}, "recipe")
            clean = _mapping(spec.get("protocol", {}), "protocol")
            protocols = {"clean": _made(Protocol, clean, "protocol")}
            if "published_protocol" in spec:
                own = _mapping(spec["published_protocol"], "published_protocol")
                protocols["published"] = _made(Protocol, {**clean, **own}, "published_protocol")
            _no_leak(protocols["clean"])
            model = _made(Model, spec.get("model", {}), "model")
            training = dict(_mapping(spec.get("training", {}), "training"))
            given = _made(Input, spec.get("input", {}), "input")
            _fits_training(model, training, given)
            sets = _texts(spec.get("sets", ()), "sets")
            for each in sets:
                as_choice(each, "sets", SETS)
            return cls(
                paper=paper,
                name=name,
                title=_text(spec.get("title", ""), "title"),
                table=_text(spec.get("table", ""), "table"),
                sets=sets,
                published=_made(Published, spec.get("published", {}), "published"),
                model=model,
                input=given,
                training=training,
                protocols=protocols,
                notes=_texts(spec.get("notes", ()), "notes"),
            )
        except (TypeError, ValueError) as error:
            msg = f"recipe {paper}/{name}: {error}"
            raise type(error)(msg) from error

    def to_dict(self) -> dict[str, Any]:
        """Return all fields, as JSON can hold them.

        Returns
        -------
        dict
            Fields by name.
        """
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        parts = ("published", "model", "input")
        told |= {name: asdict(told[name]) for name in parts}
        told["protocols"] = {name: asdict(protocol) for name, protocol in self.protocols.items()}
        return told | {"sets": list(self.sets), "notes": list(self.notes), "training": dict(self.training)}


@dataclass(frozen=True, kw_only=True)
class Cited:
    """A system that a paper only compares with.

    Attributes
    ----------
    table, title : str
        Where, and what the paper calls it.
    accuracy : float or None
        Per cent.
    of : str
        Data set or measure, where they are not those of the table.
    """

    table: str
    title: str
    accuracy: float | None = None
    of: str = ""

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("table", "title", "of"):
            _text(getattr(self, name), f"cited.{name}", empty=name == "of")
        if self.accuracy is not None:
            _put(self, "accuracy", as_number(self.accuracy, "cited.accuracy", low=0.0, high=100.0))


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What all rows of a paper share in a report.

    Attributes
    ----------
    name : str
        Its folder.
    title, authors : str
        Of the paper.
    year : int
        When.
    link : str
        Where it can be read; empty if nowhere.
    flaws : sequence of str
        What is known to be wrong or open in its protocol and figures.
    cited : sequence of Cited
        Systems that it compares with and are not built here.

    Examples
    --------
    >>> from audiofeat_nn.recipes import load_paper
    >>> load_paper("feng2017").year
    2017
    """

    name: str
    title: str
    authors: str
    year: int
    link: str = ""
    flaws: tuple[str, ...] = ()
    cited: tuple[Cited, ...] = ()

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("name", "title", "authors", "link"):
            _text(getattr(self, name), name, empty=name == "link")
        as_count(self.year, "year", low=1900)
        _put(self, "flaws", _texts(self.flaws, "flaws"))
        _put(
            self,
            "cited",
            tuple(each if isinstance(each, Cited) else _made(Cited, each, "cited") for each in self.cited),
        )


def _put(thing: Any, name: str, value: Any) -> None:
    object.__setattr__(thing, name, value)  # the classes are frozen for everybody else


def _made(kind: Any, spec: Any, where: str) -> Any:
    given = dict(_mapping(spec, where))
    _known(given, {each.name for each in fields(kind)}, where)
    missing = [
        f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING and f.name not in given
    ]
    if missing:
        msg = f"{where} must have {missing[0]}"
        raise ValueError(msg)
    return kind(**given)


def _known(given: Iterable[str], known: Iterable[str], where: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        msg = f"{where} has no {unknown[0]!r}: it has {', '.join(sorted(known))}"
        raise ValueError(msg)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        msg = f"{where} must be a table, got {value!r}"
        raise TypeError(msg)
    return value


def _text(value: Any, where: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or empty):
        msg = f"{where} must be text, got {value!r}"
        raise TypeError(msg)
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        msg = f"{where} must be a list of texts, got {value!r}"
        raise TypeError(msg)
    return tuple(_text(each, where) for each in value)


def _share(value: Any, where: str) -> float:
    number = as_number(value, where, low=0.0, open_low=True)
    if number >= 1.0:
        msg = f"{where} must be < 1, got {value!r}"
        raise ValueError(msg)
    return number


def _baselines() -> list[str]:
    return [name for name in baselines.__all__ if name.islower()]


def _variants(value: Any) -> Any:
    if value in ("", "kth2020"):
        return () if value == "" else tuple(augment.KTH2020)
    if not isinstance(value, list | tuple):
        msg = f"input.augment must be '', 'kth2020' or pairs of a name and a number, got {value!r}"
        raise TypeError(msg)
    return tuple((str(name), float(amount)) for name, amount in value)


def _no_leak(clean: Protocol) -> None:
    if clean.normalization == "leaky" or clean.validation_by == "patch":
        msg = "protocol must not leak: normalization 'leaky' and validation_by 'patch' are for published_protocol"
        raise ValueError(msg)


def _fits_training(model: Model, training: Mapping[str, Any], given: Input) -> None:
    if model.kind == "network":
        TrainSettings.from_dict(training)
    elif training or given.crop != "grid":
        msg = f"{'training' if training else 'input.crop'} must be left out for the baseline {model.name}"
        raise ValueError(msg)
