"""Tables of upstream pipelines: the columns and rows that are no data, and what are no counts."""

import csv
import gzip
import zipfile

import numpy as np
import pandas as pd
import pytest

from trdomics.errors import InputError
from trdomics.inputs.checks import check_not_label
from trdomics.inputs.layouts import sample_ids
from trdomics.inputs.matrix import read_header, read_layer_matrix
from trdomics.inputs.text_table import read_head
from trdomics.layers.types import layer_type

N, GENES = 8, 60
IDS = [f"P{i}" for i in range(N)]
SHEET = pd.Series(IDS, IDS, dtype=object)
ENSEMBL = [f"ENSG{i:011d}" for i in range(GENES)]
MIRNAS = [f"hsa-miR-{i}-5p" for i in range(GENES)]


def draw():
    """Return whole counts, estimated counts and gene lengths; libraries differ up to fourfold."""
    rng = np.random.default_rng(7)
    counts = rng.negative_binomial(3, 0.01, (GENES, N)) * rng.uniform(0.5, 2, N) + 1
    counts = np.floor(counts)
    share = np.where(rng.random(counts.shape) < 0.4, rng.random(counts.shape).round(3), 0)
    return counts, counts + share, rng.integers(500, 5000, GENES)[:, None]


COUNTS, ESTIMATED, LENGTH = draw()
TPM = ESTIMATED / LENGTH / (ESTIMATED / LENGTH).sum(axis=0) * 1e6
SYMBOLS = [f"SYM{i}" for i in range(GENES)]


def table(values=COUNTS, first="gene_id", features=ENSEMBL, samples=IDS, **columns):
    whole = (values == np.floor(values)).all()
    frame = pd.DataFrame(values.astype(int) if whole else values, columns=samples)
    for at, (name, column) in enumerate([(first, features), *columns.items()]):
        frame.insert(at, name, column)
    return frame


def with_rows(frame, **rows):
    """Put rows of one value each before a table."""
    width = frame.shape[1] - 1
    more = pd.DataFrame([[name] + [value] * width for name, value in rows.items()])
    return pd.concat([more.set_axis(frame.columns, axis=1), frame], ignore_index=True)


def read(frame, path, kind="counts", comment="", **options):
    text = frame.to_csv(sep="," if path.suffix == ".csv" else "\t", index=False)
    path.write_text(comment + text)
    return read_file(path, kind, **options)


def read_file(path, kind="counts", **options):
    return read_layer_matrix(str(path), "rna", SHEET, layer_type(kind).value_rules(options))


FOLDERS = [f"/data/star/{name}/{name}.Aligned.sortedByCoord.out.bam" for name in IDS]
HTSEQ = {"__no_feature": 10**5, "__ambiguous": 10**4, "__not_aligned": 5}
STAR = {"N_unmapped": 10**6, "N_multimapping": 10**5, "N_noFeature": 7, "N_ambiguous": 1}


