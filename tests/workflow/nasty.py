"""A small cohort whose every name tries to be something else: a command, a path, a tag."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd

from trdomics.files import read_table, write_table

MARKER = "touched_by_a_name"
POISON = [
    f"$(touch {MARKER})",
    f"`touch {MARKER}`",
    f"O'Brien; touch {MARKER}; rm -rf $HOME",
    "<script>alert(1)</script>",
    "<b>x</b>",
    "</script><script>alert(2)</script>",
    "../../outside",
    "/etc/passwd",
    'say "no"',
    "a b  c",
    "Żółć-患者",
    "{input} {wildcards.cohort}",
    "%s %(name)s",
    "-rf",
    "*",
    "a|b&c>d",
    "back\\slash",
    "#1",
    "NA1",
    "=1+1",
]
POSITIVE, NEGATIVE = '<i>resistant</i> & "TRD"', "$HOME's $(touch " + MARKER + ")"
SITES = {
    "site_a": "<b>Münster</b>",
    "site_b": "../../site b",
    "site_c": f"`touch {MARKER}`",
    "site_d": "O'Hare_{; $PATH $^",
    "site_e": '</script>e "e" {e}',
}
MEDICATION = {"ssri": "<u>ssri</u>", "snri": f"$(touch {MARKER})", "none": "no 'drug'"}


def poisoned(names: pd.Series, tail: str) -> dict[str, str]:
    """Give every name a poisoned one, all different."""
    return {name: f"{POISON[i % len(POISON)]}{tail}{i}" for i, name in enumerate(names.dropna())}


def poison(
    folder: Path, raw: Path, sheet: pd.DataFrame, settings: dict
) -> tuple[pd.DataFrame, dict]:
    """Rename patients, samples, labels, sites and categories of a simulated cohort.

    Parameters
    ----------
    folder : path
        Where the renamed matrices go.
    raw : path
        Folder of the simulation's raw files.
    sheet, settings
        Of the simulated cohort.

    Returns
    -------
    sheet : DataFrame
    settings : dict
    """
    sheet = sheet.copy()
    names = {
        column: poisoned(sheet[column], column)
        for column in ("patient_id", "mrna_id", "small_rna_id")
    }
    for column, new in names.items():
        sheet[column] = sheet[column].map(new)
    sheet["response"] = sheet["response"].map({"TRD": POSITIVE, "responder": NEGATIVE})
    sheet["site"] = sheet["site"].map(SITES)
    sheet["medication"] = sheet["medication"].replace(MEDICATION)
    for layer in ("mrna", "small_rna"):
        table = pd.read_csv(raw / f"{layer}_counts.tsv.gz", sep="\t", index_col=0)
        table = table.rename(columns=names[f"{layer}_id"])
        settings["layers"][layer]["file"] = f"{layer} counts.tsv"
        table.to_csv(folder / f"{layer} counts.tsv", sep="\t")
    write_table(read_table(raw / "mrna_features.tsv"), folder / "mrna_features.tsv")
    settings["layers"]["mrna"]["features"] = "mrna_features.tsv"
    with gzip.open(raw / "mutations.vcf.gz", "rt", encoding="utf-8") as lines:
        text = [
            "\t".join(names["patient_id"].get(name, name) for name in line.rstrip("\n").split("\t"))
            if line.startswith("#CHROM")
            else line.rstrip("\n")
            for line in lines
        ]
    (folder / "mutations.vcf").write_text("\n".join(text) + "\n", encoding="utf-8")
    settings["layers"]["mutations"]["file"] = "mutations.vcf"
    drugs = read_table(raw / "medication.tsv")
    drugs["patient"] = drugs["patient"].map(names["patient_id"])
    write_table(drugs, folder / "medication.tsv")
    settings["pharmacogenes"]["medication"] = "medication.tsv"
    settings["label"].update(positive=POSITIVE, negative=NEGATIVE)
    settings["cohort"] = "nasty"
    del settings["simulation"]
    return sheet, settings
