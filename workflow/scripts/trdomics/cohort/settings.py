"""The blocks of a resolved config as typed records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from trdomics.config_types import CohortConfig


class Block:
    """Base class: a block is made from a mapping's keys of the same names."""

    @classmethod
    def of(cls, block: Mapping[str, Any]) -> Self:
        """Return the block; other keys are ignored.

        Raises
        ------
        TypeError
            If a key without a default is missing.
        """
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: _frozen(block[name]) for name in names if name in block})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Clinical(Block):
    """Columns of the sheet by their role in models."""

    predictors: tuple[str, ...] = ()
    confounders: tuple[str, ...] = ()
    circular: tuple[str, ...] = ()
    technical: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cells(Block):
    """Measured fractions by cell type, and the signature for estimated ones."""

    columns: Mapping[str, str] | None
    signature: str | None

    @property
    def measured(self) -> list[str]:
        """Columns of the measured fractions."""
        return list((self.columns or {}).values())


@dataclass(frozen=True)
class Differential(Block):
    """Contrast and design of the tests; None without a label."""

    design: str | None
    contrast: tuple[str, str, str] | None
    adjustment_sets: Mapping[str, list[str]] | None


@dataclass(frozen=True)
class Covariates:
    """Everything of a config that decides what the tests are adjusted for; site, label: columns."""

    site: str | None
    label: str | None
    clinical: Clinical
    cells: Cells
    differential: Differential

    @classmethod
    def of(cls, config: CohortConfig) -> Self:
        """Return it from a resolved config."""
        return cls(
            config["samples"]["site"],
            config["label"]["column"],
            Clinical.of(config["clinical"]),
            Cells.of(config["cells"]),
            Differential.of(config["differential"]),
        )

    @property
    def technical(self) -> list[str]:
        """The site's column, if there is one, and the technical ones."""
        site = [] if self.site is None else [self.site]
        return list(dict.fromkeys([*site, *self.clinical.technical]))