@pytest.mark.parametrize(
    ("frame", "name", "layout", "symbols"),
    [
        (table(gene_name=SYMBOLS), "salmon.merged.gene_counts.tsv", "nf-core/rnaseq", True),
        (table(first="gene_id", **{"transcript_id(s)": "a,b"}), "rsem.tsv", "RSEM", False),
        (table(gene_name=SYMBOLS, gene_type="protein_coding"), "gdc.tsv", "GDC", True),
        (
            table(
                first="Geneid",
                samples=FOLDERS,
                Chr="chr1;chr1",
                Start="1;5",
                End="3;9",
                Strand="+;+",
                Length=100,
            ),
            "counts.txt",
            "featureCounts",
            False,
        ),
        (table(samples=[f"{n}ReadsPerGene.out.tab" for n in IDS]), "star.tsv", "", False),
        (table(samples=[f"{n}.genes.results" for n in IDS]), "rsem_matrix.tsv", "", False),
        (table(samples=[f"out/{n}/abundance.tsv" for n in IDS]), "kallisto.tsv", "", False),
        (table(first="miRNA", features=MIRNAS), "mirna.tsv", "miRNAs", False),
        (with_rows(table(first="miRNA", features=MIRNAS), miRNAtotal=9), "miR.csv", "miRN", False),
        (with_rows(table(), **HTSEQ), "htseq.tsv", "", False),
        (with_rows(table(), **STAR), "star_merged.tsv", "", False),
        (table(first=""), "txi_counts.csv", "", False),
        (table(first="").reset_index(names="Unnamed: 0"), "pandas.csv", "", False),
        (table(first="Name", Description="a gene"), "gene_reads.gct", "GCT", False),
        (with_rows(table(Total=COUNTS.sum(axis=1).astype(int)), Total=9), "pivot.tsv", "", False),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else None,
)
def test_the_same_counts_come_out_of_every_layout(tmp_path, frame, name, layout, symbols):
    comment = '# Program:featureCounts v2.0.6; Command:"featureCounts"\n' * (name == "counts.txt")
    comment += f"#1.2\n{GENES}\t{N}\n" * name.endswith(".gct")
    matrix = read(frame, tmp_path / name, comment=comment)
    np.testing.assert_array_equal(matrix.values.loc[IDS].to_numpy().T, COUNTS)
    assert matrix.values.shape == (N, GENES)
    assert layout in matrix.layout
    assert matrix.ignored == []
    assert ("symbol" in matrix.annotation) == symbols
    if symbols:
        assert matrix.annotation["symbol"].tolist() == SYMBOLS
    if name == "counts.txt":
        assert set(matrix.annotation["chromosome"]) == {"chr1"}
    # the same names of samples without a sheet, where a suffix was cut off
    assert read_header(str(tmp_path / name), "rna") == IDS


def test_columns_of_text_are_passed_over_and_said(tmp_path):
    matrix = read(table(note="see", gene_name=SYMBOLS), tmp_path / "m.tsv")
    assert matrix.values.shape == (N, GENES)
    assert matrix.notes == ["text columns, which are not samples, were ignored (`note`)"]


def test_rows_of_no_feature_are_counted(tmp_path):
    notes = read(with_rows(table(), **HTSEQ), tmp_path / "m.tsv").notes
    share = N * sum(HTSEQ.values()) / (N * sum(HTSEQ.values()) + COUNTS.sum())
    assert notes == [
        "left out 3 rows that are not features (`__no_feature`, `__ambiguous`, `__not_aligned`), "
        f"with {100 * share:.3g} % of the sum of all values"
    ]


@pytest.mark.parametrize("known", [IDS, []], ids=["by the sheet", "by names of miRNAs"])
def test_a_table_with_samples_in_rows_is_turned(tmp_path, known):
    frame = pd.DataFrame(COUNTS.T.astype(int), [f"{n}_mature" for n in IDS], MIRNAS)
    frame.to_csv(tmp_path / "mature_counts.csv")
    path = str(tmp_path / "mature_counts.csv")
    assert read_header(path, "rna", known) == IDS
    matrix = read_file(path)
    np.testing.assert_array_equal(matrix.values.to_numpy(), COUNTS.T)
    assert list(matrix.values.columns) == MIRNAS
    assert "its samples are in rows" in matrix.notes[0]


def test_counts_beside_abundances_are_taken(tmp_path):
    frame = pd.DataFrame(ESTIMATED, ENSEMBL, IDS)
    parts = [
        frame.add_prefix("abundance."),
        frame.add_prefix("counts."),
        frame.add_prefix("length."),
    ]
    whole = pd.concat(parts, axis=1).assign(countsFromAbundance="no")
    matrix = read(whole.reset_index(names=""), tmp_path / "txi.csv")
    assert matrix.notes[0] == f"read the columns `counts.…`, left out {2 * N + 1} others"
    np.testing.assert_array_equal(matrix.values.to_numpy().T, np.rint(ESTIMATED))


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (
            "gene_id\tgene_name\tgene_type\tunstranded\tstranded_first\tstranded_second",
            "unstranded",
        ),
        (
            "gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM",
            "expected_cou",
        ),
        ("Name\tLength\tEffectiveLength\tTPM\tNumReads\tx", "NumReads"),
        ("target_id\tlength\teff_length\test_counts\ttpm\tx", "est_counts"),
    ],
)
def test_the_table_of_one_sample_is_refused(tmp_path, header, column):
    (tmp_path / "m.tsv").write_text(f"{header}\nENSG1\tA\t1\t2\t3\t4\n")
    with pytest.raises(InputError, match=rf"the table of one sample .*put the column `{column}"):
        read_header(str(tmp_path / "m.tsv"), "rna")


