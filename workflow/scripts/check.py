"""Print what a run would do; every file was checked by the jobs before this one."""

from trdomics.scripting import start

start(snakemake)

import sys

from trdomics.check.plan import cohort_plan, plan_in_words
from trdomics.files import read_json

config, files = snakemake.params.config, snakemake.input.readings
readings = {
    layer: read_json(path)
    for layer, path in zip(snakemake.params.layers, files, strict=bool(files))
}
# to the terminal, not to the log, which is where print goes in a script
print(*plan_in_words(cohort_plan(config, readings), config), sep="\n", file=sys.__stdout__)
