"""The files of a bundle, made from a cohort's results."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trdomics import __version__
from trdomics.archive import sha256_of
from trdomics.config_types import LabelConfig
from trdomics.consortium.audit import COUNT_KEY, audit
from trdomics.consortium.bundle import (
    EFFECTS,
    LOSS_FILE,
    MODEL_FILES,
    SCORES,
    SITE_VALUES,
    json_bytes,
    plausible,
    table_bytes,
    with_manifest,
)
from trdomics.consortium.differential_privacy import Budget, private_effects
from trdomics.consortium.digits import significant
from trdomics.consortium.disclosure import (
    CARRYING,
    METRIC_DECIMALS,
    burden_effects,
    coarse,
    curves,
    description,
    expression_effects,
    interval_error,
    rounded,
    shareable_losses,
    short_share,
)
from trdomics.consortium.profiles import Profiles, profiles_of
from trdomics.consortium.shareable_model import obstacles, shareable
from trdomics.errors import InputError
from trdomics.evaluation.out_of_fold import out_of_fold
from trdomics.files import read_table
from trdomics.frozen_model.read_missing_layer_cost import read_missing_layer_cost
from trdomics.frozen_model.self_test import probe_probabilities
from trdomics.frozen_model.store import dumps, load_model, loads
from trdomics.layers.types import CARRIERS, layer_type
from trdomics.partner_json import format_of, with_checksum
from trdomics.pharmacogenes.calling import CALLED
from trdomics.schema import load_schema
from trdomics.tables import CLINICAL, LayerTables

MINIMUM_KEY = "export.minimum_count"
# With two sites, each can compute the other's AUROC from the combined one and its own.
FEWEST_SITES = 3
# Curves have eleven points, the model's probe fewer, and four layers fifteen sets of missing ones.
SHORTEST = 16


class Export:
    """Collects the files of a bundle, and what was left out.

    Parameters
    ----------
    contrast : sequence of str
        Column, tested and reference level.
    patients : DataFrame
        Of :func:`trdomics.cohort.load.read_patients`.
    site : str, optional
        Column that holds the site, whose values are not named.
    """

    def __init__(
        self,
        cohort: str,
        label: LabelConfig,
        contrast: Sequence[str],
        patients: pd.DataFrame,
        minimum: int,
        site: str | None = None,
    ) -> None:
        self.site = site
        self.site_names = set() if site is None else set(patients[site].dropna().astype(str))
        self.cohort, self.label, self.contrast = cohort, label, contrast
        self.patients, self.minimum = patients, minimum
        self.trained = patients[patients["label"].notna()]
        self.files: dict[str, bytes] = {}
        self.layers: dict[str, dict[str, Any]] = {}
        self.left_out: list[str] = []
        self.folds: set[int] = set()
        self.profiles = Profiles()
        self.n = self._groups(
            int((self.trained["label"] == 1).sum()), int((self.trained["label"] == 0).sum())
        )
        if self.n is None:
            raise InputError(
                f"cohort {cohort}",
                f"a group of the label has fewer than {minimum} patients",
                f"such a cohort cannot be shared; the limit is `{MINIMUM_KEY}`",
            )

    def _groups(self, positive: int, negative: int) -> dict[str, int] | None:
        if min(positive, negative) < self.minimum:
            return None
        return {
            "n_positive": coarse(positive, self.minimum),
            "n_negative": coarse(negative, self.minimum),
        }

    def _without_sites(self, design: str) -> str:
        """Return a formula without the names of sites, which it may contain as quoted levels."""
        for name in self.site_names:
            for quote in ("'", '"'):
                design = design.replace(f"{quote}{name}{quote}", f"{quote}(a site){quote}")
        return design

    def _add(self, name: str, table: pd.DataFrame) -> None:
        if len(table):
            self.files[name] = table_bytes(table)

    def effects(
        self, layer: str, kind: str, results: pd.DataFrame, summary: Mapping[str, Any]
    ) -> None:
        """Add the differential test of a layer."""
        positive, negative = summary["n_positive"], summary["n_negative"]
        groups = self._groups(positive, negative)
        if groups is None:
            self.left_out.append(f"{layer}: a group has fewer than {self.minimum} patients")
            return
        carriers = layer_type(kind).test == CARRIERS
        if carriers:
            table = burden_effects(results, self.minimum)
            self.left_out.append(
                f"{layer}: features with fewer than {self.minimum} carriers or non-carriers in a "
                f"group ({len(results) - len(table)} of {len(results)})"
            )
        else:
            table = expression_effects(results, positive + negative, self.minimum)
        self.layers[layer] = {
            "type": kind,
            "effect": layer_type(kind).effect,
            "design": self._without_sites(summary["design"]),
            "patients": groups,
        }
        fine = plausible(table, layer_type(kind).effect)
        if not fine.all():
            self.left_out.append(f"{layer}: features whose test did not converge ({(~fine).sum()})")
        self._add(f"effects/{layer}.tsv", table.loc[fine, list(EFFECTS)])

    def private(
        self, layer: str, kind: str, table: pd.DataFrame, budget: Budget, tested: pd.DataFrame
    ) -> None:
        """Add a layer's differentially private effects, or why there are none.

        Parameters
        ----------
        table : DataFrame
            Raw values of the patients who have the layer.
        tested : DataFrame
            Its usual test, for ``symbol`` by ``feature``.
        """
        if layer_type(kind).test == CARRIERS:
            self.left_out.append(f"{layer}: there is no private version of a test of carriers")
            return
        column, positive, negative = self.contrast
        groups = self.patients[column].astype(str).reindex(table.index)
        compared = groups.isin([str(positive), str(negative)])
        effects, sizes = private_effects(
            table[compared], (groups[compared] == str(positive)).to_numpy(), budget, self.minimum
        )
        symbols = tested.set_index("feature")["symbol"]
        effects["symbol"] = symbols.reindex(effects["feature"]).to_numpy()
        self.layers[layer] = {
            "type": kind,
            "effect": SCORES,
            "design": f"~ {column}",
            "patients": {key: coarse(size, self.minimum) for key, size in sizes.items()},
        }
        self._add(f"effects/{layer}.tsv", effects[list(EFFECTS)])

    def factors(
        self, layer: str, weights: pd.DataFrame, tested: pd.DataFrame | None = None
    ) -> None:
        """Add MOFA's weights of a layer.

        Parameters
        ----------
        weights : DataFrame
            ``feature``, ``symbol`` and the factors.
        tested : DataFrame, optional
            Of a layer of carriers its differential test, which counts them.
        """
        if layer not in self.layers:
            return
        if tested is not None:
            columns = [f"{who}_{group}" for who in CARRYING for group in ("positive", "negative")]
            counts = tested.set_index("feature")[columns].reindex(weights["feature"]).fillna(0)
            carriers = [counts[f"{w}_positive"] + counts[f"{w}_negative"] for w in CARRYING]
            weights = weights[pd.concat(carriers, axis=1).min(axis=1).to_numpy() >= self.minimum]
        factors = [column for column in weights if column not in ("feature", "symbol")]
        short = pd.DataFrame(significant(weights[factors]), weights.index, factors)
        short.insert(0, "feature", weights["feature"])
        self._add(f"factors/{layer}.tsv", short)

    def variance(self, table: pd.DataFrame) -> None:
        """Add the variance that factors explain (``view``, ``factor``, ``r2``)."""
        table = table.rename(columns={"view": "layer"})[["layer", "factor", "r2"]]
        known = table[np.isfinite(table["r2"])]
        self._add("variance_explained.tsv", known.round({"r2": METRIC_DECIMALS}))

    def performance(self, performance: pd.DataFrame, predictions: pd.DataFrame) -> None:
        """Add metrics to three decimals, and curves of patients in bins, averaged over repeats.

        More decimals of an accuracy or an AUROC would reveal the exact group sizes.
        """
        table = performance.assign(se=interval_error(performance["lower"], performance["upper"]))
        table = rounded(table, ["value", "lower", "upper", "se"])
        columns = ["feature_set", "role", "metric", "value", "lower", "upper", "se", "reason"]
        self._add("performance.tsv", table[columns])
        folds = predictions.groupby(["feature_set", "repeat", "fold"]).size()
        self.folds |= {int(size) for size in folds}
        parts: dict[str, list[pd.DataFrame]] = {"calibration": [], "roc": [], "decision": []}
        for name, rows in predictions.groupby("feature_set", sort=False):
            label, risk = out_of_fold(rows, self.trained["label"], str(name))
            shown = curves(label, risk, self.minimum)
            if not shown:
                self.left_out.append(
                    f"curves of {name}: too few patients of both groups for two bins"
                )
            for kind, curve in shown.items():
                parts[kind].append(curve.assign(feature_set=name)[["feature_set", *curve.columns]])
        for kind, tables in parts.items():
            if tables:
                self._add(f"{kind}.tsv", pd.concat(tables))

    def sites(self, pooled: pd.DataFrame) -> None:
        """Add AUROCs combined over left-out sites; no single site.

        Parameters
        ----------
        pooled : DataFrame
            Of :func:`trdomics.evaluation.left_out_sites.pooled_performance`.
        """
        columns = ["feature_set", "role", "validation", *SITE_VALUES]
        known = pooled["auroc"].notna()
        enough = pooled["n_sites"] >= FEWEST_SITES
        if (known & ~enough).any():
            self.left_out.append(
                f"AUROCs over fewer than {FEWEST_SITES} sites: with two, each could compute "
                "the other's"
            )
        table = pooled.loc[known & enough, columns]
        self._add(
            "sites.tsv", rounded(table, [c for c in SITE_VALUES if c not in ("n_sites", "tau2")])
        )

    def description(self, columns: Sequence[str], site: str | None) -> None:
        """Add means and proportions of columns of the sheet, except the site."""
        shown = [column for column in columns if column != site]
        table = description(self.trained, shown, self.minimum)
        missing = [column for column in shown if column not in set(table["column"])]
        self.left_out += [
            f"description of {column}: no two values that {self.minimum} patients have"
            for column in missing
        ]
        self._add("description.tsv", table)

    def pharmacogenes(self, calls: pd.DataFrame) -> None:
        """Add the number of labelled patients with each phenotype of a pharmacogene."""
        own = calls[calls["patient_id"].isin(self.trained.index) & (calls["status"] == CALLED)]
        table = own.groupby(["gene", "phenotype"]).size().rename("n").reset_index()
        rare = table["n"] < self.minimum
        if rare.any():
            self.left_out.append(
                f"phenotypes of pharmacogenes that fewer than {self.minimum} patients have"
            )
        table = table[~rare]
        table["n"] = [coarse(n, self.minimum) for n in table["n"]]
        self._add("pharmacogenes.tsv", table)

    def model(
        self, folder: str | os.PathLike[str], tables: Mapping[str, pd.DataFrame], site: str | None
    ) -> None:
        """Add the frozen model and the cost of missing layers, or why it cannot be shared."""
        model, manifest = load_model(folder)
        losses = read_missing_layer_cost(folder, manifest)
        trained = {
            layer: table[table.index.isin(self.trained.index)] for layer, table in tables.items()
        }
        reasons = obstacles(model, self.trained, trained, site, self.minimum)
        if reasons:
            self.left_out += [f"the frozen model: {reason}" for reason in reasons]
            return
        frozen = shareable(model, self.trained, trained, self.minimum)
        patients = LayerTables({**trained, CLINICAL: self.trained}, self.trained.index)
        self.profiles = profiles_of(frozen.representation, patients)
        content, inner = dumps(frozen), manifest["inner_auc"]
        normalisers = frozen.representation.normalisers_
        manifest = with_checksum(
            {
                **coarse_counts(manifest, self.minimum),
                "prevalence": short_share(
                    manifest["n_positive"], manifest["n_training"], self.minimum
                ),
                "inner_auc": None if inner is None else round(inner, METRIC_DECIMALS),
                "blocks": frozen.risk.representation.feature_names_,
                "layers": {
                    layer: {**described, "features": list(normalisers[layer].features_)}
                    for layer, described in manifest["layers"].items()
                },
                "sha256": sha256_of(content),
                "probe": probe_probabilities(loads(content, str(folder)).risk),
            }
        )
        self.files |= dict(zip(MODEL_FILES, (content, json_bytes(manifest)), strict=True))
        if losses is None:
            return
        shared = shareable_losses(losses, self.minimum)
        if shared["reason"] and not losses["reason"]:
            self.left_out.append(f"cost of missing layers: {shared['reason']}")
        self.files[LOSS_FILE] = json_bytes({**shared, "sha256": manifest["sha256"]})

    def members(
        self, names: Iterable[str], privacy: Mapping[str, float] | None = None
    ) -> dict[str, bytes]:
        """Return all members of the bundle, after a search for patient-level data.

        Parameters
        ----------
        names : iterable of str
            Ids of patients and of their samples; the export itself knows those of sites.
        privacy : mapping, optional
            Of a private bundle ``epsilon``, ``delta`` and the ``spent`` of all of the cohort's.

        Raises
        ------
        InputError
            If patient-level data are found.
        """
        manifest = {
            "format": format_of(load_schema("bundle")),
            "software": __version__,
            "cohort": self.cohort,
            "minimum_count": self.minimum,
            "label": {k: str(self.label[k]) for k in ("positive", "negative")},
            "contrast": {"positive": self.contrast[1], "negative": self.contrast[2]},
            "patients": self.n,
            "layers": self.layers,
            "left_out": self.left_out,
        }
        if privacy is not None:
            sizes = [described["patients"] for described in self.layers.values()]
            if not sizes:
                raise InputError("export.privacy", "no layer can be private", "remove the key")
            self.left_out.append("everything but effects: there is no private version of it")
            manifest |= {"privacy": privacy, "patients": sizes[0]}
        members = with_manifest(manifest, self.files)
        found = audit(
            members, set(names), self.lengths(), self.minimum, self.searched_sites(), self.profiles
        )
        if found:
            raise InputError(
                f"export of {self.cohort}",
                f"the bundle would reveal single patients: {found[0]}",
                "nothing was written; rename the patient or site or, if two numbers agree by "
                "chance, leave out one patient; and report it to the authors of the workflow",
            )
        return members

    def searched_sites(self) -> set[str]:
        """Return the names of sites, except those that also occur in a bundle as something else."""
        others = self.patients.drop(columns=self.site) if self.site else self.patients
        texts = others.select_dtypes(exclude="number")
        classes = [self.label[key] for key in ("column", "positive", "negative")]
        classes += self.label.get("negative_values", [])
        needed = {*classes, *self.contrast, *self.layers, *self.patients}
        needed |= {value for column in texts for value in texts[column].dropna()}
        free = self.site_names - set(map(str, needed))
        return {name for name in free if name not in self.cohort}

    def lengths(self) -> set[int]:
        """Return the possible lengths of an array with one value per patient.

        Those of the cohort, its training set and their parts: patients with a layer or all layers,
        each class, half, known fold and site. Curves have up to ``SHORTEST - 1`` points, so shorter
        arrays of the parts are not searched for.
        """
        parts = {len(self.trained) // 2, (len(self.trained) + 1) // 2, *self.folds}
        parts |= {len(self.trained) - size for size in self.folds}
        parts |= set(self.trained["label"].value_counts())
        for frame in (self.patients, self.trained):
            complete = (frame[[f"in_{layer}" for layer in self.layers]] == 1).all(axis=1)
            parts.add(int(complete.sum()))
            if self.site is not None:
                parts |= set(frame[self.site].value_counts())
        present = [
            frame[f"in_{layer}"] == 1
            for frame in (self.patients, self.trained)
            for layer in self.layers
        ]
        whole = {len(self.patients), len(self.trained), *(int(mask.sum()) for mask in present)}
        return whole | {int(size) for size in parts if size >= SHORTEST}


def coarse_counts(value: Any, minimum: int) -> Any:
    """Round down numbers of patients in JSON, identified by their keys."""
    if isinstance(value, list):
        return [coarse_counts(item, minimum) for item in value]
    if not isinstance(value, dict):
        return value
    counted = {key for key, item in value.items() if type(item) is int and COUNT_KEY.fullmatch(key)}
    return {
        key: coarse(item, minimum) if key in counted else coarse_counts(item, minimum)
        for key, item in value.items()
    }


def identifiers(patients: pd.DataFrame, id_columns: Iterable[str], excluded: str) -> set[str]:
    """Return every id of a patient or a sample that the cohort knows.

    Parameters
    ----------
    id_columns : iterable of str
        Columns with the names of samples.
    """
    names = {str(name) for name in patients.index}
    for column in set(id_columns) & set(patients.columns):
        names |= set(patients[column].dropna().astype(str))
    return names | set(read_table(excluded, dtype=str)["id"].dropna())
