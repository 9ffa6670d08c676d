"""From FASTQ and BAM files to a layer's matrix, and the quality of each sample's reads."""
