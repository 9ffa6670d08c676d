"""Provenance of a run: inputs, software, settings and commands.

``provenance.json`` is the plain record; ``ro-crate-metadata.json`` is the same as a Process Run
Crate (Leo et al. 2024, doi 10.1371/journal.pone.0309210, profile version 0.5), so that catalogues
and archives can read it. Both contain names, settings and checksums, never a patient's value.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from trdomics import __version__
from trdomics.archive import sha256_of
from trdomics.files import read_json, write_json
from trdomics.shipped import REPOSITORY

RECORD, CRATE = "provenance.json", "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
NAME = "trd-multiomics"
# The folders of an absolute path; not those of a relative one, nor of an address.
FOLDERS = re.compile(r"(?<![\w./:~+-])/(?:[^/\s'\"]+/)*(?=[^/\s])")
FINISHED = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)", re.MULTILINE)
# a single job, or one of a group
FAILED = re.compile(r"^(?:Error in rule|        rule) (\w+)(?:, jobid: \d+)?:$", re.MULTILINE)


def record_run(
    folder: Path,
    config: Mapping[str, object],
    inputs: Iterable[str],
    started: datetime.datetime,
    logs: Sequence[str],
    *,
    succeeded: bool,
) -> Path | None:
    """Write the record and the crate of a run that has ended.

    A run that wrote nothing into the folder keeps the record of the previous one, unless it failed.
    Earlier runs stay in the record, since their results may still be in use.

    Parameters
    ----------
    inputs : iterable of str
        Files that were read; missing ones are ignored.
    started : datetime
        When it began, with time zone.
    logs : sequence of str
        Snakemake's own logs.

    Returns
    -------
    path or None
        The record, if there was something to record.
    """
    results = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (RECORD, CRATE) and not path.name.startswith(".")
    ]
    if succeeded and not any(path.stat().st_mtime >= started.timestamp() for path in results):
        return None
    record = {
        "run": {
            "command": ["snakemake", *sys.argv[1:]],
            "started": started.isoformat(timespec="seconds"),
            "ended": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "status": "succeeded" if succeeded else "failed: a later run must complete it",
            "logs": list(logs),
            **jobs_of(logs),
        },
        "earlier_runs": earlier_runs(folder),
        "workflow": {"name": NAME, "version": __version__, **revision()},
        "seeds": dict(seeds(config)),
        "config": config,
        "inputs": [
            described(Path(name), Path(name))
            for name in dict.fromkeys(inputs)
            if Path(name).is_file()
        ],
        "software": software(),
        "environments": {
            path.name: sha256_of(path) for path in sorted((REPOSITORY / "envs").glob("*.yaml"))
        },
        "results": [described(path, path.relative_to(folder)) for path in results],
    }
    record = without_folders(record)
    write_json(record, folder / RECORD)
    write_json(crate(record, folder), folder / CRATE)
    return folder / RECORD


def without_folders(value: Any) -> Any:
    """Return a record with absolute paths reduced to names: folders reveal machines and users."""
    if isinstance(value, str):
        return FOLDERS.sub("", value)
    if isinstance(value, Mapping):
        return {without_folders(key): without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_folders(item) for item in value]
    return value


def earlier_runs(folder: Path) -> list[dict[str, Any]]:
    """Return the runs in the folder's record, oldest first."""
    try:
        before = read_json(folder / RECORD)
        return [*before.get("earlier_runs", []), before["run"]]
    except (OSError, ValueError, KeyError, AttributeError):
        return []


def jobs_of(logs: Iterable[str]) -> dict[str, Any]:
    """Return the jobs in Snakemake's logs; empty after a run with ``--quiet``.

    Returns
    -------
    dict
        `jobs`, rule → jobs that were finished, and `failed`, the rules of those that failed.
    """
    text = "\n".join(Path(log).read_text(encoding="utf-8") for log in logs)
    return {
        "jobs": dict(Counter(FINISHED.findall(text))),
        "failed": sorted(FAILED.findall(text)),
    }


def described(path: Path, name: Path) -> dict[str, Any]:
    """Return a file's name, size in bytes and checksum."""
    return {"file": str(name), "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def seeds(config: Mapping[str, object], within: str = "") -> Iterator[tuple[str, object]]:
    """Yield every seed of a config under its dotted key."""
    for key, value in config.items():
        if key in ("seed", "seeds"):
            yield within + key, value
        elif isinstance(value, Mapping):
            yield from seeds(value, f"{within}{key}.")


def software() -> dict[str, str]:
    """Return Python's version, the platform, and the version of every installed package.

    With ``--sdm conda`` rules run in the environments of ``envs/`` instead, whose checksums are
    recorded as well.
    """
    packages = {
        package.metadata["Name"]: package.version
        for package in importlib.metadata.distributions()
        if package.metadata["Name"]
    }
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def revision() -> dict[str, Any]:
    """Return the workflow's commit, and whether its files were changed since; none outside git."""

    def git(*arguments: str) -> str | None:
        command = ["git", "-C", str(REPOSITORY), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    if git("rev-parse", "--show-toplevel") != str(REPOSITORY):
        return {"commit": None, "changed_since": None}
    changed = git("status", "--porcelain", "--untracked-files=no")
    return {"commit": git("rev-parse", "HEAD"), "changed_since": changed != ""}


def crate(record: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a record as JSON-LD of a Process Run Crate rooted in the results folder.

    Inputs are outside the crate, and patients' data must not be in it: they are described by name,
    size and checksum only.
    """
    own = ROCrate(gen_preview=False)
    run, workflow = record["run"], record["workflow"]
    own.name = f"Results of {folder.name}"
    own.description = f"Written by {NAME} {workflow['version']}. Inputs are named, not contained."
    own.datePublished = datetime.datetime.fromisoformat(run["ended"])
    own.license = "Not for publication unless the owner of the data says so"
    profile = own.add(
        ContextEntity(
            own,
            PROFILE,
            properties={"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        )
    )
    own.root_dataset["conformsTo"] = profile
    tool = own.add(
        ContextEntity(
            own,
            f"#{NAME}",
            properties={
                "@type": "SoftwareApplication",
                "name": NAME,
                "softwareVersion": workflow["version"],
                **({"identifier": workflow["commit"]} if workflow["commit"] else {}),
                "softwareRequirements": [
                    f"{name} {version}" for name, version in record["software"].items()
                ],
            },
        )
    )
    inputs = [
        own.add(
            ContextEntity(
                own,
                f"#input-{number}",
                properties={"@type": "CreativeWork", "name": entry["file"], **sizes(entry)},
            )
        )
        for number, entry in enumerate(record["inputs"], start=1)
    ]
    results = [
        own.add_file(
            folder / entry["file"],
            dest_path=entry["file"],
            properties={"name": entry["file"], **sizes(entry)},
        )
        for entry in [*record["results"], described(folder / RECORD, Path(RECORD))]
    ]
    lost = ", ".join(run["failed"])
    own.add_action(
        tool,
        identifier="#run",
        object=inputs,
        result=results,
        properties={
            "@type": "CreateAction",
            "name": " ".join(run["command"]),
            "startTime": run["started"],
            "endTime": run["ended"],
            "actionStatus": "http://schema.org/"
            + ("CompletedActionStatus" if run["status"] == "succeeded" else "FailedActionStatus"),
            **({"error": f"jobs that failed: {lost}"} if lost else {}),
        },
    )
    own.root_dataset["mentions"] = [own.get("#run")]
    return dict(own.metadata.generate())


def sizes(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return a described file's properties in RO-Crate's terms."""
    return {"contentSize": str(entry["bytes"]), "sha256": entry["sha256"]}
