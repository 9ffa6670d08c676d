# Gene counts of tximport for six transcripts of three genes in three samples, one of them silent
# everywhere and one silent in one sample. Debian's r-bioc-tximport.
# Rscript tests/golden/make_tximport_golden.R > tests/golden/tximport.tsv
suppressMessages(library(tximport))
set.seed(7)
transcripts <- paste0("t", 1:8)
genes <- c("g1", "g1", "g1", "g2", "g2", "g3", "g3", "g4")
folder <- tempdir()
files <- c()
rows <- c()
for (sample in c("a", "b", "c")) {
  length <- round(runif(8, 200, 3000), 1)
  reads <- round(rexp(8, 1 / 300), 1)
  reads[6:7] <- 0
  if (sample == "b") reads[4:5] <- 0
  tpm <- round(reads / length / sum(reads / length) * 1e6, 3)
  table <- data.frame(Name = transcripts, Length = round(length + 150), EffectiveLength = length,
                      TPM = tpm, NumReads = reads)
  files[sample] <- file.path(folder, paste0(sample, ".sf"))
  write.table(table, files[sample], sep = "\t", quote = FALSE, row.names = FALSE)
  rows <- rbind(rows, cbind(sample = sample, gene = genes, table))
}
found <- tximport(files, type = "salmon", tx2gene = data.frame(transcripts, genes),
                  countsFromAbundance = "lengthScaledTPM", dropInfReps = TRUE)
rows$gene_counts <- mapply(function(g, s) found$counts[g, s], rows$gene, rows$sample)
cat(paste0("# tximport ", packageVersion("tximport"), "\n"))
write.table(format(rows, digits = 12, trim = TRUE), sep = "\t", quote = FALSE, row.names = FALSE)
