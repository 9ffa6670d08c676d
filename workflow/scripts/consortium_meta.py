"""Combine the bundles of several cohorts."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.consortium.agreement import factor_agreement
from trdomics.consortium.bundle import defused
from trdomics.consortium.meta_analysis import combine_features
from trdomics.consortium.digits import effect_step
from trdomics.consortium.gather import cohort_table, layers_of, read_bundles, side_by_side
from trdomics.consortium.page import meta_summary
from trdomics.consortium.pooled_performance import auroc_table
from trdomics.files import write_json, write_table

settings, outputs = snakemake.params.settings, snakemake.output
bundles = read_bundles(snakemake.input.bundles)
tables = []
for layer in layers_of(bundles):
    parts = side_by_side(bundles, layer)
    steps = pd.DataFrame(effect_step(parts["se"]), parts["se"].index, parts["se"].columns)
    results = combine_features(parts["effect"], parts["se"], steps)
    named = pd.concat([parts["symbol"], results], axis=1).rename_axis("feature").reset_index()
    tables.append(named.assign(layer=layer)[["layer", *named.columns]])
effects = pd.concat(tables, ignore_index=True)
factors = factor_agreement(bundles, settings["permutations"], settings["seed"])
performance = auroc_table(bundles)
# names come from partners, and the tables may be opened in spreadsheets
write_table(defused(effects), outputs.effects)
write_table(defused(factors), outputs.factors)
write_table(defused(performance), outputs.performance)
write_table(defused(cohort_table(bundles)), outputs.cohorts)
write_json(meta_summary(bundles, effects, factors, performance, settings["fdr"]), outputs.summary)