def test_a_table_of_isomirs_is_refused(tmp_path):
    header = "UID\tRead\tmiRNA\tVariant\tiso_5p\tiso_3p\tiso_add3p\tiso_snp\tP0\tP1"
    (tmp_path / "m.tsv").write_text(f"{header}\nu\tACGT\thsa-miR-1-3p\tNA\t0\t0\t0\t0\t5\t6\n")
    with pytest.raises(InputError, match=r"isomiRs.*give its table of miRNAs \(`mirna.tsv`\)"):
        read_file(tmp_path / "m.tsv")


def test_a_table_without_header_is_refused(tmp_path):
    (tmp_path / "m.tsv").write_text("N_unmapped\t1\t1\t1\nENSG1\t1\t1\t1\n")
    with pytest.raises(InputError, match="it has no header"):
        read_header(str(tmp_path / "m.tsv"), "rna")


def test_estimated_counts_are_rounded_and_the_number_is_told(tmp_path):
    matrix = read(table(ESTIMATED), tmp_path / "m.tsv")
    np.testing.assert_array_equal(matrix.values.to_numpy().T, np.rint(ESTIMATED))
    changed = int((np.rint(ESTIMATED) != ESTIMATED).sum())
    assert matrix.notes == [
        f"estimated counts: {changed} of {N * GENES} values were rounded to whole numbers"
    ]
    # scaled by length, hardly any is whole, but libraries still differ
    scaled = TPM * LENGTH / (TPM * LENGTH).sum(axis=0) * ESTIMATED.sum(axis=0)
    assert "were rounded" in read(table(scaled), tmp_path / "m.tsv").notes[0]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (TPM, "each sample sums to a million, as TPM"),
        (TPM.round(1), "each sample sums to a million, as TPM"),
        (TPM.round(), "is not a read count: each sample sums to a million"),
        (TPM[:50], "few values are whole"),
        (TPM / 1e4, "no value is above"),
        (np.log2(ESTIMATED + 1), "no value is above .* as on a log scale"),
        (ESTIMATED / LENGTH / ESTIMATED.sum(axis=0) * 1e7, "few values are whole"),
        (COUNTS / COUNTS.sum(axis=0) * 3e6, "each sample sums to 3e"),
        (COUNTS / np.quantile(COUNTS, 0.75, axis=0) * 1000.5, "the same upper quartile"),
        (COUNTS - COUNTS.mean(axis=1, keepdims=True), "is a negative count"),
    ],
)
def test_what_is_normalised_is_no_layer_of_counts(tmp_path, values, reason):
    frame = table(values, features=ENSEMBL[: len(values)])
    with pytest.raises(InputError, match=reason):
        read(frame, tmp_path / "m.tsv")
    assert len(read(frame, tmp_path / "m.tsv", "continuous", log2=False).values) == N


def test_counts_called_continuous_are_noticed(tmp_path):
    notes = read(table(ESTIMATED), tmp_path / "m.tsv", "continuous", log2=True).notes
    assert "look like counts of reads: `type: counts`" in notes[0]
    assert read(table(TPM), tmp_path / "m.tsv", "continuous", log2=True).notes == []


def test_dates_that_were_genes_are_noticed(tmp_path):
    dates = ["1-Mar", "2-Sep", "01. Mrz", "Dec-01", "2021-03-01"]
    notes = read(table(features=[*dates, *ENSEMBL[5:]]), tmp_path / "m.tsv").notes
    assert notes[0].startswith("5 features are named like dates (`1-Mar`, `2-Sep`, `01. Mrz`, …)")
    with pytest.raises(
        InputError, match=r"`1-Mar` is duplicated .* a spreadsheet converted gene symbols to dates"
    ):
        read(table(features=["1-Mar", "1-Mar", *ENSEMBL[2:]]), tmp_path / "m.tsv")


