"""Every public object is documented as the house asks, beyond what `numpydoc lint` sees in the files."""

import ast
import inspect
import re
import textwrap

import pytest

import audiofeat

NAMES = [name for name in audiofeat.__all__ if name not in audiofeat._MODULES]
NAMES += [f"{module}.{name}" for module in audiofeat._MODULES for name in getattr(audiofeat, module).__all__]
NAMES = [name for name in NAMES if not name.rpartition(".")[2].isupper()]  # constants say what they are beside them
GATES = {"as_signal", "as_number", "as_rate", "as_count", "as_choice"}
OPENED = {"StoreWriter"}  # nobody calls it: it is made by its own `open`, which is described
# What other libraries call it, where the house has its own word.
OTHER_WORDS = {
    "x",
    "wav",
    "fs",
    "sample_rate",
    "frame_size",
    "step",
    "num_mels",
    "f_min",
    "f_max",
    "mel_scale",
    "seed",
    "n_threads",
    "num_clusters",
    "k",
}


def public(name):
    value = audiofeat
    for part in name.split("."):
        value = getattr(value, part)
    return value


def section(doc, title):
    """The text under a title of a numpydoc docstring, or nothing."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[\w ]+\n---|\Z)", doc, flags=re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def raised(function):
    """Names of the exceptions that the function's own lines raise, by themselves or at the gate."""
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))
    raises = [node.exc for node in nodes if isinstance(node, ast.Raise)]
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    made = {ast.unparse(error.func) for error in raises if isinstance(error, ast.Call)}
    made = {name for name in made if name[0].isupper()}  # others make an error of a kind that is listed
    return made | ({"ValueError"} if called & GATES else set())


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_summary_and_an_example(name):
    doc = inspect.getdoc(public(name))
    assert doc
    assert doc.splitlines()[0].endswith(".")
    assert ">>> " in section(doc, "Examples")


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_described(name):
    value = public(name)
    doc = inspect.getdoc(value)
    heads = re.findall(r"^(\w[\w, ]*) :", section(doc, "Parameters") + section(doc, "Attributes"), flags=re.MULTILINE)
    described = {word.strip() for head in heads for word in head.split(",")}
    is_error = inspect.isclass(value) and issubclass(value, Exception)
    assert described >= (set() if is_error or name in OPENED else set(inspect.signature(value).parameters))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_returned_is_described(name):
    function = public(name)
    if inspect.isfunction(function) and inspect.get_annotations(function)["return"] not in (None, "None"):
        doc = inspect.getdoc(function)
        assert section(doc, "Returns") or section(doc, "Yields")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_raised_is_listed(name):
    function = public(name)
    if inspect.isfunction(function):
        listed = section(inspect.getdoc(function), "Raises")
        assert raised(function) <= set(re.findall(r"^(\w+)$", listed, flags=re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_arrays_have_a_shape(name):
    doc = inspect.getdoc(public(name))
    sections = [section(doc, title) for title in ("Parameters", "Returns", "Yields", "Attributes")]
    arrays = re.findall(r"^\S.*\b(?:ndarray|array_like)\b.*", "\n".join(sections), flags=re.MULTILINE)
    assert not [line for line in arrays if "shape" not in line]


@pytest.mark.parametrize("name", NAMES)
def test_public_members_of_classes_are_documented(name):
    value = public(name)
    members = vars(value) if inspect.isclass(value) else {}
    fields = set(getattr(value, "_fields", ())) | set(getattr(value, "__dataclass_fields__", ()))
    names = [key for key in members if not key.startswith("_") and key not in fields]
    assert not [key for key in names if not members[key].__doc__]


@pytest.mark.parametrize("name", NAMES)
def test_arguments_speak_the_vocabulary(name):
    value = public(name)
    functions = [value, *vars(value).values()] if inspect.isclass(value) else [value]
    for function in filter(inspect.isfunction, functions):
        parameters = inspect.signature(function).parameters.values()
        assert not {parameter.name for parameter in parameters} & OTHER_WORDS
        if not function.__name__.startswith("_"):
            assert not [p.name for p in parameters if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]


def test_the_helpers_see_what_is_there():
    doc = "Sum.\n\nRaises\n------\nValueError\n    Bad.\n\nExamples\n--------\n>>> 1\n1"
    assert section(doc, "Raises") == "ValueError\n    Bad.\n\n"
    assert section(doc, "Examples") == ">>> 1\n1"
    assert section(doc, "Returns") == ""
    assert raised(raised) == set()
    assert raised(audiofeat.synth.tone) >= {"ValueError"}
