"""What a rule's environment installs is what the tests ran with."""

import ast
import functools
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from trdomics.code_digest import IMPORT, closure

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENTS = sorted((REPOSITORY / "envs").glob("*.yaml"))
LOCK = (REPOSITORY / "requirements.lock").read_text("utf-8")
SCRIPTS = REPOSITORY / "workflow" / "scripts"
DISTRIBUTIONS = metadata.packages_distributions()
LOCKED = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", LOCK, flags=re.MULTILINE))


# Required by Snakemake, by pandas for Parquet, or by make, and imported nowhere.
NOT_IMPORTED = {
    "snakemake-executor-plugin-slurm",
    "pygments",
    "pytest-xdist",
    "ruff",
    "mypy",
    "pandas-stubs",
    "snakefmt",
}


def names_imported_in(text):
    """Return the top-level names of the packages that Python or Snakemake code imports."""
    return set(re.findall(r"^\s*(?:import|from) ([A-Za-z_]\w*)", text, flags=re.MULTILINE))


def test_what_is_required_is_imported_and_what_is_imported_is_required():
    requirements = (REPOSITORY / "requirements.in").read_text("utf-8")
    required = {
        canonicalize_name(Requirement(line.partition("#")[0]).name)
        for line in requirements.splitlines()
        if line.partition("#")[0].strip()
    }
    imported = set()
    for folder in ("workflow", "tests", "benchmarks"):
        for path in (REPOSITORY / folder).rglob("*"):
            if path.suffix in (".py", ".smk"):
                imported |= names_imported_in(path.read_text("utf-8"))
    distributions = {
        canonicalize_name(DISTRIBUTIONS[name][0])
        for name in imported - set(sys.stdlib_module_names)
        if name in DISTRIBUTIONS
    }
    assert required - distributions == NOT_IMPORTED
    assert distributions - required == set()


def packages_of(path):
    """Return the pins of an environment's packages from PyPI; those of programs alone have none."""
    last = yaml.safe_load(path.read_text("utf-8"))["dependencies"][-1]
    return last["pip"] if isinstance(last, dict) else []


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_pins_are_those_of_the_lock(path):
    pins = dict(pin.split("==") for pin in packages_of(path))
    assert pins == {name: LOCKED[name] for name in pins}


def test_every_rule_has_an_environment_that_is_there():
    named = set()
    for rules in sorted((REPOSITORY / "workflow" / "rules").glob("*.smk")):
        text = rules.read_text("utf-8")
        found = re.findall(r'"../../envs/(\w+)\.yaml"', text)
        assert len(re.findall(r"^\s+(?:script|shell):", text, re.MULTILINE)) == len(found), (
            rules.name
        )
        named |= set(found)
    assert named | {"snakemake"} == {path.stem for path in ENVIRONMENTS}


def test_the_lock_has_hashes_and_names_no_host():
    assert "://" not in LOCK
    blocks = re.split(r"^(?=[a-z0-9._-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def scripts_by_environment():
    for rules in sorted((REPOSITORY / "workflow" / "rules").glob("*.smk")):
        text = rules.read_text("utf-8")
        # an environment comes before the script or shell command that runs in it
        pairs = re.findall(
            r'"../../envs/(\w+)\.yaml"(?:(?!envs/).)*?^\s+(?:script:\s+"../scripts/(\w+\.py)"|shell:)',
            text,
            re.MULTILINE | re.DOTALL,
        )
        yield from ((script, environment) for environment, script in pairs if script)


@functools.cache
def installed_in(environment):
    """Return an environment's packages and all that they require, as far as it is here."""
    packages = packages_of(REPOSITORY / f"envs/{environment}.yaml")
    return installed_by(pin.split("==")[0] for pin in packages)


def installed_by(packages):
    found, wanted = set(), [canonicalize_name(name) for name in packages]
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        try:
            requirements = [Requirement(text) for text in metadata.requires(name) or []]
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        needed = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
        wanted += [canonicalize_name(requirement.name) for requirement in needed]
    return found


def imported_by_rules():
    """Return the library's files that the Snakefiles import, directly or not."""
    found = set()
    for rules in (REPOSITORY / "workflow").rglob("*.smk"):
        for module, names in IMPORT.findall(rules.read_text("utf-8")):
            for dotted in (module, *(f"{module}.{name}" for name in re.findall(r"\w+", names))):
                path = SCRIPTS.joinpath(*dotted.split(".")).with_suffix(".py")
                found |= closure(path) if path.is_file() else set()
    return {path for path in found if path.suffix == ".py"}


def test_snakemakes_own_environment_has_what_the_rules_import_and_names_what_is_missing():
    imported = set().union(*map(imports_of, imported_by_rules())) - set(sys.stdlib_module_names)
    needed = {canonicalize_name(DISTRIBUTIONS[name][0]) for name in imported}
    assert needed - installed_in("snakemake") == set()
    library = (REPOSITORY / "workflow" / "rules" / "library.smk").read_text("utf-8")
    looked_for = re.search(r"for name in \((.*?)\)", library, flags=re.DOTALL)[1]
    assert set(re.findall(r'"(\w+)"', looked_for)) == imported


@functools.cache
def imports_of(path):
    """Return the top-level names of the modules that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    return names - {"trdomics"}


@pytest.mark.parametrize(
    ("script", "environment"), sorted(set(scripts_by_environment())), ids=lambda part: part
)
def test_an_environment_has_what_its_scripts_import(script, environment):
    files = [path for path in closure(SCRIPTS / script) if path.suffix == ".py"]
    imported = set().union(*map(imports_of, files)) - set(sys.stdlib_module_names)
    needed = {canonicalize_name(DISTRIBUTIONS[name][0]) for name in imported}
    assert needed - installed_in(environment) == set()
