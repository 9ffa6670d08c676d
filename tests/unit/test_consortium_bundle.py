import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from consortium_data import GENES, description, layer_table, members, tables

from trdomics.archive import pack, write_archive
from trdomics.consortium.bundle import MANIFEST, read_bundle, table_bytes, with_manifest
from trdomics.consortium.gather import cohort_table, layers_of, read_bundles, resolve_meta
from trdomics.errors import InputError


def written(tmp_path, content, name="a"):
    path = tmp_path / f"{name}.zip"
    write_archive(content, path)
    return str(path)


def refused(path, *words):
    with pytest.raises(InputError) as told:
        read_bundle(path)
    message = str(told.value)
    assert "\n" not in message
    assert path in message
    assert all(word in message for word in words), message


def test_a_bundle_comes_back_as_it_was_written(tmp_path):
    content = members("one", 1)
    bundle = read_bundle(written(tmp_path, content))
    assert bundle.cohort == "one"
    expected = tables(1)["effects/mrna.tsv"].reset_index(drop=True)
    found = bundle.tables["effects/mrna.tsv"]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-5)
    assert list(bundle.of("factors")) == ["mrna"]
    assert pack(members("one", 1)) == pack(content)


def test_a_changed_file_is_refused(tmp_path):
    content = members("one", 1)
    name = "effects/mrna.tsv"
    content[name] = content[name].replace(b"100", b"101", 1)
    refused(written(tmp_path, content), name, "differs from what was written")


def test_a_changed_byte_is_refused(tmp_path):
    path = written(tmp_path, members("one", 1))
    raw = bytearray(Path(path).read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    Path(path).write_bytes(raw)
    refused(path)


@pytest.mark.parametrize(
    "name",
    [
        "../../outside.tsv",
        "/etc/passwd",
        "effects/$(touch x).tsv",
        "effects/<b>.tsv",
        "model/model.pkl",
        "effects/a/b.tsv",
    ],
)
def test_members_that_no_bundle_has_are_refused(tmp_path, name):
    content = {**members("one", 1), name: b"x"}
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member, inside in content.items():
            archive.writestr(member, inside)
    refused(str(path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip"]


def test_a_bomb_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, members("one", 1)[MANIFEST])
        archive.writestr("model/model.safetensors", bytes(2**28 + 1))
    refused(str(path), "256 MiB")


def test_no_archive_and_no_manifest(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    refused(str(tmp_path / "a.zip"))
    content = members("one", 1)
    del content[MANIFEST]
    refused(written(tmp_path, content), MANIFEST)
    refused(str(tmp_path / "nowhere.zip"), "no such file")


def changed_manifest(**changes):
    content = members("one", 1)
    manifest = json.loads(content[MANIFEST])
    manifest.update(changes)
    content[MANIFEST] = json.dumps(manifest).encode()
    return content


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 1}, ["format 1"]),
        ({"extra": 1}, ["unknown key `extra`"]),
        ({"cohort": "../../x"}, ["cohort"]),
        ({"cohort": "$(touch x)"}, ["cohort"]),
        ({"cohort": "<script>"}, ["cohort"]),
        ({"patients": {"n_positive": 70}}, ["n_negative"]),
        ({"layers": {"a b": {}}}, ["a b"]),
        # whoever changes it without its checksum is noticed
        ({"cohort": "two"}, ["differs from what was written"]),
        ({"minimum_count": 7}, ["differs from what was written"]),
        ({"files": {}}, ["differs from what was written"]),
        ({"contrast": float("nan")}, ["NaN is not a number"]),
        ({"cohort": "one\n"}, ["cohort"]),
        ({"left_out": ["\ud800"]}, ["surrogates not allowed"]),
        ({"format": True}, ["format True"]),
        ({"patients": {"n_positive": 10**400, "n_negative": 70}}, ["is not a number"]),
    ],
)
def test_manifests_of_another_form_are_refused(tmp_path, changes, words):
    refused(
        written(tmp_path, changed_manifest(**changes)),
        MANIFEST,
        *words,
    )


