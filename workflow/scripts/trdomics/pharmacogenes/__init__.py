"""Pharmacogenes: alleles of drug-metabolising genes, compared with the drugs taken."""
