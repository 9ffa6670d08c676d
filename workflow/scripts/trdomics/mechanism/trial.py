"""A virtual trial: the drug in every patient, with the model set by the patient's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trdomics.mechanism.simulation import Simulator
from trdomics.mechanism.specification import Link
from trdomics.mechanism.uncertainty import as_settings

NORMAL = "normal"
SEPARATOR = "; "
# Settings are rounded to this many digits, so that patients who hardly differ share a run.
DIGITS = 2


@dataclass(frozen=True)
class Evidence:
    """Patients' data; empty if not measured.

    Attributes
    ----------
    phenotypes : DataFrame
        Columns patient_id, gene, phenotype (alternatives separated by a semicolon).
    carriers : DataFrame, shape (n_patients, n_genes)
        Damaging variants of each gene; patients in rows.
    genotypes : DataFrame
        A row per variant (index: chromosome, position, reference, alternative) with its rsid in
        the column ``rsid``, and the patients' dosages of the alternative.
    scores : DataFrame, shape (n_patients, n_sets)
        Scores of gene sets.
    """

    phenotypes: pd.DataFrame
    carriers: pd.DataFrame
    genotypes: pd.DataFrame
    scores: pd.DataFrame


def link_settings(link: Link, evidence: Evidence) -> tuple[pd.Series, str]:
    """Return the value of a link's parameter for every patient for whom it is known.

    Returns
    -------
    settings : Series
        Patient → value; 1 is normal for factors, 0 for what is added.
    reason : str
        Why there are no values; otherwise empty.
    """
    none = pd.Series(dtype=float)
    if link.values is not None:
        of_gene = evidence.phenotypes.loc[lambda t: t["gene"] == link.phenotype].dropna(
            subset=["phenotype"]
        )
        values = of_gene.set_index("patient_id")["phenotype"].map(
            lambda text: _mean_value(str(text), link.values or {})
        )
        values = values.astype(float).dropna()
        return values, "" if len(values) else f"{link.phenotype} is not called"
    if link.gene is not None:
        if link.gene not in evidence.carriers:
            return none, f"no variants of {link.gene} were called"
        carriers = evidence.carriers[link.gene].dropna()
        return pd.Series(np.where(carriers > 0, link.carrier or 1.0, 1.0), carriers.index), ""
    if link.variant is not None:
        return _by_allele(link, evidence.genotypes)
    if link.gene_set not in evidence.scores:
        return none, f"{link.gene_set} has no score: too few of its genes are measured"
    score = evidence.scores[link.gene_set].dropna()
    z = (score - score.mean()) / score.std(ddof=0)
    return (link.per_sd or 0.0) * z.clip(lower=0), ""


def _mean_value(phenotypes: str, values: Mapping[str, float]) -> float:
    """Return the geometric mean over alternatives; NaN if one of them has no value."""
    found = [values.get(name, np.nan) for name in phenotypes.split(SEPARATOR)]
    return float(np.exp(np.mean(np.log(found))))


def _by_allele(link: Link, genotypes: pd.DataFrame) -> tuple[pd.Series, str]:
    rows = genotypes[genotypes["rsid"] == link.variant] if len(genotypes) else genotypes
    dosages = rows.drop(columns="rsid", errors="ignore")
    for place, key in enumerate(rows.index):
        if link.effect_allele in key[2:]:
            dosage = dosages.iloc[place].astype(float).dropna()
            copies = dosage if link.effect_allele == key[3] else 2 - dosage
            return (link.per_allele or 1.0) ** copies, ""
    return pd.Series(dtype=float), f"{link.variant} is not among the called variants"


def run_trial(
    simulator: Simulator, patients: pd.Index, evidence: Evidence, parameters: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate the drug in every patient.

    Parameters
    ----------
    parameters : DataFrame, shape (n_draws, n_parameters)
        Of :func:`trdomics.mechanism.uncertainty.draw_parameters`: the uncertainty of a link.

    Returns
    -------
    responses : DataFrame
        A row per patient: patient_id, predicted_response (all links together), and the setting of
        each link's parameter, missing if unknown (the normal neuron's value is then used).
    links : DataFrame
        A row per link: link, label, n_measured, n_concerned (patients whose setting is not the
        normal one), contribution (mean difference of the response of those concerned with this
        link alone), lower and upper (5th and 95th percentile over the draws of the difference at
        their mean setting), reason, source.
    """
    links = simulator.specification.links
    settings, reasons = _settings(links, patients, evidence)
    draws = as_settings(parameters)
    response = _Responses(simulator)
    base = response({})
    contributions = []
    for name, link in links.items():
        values = settings[name].dropna()
        concerned = values[values != link.normal]
        row = {
            "link": name,
            "label": link.label,
            "n_measured": len(values),
            "n_concerned": len(concerned),
            "contribution": np.nan,
            "lower": np.nan,
            "upper": np.nan,
            "reason": reasons[name] or ("" if len(concerned) else "no patient differs"),
            "source": link.source,
        }
        if len(concerned):
            alone = [response({link.parameter: value}) for value in concerned]
            row["contribution"] = float(np.mean(alone)) - base
            at_mean = {link.parameter: float(concerned.mean())}
            drawn = [response({**draw, **at_mean}) - response(draw) for draw in draws]
            row["lower"], row["upper"] = np.nanquantile(drawn, [0.05, 0.95])
        contributions.append(row)
    responses = response.of_patients(settings).merge(
        settings, left_on="patient_id", right_index=True
    )
    return responses, pd.DataFrame(contributions)


def _settings(
    links: Mapping[str, Link], patients: pd.Index, evidence: Evidence
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the setting of each link in each patient, and why a link has none."""
    found = {name: link_settings(link, evidence) for name, link in links.items()}
    settings = pd.DataFrame({name: values for name, (values, _) in found.items()}, index=patients)
    return settings.astype(float).round(DIGITS), {name: why for name, (_, why) in found.items()}


def own_responses(simulator: Simulator, patients: pd.Index, evidence: Evidence) -> pd.DataFrame:
    """Return the predicted response of every patient from that patient's own data.

    Scores of gene sets compare a patient with the others and are left out: in a cross-validation
    they would carry test patients into training.

    Returns
    -------
    DataFrame
        patient_id and predicted_response, of the patients for whom a link is known.
    """
    links = simulator.specification.links
    own = {name: link for name, link in links.items() if link.gene_set is None}
    settings, _ = _settings(own, patients, evidence)
    return _Responses(simulator).of_patients(settings.dropna(how="all"))


class _Responses:
    """The response of the normal condition under given settings, each run once."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.known: dict[tuple[tuple[str, float], ...], float] = {}

    def __call__(self, settings: Mapping[str, float]) -> float:
        """Return the response where `settings` differ from the model's values."""
        settings = {**self.simulator.defaults(), **settings}
        key = tuple(sorted(settings.items()))
        if key not in self.known:
            found = self.simulator.measure(settings, [NORMAL])[NORMAL]
            self.known[key] = found[self.simulator.specification.response]
        return self.known[key]

    def of_patients(self, settings: pd.DataFrame) -> pd.DataFrame:
        """Return patient_id and predicted_response of each row of link settings."""
        links = self.simulator.specification.links
        values = [
            self({links[str(name)].parameter: value for name, value in row.dropna().items()})
            for _, row in settings.iterrows()
        ]
        return pd.DataFrame({"patient_id": settings.index, "predicted_response": values})
