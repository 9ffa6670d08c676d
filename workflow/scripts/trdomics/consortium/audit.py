"""A search of a bundle for patient-level data."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from trdomics.consortium.bundle import COUNT, FINITE, NAME, SHARE, TEXT, columns_of, parse_table
from trdomics.consortium.bundle import NUMBER as NUMERIC
from trdomics.consortium.digits import significant
from trdomics.consortium.profiles import Profiles
from trdomics.errors import InputError
from trdomics.frozen_model.store import loads
from trdomics.parts import take_apart

# Shorter names are searched as whole words only: every text contains an "a1".
DISTINCTIVE = 5
# This many names make a single number among them no id; this many short numbers are no coincidence.
STRANGE = 10
# Rounded numbers of a model have fewer digits, a float sixteen.
MAX_DIGITS = 8
SEVERAL = 3
# A number in a name, except decimals, rs12345, LOC12345 and the position in 1:12345:A:C.
NUMBER = re.compile(
    rf"(?<![0-9A-Za-z.])(?<![0-9XYMT]:)[0-9]{{{DISTINCTIVE},}}(?![0-9A-Za-z]|\.[0-9])", re.ASCII
)
COUNT_KEY = re.compile(r"(n|n_.+|.+_count|carriers.*|counts?)")
MODEL, JSON, TABLE = ".safetensors", ".json", ".tsv"
# Keys of manifests and model that are not counts of patients.
NO_PATIENTS = {"minimum_count", "n_columns"}


def audit(
    members: Mapping[str, bytes],
    names: Collection[str],
    lengths: Collection[int],
    minimum: int,
    sites: Collection[str] = (),
    profiles: Profiles | None = None,
) -> list[str]:
    """Search a bundle, its model included, for traces of single patients.

    Searched are ids, arrays with one value per patient, small counts, rows of one patient's values,
    and numbers with as many digits as a single patient's value.

    Parameters
    ----------
    names : collection of str
        Ids of patients and samples, also found inside longer words; numbers of five digits or more
        only if not surrounded by digits or letters.
    lengths : collection of int
        Numbers of patients in the cohort, the training set, each layer and their parts.
    sites : collection of str, optional
        Names of sites, found as whole words, since a feature may start like one.

    Returns
    -------
    list of str
        The findings, as sentences; empty if there are none.
    """
    finder = Finder(names, lengths, minimum, sites, profiles)
    for name, content in members.items():
        finder.member(name, content)
    return list(dict.fromkeys(finder.found))


class Finder:
    """Collects what :func:`audit` finds; the parameters are the same."""

    def __init__(
        self,
        names: Collection[str],
        lengths: Collection[int],
        minimum: int,
        sites: Collection[str],
        profiles: Profiles | None,
    ) -> None:
        self.profiles = profiles or Profiles()
        self.distinctive = [n for n in names if _is_distinctive(n)]
        self.names = {*names, *sites}
        self.numbers = {name for name in names if NUMBER.fullmatch(name)}
        self.sites = {
            name: re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])")
            for name in sites
            if _is_distinctive(name)
        }
        self.lengths, self.minimum = set(lengths), minimum
        self.found: list[str] = []

    def member(self, name: str, content: bytes) -> None:
        """Search one file."""
        self.text(name, name)
        self.words(name, iter([name]))
        if name.endswith(MODEL):
            self.model(name, content)
            return
        if not name.endswith((JSON, TABLE)):
            self.found.append(f"{name} is not a file of a bundle")
            return
        text = content.decode("utf-8")
        self.text(name, text)
        if name.endswith(JSON):
            self.json(name, json.loads(text))
        else:
            self.table(name, content)

    def text(self, where: str, text: str) -> None:
        """Search a text for unambiguous names."""
        for name in self.distinctive:
            # as it is, and as escaped in JSON
            if name in text or json.dumps(name)[1:-1] in text:
                self.found.append(f"{where} names {name!r}")
        for name, pattern in self.sites.items():
            if pattern.search(text):
                self.found.append(f"{where} names the site {name!r}")

    def words(self, where: str, words: Iterator[Any]) -> None:
        """Compare whole words with the names.

        A patient called 1 cannot be distinguished from a number, nor a patient 10007 from a feature
        of that number. So numbers are found among names of another kind, or if most of the numbers
        are ids.
        """
        kept = {str(word) for word in words}
        self.long_numbers(where, kept)
        numbers = {word for word in kept if word.isdigit()}
        known = numbers & self.names
        if len(known) >= STRANGE and 2 * len(known) >= len(kept):
            self.found.append(f"{where} has {len(known)} names of patients, as {min(known)!r}")
        if len(kept) < STRANGE * len(numbers):
            kept -= numbers
        for word in kept & self.names:
            self.found.append(f"{where} names {word!r}")

    def long_numbers(self, where: str, words: Collection[str]) -> None:
        """Search words and sentences for sufficiently long numeric ids."""
        if not self.numbers:
            return
        inside = [found for found in map(NUMBER.findall, words) if found]
        known = [min(found) for found in (self.numbers.intersection(f) for f in inside) if found]
        if known and (len(words) >= STRANGE * len(inside) or 2 * len(known) >= len(inside)):
            self.found.append(f"{where} names {min(known)!r}")

    def values(self, where: str, values: Any) -> None:
        """Search numbers for numeric ids."""
        if self.numbers:
            array = np.unique(np.asarray(values, dtype=float))
            whole = array[(array >= 10 ** (DISTINCTIVE - 1)) & (array == np.floor(array))]
            # a single match is expected by chance
            kept = {f"{value:.0f}" for value in whole if np.isfinite(value)}
            if len(kept & self.numbers) >= SEVERAL:
                self.long_numbers(where, kept)

    def row(self, where: str, values: Any, names: Sequence[str] | None = None) -> None:
        """Compare numbers with the rows of all patients."""
        patient = self.profiles.row_in(np.asarray(values), names)
        if patient is not None:
            self.found.append(f"{where} holds values of one patient ({patient!r})")

    def digits(self, where: str, values: Any) -> None:
        """Refuse numbers that were not rounded."""
        known = np.asarray(values)[np.isfinite(values)]
        if not np.allclose(known, significant(known, MAX_DIGITS), rtol=1e-12, atol=0):
            self.found.append(f"{where} has numbers of more than {MAX_DIGITS} digits")

    def length(self, where: str, size: int) -> None:
        """Compare a length with the numbers of patients."""
        if size in self.lengths:
            self.found.append(f"{where} has {size} values, as many as there are patients")

    def model(self, where: str, content: bytes) -> None:
        """Search a frozen model.

        It holds only the arrays and names of the closed schema, or it cannot be read; each of these
        is per feature, factor, category, replicate or quantile, so their lengths are not numbers of
        patients.
        """
        try:
            tree, arrays = take_apart(loads(content, where))
        except InputError as error:
            self.found.append(str(error))
            return
        self.text(where, json.dumps(tree, ensure_ascii=False))
        self.json(where, tree, measured=False)
        for name, values in arrays.items():
            self.values(f"{where}: {name}", values)
            self.row(f"{where}: {name}", values)
            if values.dtype.kind == "f":
                self.digits(f"{where}: {name}", values)

    def json(self, where: str, value: Any, *, measured: bool = True) -> None:
        """Search JSON: the manifests and the names in the model, whose lengths are known.

        Objects with names as keys and lists of distinct names are not checked by length: ids of
        patients would be found.
        """
        if isinstance(value, (dict, list)) and measured and not are_names(value):
            self.length(where, len(value))
        if isinstance(value, dict):
            self.words(f"{where} as a key", iter(value))
            for key, item in value.items():
                if _is_count(key, item) and 0 < item < self.minimum:
                    self.found.append(f"{where}: {key} is {item}")
                self.json(f"{where}: {key}", item, measured=measured)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            self.words(where, iter(value))
        elif isinstance(value, list):
            self.values(where, [item for item in value if type(item) in (int, float)])
            for item in value:
                self.json(where, item, measured=measured)
        elif isinstance(value, str):
            self.words(where, iter([value]))

    def table(self, where: str, content: bytes) -> None:
        """Search a table whose columns the format knows."""
        kinds = columns_of(where)
        table = parse_table(where, content, "bundle")
        if "feature" not in kinds:
            # rows with distinct names (metrics, thresholds) are not patients, whose ids would be
            # found
            keys = [c for c, kind in kinds.items() if kind in (NAME, TEXT) or c == "threshold"]
            for size in table.groupby(keys, dropna=False).size().unique():
                self.length(where, int(size))
        for column in table.columns:
            if column not in kinds or kinds[column] in (NUMERIC, FINITE, SHARE):
                self.values(f"{where} column {column}", table[column])
                if "feature" in table:
                    self.row(f"{where} column {column}", table[column], list(table["feature"]))
            elif kinds[column] == COUNT:
                small = table[column][(table[column] > 0) & (table[column] < self.minimum)]
                self.found += [f"{where}: {column} is {count:g}" for count in small]
            else:
                self.words(f"{where} column {column}", iter(table[column].dropna()))


def are_names(values: Any) -> bool:
    """Return whether values are distinct texts, and so not labels of patients."""
    kept = list(values)
    texts = all(isinstance(value, str) and not value.isdigit() for value in kept)
    return texts and len(set(kept)) == len(kept)


def _is_distinctive(name: str) -> bool:
    return len(name) >= DISTINCTIVE and not name.isdigit()


def _is_count(key: str, value: Any) -> bool:
    return type(value) is int and key not in NO_PATIENTS and COUNT_KEY.fullmatch(key) is not None
