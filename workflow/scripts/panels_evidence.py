"""Test the members of a panel, and the panel as a whole, in every layer."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.differential.ancestry import with_ancestry
from trdomics.differential.burden import burden_design, carrier_table
from trdomics.differential.design import build_design
from trdomics.files import read_matrix, read_table, write_json, write_table
from trdomics.panels import evidence
from trdomics.panels.page import panel_summary
from trdomics.panels.panel import panel_files, read_panel

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
(path,) = panel_files([params.panel]).values()
members = read_panel(path)
patients = read_patients(inputs.patients, params.sheet)
parts, tests = [], []
for layer, results, features in zip(
    params.expression, inputs.results, inputs.features, strict=True
):
    dropped = read_table(features)
    dropped = dropped[dropped["kept"] == 0].drop_duplicates("symbol").set_index("symbol")["reason"]
    table = read_table(results)
    parts.append(evidence.expression_rows(members, layer, table, dropped))
designs = {}
for layer, results, raw, annotation, ancestry in zip(
    params.carriers, inputs.burden, inputs.tables, inputs.annotations, inputs.ancestry, strict=True
):
    table = read_matrix(raw)
    own, components = with_ancestry(
        patients.loc[table.index], read_table(ancestry).set_index("patient_id")
    )
    design = burden_design(own, params.contrast, [*params.covariates, *components])
    designs[layer] = (design, carrier_table(table, params.settings[layer]))
    parts.append(evidence.carrier_rows(members, layer, read_table(results)))
    if layer in params.variants:
        parts.append(
            evidence.variant_rows(
                members, layer, table, read_table(annotation), design, params.min_carriers
            )
        )
rows = evidence.joined(members, parts)
for layer, results, matrix in zip(
    params.expression, inputs.results, inputs.normalised, strict=True
):
    normalised = read_matrix(matrix)
    design = build_design(patients.loc[normalised.index], params.design, params.contrast)
    tests.append(evidence.expression_test(layer, rows, read_table(results), normalised, design))
for layer, (design, carriers) in designs.items():
    tests.append(evidence.burden_of_panel(layer, rows, carriers, design, params.min_carriers))
whole = evidence.whole_table(tests)
write_table(rows, outputs.members)
write_table(whole, outputs.whole)
write_json(panel_summary(rows, whole, params.fdr), outputs.summary)
