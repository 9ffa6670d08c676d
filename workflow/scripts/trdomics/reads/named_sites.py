"""Records of the sites that are called in every sample, with the requested allele.

A caller omits an allele without reads. A site with reference genotypes only was examined all the
same, and must not be treated as missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trdomics.reads.regions import Site


def named_records(lines: Iterable[str], sites: Sequence[Site]) -> list[str]:
    """Return one line of a VCF for each site.

    Parameters
    ----------
    lines : iterable of str
        VCF of calls at these positions, with one ALT (or none) a record; GT is the first field of
        FORMAT, and DP among them.
    sites : sequence of Site

    Returns
    -------
    list of str
        A site's own record if a read shows the allele; otherwise 0/0 if a genotype was called at
        its position, or ./. if not.
    """
    found: dict[tuple[str, int], list[list[str]]] = {}
    n_samples = 0
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        if line.startswith("#CHROM"):
            n_samples = len(fields) - 9
        elif not line.startswith("#"):
            found.setdefault((fields[0], int(fields[1])), []).append(fields)
    return [
        "\t".join(_record(site, found.get((site.chromosome, site.position), []), n_samples))
        for site in sites
    ]


def _record(site: Site, records: Sequence[list[str]], n_samples: int) -> list[str]:
    for fields in records:
        if (fields[3].upper(), fields[4].upper()) == (site.reference, site.alternative):
            return [*fields[:2], site.identifier, *fields[3:]]
    head = [site.chromosome, str(site.position), site.identifier, site.reference, site.alternative]
    # single bases are called at every position, indels only where a read has one
    best = next((f for f in records if f[4] == "."), records[0] if records else None)
    if best is None:
        return [*head, ".", ".", ".", "GT:DP", *["./.:."] * n_samples]
    keys = best[8].split(":")
    calls = []
    for call in best[9:]:
        values = dict(zip(keys, call.split(":"), strict=False))
        genotype = "./." if "." in values["GT"] else "0/0"
        calls.append(f"{genotype}:{values.get('DP', '.')}")
    return [*head, best[5], best[6], ".", "GT:DP", *calls]