def test_names_that_the_sheet_has_are_left_alone():
    names = ["a/x.bam", "b/x.bam", "P1.counts", "S1.1", "P3_mature"]
    assert sample_ids(names, []) == ["a/x.bam", "b/x.bam", "P1.counts", "S1.1", "P3_mature"]
    assert sample_ids(names[1:], []) == ["x", "P1", "S1.1", "P3"]
    assert sample_ids(names[1:], ["b/x.bam", "P1.counts"]) == ["b/x.bam", "P1.counts", "S1.1", "P3"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\t\n").replace("\t\n", "\n", 1),
        lambda text: text.replace("\n", "\t\t\n"),
        lambda text: text.replace("\nENSG00000000003", "\t\t\nENSG00000000003"),
        lambda text: "\ufeff" + text,
        lambda text: "# made by us\n\n" + text,
        lambda text: "#" + text,
        lambda text: text.replace("\nENSG00000000007", "\n# half way\nENSG00000000007"),
        lambda text: text.replace("\nENSG00000000005", "\n" + "\t" * N + "\n\nENSG00000000005"),
        lambda text: text.replace("gene_id", '"gene_id"').replace(
            "ENSG00000000001", '"ENSG00000000001"'
        ),
        lambda text: text.replace("gene_id\t", ""),
        lambda text: text.replace("\n", "\r\n"),
    ],
    ids=[
        *("tabs that the header lacks", "tabs everywhere", "tabs in one row", "mark", "comments"),
        *("header as comment", "comment below", "empty rows", "quotes", "as R", "Windows"),
    ],
)
def test_what_is_around_the_numbers_changes_nothing(tmp_path, change):
    text = change(table().to_csv(sep="\t", index=False))
    (tmp_path / "m.tsv").write_text(text, newline="")
    matrix = read_file(tmp_path / "m.tsv")
    np.testing.assert_array_equal(matrix.values.to_numpy().T, COUNTS)
    assert list(matrix.values.columns) == ENSEMBL


def test_semicolons_are_read_and_their_decimal_commas(tmp_path):
    path = tmp_path / "m.csv"
    table().to_csv(path, sep=";", index=False)
    np.testing.assert_array_equal(read_file(path).values.T, COUNTS)
    table(ESTIMATED).to_csv(path, sep=";", decimal=",", index=False)
    matrix = read_file(path)
    np.testing.assert_array_equal(matrix.values.T, np.rint(ESTIMATED))
    assert "commas were read as decimal marks" in matrix.notes[0]
    text = path.read_text().replace(";", "\t")
    (tmp_path / "m.tsv").write_text(text)
    with pytest.raises(InputError, match=r"is not a number; write decimal points"):
        read_file(tmp_path / "m.tsv")


@pytest.mark.parametrize(
    ("name", "separator", "said"),
    [
        ("m.csv", "\t", "tabs, not by commas"),
        ("m.tsv", ",", "commas, not by tabs"),
        ("m.txt", ";", "semicolons, not by tabs"),
        ("m.txt", " ", "blanks, not by tabs"),
    ],
)
def test_what_separates_fields_is_seen_in_the_header(tmp_path, name, separator, said):
    text = table().to_csv(sep=separator, index=False, quoting=csv.QUOTE_NONNUMERIC)
    # blanks come from R's write.table, which does not name the row names
    (tmp_path / name).write_text(text.replace('"gene_id" ', "", 1))
    matrix = read_file(tmp_path / name)
    np.testing.assert_array_equal(matrix.values.T, COUNTS)
    assert matrix.notes[0] == f"its fields are separated by {said}"


