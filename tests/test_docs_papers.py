"""The pages on the papers say what the recipes say, and their examples print what is printed."""

import re
import shlex

import numba
import pytest
from doc_pages import rows, run_examples, section, text_of

torch = pytest.importorskip("torch")

from audiofeat_nn import count_parameters, list_models  # noqa: E402
from audiofeat_nn.cli import _parser  # noqa: E402
from audiofeat_nn.recipes import list_papers, list_recipes, load_paper, load_recipe  # noqa: E402
from audiofeat_nn.reproduction.classifier import network_of  # noqa: E402

N_CLASSES = {"gtzan": 10, "fma-small": 8, "ballroom": 8, "extended-ballroom": 13, "1517-artists": 19}
FIGURES = "Published figures and their recipes"


def figures(paper):
    """Cells of the table of a paper's page by the name of their recipe."""
    table = rows(section(text_of(f"papers/{paper}"), FIGURES))
    return {cells[0].strip("`"): cells for cells in table}


@pytest.mark.parametrize("paper", list_papers())
def test_each_row_of_a_paper_is_on_its_page_and_no_other(paper):
    assert list(figures(paper)) == list_recipes(paper)


@pytest.mark.parametrize("name", list_recipes())
def test_the_page_has_the_figures_of_the_recipe(name):
    recipe = load_recipe(name)
    published = recipe.published
    cells = figures(recipe.paper)[name]
    assert recipe.title in cells
    told = [published.accuracy, published.std, published.validation]
    numbers = [f"{value:g}" for value in told if value is not None]
    macro = (published.macro_precision, published.macro_recall, published.macro_f1)
    numbers += [" / ".join(f"{value:g}" for value in macro)] if None not in macro else []
    for number in numbers:
        assert cells.count(number) >= numbers.count(number)
    assert ("not printed" in cells) == (published.accuracy is None)
    assert any(recipe.model.name in re.findall(r"[\w-]+", cell) for cell in cells[1:])


@pytest.mark.parametrize("name", [name for name in list_recipes() if load_recipe(name).model.kind == "network"])
def test_the_page_has_the_parameters_of_the_network(name):
    recipe = load_recipe(name)
    cells = figures(recipe.paper)[name]
    if recipe.model.branches:  # made of two trained networks: the paper says that it is the other one
        assert cells[-1] == figures(recipe.paper)[name.removesuffix("-init")][-1]
        return
    with torch.device("meta"):
        network = network_of(recipe, N_CLASSES[recipe.sets[0]])
    assert cells[-1] == f"{count_parameters(network):,}"
    for option, value in recipe.model.options.items():
        shown = re.search(rf"`{option}=(.*?)`", " ".join(cells))
        assert shown is None or shown[1] == repr(tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("paper", list_papers())
def test_the_page_has_the_systems_that_are_only_cited(paper):
    told = re.sub(r"\s+", " ", section(text_of(f"papers/{paper}"), FIGURES))
    cited = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", told[told.index("Cited there") :])}
    assert {system.accuracy for system in load_paper(paper).cited} <= cited


@pytest.mark.parametrize("paper", list_papers())
def test_the_page_names_authors_year_and_link(paper):
    told, head = load_paper(paper), re.sub(r"\s+", " ", text_of(f"papers/{paper}")[:800])
    assert told.title.lower() in head.lower()
    assert all(author in head for author in re.split(r", | and ", told.authors))
    assert str(told.year) in head
    assert not told.link or told.link in head


def test_every_network_is_on_a_page():
    told = "\n".join(section(text_of(f"papers/{paper}"), "What is built here") for paper in list_papers())
    assert set(list_models()) - set(re.findall(r"`([\w-]+)`", told)) == set()


def test_the_segmenters_scores_are_the_benchmarks():
    measured = rows(section(text_of("papers/ucsd2020"), "What has been measured here"))
    assert [cells[0] for cells in measured] == ["music", "regions", "sounds", "classes"]
    for kind, *scores in measured:
        table = rows(section(text_of("benchmarks/segmentation"), f"Medleys: {kind}"))
        told = {cells[0]: cells for cells in table if len(cells) > 6 and cells[1] == "labels"}
        found = [told[side][i] for side in ("audiofeat, preset ucsd2020", "audiofeat") for i in (2, 6)]
        assert scores == found


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="too slow without the compiler")
@pytest.mark.parametrize("paper", ["feng2017", "kth2020", "pons2016", "ubc2020"])
def test_examples_print_what_the_page_says(paper):
    n_examples, told = run_examples(f"papers/{paper}")
    assert told == ""
    assert n_examples >= 3


@pytest.mark.parametrize("paper", list_papers())
def test_commands_are_such_as_there_are(paper):
    blocks = re.findall(r"^```sh\n(.*?)^```$", text_of(f"papers/{paper}"), flags=re.MULTILINE | re.DOTALL)
    calls = [shlex.split(line, comments=True) for line in "".join(blocks).replace("\\\n", "").splitlines()]
    assert len(calls) >= 3
    for program, *arguments in calls:
        assert program == "audiofeat-nn"
        asked = _parser().parse_args(arguments)
        assert set(getattr(asked, "names", [paper])) <= {paper, *list_recipes(paper)}
