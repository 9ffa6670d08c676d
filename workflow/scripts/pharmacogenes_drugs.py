"""Compare patients' drugs with the genes that metabolise them."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.cohort.load import load_labels, read_patients
from trdomics.files import read_table, write_json, write_table
from trdomics.pharmacogenes.definitions import read_genes
from trdomics.pharmacogenes.medication import MEDICATION, drugs_of_sheet, read_medication
from trdomics.pharmacogenes.mismatch import mismatches, without_advice
from trdomics.pharmacogenes.summary import drugs_summary

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
labels = load_labels(inputs.patients)
if inputs.medication:
    medication = read_medication(inputs.medication, labels.index)
elif params.drug_columns:
    medication = drugs_of_sheet(read_patients(inputs.patients, params.sheet), params.drug_columns)
else:
    medication = None
drugs = pd.DataFrame(columns=MEDICATION) if medication is None else medication.drugs
calls = read_table(inputs.calls, dtype=str)
table = mismatches(calls, drugs, read_genes(), labels == 1)
summary = drugs_summary(
    table,
    None if medication is None else drugs,
    without_advice(drugs),
    0 if medication is None else len(medication.strangers),
)

write_table(table, outputs.mismatches)
write_json(summary, outputs.summary)
for name in medication.strangers if medication else []:
    print(f"warning: {name} is in the table of drugs and not in the cohort; left out")