def test_a_series_matrix_is_read_between_its_other_lines(tmp_path):
    text = '!Series_title\t"A study"\n!Sample_title\t"' + '"\t"'.join(IDS) + '"\n'
    text += table(np.log2(COUNTS + 0.5), first="ID_REF").to_csv(sep="\t", index=False)
    (tmp_path / "GSE1_series_matrix.txt").write_text(text + "!series_matrix_table_end\n")
    matrix = read_file(tmp_path / "GSE1_series_matrix.txt", "continuous", log2=False)
    assert list(matrix.values.columns) == ENSEMBL
    np.testing.assert_allclose(matrix.values.T, np.log2(COUNTS + 0.5))


def test_a_miRNA_with_several_precursors_counts_once(tmp_path):
    counts = dict(zip(IDS, COUNTS.astype(int).T, strict=True))
    frame = pd.DataFrame({"#miRNA": MIRNAS, "read_count": COUNTS.sum(axis=1).astype(int)})
    frame = frame.assign(precursor="hsa-mir-1", total=frame["read_count"], **counts)
    frame = frame.assign(**{f"{name}(norm)": 1.5 for name in IDS})
    fewer = frame.assign(**dict.fromkeys(IDS, 1), precursor="hsa-mir-1-2").iloc[[3, 8]]
    path = tmp_path / "miRNAs_expressed_all_samples.csv"
    pd.concat([fewer, frame]).to_csv(path, sep="\t", index=False)
    matrix = read_file(path)
    found = matrix.values.T.reindex(MIRNAS)
    np.testing.assert_array_equal(found, COUNTS)
    assert matrix.layout == "miRDeep2's table"
    assert "2 rows of miRNAs with another precursor were left out" in " ".join(matrix.notes)
    assert read_header(str(path), "rna") == IDS


def test_genes_of_one_symbol_or_none_are_told_apart_by_their_entrez_ids(tmp_path):
    symbols = ["SAME", "SAME", "", *SYMBOLS[3:]]
    frame = table(first="Hugo_Symbol", features=symbols, Entrez_Gene_Id=range(1, GENES + 1))
    matrix = read(frame, tmp_path / "data_mrna_seq_v2_rsem.txt")
    assert list(matrix.values.columns) == ["SAME|1", "SAME|2", "?|3", *SYMBOLS[3:]]
    assert "3 features have another's symbol or none" in matrix.notes[0]


def grouped(number, mark):
    return f"{int(number):,}".replace(",", mark)


@pytest.mark.parametrize(
    ("name", "separator", "mark"), [("m.tsv", "\t", "."), ("m.csv", ";", "."), ("m.csv", ";", ",")]
)
@pytest.mark.parametrize("kind", ["counts", "continuous"])
def test_separators_of_thousands_are_no_decimal_marks(tmp_path, name, separator, mark, kind):
    frame = table().map(lambda n: n if isinstance(n, str) else grouped(9 * n, mark))
    frame.to_csv(tmp_path / name, sep=separator, index=False)
    with pytest.raises(InputError, match="points or commas separate thousands"):
        read_file(tmp_path / name, kind, **({"log2": False} if kind == "continuous" else {}))


