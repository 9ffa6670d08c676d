"""Strandedness of a cohort's reads, determined once for all samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from trdomics.errors import InputError, InputErrors

FORWARD, REVERSE, UNSTRANDED, UNDETERMINED = "forward", "reverse", "unstranded", "undetermined"
# As in nf-core/rnaseq: reads are stranded from this share on, and unstranded if the two shares
# differ by at most the second number.
ONE_STRAND, BOTH_STRANDS = 0.8, 0.1
# salmon's names of libraries, by the strand of their first (or only) reads.
SALMON_FORWARD = ("ISF", "MSF", "OSF", "SF")
SALMON_REVERSE = ("ISR", "MSR", "OSR", "SR")


def salmon_share(formats: Mapping[str, int]) -> float:
    """Return the share of forward reads among those of a known strand, of salmon's counts."""
    forward = sum(int(formats.get(name, 0)) for name in SALMON_FORWARD)
    total = forward + sum(int(formats.get(name, 0)) for name in SALMON_REVERSE)
    return forward / total if total else np.nan


def strandedness(forward: float) -> str:
    """Classify a share of forward reads: forward, reverse, unstranded, undetermined."""
    if forward >= ONE_STRAND:
        return FORWARD
    if forward <= 1 - ONE_STRAND:
        return REVERSE
    return UNSTRANDED if abs(2 * forward - 1) <= BOTH_STRANDS else UNDETERMINED


def decide(forward: pd.Series, stated: str | None, where: str) -> str:
    """Determine a cohort's strandedness.

    Parameters
    ----------
    forward : Series
        Share of forward reads, by sample.
    stated : str or None
        The config's value; otherwise that of most samples.
    where : str
        Name used in errors.

    Returns
    -------
    str
        forward, reverse or unstranded.

    Raises
    ------
    InputErrors
        For each sample without reads of genes. For each that deviates, with its share: counted by
        the others' strand, it would lose its reads. With `unstranded` in the config no reads are
        lost, so no sample deviates.
    """
    if stated == UNSTRANDED:
        return UNSTRANDED
    unknown = forward.index[forward.isna()]
    errors = [
        InputError(
            f"{where} sample {sample}",
            "none of its reads is of a gene",
            "is it of this species and kit? Correct `references` or remove it from the units",
        )
        for sample in unknown
    ]
    if errors:
        raise InputErrors(errors) if len(errors) > 1 else errors[0]
    found = forward.map(strandedness)
    chosen = stated or str(found.value_counts().index[0])
    if chosen == UNDETERMINED:
        raise InputError(
            where,
            f"most samples have unequal shares of reads on both strands (forward "
            f"{forward.median():.2f})",
            "set `reads.strandedness` in the config; `unstranded` counts reads of either strand",
        )
    errors = [
        InputError(
            f"{where} sample {sample}",
            f"{share:.1%} of its reads are forward, which is {strandedness(share)}, but the cohort "
            f"is {chosen} (median {forward[found == chosen].median():.1%})",
            "are its `fq1` and `fq2` swapped, or is it from another kit? Correct the units or "
            "remove it",
        )
        for sample, share in forward[found != chosen].items()
    ]
    if errors:
        raise InputErrors(errors) if len(errors) > 1 else errors[0]
    return chosen
