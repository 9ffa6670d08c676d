"""Whether targets of a differing miRNA are more anti-correlated with it than other genes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from trdomics.enrichment.correlated import correlated_test, set_correlation
from trdomics.pvalues import adjusted

SUMMARY_COLUMNS = ["mirna", "log2_fold_change", "padj_differential", "listed", "targets", "mean_r"]
SUMMARY_COLUMNS += ["expected_r", "pvalue", "padj", "correlation", "pvalue_correlated"]
SUMMARY_COLUMNS += ["padj_correlated", "strongest", "reason"]
PAIR_COLUMNS = ["mirna", "gene", "feature", "r", "source"]
FEWEST_TARGETS = 3
BINS = 10
STRONGEST = 5


def expression_bins(mean: np.ndarray) -> np.ndarray:
    """Return each gene's quantile of mean expression, 0 to ``BINS`` − 1."""
    order = np.argsort(np.argsort(mean, kind="stable"), kind="stable")
    return (order * BINS) // max(len(mean), 1)


def random_means(
    r: np.ndarray, bins: np.ndarray, inside: np.ndarray, permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the mean r of random gene sets with as many genes of each expression bin.

    Sets are drawn without replacement from all genes. `r` (correlation with the miRNA), `bins` and
    `inside` (who is a target) are of genes, the result of permutations.
    """
    total = np.zeros(permutations)
    for bin_ in np.unique(bins[inside]):
        values = r[bins == bin_]
        wanted = int((inside & (bins == bin_)).sum())
        keys = rng.random((permutations, len(values)), dtype=np.float32)
        if wanted < len(values):
            drawn = np.argpartition(keys, wanted - 1, axis=1)[:, :wanted]
            total += values[drawn].sum(axis=1)
        else:
            total += values.sum()
    return total / inside.sum()


def anticorrelation(
    small: pd.DataFrame,
    genes: pd.DataFrame,
    names: pd.Series,
    mean: pd.Series,
    targets: Mapping[str, Sequence[str]],
    *,
    freedom: float,
    permutations: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test the targets of every given miRNA for anti-correlation with it.

    The mean partial correlation of the targets with the miRNA, against random sets of the same
    size and expression (one-sided: lower). Random sets assume independent genes, but targets are
    often co-regulated; ``pvalue_correlated`` allows for that, as camera does, and is also
    one-sided.

    Parameters
    ----------
    small : DataFrame, shape (n_patients, n_mirnas)
        Residuals of length 1 (:func:`trdomics.enrichment.correlated.residuals`) of the miRNAs.
    genes : DataFrame, shape (n_patients, n_genes)
        The same of the layer with the targets, the same patients.
    names : Series
        Symbol of each column of `genes`.
    mean : Series
        Mean expression of each column of `genes`.
    targets : mapping
        miRNA → listed targets, as symbols or columns of `genes`.
    freedom : float
        Residual degrees of freedom.

    Returns
    -------
    summary : DataFrame
        mirna, listed, targets (measured), mean_r, expected_r (mean over the random sets),
        pvalue, padj, correlation, pvalue_correlated, padj_correlated, strongest, reason.
    pairs : DataFrame
        With the columns ``PAIR_COLUMNS`` except `source`, the most negative first.
    """
    matrix = genes.to_numpy()
    bins = expression_bins(mean.loc[genes.columns].to_numpy(float))
    symbols = names.loc[genes.columns].astype(str)
    rows, parts = [], []
    for i, mirna in enumerate(small.columns):
        # a separate random stream, so a miRNA's p-value does not depend on which others differ
        rng = np.random.default_rng([seed, *map(ord, str(mirna))])
        listed = set(targets.get(str(mirna), ()))
        inside = (symbols.isin(listed) | genes.columns.astype(str).isin(listed)).to_numpy()
        row: dict[str, object] = {
            "mirna": mirna,
            "listed": len(listed),
            "targets": int(inside.sum()),
            "reason": None,
        }
        r = small.to_numpy()[:, i] @ matrix
        if not listed:
            row["reason"] = "the table lists no target of it"
        elif inside.sum() < FEWEST_TARGETS:
            row["reason"] = f"fewer than {FEWEST_TARGETS} of its targets are measured"
        else:
            row |= _test(r, bins, inside, matrix, freedom, permutations, rng)
        if inside.any():
            part = pd.DataFrame(
                {"mirna": mirna, "gene": symbols[inside], "feature": genes.columns[inside]}
            ).assign(r=r[inside])
            part = part.sort_values(["r", "gene"], kind="stable")
            row["strongest"] = ",".join(part.loc[part["r"] < 0, "gene"].head(STRONGEST)) or None
            parts.append(part)
        rows.append(row)
    summary = pd.DataFrame(rows).reindex(columns=SUMMARY_COLUMNS)
    for pvalue, padj in (("pvalue", "padj"), ("pvalue_correlated", "padj_correlated")):
        summary[padj] = adjusted(summary[pvalue])
    pairs = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=PAIR_COLUMNS[:4])
    return summary, pairs


def _test(
    r: np.ndarray,
    bins: np.ndarray,
    inside: np.ndarray,
    matrix: np.ndarray,
    freedom: float,
    permutations: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    observed = float(r[inside].mean())
    random = random_means(r, bins, inside, permutations, rng)
    correlation = set_correlation(matrix[:, inside])
    two_sided = correlated_test(r, inside, correlation, freedom)
    lower = r[inside].mean() < r[~inside].mean()
    return {
        "mean_r": observed,
        "expected_r": float(random.mean()),
        "pvalue": float((1 + (random <= observed).sum()) / (1 + permutations)),
        "correlation": correlation,
        "pvalue_correlated": two_sided / 2 if lower else 1 - two_sided / 2,
    }
