"""Draw the sample sheet of the simulated cohort.

python workflow/scripts/simulation_samples.py --output config/samples.tsv
"""

import argparse

from trdomics.files import write_table
from trdomics.simulation.cohort import COHORT_SEED, draw_cohort
from trdomics.simulation.sheet import make_sheet


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the sample sheet of the simulated cohort.")
    parser.add_argument("--patients", type=int, default=300, help="size of the cohort (300)")
    parser.add_argument("--output", required=True, help="the sheet to write")
    options = parser.parse_args()
    cohort = draw_cohort(options.patients)
    write_table(make_sheet(cohort, COHORT_SEED), options.output)


if __name__ == "__main__":
    main()
