"""Write the bundle that a cohort shares with a consortium."""

from trdomics.scripting import start

start(snakemake)

import logging
from pathlib import Path

from trdomics.archive import pack, sha256_of, write_archive
from trdomics.cohort.load import read_patients
from trdomics.consortium.bundle import MANIFEST
from trdomics.consortium.export import Export, identifiers
from trdomics.consortium.differential_privacy import Budget, cost
from trdomics.consortium.ledger import open_ledger
from trdomics.files import read_json, read_matrix, read_table, replacing

inputs, params, outputs = snakemake.input, snakemake.params, snakemake.output
sheet, site, privacy = params.sheet, params.sheet["samples"]["site"], params.privacy
patients = read_patients(inputs.patients, sheet)
ledger = open_ledger(Path(outputs.bundle).parent)
groups = ledger.groups(patients, params.contrast[0])
export = Export(params.cohort, sheet["label"], params.contrast, patients, params.minimum, site)
tables = {layer: read_matrix(path) for layer, path in zip(params.types, inputs.tables, strict=True)}
layers = zip(params.types.items(), inputs.results, inputs.summaries, inputs.weights, strict=True)
if privacy is not None:
    budget = Budget(privacy["epsilon"], len(params.types) - len(params.carriers))
    for (layer, kind), results, _, _ in layers:
        export.private(layer, kind, tables[layer], budget, read_table(results))
    privacy = cost(budget, ledger.exports)
else:
    # with noise, bundles may differ by a patient
    ledger.check(groups, params.minimum)
    for (layer, kind), results, summary, weights in layers:
        tested = read_table(results)
        export.effects(layer, kind, tested, read_json(summary))
        export.factors(layer, read_table(weights), tested if layer in params.carriers else None)
    export.variance(read_table(inputs.variance))
    export.performance(read_table(inputs.performance), read_table(inputs.predictions))
    export.sites(read_table(inputs.sites))
    export.description(params.described, site)
    export.pharmacogenes(read_table(inputs.calls, dtype=str))
    export.model(Path(inputs.model).parent, tables, site)
ids = [layer["id_column"] for layer in sheet["layers"].values()]
members = export.members(identifiers(patients, ids, inputs.excluded), privacy)
ledger.record(groups, sha256_of(pack(members)), params.minimum, privacy and privacy["epsilon"])
write_archive(members, outputs.bundle)
with replacing(outputs.manifest) as temporary:
    temporary.write_bytes(members[MANIFEST])
log = logging.getLogger("export")
if privacy is None:
    log.info("a person's whole profile shows whether the person took part: see docs/consortium.md")
for reason in export.left_out:
    log.info("left out: %s", reason)
