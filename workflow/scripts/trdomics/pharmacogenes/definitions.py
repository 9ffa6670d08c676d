"""The curated tables of pharmacogenes: sites, alleles, phenotypes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.files import read_table
from trdomics.shipped import shipped

# In the order of clearance; a likely phenotype is treated as the phenotype.
PHENOTYPES = ("PM", "likely PM", "IM", "likely IM", "NM", "RM", "UM")
RANKS = {"PM": 0, "likely PM": 0, "IM": 1, "likely IM": 1, "NM": 2, "RM": 3, "UM": 4}
BUILDS = ("GRCh37", "GRCh38")


@dataclass(frozen=True)
class Allele:
    """A star allele.

    Attributes
    ----------
    variants : frozenset of str
        Variants that define it.
    may_carry : frozenset of str
        Variants that its suballeles have or lack.
    function : str
        ``none``, ``decreased``, ``normal`` or ``increased``.
    activity : float
        Activity value; NaN if the gene has none.
    """

    name: str
    variants: frozenset[str]
    may_carry: frozenset[str]
    function: str
    activity: float


@dataclass(frozen=True)
class Gene:
    """A pharmacogene: its variants, alleles, and the phenotypes of pairs of alleles.

    Attributes
    ----------
    pairs : dict of frozenset of str to str
        Phenotype by the functions of both alleles; empty if activity is scored.
    scores : tuple of (phenotype, greatest score, whether that is included)
        In ascending order; empty if functions determine the phenotype.
    """

    name: str
    variants: tuple[str, ...]
    alleles: tuple[Allele, ...]
    pairs: dict[frozenset[str], str]
    scores: tuple[tuple[str, float, bool], ...]

    @cached_property
    def diplotypes(self) -> list[tuple[Allele, Allele]]:
        """All unordered pairs of alleles."""
        n = len(self.alleles)
        return [(self.alleles[i], self.alleles[j]) for i in range(n) for j in range(i, n)]

    @cached_property
    def least(self) -> NDArray[np.int_]:
        """Fewest copies of each variant in each diplotype, shape (n_diplotypes, n_variants)."""
        return np.array(
            [[self._copies(pair, v)[0] for v in self.variants] for pair in self.diplotypes]
        )

    @cached_property
    def most(self) -> NDArray[np.int_]:
        """Most copies of each variant in each diplotype, shape (n_diplotypes, n_variants)."""
        return np.array(
            [[self._copies(pair, v)[1] for v in self.variants] for pair in self.diplotypes]
        )

    @staticmethod
    def _copies(pair: tuple[Allele, Allele], variant: str) -> tuple[int, int]:
        least = sum(variant in allele.variants for allele in pair)
        return least, least + sum(variant in allele.may_carry for allele in pair)

    @property
    def is_scored(self) -> bool:
        """Whether the phenotype comes from an activity score."""
        return bool(self.scores)

    @cached_property
    def possible(self) -> list[str]:
        """Phenotypes that some diplotype has, slowest first."""
        return ordered({self.phenotype(pair) for pair in self.diplotypes})

    def phenotype(self, pair: Sequence[Allele]) -> str:
        """Return the phenotype of two alleles."""
        if self.is_scored:
            return self.scored(self.score(pair))
        return self.pairs[frozenset(allele.function for allele in pair)]

    def score(self, pair: Sequence[Allele]) -> float:
        """Return the activity score of alleles; NaN if the gene has none."""
        return float(sum(allele.activity for allele in pair))

    def scored(self, score: float) -> str:
        """Return the phenotype of an activity score."""
        return next(
            phenotype
            for phenotype, limit, included in self.scores
            if score < limit or (included and score == limit)
        )


def ordered(phenotypes: set[str]) -> list[str]:
    """Return phenotypes, slowest first."""
    return [phenotype for phenotype in PHENOTYPES if phenotype in phenotypes]


def read_sites() -> pd.DataFrame:
    """Return the curated sites: ``gene``, ``variant``, ``rsid``, positions and alleles."""
    return read_table(shipped("resources/pharmacogenes/sites.tsv"), dtype={"chromosome": str})


def read_genes() -> list[Gene]:
    """Return the curated genes."""
    sites = read_sites()
    alleles = read_table(shipped("resources/pharmacogenes/alleles.tsv"))
    rules = read_table(shipped("resources/pharmacogenes/phenotypes.tsv"))
    scores = read_table(shipped("resources/pharmacogenes/activity_scores.tsv"))
    return [
        Gene(
            str(name),
            tuple(part["variant"]),
            tuple(map(_allele, _rows(alleles, str(name)))),
            {
                frozenset((row["function_1"], row["function_2"])): row["phenotype"]
                for row in _rows(rules, str(name))
            },
            tuple(
                (row["phenotype"], float(row["up_to"]), bool(row["included"]))
                for row in _rows(scores, str(name))
            ),
        )
        for name, part in sites.groupby("gene", sort=False)
    ]


def _names(cell: object) -> frozenset[str]:
    return (
        frozenset()
        if isinstance(cell, float) and math.isnan(cell)
        else frozenset(str(cell).split(","))
    )


def _rows(table: pd.DataFrame, gene: str) -> list[dict[str, Any]]:
    rows = table[table["gene"] == gene].to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _allele(row: Mapping[str, Any]) -> Allele:
    variants, may_carry = _names(row["variants"]), _names(row["may_carry"])
    return Allele(row["allele"], variants, may_carry, row["function"], float(row["activity"]))