def test_separators_of_thousands_are_found_in_a_panel_that_none_crosses(tmp_path):
    rng = np.random.default_rng(2)
    means = np.repeat([150, 20172], [GENES // 2, GENES - GENES // 2])
    counts = rng.poisson(means[:, None] * rng.uniform(0.8, 1.2, N), (GENES, N))
    frame = table(counts).map(lambda n: n if isinstance(n, str) else grouped(n, "."))
    with pytest.raises(InputError, match="points or commas separate thousands"):
        read(frame, tmp_path / "m.tsv")


@pytest.mark.parametrize("spread", [1, 3])
def test_decimals_raised_to_one_are_no_thousands(tmp_path, spread):
    values = np.exp(np.random.default_rng(5).normal(1, spread, COUNTS.shape)).round(3)
    values[0, 0] = 123.456
    matrix = read(table(values.clip(1, 999)), tmp_path / "m.tsv", "continuous", log2=False)
    np.testing.assert_array_equal(matrix.values.T, values.clip(1, 999))


def test_a_sample_on_another_scale_is_named(tmp_path):
    values = np.random.default_rng(4).beta(2, 2, COUNTS.shape).round(4)
    values[3] = np.where(np.arange(N) % 3, 0.0, values[3])
    clean = read(table(values), tmp_path / "m.tsv", "continuous", log2=False)
    assert not [note for note in clean.notes if "scale" in note]
    values[:, 2] *= 100
    notes = read(table(values), tmp_path / "m.tsv", "continuous", log2=False).notes
    assert f"on another scale than the other samples: `{IDS[2]}`; give all in one unit" in notes


@pytest.mark.parametrize("mark", [",", "'", "\u202f", "."])
def test_what_separates_thousands_is_named(tmp_path, mark):
    frame = table().map(lambda n: n if isinstance(n, str) else grouped(n * 10**6, mark))
    with pytest.raises(InputError, match=r"is not a number; write decimal points, and no separ"):
        read(frame, tmp_path / "m.tsv")


def test_large_counts_of_three_digits_were_in_a_spreadsheet(tmp_path):
    rounded = np.vectorize(lambda n: float(f"{n:.2e}"))(COUNTS * 1e4)
    assert (
        "have three digits, as a spreadsheet writes them"
        in read(table(rounded), tmp_path / "m.tsv").notes[-1]
    )
    assert not read(table(COUNTS * 1e4 + 7), tmp_path / "m.tsv").notes


@pytest.mark.parametrize("title", ["Counts of run 12", "Counts\tof", "\tTRD" + "\t" * N])
def test_a_line_above_the_header_is_one_error(tmp_path, title):
    (tmp_path / "m.tsv").write_text(f"{title}\n" + table().to_csv(sep="\t", index=False))
    with pytest.raises(InputError, match="each row below has 9; remove what is above the line"):
        read_file(tmp_path / "m.tsv")


def test_a_row_of_groups_is_one_error(tmp_path):
    header, rest = table().to_csv(sep="\t", index=False).split("\n", 1)
    text = "\n".join([header, "group" + "\tTRD" * N, rest])
    (tmp_path / "m.tsv").write_text(text)
    with pytest.raises(InputError, match=r"^[^\n]*`group`: none of its values is a number"):
        read_file(tmp_path / "m.tsv")


LABEL = pd.Series([1.0, 0.0, np.nan] * 16)


@pytest.mark.parametrize(
    "codes",
    [
        LABEL.fillna(1),
        LABEL,
        # standardised; three groups, two of which are the negative class
        (LABEL - 0.5) / 0.5164,
        LABEL.fillna(1).where((LABEL != 0) | (LABEL.index % 2 == 0), 2),
    ],
    ids=["1 or 0", "missing where the label is", "standardised", "three groups"],
)
@pytest.mark.parametrize("name", ["Response", "group"])
def test_the_label_is_no_feature(name, codes):
    values = pd.DataFrame({"gene": np.arange(48), name: codes})
    with pytest.raises(InputError, match=f"feature `{name}` is the label `response`: it "):
        check_not_label(values, LABEL, "response", "m.tsv")
    # among few patients a gene of few reads can be one per class by chance
    check_not_label(values.rename(columns={name: "gene2"})[:6], LABEL, "response", "m.tsv")


@pytest.mark.parametrize(
    "values",
    [
        np.arange(48),
        np.full(48, 5),
        np.where(LABEL == 1, 20 + np.arange(48) % 7, np.arange(48) % 7),
        np.where(LABEL == 1, 0, 20 + np.arange(48) % 7),
    ],
    ids=["no marker", "constant", "strong marker", "absent in one class"],
)
def test_a_marker_may_be_named_like_the_label(values):
    check_not_label(pd.DataFrame({"IDH1": values}), LABEL, "IDH1", "m.tsv")


@pytest.mark.parametrize("n", [6, 48])
def test_a_corrected_label_with_its_name_is_no_feature(n):
    values = pd.DataFrame({"gene": np.arange(48), "Response": LABEL.fillna(0)})[:n]
    values.loc[0, "Response"] = 1 - values.loc[0, "Response"]
    with pytest.raises(InputError, match="feature `Response` is the label `response`"):
        check_not_label(values, LABEL, "response", "m.tsv")


def test_a_quote_in_a_description_takes_in_no_lines(tmp_path):
    names = [f'"{s} prime' if i in (3, 40) else s for i, s in enumerate(SYMBOLS)]
    path = tmp_path / "m.tsv"
    lines = table(gene_name=SYMBOLS).to_csv(sep="\t", index=False).splitlines()
    for i in (3, 40):
        lines[i + 1] = lines[i + 1].replace(SYMBOLS[i], names[i])
    path.write_text("\n".join(lines))
    matrix = read_file(path)
    assert matrix.values.shape == (N, GENES)
    assert matrix.annotation["symbol"].tolist() == names


def test_all_rows_that_do_not_fit_are_named(tmp_path):
    path = tmp_path / "m.tsv"
    path.write_text("g\t" + "\t".join(IDS) + "\nA\t1\nB" + "\t1" * N + "\nC\t1\t1\nD" + "\t1" * N)
    with pytest.raises(InputError) as caught:
        read_file(path)
    assert [str(error).split("; ")[0].split(" line ")[1] for error in caught.value.errors] == [
        "2: 2 fields where the header has 9",
        "4: 3 fields where the header has 9",
    ]


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_normalised_values_of_few_digits_are_no_counts(tmp_path, digits):
    # of 1,234.5 three digits leave 1,230, which is whole
    factors = np.exp(np.log(COUNTS).mean(axis=0) - np.log(COUNTS).mean())
    text = np.vectorize(lambda value: float(f"{value:.{digits}g}"))
    with pytest.raises(InputError, match=r"the samples' sizes are the same|upper quartile"):
        read(table(text(COUNTS / factors)), tmp_path / "m.tsv")


@pytest.mark.parametrize("name", ["*", "Total", "mean", "ambiguous"])
def test_only_counts_have_rows_of_no_feature_by_their_names(tmp_path, name):
    frame = table(np.log2(ESTIMATED + 1), features=[name, *ENSEMBL[1:]])
    matrix = read(frame, tmp_path / "m.tsv", "continuous", log2=False)
    assert name in matrix.values
    kept = ["rows named like sums of the others, which they are not, are kept: `" + name + "`"]
    assert matrix.notes == (kept if name in ("Total", "mean") else [])


@pytest.mark.parametrize(
    ("name", "way"), [("Total", "sum"), ("Mean", "mean"), ("Median", "median")]
)
def test_a_row_that_sums_up_the_others_is_no_feature_of_any_layer(tmp_path, name, way):
    values = np.log2(ESTIMATED + 1)
    values[3, 2] = np.nan
    last = getattr(np, "nan" + way)(values, axis=0).round(2)
    frame = table(np.vstack([values, last]), features=[*ENSEMBL, name])
    matrix = read(frame, tmp_path / "m.tsv", "continuous", log2=False)
    assert list(matrix.values.columns) == ENSEMBL
    assert matrix.notes == [f"left out 1 row that is not a feature (`{name}`)"]


def test_the_sum_of_all_counts_is_no_gene_whatever_its_name(tmp_path):
    rng = np.random.default_rng(3)
    values = rng.poisson(50, (20, 12))
    samples = [*IDS, "x1", "x2", "x3", "x4"]
    frame = table(
        np.vstack([values, values.sum(axis=0)]),
        features=[*ENSEMBL[:20], "lib.size"],
        samples=samples,
    )
    frame.to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    own = pd.Series(samples, samples, dtype=object)
    rules = layer_type("counts").value_rules({})
    matrix = read_layer_matrix(str(tmp_path / "m.tsv"), "rna", own, rules)
    assert matrix.values.shape == (12, 20)
    assert matrix.notes == [
        "left out 1 row that is not a feature (`lib.size`), with 50 % of the sum of all values"
    ]


def test_a_workbook_is_named_as_such_whatever_it_is_called(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.tsv", "w") as archive:
        archive.writestr("xl/workbook.xml", COUNTS.tobytes())
    with pytest.raises(InputError, match="a workbook or a ZIP archive, not text"):
        read_file(tmp_path / "m.tsv")
    for name, content in (("p.tsv", gzip.compress(b"x")), ("p.tsv.gz", gzip.compress(b"x") * 2)):
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(InputError, match=r"compressed, not text; name it \.gz"):
        read_file(tmp_path / "p.tsv")
    with pytest.raises(InputError, match="compressed twice"):
        read_file(tmp_path / "p.tsv.gz")
    (tmp_path / "m.tsv").rename(tmp_path / "m.xlsx")
    with pytest.raises(InputError, match=r"a spreadsheet \(\.xlsx\); save it as tab-separated"):
        read_file(tmp_path / "m.xlsx")


@pytest.mark.parametrize("below", ["", "# a comment\n", "g1;1;2;;\n"])
def test_semicolons_are_seen_whatever_is_below_the_header(tmp_path, below):
    path = tmp_path / "m.csv"
    path.write_text(f"gene;s1;s2\n{below}", "utf-8")
    assert read_head(str(path), ",").separator == ";"


@pytest.mark.parametrize("described", [{}, {"pr_gene_symbol": SYMBOLS}], ids=["no", "a symbol"])
def test_a_gct_file_of_version_3_has_rows_and_columns_that_describe(tmp_path, described):
    frame = table(first="id", **described)
    start = "\t".join(["age", "na"][: 1 + len(described)])
    above = f"{start}\t" + "\t".join(map(str, range(30, 30 + N))) + "\n"
    header, rest = frame.to_csv(sep="\t", index=False).split("\n", 1)
    sizes = f"#1.3\n{GENES}\t{N}\t{len(described)}\t1\n"
    (tmp_path / "m.gct").write_text(f"{sizes}{header}\n{above}{rest}")
    matrix = read_file(tmp_path / "m.gct")
    np.testing.assert_array_equal(matrix.values.T, COUNTS)
    assert list(matrix.values.columns) == ENSEMBL


def test_whole_numbers_of_equal_size_are_noticed(tmp_path):
    factors = np.exp(np.log(COUNTS).mean(axis=1, keepdims=True))
    normalised = np.rint(COUNTS / np.median(COUNTS / factors, axis=0))
    downsampled = np.random.default_rng(2).multinomial(10**4, np.ones(GENES) / GENES, N).T
    for values in (normalised, downsampled):
        (note,) = read(table(values), tmp_path / "m.tsv").notes
        assert note.startswith("all samples have the same size, as after normalisation")


def test_sums_of_coverage_and_summaries_are_no_counts(tmp_path):
    with pytest.raises(InputError, match="recount3's sums of base coverage"):
        read(table(), tmp_path / "sra.gene_sums.SRP1.G026.tsv")
    names = ["Assigned", "Unassigned_Unmapped", "Unassigned_NoFeatures"]
    frame = table(COUNTS[:3], first="Status", features=names)
    with pytest.raises(InputError, match=r"none of its rows is a feature \(`Assigned`"):
        read(frame, tmp_path / "counts.txt.summary.tsv")


def test_a_note_below_the_table_is_named(tmp_path):
    (tmp_path / "m.tsv").write_text(table().to_csv(sep="\t", index=False) + "\nraw counts\n")
    with pytest.raises(InputError, match=r"line 63: 1 field .*; remove the line if it is a note"):
        read_file(tmp_path / "m.tsv")


def test_a_column_or_a_table_of_text_is_one_error(tmp_path):
    frame = table().assign(P3="high")
    with pytest.raises(InputError, match=r"^[^\n]*sample `P3`: none of its values is a number"):
        read(frame, tmp_path / "m.tsv")
    text = np.where(COUNTS > 300, "Yes", "No")
    frame = pd.DataFrame(text, columns=IDS)
    frame.insert(0, "gene", ENSEMBL)
    frame.to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    with pytest.raises(
        InputError, match=r"^[^\n]*such as '(Yes|No)'; write plain numbers, such as 1"
    ):
        read_file(tmp_path / "m.tsv", "binary")
