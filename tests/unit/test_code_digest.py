"""The digest of a rule's code covers what the script runs, and nothing else."""

import ast
from typing import is_typeddict

import pytest

from trdomics import code_digest, config_types
from trdomics.code_digest import SCRIPTS, TYPES, closure
from trdomics.shipped import REPOSITORY

ALL = sorted(SCRIPTS.glob("*.py"))


def imported(path, seen):
    """Return the library's modules that a file imports, directly or not, by Python's parser."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.module.startswith("trdomics"):
            assert not isinstance(node, ast.Import) or all(
                not alias.name.startswith("trdomics") for alias in node.names
            )
            continue
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
            own = SCRIPTS.joinpath(*name.split(".")).with_suffix(".py")
            if own.is_file() and own not in seen:
                seen.add(own)
                imported(own, seen)
    return seen


@pytest.mark.parametrize("script", ALL, ids=lambda path: path.stem)
def test_the_closure_is_what_python_would_import(script):
    found = {path for path in closure(script) if path.suffix == ".py"}
    used = {script} | imported(script, set()) - {TYPES}
    assert found - {SCRIPTS / "trdomics" / "__init__.py"} == used


def test_what_the_closure_leaves_out_has_types_only():
    nodes = ast.parse(TYPES.read_text()).body
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    assert all(is_typeddict(getattr(config_types, node.name)) for node in classes)
    rest = [node for node in nodes if node not in classes]
    assert all(isinstance(node, (ast.Expr, ast.ImportFrom)) for node in rest)


def test_packages_run_nothing_that_the_closure_leaves_out():
    for path in (SCRIPTS / "trdomics").rglob("__init__.py"):
        assert all(
            isinstance(node, (ast.Expr, ast.Assign)) for node in ast.parse(path.read_text()).body
        )


def test_shipped_files_are_there_and_belong_to_their_readers():
    readers = {}
    for script in ALL:
        for path in closure(script):
            assert path.is_file()
            readers.setdefault(str(path.relative_to(REPOSITORY)), set()).add(script.stem)
    assert readers["resources/haemolysis.tsv"] == {"identity_quality"}
    assert readers["workflow/report/summary.html.j2"] == {"report_summary"}
    assert "cohort_harmonise" in readers["workflow/schemas/patients.schema.yaml"]
    tables = {f"resources/{path.name}" for path in (REPOSITORY / "resources").glob("*.tsv")}
    assert tables <= set(readers)


def test_any_change_of_any_file_of_it_is_another_digest(monkeypatch):
    before = code_digest.code_digest("subtypes_find")
    content = code_digest._content
    for changed in closure(SCRIPTS / "subtypes_find.py"):
        monkeypatch.setattr(
            code_digest, "_content", lambda p, c=changed: "new" if p == c else content(p)
        )
        assert code_digest.code_digest("subtypes_find") != before
