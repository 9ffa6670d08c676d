"""Blocks of a classifier's input: one layer, the factors or a group of the sheet's columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

from trdomics.errors import InputError
from trdomics.layers.residualise import CovariateResidualiser
from trdomics.layers.select import TopVariance
from trdomics.tables import LayerTables

Floats = NDArray[np.float64]
# A category of its own: that a value is not known may tell something too.
UNKNOWN = "missing"


class DenseBlocks:
    """Blocks as arrays over all patients, and who has which block.

    Parameters
    ----------
    values : mapping of str to array, shape (n_patients, n_features)
        Standardised by the training patients; rows of zeros, their mean, for those who lack it.
    present : mapping of str to array of bool, shape (n_patients,)
        Who has the block.
    """

    def __init__(
        self, values: Mapping[str, Floats], present: Mapping[str, NDArray[np.bool_]]
    ) -> None:
        self.values, self.present = dict(values), dict(present)

    @classmethod
    def of(cls, tables: LayerTables | DenseBlocks) -> DenseBlocks:
        """Return the blocks of a representation as arrays; arrays as they are."""
        if isinstance(tables, DenseBlocks):
            return tables
        values = {name: tables.aligned(name).fillna(0.0).to_numpy(dtype=float) for name in tables}
        return cls(values, {name: tables.profiled(name) for name in tables})

    def __len__(self) -> int:
        return len(next(iter(self.present.values())))

    def take(self, rows: NDArray[Any]) -> DenseBlocks:
        """Return some patients, by position or mask."""
        return DenseBlocks(
            {name: values[rows] for name, values in self.values.items()},
            {name: present[rows] for name, present in self.present.items()},
        )

    def widths(self, names: Iterable[str]) -> list[int]:
        """Return the numbers of features of the blocks that :meth:`joined` puts side by side."""
        return [self.values[name].shape[1] for name in names if name in self.values]

    def joined(self, names: Iterable[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return blocks side by side, and who has at least one of them.

        Blocks that are not there (no training patient had them) are left out.
        """
        known = [name for name in names if name in self.values]
        has = np.zeros(len(self), dtype=bool)
        for name in known:
            has |= self.present[name]
        return np.hstack([np.zeros((len(self), 0)), *(self.values[name] for name in known)]), has


