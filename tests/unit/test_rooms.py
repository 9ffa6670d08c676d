"""Imports between the library's rooms go one way, and modules of a room have no circles."""

import ast
import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "workflow" / "scripts" / "trdomics"
# What a room may import: rooms to its left, itself, and single modules at the top of the library.
ORDER = [
    {"inputs"},
    {"reads"},
    {"layers"},
    {"cohort"},
    {"pharmacogenes"},
    {"identity", "differential", "integration", "simulation"},
    {"confounding", "enrichment", "subtypes"},
    {"panels"},
    {"mechanism"},
    {"classification"},
    {"evaluation"},
    {"frozen_model"},
    {"scoring", "consortium"},
    {"report", "check"},
    {"audit"},
]
# Arrows that go the other way today, each with why; no new one may come.
AGAINST = {
    ("confounding", "classification"): "the encoding of the sheet's columns",
    ("confounding", "evaluation"): "how well confounders predict the label is a metric",
}


def imports() -> dict[str, set[str]]:
    """Return the library's modules and which of its modules each imports."""
    found = {}
    for path in LIBRARY.rglob("*.py"):
        module = path.relative_to(LIBRARY).with_suffix("").as_posix().replace("/", ".")
        used = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trdomics."):
                name = node.module.removeprefix("trdomics.")
                whole = [f"{name}.{alias.name}" for alias in node.names]
                modules = [m for m in whole if (LIBRARY / (m.replace(".", "/") + ".py")).is_file()]
                used |= set(modules or [name])
        found[module] = used
    return found


def arrows(modules: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Return which room imports from which other one."""
    rooms = set().union(*ORDER)
    pairs = {(m.split(".")[0], u.split(".")[0]) for m, used in modules.items() for u in used}
    return {(a, b) for a, b in pairs if a != b and a in rooms and b in rooms}


def against(found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the arrows that do not go to the left."""
    place = {room: i for i, rooms in enumerate(ORDER) for room in rooms}
    return {(a, b) for a, b in found if place[a] <= place[b]}


def circle(graph: dict[str, set[str]]) -> list[str] | None:
    """Return a circle of a graph, None if it has none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def test_every_folder_of_the_library_is_a_room_in_the_order():
    folders = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    assert folders - set().union(*ORDER) == set()


def test_rooms_import_one_way_and_not_in_circles():
    found = arrows(imports())
    assert against(found) - set(AGAINST) == set()
    assert set(AGAINST) <= found, "an exception that is no more is to be deleted"
    graph = defaultdict(set)
    for a, b in found:
        graph[a].add(b)
    assert circle(graph) is None


def test_modules_have_no_circles():
    modules = imports()
    assert circle(modules) is None
    integration = {m: used for m, used in modules.items() if m.startswith("integration.")}
    assert len(integration) > 8
    assert any(integration.values())


@pytest.mark.parametrize("planted", [("layers", "classification"), ("evaluation", "scoring")])
def test_a_planted_arrow_is_found(planted):
    assert planted in against(arrows(imports()) | {planted})


def test_a_planted_circle_is_found():
    modules = imports()
    modules["integration.engine"] = modules["integration.engine"] | {"integration.mofa"}
    assert circle(modules) is not None


def missing(source: str) -> list[str]:
    """Return what a file imports from the library and the library does not have."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trdomics"):
            path = LIBRARY.joinpath(*node.module.split(".")[1:])
            module = path.with_suffix(".py") if path.with_suffix(".py").is_file() else None
            text = (module or path / "__init__.py").read_text() if path.is_dir() or module else ""
            found += [
                f"{node.module}.{alias.name}"
                for alias in node.names
                if not re.search(rf"\b{alias.name}\b", text)
                and not (path / f"{alias.name}.py").is_file()
            ]
    return found


def test_scripts_and_benchmarks_import_what_the_library_has():
    root = LIBRARY.parents[2]
    files = [*root.glob("workflow/scripts/*.py"), *root.glob("benchmarks/*.py")]
    assert len(files) > 100
    assert {
        path.name: missing(path.read_text()) for path in files if missing(path.read_text())
    } == {}
    assert missing("from trdomics.simulation import evaluation") != []
    assert missing("from trdomics.simulation.evaluation import de_recovery") != []
