"""Named hypotheses as lists of genes, miRNAs and variants, tested in a cohort."""
