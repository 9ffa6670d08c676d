import gzip
import hashlib
import http.server
import threading

import pandas as pd
import pytest

from trdomics.enrichment import sources
from trdomics.enrichment.sources import check_sum, download, gene_set_sources
from trdomics.enrichment.targets import read_targets
from trdomics.errors import InputError
from trdomics.inputs.gene_sets import (
    COLUMNS,
    CURATED,
    CURATED_TABLE,
    IMMUNE,
    collect,
    members,
    read_curated,
    read_gmt,
    write_gmt,
)

LINES = "SET_A\thttp://a\tTP53\tMYC\tTP53\nSET_B\t\tACTB\n"


def test_the_curated_sets_are_well_formed():
    sets = read_curated()
    sizes = sets.groupby("set").size()
    assert len(sizes) == 16
    assert sizes.between(15, 40).all()
    assert not sets.duplicated(["set", "gene"]).any()
    assert sets["source"].str.contains("doi 10.").all()
    assert sets.groupby("set")[["group", "source"]].nunique().eq(1).all(axis=None)
    assert sets.loc[sets["group"] == IMMUNE, "set"].nunique() == 7


@pytest.mark.parametrize(
    "name", ["blood_signature", "gene_sets", "burden_gene_sets", "mirna_targets"]
)
def test_every_row_says_whether_it_was_checked_and_the_readme_counts_them(name):
    table = pd.read_csv(CURATED_TABLE.with_name(f"{name}.tsv"), sep="\t", dtype=str)
    assert table["checked"].notna().all() and table["source"].notna().all()
    checked = (~table["checked"].str.startswith("not ")).sum()
    told = CURATED_TABLE.with_name("README.md").read_text("utf-8")
    row = next(line for line in told.splitlines() if line.startswith(f"| `{name}.tsv`"))
    assert f"| {checked} of {len(table)} |" in row


def test_the_curated_targets_have_sources():
    targets = read_targets(None)
    assert targets["source"].str.contains("doi 10.").all()
    pairs = set(zip(targets["mirna"], targets["gene"], strict=True))
    assert {("hsa-miR-16-5p", "SLC6A4"), ("hsa-miR-146a-5p", "TRAF6")} <= pairs


@pytest.mark.parametrize("name", ["sets.gmt", "sets.gmt.gz"])
def test_gmt_is_read_gzipped_or_not(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(LINES.encode()) if name.endswith("gz") else LINES.encode())
    sets = read_gmt(path, "mine")
    assert list(sets.columns) == COLUMNS
    assert members(sets) == {"SET_A": ["TP53", "MYC"], "SET_B": ["ACTB"]}
    assert sets["source"].tolist() == ["http://a", "http://a", str(path)]
    assert sets["collection"].eq("mine").all()


