"""Draw the sample sheet of the simulated cohort, and the units of one that begins with reads.

python workflow/scripts/simulation_samples.py --output config/samples.tsv
python workflow/scripts/simulation_samples.py --patients 40 \
    --output config/reads_demo/samples.tsv --units reads_demo
"""

import argparse
from pathlib import Path

from trdomics.files import write_table
from trdomics.simulation.cohort import COHORT_SEED, draw_cohort
from trdomics.simulation.sheet import make_sheet, make_units


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the sample sheet of the simulated cohort.")
    parser.add_argument("--patients", type=int, default=300, help="size of the cohort (300)")
    parser.add_argument("--output", required=True, help="the sheet to write")
    parser.add_argument("--units", metavar="COHORT", help="write this cohort's units beside it")
    options = parser.parse_args()
    cohort = draw_cohort(options.patients)
    write_table(make_sheet(cohort, COHORT_SEED), options.output)
    if options.units:
        folder = f"results/{options.units}/simulation/reads"
        for layer, table in make_units(cohort, folder).items():
            write_table(table, Path(options.output).with_name(f"{layer}_units.tsv"))


if __name__ == "__main__":
    main()
