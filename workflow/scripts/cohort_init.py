"""Draft a new cohort: a commented config and a sheet from the matrices' headers.

python workflow/scripts/cohort_init.py mine mrna=counts.tsv.gz mutations=calls.vcf.gz

If a layer is a folder of FASTQ files, its table of units is written as well.
"""

import argparse
import sys

from trdomics.cohort.template import begin_cohort
from trdomics.errors import InputError


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Write config/<name>.yaml and config/<name>.tsv from the matrices of a cohort."
    )
    parser.add_argument("name", help="name of the cohort")
    parser.add_argument(
        "layers", nargs="+", metavar="layer=file", help="matrix, VCF, MAF, or folder of FASTQ files"
    )
    parser.add_argument("--clinical", help="table of the patients (TSV, CSV) to begin the sheet")
    parser.add_argument("--label", help="its column of the label")
    parser.add_argument("--folder", default="config", help="where to write (config)")
    options = parser.parse_args()
    files: dict[str, str] = {}
    try:
        for layer, equals, file in (text.partition("=") for text in options.layers):
            if not (layer and equals and file):
                raise InputError(layer, "is not layer=file", "write mrna=counts.tsv.gz, say")
            if layer in files:
                raise InputError(layer, "is duplicated", "give each layer a name of its own")
            files[layer] = file
        message = begin_cohort(options.name, files, options.folder, options.clinical, options.label)
    except InputError as error:
        sys.exit(f"error: {error}")
    print(*message, sep="\n")


if __name__ == "__main__":
    main()
