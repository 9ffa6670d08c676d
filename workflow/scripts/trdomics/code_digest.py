"""What a script runs, as a digest: a rule that has it among its params is rerun where it changes.

Snakemake itself knows the script of a rule, not the modules that the script imports.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from trdomics.shipped import shipped

SCRIPTS = Path(__file__).resolve().parents[1]
# A pattern takes 0.05 s for the whole library where ast takes 1.2 s, at every start of a job.
IMPORT = re.compile(r"^[ \t]*from (trdomics[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
SHIPPED = re.compile(r"\bshipped\(\s*\"([^\"]+)\"")
# What the schemas of the configs fill in, rules have among their params.
SCHEMA = re.compile(r"\bload_schema\(\"(?!config\"|meta\"|audit\")(\w+)\"")


def code_digest(script: str) -> str:
    """Return a digest of a script, of what it imports of the library, and of shipped files.

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
    """Return the library's files by the names that they are imported by."""
    files = sorted((SCRIPTS / "trdomics").rglob("*.py"))
    return {".".join(path.relative_to(SCRIPTS).with_suffix("").parts): path for path in files}


@cache
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _uses(path: Path) -> frozenset[Path]:
    """Return the files of ours that a file names itself."""
    if path.suffix != ".py":
        return frozenset()
    source = path.read_text(encoding="utf-8")
    used = {shipped(name) for name in SHIPPED.findall(source)}
    used |= {shipped(f"workflow/schemas/{name}.schema.yaml") for name in SCHEMA.findall(source)}
    for module, listed in IMPORT.findall(source):
        # a name may be a module of the package or something in it
        names = (module, *(f"{module}.{name}" for name in re.findall(r"\w+", listed)))
        used |= {_modules()[name] for name in names if name in _modules()}
        if module == "trdomics":
            used.add(_modules()["trdomics.__init__"])
    return frozenset(used)
