# Makes tests/golden/deseq2.tsv.gz with R's DESeq2 (Debian: r-bioc-deseq2). From the root:
#   sum=$(python tests/golden/deseq2_fixture.py /tmp/counts.tsv /tmp/patients.tsv)
#   Rscript tests/golden/make_deseq2_golden.R /tmp/counts.tsv /tmp/patients.tsv "$sum" \
#     tests/golden/deseq2.tsv.gz
suppressPackageStartupMessages(library(DESeq2))

arguments <- commandArgs(trailingOnly = TRUE)
counts <- as.matrix(read.delim(arguments[1], row.names = 1))
patients <- read.delim(arguments[2], row.names = 1, stringsAsFactors = TRUE)
stopifnot(identical(colnames(counts), rownames(patients)))

# age in years would make R's fit ill-conditioned; centred and scaled, as its own message advises
patients$age <- as.numeric(scale(patients$age))
dataset <- DESeqDataSetFromMatrix(counts, patients, ~ sex + age + condition)
dataset <- DESeq(dataset, quiet = TRUE)
found <- as.data.frame(results(dataset, contrast = c("condition", "treated", "control"),
                               alpha = 0.05))

versions <- sprintf("# DESeq2 %s, R %s.%s; %s; alpha 0.05; fixture sha256 %s",
                    packageVersion("DESeq2"), R.version$major, R.version$minor,
                    "~ sex + age + condition, treated against control", arguments[3])
table <- data.frame(feature = rownames(found), signif(found, 7))
# zlib's gzip has no date in its header, so that the same results are the same file
file <- gzfile(arguments[4], "w", compression = 9)
writeLines(versions, file)
write.table(table, file, sep = "\t", quote = FALSE, row.names = FALSE)
close(file)
