"""Compare the findings with the planted truth."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.files import read_json, read_table, save_figure, write_json, write_table
from trdomics.identity.recovery import identity_recovery
from trdomics.simulation.diplotypes import diplotype_recovery
from trdomics.simulation.figures import draw_recovery
from trdomics.simulation.recovery import (
    auc_recovery,
    de_recovery,
    factor_correlations,
    factor_recovery,
    labels_as_drawn,
    recovery_table,
)
from trdomics.style import set_style

inputs, settings = snakemake.input, snakemake.params.settings
truth = read_json(inputs.truth)
features = read_table(inputs.features)

differential = {
    layer: de_recovery(
        read_table(path),
        features[features["layer"] == layer],
        truth["explained_by"],
        settings["design"],
        settings["fdr"],
    )
    for layer, path in zip(snakemake.params.layers, inputs.differential, strict=True)
}
# the samples of these patients were swapped on purpose: their factors are another patient's
exchanged = [patient for pair in truth["swaps"]["pairs"] for patient in pair]
found = read_table(inputs.found_factors)
correlations = factor_correlations(
    found[~found["patient_id"].isin(exchanged)], read_table(inputs.factors)
)
factors = factor_recovery(correlations)
auc = auc_recovery(read_table(inputs.performance), truth["best_auc"])
identity = identity_recovery(read_json(inputs.identity), truth)
adjustment = read_json(inputs.adjustment)
diplotypes = (
    diplotype_recovery(read_table(inputs.calls, dtype=str), read_table(inputs.true_diplotypes))
    if inputs.true_diplotypes
    else {}
)
recovery = {
    "differential": differential,
    "factors": factors.to_dict("records"),
    "auc": auc,
    "identity": identity,
    "adjustment": adjustment,
    "pharmacogenes": diplotypes,
    "n_exchanged_left_out": len(exchanged),
    "labels_as_drawn": labels_as_drawn(
        read_table(inputs.patients), read_table(inputs.true_patients)
    ),
}

write_json(recovery, snakemake.output.summary)
table = recovery_table(differential, factors, auc, identity, adjustment["layers"])
genes = [
    {"part": "pharmacogenes", "item": gene, "measure": name, "value": value}
    for gene, part in diplotypes.items()
    for name, value in part.items()
]
table = pd.concat([table, pd.DataFrame(genes)])
write_table(table, snakemake.output.table)
set_style()
save_figure(draw_recovery(correlations), snakemake.output.figure)
