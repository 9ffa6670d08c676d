"""What differences and factors mean: gene sets, targets of small RNAs, words."""