class LayerBlock(TransformerMixin, BaseEstimator):
    """A normalised layer made ready for classifiers: variable features, cleaned, standardised.

    Parameters
    ----------
    n_features : int
        Most variable features that are kept.
    regress_out : sequence of str
        Columns of the sheet whose linear effects are taken out.
    categorical : sequence of str
        Those of them that are categories although they look like numbers.

    Attributes
    ----------
    selection_, residualiser_, scaler_ : estimators
        `residualiser_` is None without `regress_out`.
    """

    def __init__(
        self, n_features: int = 1000, regress_out: Sequence[str] = (), categorical: Any = ()
    ) -> None:
        self.n_features = n_features
        self.regress_out = regress_out
        self.categorical = categorical

    def fit(self, table: pd.DataFrame, covariates: Any = None) -> Self:
        """Learn from a normalised table without gaps.

        Parameters
        ----------
        table : DataFrame, shape (n_patients, n_features)
        covariates : DataFrame, optional
            The sheet; needed with `regress_out`.
        """
        self.selection_ = TopVariance(self.n_features).fit(table)
        table = self.selection_.transform(table)
        self.residualiser_ = None
        if len(self.regress_out) and table.shape[1]:
            self.residualiser_ = CovariateResidualiser(
                list(self.regress_out), list(self.categorical)
            ).fit(table, covariates)
            table = self.residualiser_.transform(table, covariates)
        self.scaler_ = StandardScaler()
        if table.shape[1]:
            self.scaler_.fit(table.to_numpy())
        return self

    def transform(self, table: pd.DataFrame, covariates: Any = None) -> pd.DataFrame:
        """Return the block of the patients of `table`."""
        check_is_fitted(self, "scaler_")
        table = self.selection_.transform(table)
        if self.residualiser_ is not None:
            table = self.residualiser_.transform(table, covariates)
        if not table.shape[1]:
            return table
        return pd.DataFrame(
            self.scaler_.transform(table.to_numpy()), index=table.index, columns=table.columns
        )

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the features of the block."""
        check_is_fitted(self, "scaler_")
        return self.selection_.get_feature_names_out()


def column_transformer(numeric: list[str], categories: list[str]) -> ColumnTransformer:
    """Return the unfitted steps of a :class:`ColumnBlock`, for its numbers and categories."""
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [("numbers", numbers, numeric), ("categories", encoder, categories)],
        verbose_feature_names_out=False,
    )


class ColumnBlock(TransformerMixin, BaseEstimator):
    """Columns of the sheet: numbers imputed and standardised, categories one-hot encoded.

    A missing number becomes the training median. A missing category is a category of its own; one
    that was not seen in training is none of the known ones. A column that a cohort lacks counts as
    missing in all its patients.

    Parameters
    ----------
    columns : sequence of str
        Columns of the sheet.
    categorical : sequence of str
        Those that are categories although they look like numbers. Text always is.

    Attributes
    ----------
    numeric_, categories_ : list of str
        Columns by kind.
    transformer_ : ColumnTransformer
    """

    def __init__(self, columns: Sequence[str] = (), categorical: Sequence[str] = ()) -> None:
        self.columns = columns
        self.categorical = categorical

    def fit(self, sheet: pd.DataFrame, y: Any = None) -> Self:
        """Learn medians, scales and categories from the sheet's rows of training patients."""
        self.numeric_ = [name for name in self.columns if self._is_number(sheet[name])]
        self.categories_ = [name for name in self.columns if name not in self.numeric_]
        transformer = column_transformer(self.numeric_, self.categories_)
        self.transformer_ = transformer.fit(self._prepared(sheet))
        return self

    def transform(self, sheet: pd.DataFrame) -> pd.DataFrame:
        """Return the block: numbers, then an indicator ``column=category`` each."""
        check_is_fitted(self, "transformer_")
        values = self.transformer_.transform(self._prepared(sheet))
        return pd.DataFrame(values, index=sheet.index, columns=self.get_feature_names_out())

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the block's columns."""
        check_is_fitted(self, "transformer_")
        names = list(self.numeric_)
        if self.categories_:
            encoder = self.transformer_.named_transformers_["categories"]
            for column, levels in zip(self.categories_, encoder.categories_, strict=True):
                names += [f"{column}={level}" for level in levels]
        return np.asarray(names, dtype=object)

    def _is_number(self, column: pd.Series) -> bool:
        numeric = is_numeric_dtype(column) and not is_bool_dtype(column)
        return numeric and column.name not in self.categorical

    def _prepared(self, sheet: pd.DataFrame) -> pd.DataFrame:
        prepared = {}
        for name in self.numeric_:
            column = sheet[name] if name in sheet else pd.Series(np.nan, index=sheet.index)
            numbers = pd.to_numeric(column, errors="coerce")
            if (numbers.isna() & column.notna()).any():
                found = column[numbers.isna() & column.notna()].iloc[0]
                raise InputError(
                    f"sample sheet column `{name}`",
                    f"`{found}` is no number, as the model's training had there",
                    "code the column as in the training cohort",
                )
            prepared[name] = numbers.astype(float)
        for name in self.categories_:
            column = sheet[name] if name in sheet else pd.Series(np.nan, index=sheet.index)
            prepared[name] = as_text(column)
        return pd.DataFrame(prepared, index=sheet.index)


def as_text(column: pd.Series) -> pd.Series:
    """Return categories as text; a batch 12 is "12" also where a gap made it 12.0."""
    if is_numeric_dtype(column) and not is_bool_dtype(column):
        text = column.map("{:g}".format)
    else:
        text = column.astype(str)
    return text.where(column.notna(), UNKNOWN).astype(object)