def test_a_manifest_that_is_no_json_is_refused(tmp_path):
    content = members("one", 1)
    deep = b'{"format": 3, "label": ' + b'{"a": ' * 700 + b"1" + b"}" * 701
    infinite = b'{"format": 3, "label": 1e999}'
    for broken in (b"\xff\xfe", b"[" * 100_000, b"[]", b"{", deep, infinite):
        content[MANIFEST] = broken
        refused(written(tmp_path, content))


def spoiled(**columns):
    return layer_table("mrna", GENES, 1).assign(**columns)


@pytest.mark.parametrize(
    "table",
    [
        spoiled(patient=1),
        spoiled().drop(columns="se"),
        spoiled(effect=np.inf),
        spoiled(effect="=cmd()"),
        spoiled(se=0.0),
        spoiled(feature="same"),
        spoiled(symbol="x" * 600),
    ],
    ids=["column", "no column", "infinite", "formula", "zero", "twice", "long"],
)
def test_tables_of_another_form_are_refused(tmp_path, table):
    content = members("one", 1, changed={"effects/mrna.tsv": table})
    refused(written(tmp_path, content), "effects/mrna.tsv")


@pytest.mark.parametrize("change", [b"\tP001", b"\0"])
def test_rows_of_more_than_their_columns_are_refused(tmp_path, change):
    name = "effects/mrna.tsv"
    files = {name: table_bytes(t) for name, t in tables(1).items()}
    rows = files[name].splitlines()
    files[name] = b"\n".join([rows[0], *(row + change for row in rows[1:])])
    word = "is not text" if change == b"\0" else "longer than its header"
    refused(written(tmp_path, with_manifest(description("one"), files)), name, word)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effect": 1e300}, ["row 4 (G", "impossible numbers", "effect 1e+300"]),
        ({"effect": -2e3}, ["impossible numbers"]),
        ({"se": 1e-12}, ["row 4 (G", "se 1e-12"]),
        ({"se": 1e300}, ["impossible numbers"]),
        # ten thousand standard errors off zero
        ({"effect": 900.0, "se": 0.01}, ["impossible numbers"]),
    ],
)
def test_effects_beyond_any_data_are_refused(tmp_path, change, words):
    table = tables(1)["effects/mrna.tsv"].reset_index(drop=True)
    table.loc[2, list(change)] = list(change.values())
    content = members("one", 1, changed={"effects/mrna.tsv": table})
    refused(written(tmp_path, content), "effects/mrna.tsv", *words)


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("performance.tsv", {"value": 1.2}, "row 2 (selected)"),
        ("performance.tsv", {"lower": -0.1}, "impossible numbers"),
        ("performance.tsv", {"lower": 0.9, "upper": 0.6}, "lower 0.9, upper 0.6"),
        ("calibration.tsv", {"observed": 1.5}, "row 2: 1.5 is not between 0 and 1"),
        ("calibration.tsv", {"n": -5}, "row 2: -5 is not 0 or more"),
    ],
)
def test_shares_and_limits_that_cannot_be_are_refused(tmp_path, name, change, word):
    table = tables(1)[name].reset_index(drop=True)
    table = table.astype(dict.fromkeys(change, float))
    table.loc[0, list(change)] = list(change.values())
    refused(written(tmp_path, members("one", 1, changed={name: table})), name, word)


def test_reading_takes_no_longer_with_thousands_of_factors(tmp_path):
    wide = pd.DataFrame(1.0, index=range(30), columns=[f"Factor{i}" for i in range(1, 9001)])
    wide.insert(0, "feature", [f"g{i}" for i in range(30)])
    content = members("one", 1, changed={"factors/mrna.tsv": wide})
    refused(written(tmp_path, content), "factors/mrna.tsv", "more than 200 factors")
    many = pd.concat([tables(1)["calibration.tsv"]] * 20_000)
    content = members("one", 1, changed={"calibration.tsv": many})
    refused(written(tmp_path, content), "calibration.tsv", "more than 20000 rows")


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)"])
def test_nothing_that_leaves_is_run_by_a_spreadsheet(name):
    table = spoiled(symbol=name)
    table.loc[table.index[0], "feature"] = name
    text = table_bytes(table).decode()
    cells = [cell for line in text.splitlines() for cell in line.split("\t")]
    assert f"'{name}" in cells
    assert name not in cells
    # numbers stay numbers
    assert any(cell.startswith("-0.") for cell in cells)


