"""Record of a cohort's exports, so that no two of its bundles differ by a few patients.

Two bundles with and without one patient reveal that patient's label, and much else, to anyone who
has both, through their difference. Rounding does not prevent this, since thousands of numbers
change in a consistent direction (docs/consortium.md). So each export is recorded beside the bundle,
and later exports are compared with all earlier ones.

The ledger holds no ids: patients are keyed hashes, and the key is a separate file that is never
shared.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from trdomics.errors import InputError
from trdomics.files import read_json, replacing, write_json

LEDGER, KEY = "ledger.json", ".ledger.key"
KEY_BYTES, HASH_LETTERS = 32, 24
LABELLED = "patients with a label"

Groups = Mapping[str, Set[str]]


@dataclass(frozen=True)
class Ledger:
    """The exports of a cohort.

    Attributes
    ----------
    key : bytes
        Of the hashes.
    exports : list of dict
        ``when``, ``bundle`` (SHA-256), ``minimum_count``, ``epsilon`` (None without formal
        privacy), ``patients`` (group → sorted hashes).
    """

    path: Path
    key: bytes
    exports: list[dict[str, Any]]

    def groups(self, patients: pd.DataFrame, contrast: str) -> dict[str, set[str]]:
        """Return the hashes of a cohort's groups: those with a label, and those with each layer.

        A patient whose label or contrast changed counts as another patient.

        Parameters
        ----------
        patients : DataFrame
            With ``label``, ``in_<layer>`` and the contrast's column.
        """
        described = patients["label"].astype(str) + "\0" + patients[contrast].astype(str)
        hashes = pd.Series(
            [self._hash(f"{name}\0{text}") for name, text in described.items()], patients.index
        )
        result = {LABELLED: set(hashes[patients["label"].notna()])}
        for column in patients:
            if str(column).startswith("in_"):
                layer = str(column).removeprefix("in_")
                result[f"patients with {layer}"] = set(hashes[patients[column] == 1])
        return result

    def _hash(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:HASH_LETTERS]

    def check(self, groups: Groups, minimum: int) -> None:
        """Compare a bundle with all earlier ones, except differentially private ones.

        Raises
        ------
        InputError
            If a group differs from that of an earlier bundle by fewer patients than `minimum`.
        """
        for entry in self.exports:
            if entry["epsilon"] is not None:
                continue
            for name, hashes in groups.items():
                differing = len(hashes ^ set(entry["patients"].get(name, hashes)))
                if 0 < differing < minimum:
                    raise InputError(
                        "export",
                        f"{name}: {differing} fewer or more than in the bundle of {entry['when']}, "
                        f"and two bundles that differ by fewer than {minimum} patients reveal "
                        "them",
                        f"share the earlier bundle, or add or exclude patients until {minimum} "
                        "differ; if that bundle was never shared, delete its entry in "
                        f"{self.path}",
                    )

    def record(
        self, groups: Groups, bundle: str, minimum: int, epsilon: float | None = None
    ) -> None:
        """Add an export before its bundle is written, unless the same bundle is already recorded.

        Parameters
        ----------
        groups : mapping of str to set of str
            Of :meth:`groups`.
        bundle : str
            SHA-256.
        epsilon : float, optional
            Privacy cost of the bundle.
        """
        if bundle in {entry["bundle"] for entry in self.exports}:
            return
        self.exports.append(
            {
                "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "bundle": bundle,
                "minimum_count": minimum,
                "epsilon": epsilon,
                "patients": {name: sorted(hashes) for name, hashes in groups.items()},
            }
        )
        write_json({"exports": self.exports}, self.path)


def open_ledger(folder: str | os.PathLike[str]) -> Ledger:
    """Return the ledger in a folder, or a new one.

    Raises
    ------
    InputError
        If there is a ledger without its key, or it cannot be read: earlier exports are then
        unknown.
    """
    path, secret = Path(folder) / LEDGER, Path(folder) / KEY
    if not secret.is_file():
        if path.is_file():
            raise InputError(
                str(path),
                f"its key {KEY} is missing, so that no export can be compared with it",
                "put the key back, or move the ledger away if none of these bundles was shared",
            )
        with replacing(secret) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text(secrets.token_hex(KEY_BYTES), encoding="ascii")
    try:
        exports = read_json(path)["exports"] if path.is_file() else []
        compared = [
            (entry["when"], entry["bundle"], entry["epsilon"], entry["patients"])
            for entry in exports
        ]
        assert all(isinstance(patients, dict) for *_, patients in compared)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise InputError(
            str(path), "is not a ledger, or is damaged", "restore it from a backup"
        ) from error
    return Ledger(path, secret.read_bytes(), exports)
