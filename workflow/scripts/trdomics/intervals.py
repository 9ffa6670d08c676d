"""Constants of intervals used in several packages."""

# Half the width of a 95 % interval of the standard normal distribution, in standard errors.
Z95 = 1.959963984540054