def test_a_download_without_its_suffix_is_read(tmp_path):
    path = tmp_path / "sets.gmt"
    path.write_bytes(gzip.compress(LINES.encode()))
    assert set(members(read_gmt(path, "mine"))) == {"SET_A", "SET_B"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no gene sets"),
        (b"SET_A\tabout\n", "line 1: it has no gene sets"),
        (b"SET_A only words\n", "line 1: it has no gene sets"),
        (b"A\t\tX\nA\t\tY\n", "line 2: 'A' is duplicated"),
        (b"\x1f\x8b not gzip", "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_malformed_gmt_is_told(tmp_path, content, words):
    path = tmp_path / "bad.gmt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_gmt(path, "bad")


@pytest.mark.parametrize(
    "content", [b"A\t\tX\n", gzip.compress(LINES.encode() * 99)[:60]], ids=["plain", "half"]
)
def test_gz_that_is_none_or_half_is_told(tmp_path, content):
    path = tmp_path / "bad.gmt.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.gmt\.gz: it (is not gzipped|cannot be read)"):
        read_gmt(path, "bad")


def test_curated_sets_survive_gmt(tmp_path):
    sets = read_curated()
    write_gmt(sets, tmp_path / "curated.gmt")
    again = read_gmt(tmp_path / "curated.gmt", CURATED)
    columns = ["set", "source", "gene"]
    pd.testing.assert_frame_equal(again[columns], sets[columns])


def test_collections_keep_their_checksums(tmp_path):
    path = tmp_path / "mine.gmt"
    path.write_text(LINES)
    sets, overview = collect({"mine": str(path)})
    assert overview["collection"].tolist() == [CURATED, "mine"]
    assert overview["sha256"][1] == hashlib.sha256(LINES.encode()).hexdigest()
    assert overview["n_sets"][1] == 2
    assert sets["collection"].unique().tolist() == [CURATED, "mine"]


def test_sources_are_named_by_their_files():
    found = gene_set_sources(
        ["data/h.all.v5.1.gmt.gz", {"file": "https://x.org/a/c2.gmt?v=1", "sha256": "ab"}]
    )
    assert list(found) == ["h.all.v5.1", "c2"]
    assert not found["h.all.v5.1"]["url"]
    assert found["c2"] == {"file": "https://x.org/a/c2.gmt?v=1", "sha256": "ab", "url": True}
    for twice in (["a/x.gmt", "b/x.gmt.gz"], ["curated.gmt"]):
        with pytest.raises(InputError, match="two collections"):
            gene_set_sources(twice)


class Redirecting(http.server.SimpleHTTPRequestHandler):
    """A server that redirects one of its pages."""

    to = ""

    def do_GET(self):
        if self.path != "/redirect":
            super().do_GET()
            return
        self.send_response(302)
        self.send_header("Location", self.to)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "sets.gmt").write_text(LINES)

    def handler(*args):
        return Redirecting(*args, directory=tmp_path / "served")

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_download_checks_what_came(tmp_path, server):
    right = hashlib.sha256(LINES.encode()).hexdigest()
    path = tmp_path / "out.gmt"
    download(f"{server}/sets.gmt", path, right)
    assert path.read_text() == LINES
    path.unlink()
    with pytest.raises(InputError, match="its sha256 is"):
        download(f"{server}/sets.gmt", path, "0" * 64)
    with pytest.raises(InputError, match=r"cannot be downloaded \(File not found\)"):
        download(f"{server}/none.gmt", path, None)
    assert not path.exists()


@pytest.mark.parametrize(
    "address", ["http://localhost:{port}", "http://127.0.0.1:9", "https://x.org", "file:///etc"]
)
def test_a_redirect_to_another_host_is_not_followed(tmp_path, server, address):
    port = server.rpartition(":")[2]
    Redirecting.to = f"{address.format(port=port)}/sets.gmt"
    with pytest.raises(InputError, match=r"it redirects to|is not allowed"):
        download(f"{server}/redirect", tmp_path / "out.gmt", None)
    assert not (tmp_path / "out.gmt").exists()
    Redirecting.to = f"{server}/sets.gmt"
    download(f"{server}/redirect", tmp_path / "out.gmt", None)
    assert (tmp_path / "out.gmt").read_text() == LINES


def test_a_download_ends_where_it_is_too_large(tmp_path, server, monkeypatch):
    monkeypatch.setattr(sources, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="it is larger than"):
        download(f"{server}/sets.gmt", tmp_path / "out.gmt", None)
    assert not list(tmp_path.glob("*out.gmt"))


def test_offline_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "TIMEOUT", 1)
    with pytest.raises(InputError) as error:
        # nobody listens at the port of discard
        download("http://127.0.0.1:9/sets.gmt", tmp_path / "out.gmt", None)
    assert "\n" not in str(error.value)
    assert "give its path instead" in str(error.value)


def test_checksum_of_a_local_file(tmp_path):
    path = tmp_path / "mine.gmt"
    path.write_text(LINES)
    check_sum(path, None)
    check_sum(path, hashlib.sha256(LINES.encode()).hexdigest().upper())
    with pytest.raises(InputError, match="its sha256 is"):
        check_sum(path, "0" * 64)
