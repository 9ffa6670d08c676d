"""Small VCF files, and what is read of them."""

import pandas as pd

from trdomics.inputs.vcf import read_vcf

CSQ = (
    "Consequence annotations from Ensembl VEP. "
    "Format: Allele|Consequence|IMPACT|SYMBOL|Gene|gnomAD_AF"
)
ANN = (
    "Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | "
    "Feature_Type | Feature_ID | ERRORS / WARNINGS / INFO' "
)
BCSQ = (
    "Haplotype-aware consequence annotation from BCFtools/csq, see http://x.y/z.html for details. "
    "Format: Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change"
)
COLUMNS = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
SETTINGS = {
    "pass_only": True,
    "min_depth": 8,
    "min_genotype_quality": 20,
    "min_quality": 30,
    "max_allele_frequency": 0.01,
    "no_call": "missing",
    "snv_only": False,
    "dosages": [],
}
NAMES = pd.Series(["s2", "s1", "s3"], index=["p2", "p1", "p3"])


def write(path, records, tag="CSQ", description=CSQ, samples=("s1", "s2", "s3")):
    """Write a VCF; a record is (CHROM, POS, ID, REF, ALT, QUAL, FILTER, annotation, FORMAT, …)."""
    lines = [
        "##fileformat=VCFv4.2",
        "##contig=<ID=1>",
        "##contig=<ID=chr2>",
        '##FILTER=<ID=bad,Description="bad">',
        f'##INFO=<ID={tag},Number=.,Type=String,Description="{description}">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="d">',
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="q">',
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="a">',
        "\t".join([*COLUMNS, *samples]),
    ]
    for record in records:
        fields = list(record)
        fields[7] = f"{tag}={fields[7]}" if fields[7] else "."
        lines.append("\t".join(map(str, fields)))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def record(pos=10, annotation="T|missense_variant|MODERATE|G1|E1|", **other):
    values = {
        "chrom": "1", "pos": pos, "id": ".", "ref": "A", "alt": "T", "qual": 50, "filter": "PASS",
        "annotation": annotation, "format": "GT", "s1": "0/1", "s2": "0/0", "s3": "./.",
    }  # fmt: skip
    return tuple((values | other).values())


def read(tmp_path, *records, settings=None, **header):
    path = write(tmp_path / "calls.vcf", records, **header)
    return read_vcf(path, SETTINGS | (settings or {}), NAMES)


def reasons(calls):
    return calls.annotation["reason"].tolist()


def effects(calls):
    """Return term by (ALT, gene) of a call set."""
    rows = calls.annotation
    return dict(
        zip(zip(rows["alternative"], rows["gene"], strict=True), rows["consequence"], strict=True)
    )


def csq(**terms):
    """Return entries of gene G1 by allele; `deleted` stands for -."""
    return ",".join(
        f"{'-' if allele == 'deleted' else allele}|{term}||G1|E1|" for allele, term in terms.items()
    )


def cohort(tmp_path, genotypes, settings=None, **header):
    """Read 60 patients; a row of genotypes per variant."""
    samples = [f"s{i}" for i in range(60)]
    rows = [(*record(pos=10 * i)[:9], *row) for i, row in enumerate(genotypes, start=1)]
    path = write(tmp_path / "calls.vcf", rows, samples=samples, **header)
    return read_vcf(path, SETTINGS | (settings or {}), pd.Series(samples, samples))