def test_arrays_are_no_tables(tmp_path):
    file = io.BytesIO()
    np.save(file, np.zeros(4))
    files = {name: table_bytes(t) for name, t in tables(1).items()}
    files["effects/mrna.tsv"] = file.getvalue()
    refused(written(tmp_path, with_manifest(description("one"), files)), "effects/mrna.tsv")


def test_a_layer_without_a_description_is_refused(tmp_path):
    layers = description("one")["layers"]
    del layers["mutations"]
    refused(written(tmp_path, members("one", 1, layers=layers)), "mutations")


def pair(tmp_path, second):
    return [written(tmp_path, members("one", 1)), written(tmp_path, second, "b")]


def test_bundles_side_by_side(tmp_path):
    bundles = read_bundles(pair(tmp_path, members("two", 2)))
    assert layers_of(bundles) == ["mrna", "small_rna", "mutations"]
    assert cohort_table(bundles)["cohort"].tolist() == ["one", "two"]


@pytest.mark.parametrize(
    ("second", "word"),
    [
        (members("one", 2), "cohort one"),
        (members("two", 1), "same results"),
        (members("two", 2, label={"positive": "responder", "negative": "TRD"}), "label"),
        (members("two", 2, contrast={"positive": "late", "negative": "early"}), "contrast"),
    ],
    ids=["cohort twice", "copy", "positive class", "contrast"],
)
def test_bundles_that_do_not_belong_together_are_refused(tmp_path, second, word):
    with pytest.raises(InputError, match=word):
        read_bundles(pair(tmp_path, second))


@pytest.mark.parametrize("digits", ["last", "noise"])
def test_a_copy_with_other_last_digits_is_one_cohort(tmp_path, digits):
    rng = np.random.default_rng(4)
    changed = {}
    for name, table in tables(1).items():
        if name.startswith("effects/"):
            size = 0.3 * table["se"] if digits == "noise" else 1e-4
            effect = table["effect"] + size * rng.normal(size=len(table))
            changed[name] = table.assign(effect=effect, se=table["se"].round(3))
    with pytest.raises(InputError, match="by less than those of two independent cohorts would"):
        read_bundles(pair(tmp_path, members("two", 1, changed=changed)))


def test_layers_of_different_types_are_refused(tmp_path):
    layers = description("two")["layers"]
    layers["mrna"] = {**layers["mrna"], "type": "continuous", "effect": "difference"}
    with pytest.raises(InputError, match="layer mrna"):
        read_bundles(pair(tmp_path, members("two", 2, layers=layers)))


def test_the_config_of_a_meta_analysis_is_closed():
    config = {"meta": {"name": "all", "bundles": ["a.zip", "b.zip"]}}
    assert resolve_meta(config, "m.yaml")["meta"]["fdr"] == 0.05
    for wrong in (
        {"name": "all", "bundles": ["a.zip"]},
        {"name": "all", "bundles": ["a.zip", "a.zip"]},
        {"name": "../x", "bundles": ["a.zip", "b.zip"]},
        {"name": "all", "bundles": ["a.zip", "b.zip"], "fdrr": 0.1},
    ):
        with pytest.raises(InputError):
            resolve_meta({"meta": wrong}, "m.yaml")
    with pytest.raises(InputError, match="cohort"):
        resolve_meta({**config, "cohort": "x"}, "m.yaml")


@pytest.mark.parametrize(
    ("n", "told"),
    [
        (0, "`meta.bundles` has 0 entries; it must have at least two bundles"),
        (1, "`meta.bundles` has 1 entry; it must have at least two bundles"),
        (101, "`meta.bundles` has 101 entries; it must have at most 100 bundles"),
    ],
)
def test_too_few_or_many_bundles_are_counted_in_words(n, told):
    config = {"meta": {"name": "all", "bundles": [f"{i}.zip" for i in range(n)]}}
    with pytest.raises(InputError) as caught:
        resolve_meta(config, "m.yaml")
    assert str(caught.value) == f"m.yaml: {told}"
