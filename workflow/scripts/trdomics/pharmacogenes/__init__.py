"""Alleles of the genes that clear drugs, and what they mean for the drugs a patient takes."""
