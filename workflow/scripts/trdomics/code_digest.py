"""Digest of the code that a script runs; a rule with it in its params reruns if it changes.

Snakemake itself tracks the script of a rule, not the modules that it imports.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from trdomics.shipped import shipped

SCRIPTS = Path(__file__).resolve().parents[1]
# A regular expression takes 0.05 s for the whole library, ast 1.2 s, at every start of a job.
IMPORT = re.compile(r"^[ \t]*from (trdomics[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
SHIPPED = re.compile(r"\bshipped\(\s*\"([^\"]+)\"")
# Defaults from the configs' schemas are in the rules' params anyway.
SCHEMA = re.compile(r"\bload_schema\(\"(?!config\"|meta\"|audit\")(\w+)\"")

# Types of the configs' keys change no result.
TYPES = SCRIPTS / "trdomics" / "config_types.py"


def code_digest(script: str) -> str:
    """Return a digest of a script, of the library modules that it imports, and of shipped files.

    Parameters
    ----------
    script : str
        Name of a file of ``workflow/scripts/``, without ``.py``.
    """
    digest = hashlib.sha256()
    for path in sorted(closure(SCRIPTS / f"{script}.py"), key=str):
        digest.update(f"{path.name} {_content(path)}\n".encode())
    return digest.hexdigest()[:16]


def closure(path: Path) -> set[Path]:
    """Return a file, the library's modules that it imports, directly or not, and shipped files."""
    found: set[Path] = set()
    wanted = {path}
    while wanted:
        found |= wanted
        wanted = set().union(*map(_uses, wanted)) - found
    return found


@cache
def _modules() -> dict[str, Path]:
    """Return the library's files by import name."""
    files = sorted((SCRIPTS / "trdomics").rglob("*.py"))
    return {".".join(path.relative_to(SCRIPTS).with_suffix("").parts): path for path in files}


@cache
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _uses(path: Path) -> frozenset[Path]:
    """Return the project's files that a file refers to directly."""
    if path.suffix != ".py":
        return frozenset()
    source = path.read_text(encoding="utf-8")
    used = {shipped(name) for name in SHIPPED.findall(source)} if "shipped(" in source else set()
    if "load_schema(" in source:
        used |= {shipped(f"workflow/schemas/{name}.schema.yaml") for name in SCHEMA.findall(source)}
    for module, listed in IMPORT.findall(source):
        # a name may be a module of the package or an object in it
        names = (module, *(f"{module}.{name}" for name in re.findall(r"\w+", listed)))
        used |= {_modules()[name] for name in names if name in _modules()}
        if module == "trdomics":
            used.add(_modules()["trdomics.__init__"])
    return frozenset(used - {TYPES})
