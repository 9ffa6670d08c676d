"""What differs between the two groups: features of a layer, one at a time."""
