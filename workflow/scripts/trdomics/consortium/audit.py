"""A search of a bundle for what must not be in it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from trdomics.archive import read_array
from trdomics.consortium.bundle import COUNT, FINITE, NAME, TEXT, columns_of, parse_table
from trdomics.consortium.bundle import NUMBER as NUMERIC
from trdomics.consortium.model_lists import DESCRIPTION, are_names, lists_of

# Shorter names are looked for as whole words only: every text has an "a1" in it.
DISTINCTIVE = 5
# One number among so many names is no name of their kind. Of short numbers so many are no chance.
STRANGE = 10
SEVERAL = 3
# A number of a name, but for decimals, rs12345, LOC12345 and the position in 1:12345:A:C.
NUMBER = re.compile(
    rf"(?<![0-9A-Za-z.])(?<![0-9XYMT]:)[0-9]{{{DISTINCTIVE},}}(?![0-9A-Za-z]|\.[0-9])", re.ASCII
)
COUNT_KEY = re.compile(r"(n|n_.+|.+_count|carriers.*|counts?)")
MODEL, ARCHIVES = ".skops", (".zip", ".skops", ".npz")
ARRAYS, JSON, TABLE = (".npy",), (".json",), (".tsv",)
# Keys of the model's manifest and of skops' tree that count no patients.
NO_PATIENTS = {"minimum_count", "n_features_in_", "n_iter_", "n_factors", "n_features", "n_jobs"}


def audit(
    members: Mapping[str, bytes],
    names: Collection[str],
    lengths: Collection[int],
    minimum: int,
    sites: Collection[str] = (),
) -> list[str]:
    """Search a bundle, and every archive inside it, for traces of single patients.

    Parameters
    ----------
    members : mapping of str to bytes
        Files by name.
    names : collection of str
        Ids of patients and samples, found inside longer words too; numbers of five digits or more
        between what is neither digit nor letter.
    lengths : collection of int
        Numbers of patients: of the cohort, of the training, of those who have a layer, of parts.
    minimum : int
        The smallest number of patients that may be counted.
    sites : collection of str, optional
        Names of sites, found as words: a feature may well be called like the beginning of one.

    Returns
    -------
    list of str
        What was found, as sentences; empty where nothing was.
    """
    finder = Finder(names, lengths, minimum, sites)
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
        sites: Collection[str] = (),
    ) -> None:
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

    def member(self, name: str, content: bytes, *, measured: bool = True) -> None:
        """Search one file; not for its lengths if they are known to be of no patients."""
        self.text(name, name)
        self.words(name, iter([name]))
        if name.endswith(ARCHIVES):
            # what this workflow has just packed itself, or numpy
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                known = self.model(name, archive) if name.endswith(MODEL) else set()
                for part in archive.namelist():
                    self.member(f"{name}/{part}", archive.read(part), measured=part not in known)
        elif name.endswith(ARRAYS):
            self.array(name, read_array(content, name), measured=measured)
        else:
            text = content.decode("utf-8")
            self.text(name, text)
            if name.endswith(JSON):
                self.json(name, json.loads(text), measured=measured)
            elif name.endswith(TABLE):
                self.table(name, content)

    def text(self, where: str, text: str) -> None:
        """Search a text for names that can be nothing else."""
        for name in self.distinctive:
            # as it stands, and as JSON writes it
            if name in text or json.dumps(name)[1:-1] in text:
                self.found.append(f"{where} names {name!r}")
        for name, pattern in self.sites.items():
            if pattern.search(text):
                self.found.append(f"{where} names the site {name!r}")

    def words(self, where: str, words: Iterator[Any]) -> None:
        """Compare whole words with the names.

        A patient who is called 1 cannot be told from a number, and a patient 10007 from a feature
        of that number. So numbers are found among names of another kind, or where most of the
        numbers are patients.
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
        """Search words and sentences for the numbers of patients that are long enough."""
        if not self.numbers:
            return
        inside = [found for found in map(NUMBER.findall, words) if found]
        known = [min(found) for found in (self.numbers.intersection(f) for f in inside) if found]
        if known and (len(words) >= STRANGE * len(inside) or 2 * len(known) >= len(inside)):
            self.found.append(f"{where} names {min(known)!r}")

    def values(self, where: str, values: Any) -> None:
        """Search numbers for the numbers of patients."""
        if self.numbers:
            array = np.unique(np.asarray(values, dtype=float))
            whole = array[(array >= 10 ** (DISTINCTIVE - 1)) & (array == np.floor(array))]
            # one that agrees is no wonder
            kept = {f"{value:.0f}" for value in whole if np.isfinite(value)}
            if len(kept & self.numbers) >= SEVERAL:
                self.long_numbers(where, kept)

    def length(self, where: str, size: int) -> None:
        """Compare how long something is with the numbers of patients."""
        if size in self.lengths:
            self.found.append(f"{where} has {size} values, as many as there are patients")

    def model(self, where: str, archive: zipfile.ZipFile) -> set[str]:
        """Measure the lists of a model, and return the members that need not be measured."""
        found = lists_of(json.loads(archive.read(DESCRIPTION)))
        for place, size in found.lists:
            self.length(f"{where}: {place}", size)
        for place, texts in found.texts:
            self.words(f"{where}: {place}", iter(texts))
        for place, numbers in found.numbers:
            self.values(f"{where}: {place}", numbers)
        return {DESCRIPTION, *found.arrays}

    def array(self, where: str, values: np.ndarray, *, measured: bool) -> None:
        """Search an array."""
        texts = values.ravel().astype(str).tolist() if values.dtype.kind in "US" else None
        self.words(where, iter(texts or ()))
        if values.dtype.kind in "iuf":
            self.values(where, values)
        if measured and not (texts and are_names(texts)):
            for size in values.shape:
                self.length(where, size)
        if values.dtype.names:
            self.found.append(f"{where} has a table of its own")

    def json(self, where: str, value: Any, *, measured: bool = True) -> None:
        """Search JSON: the manifests, and the description of a skops file.

        What has names for keys, or is a list of distinct names, is of no patients: theirs would be
        found.
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
            self.values(where, [item for item in value if _is_number(item)] if measured else [])
            for item in value:
                self.json(where, item, measured=measured)
        # in a skops file every name of a list is a text of its own; such lists were read whole
        elif isinstance(value, str) and (measured or " " in value):
            self.words(where, iter([value]))

    def table(self, where: str, content: bytes) -> None:
        """Search a table whose columns the format knows."""
        kinds = columns_of(where)
        table = parse_table(where, content, "bundle")
        if "feature" not in kinds:
            # rows that their names tell apart (metrics, thresholds) are no patients, whose names
            # would be found
            keys = [c for c, kind in kinds.items() if kind in (NAME, TEXT) or c == "threshold"]
            for size in table.groupby(keys, dropna=False).size().unique():
                self.length(where, int(size))
        for column in table.columns:
            if column not in kinds or kinds[column] in (NUMERIC, FINITE):
                self.values(f"{where} column {column}", table[column])
            elif kinds[column] == COUNT:
                small = table[column][(table[column] > 0) & (table[column] < self.minimum)]
                self.found += [f"{where}: {column} is {count:g}" for count in small]
            else:
                self.words(f"{where} column {column}", iter(table[column].dropna()))


def _is_distinctive(name: str) -> bool:
    return len(name) >= DISTINCTIVE and not name.isdigit()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(key: str, value: Any) -> bool:
    integer = isinstance(value, int) and not isinstance(value, bool)
    return integer and key not in NO_PATIENTS and COUNT_KEY.fullmatch(key) is not None
