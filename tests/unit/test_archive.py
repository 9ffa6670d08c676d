import io
import stat
import struct
import zipfile

import pytest

from trdomics.archive import pack, read_archive, sha256_of, verify, write_archive
from trdomics.errors import InputError

CONTENTS = {"model.json": b"{}", "tables/a.tsv": b"gene\teffect\n" * 50}
ALLOWED = (r"model\.json", r"tables/[a-z]+\.tsv")


def crafted(name, content=b"x", **attributes):
    """Return an archive with one member of any name and attributes."""
    buffer = io.BytesIO()
    entry = zipfile.ZipInfo("placeholder")
    entry.filename = name
    for key, value in attributes.items():
        setattr(entry, key, value)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, content)
    return buffer.getvalue()


def test_members_come_back_and_the_same_contents_are_the_same_bytes(tmp_path):
    write_archive(CONTENTS, tmp_path / "a.zip")
    assert read_archive(tmp_path / "a.zip", ALLOWED) == CONTENTS
    assert (tmp_path / "a.zip").read_bytes() == pack(CONTENTS)
    assert sha256_of(tmp_path / "a.zip") == sha256_of(pack(CONTENTS))


@pytest.mark.parametrize(
    "name", ["../evil.tsv", "/etc/passwd", "tables/../../a.tsv", "tables\\a.tsv", "C:/a.tsv"]
)
def test_paths_that_lead_out_are_refused(name):
    with pytest.raises(InputError, match="leads out of it"):
        read_archive(crafted(name), [".*"])


def test_a_name_with_a_zero_byte_is_refused():
    content = crafted("model.jsonXevil").replace(b"model.jsonX", b"model.json\0")
    with pytest.raises(InputError, match="leads out of it"):
        read_archive(content, [".*"])


def test_links_and_folders_are_refused():
    link = crafted("model.json", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16)
    with pytest.raises(InputError, match="a member that is not a file"):
        read_archive(link, ALLOWED)
    with pytest.raises(InputError, match="a member that is not a file"):
        read_archive(crafted("tables/"), [".*"])


def test_a_member_that_does_not_belong_there_is_refused():
    with pytest.raises(InputError, match=r"does not belong there: 'run\.py'"):
        read_archive(pack({**CONTENTS, "run.py": b""}), ALLOWED)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.json", b"{}")
        archive.writestr("model.json", b"other")
    with pytest.raises(InputError, match="twice"):
        read_archive(buffer.getvalue(), ALLOWED)


def test_too_many_members_are_refused():
    with pytest.raises(InputError, match="has 2 members, 1 are allowed"):
        read_archive(pack(CONTENTS), ALLOWED, max_members=1)


def test_a_bomb_is_refused_by_its_declared_size():
    bomb = pack({"model.json": bytes(2**22)})
    assert len(bomb) < 2**13
    with pytest.raises(InputError, match="holds more than 1 MiB"):
        read_archive(bomb, ALLOWED, max_bytes=2**20)


def declared_smaller(content, size):
    """Return an archive whose directory declares another uncompressed size of its first member."""
    at = content.index(b"PK\x01\x02")
    return content[: at + 24] + struct.pack("<I", size) + content[at + 28 :]


def test_a_bomb_that_lies_about_its_size_never_unfolds():
    bomb = declared_smaller(pack({"model.json": bytes(2**22)}), 100)
    with pytest.raises(InputError, match=r"damaged|holds more"):
        read_archive(bomb, ALLOWED, max_bytes=2**20)


def test_what_stands_before_the_archive_is_refused():
    with pytest.raises(InputError, match="holds more than its members"):
        read_archive(b"#!/bin/sh" + pack(CONTENTS), ALLOWED)


@pytest.mark.parametrize("length", [0, 10, 60, -1, -30])
def test_a_truncated_file_is_refused(length):
    with pytest.raises(InputError, match="is not an archive, or is damaged"):
        read_archive(pack(CONTENTS)[:length], ALLOWED)


def test_no_changed_byte_goes_unnoticed():
    content = pack(CONTENTS)
    noticed = 0
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 0x40
        try:
            found = read_archive(bytes(changed), ALLOWED)
        except InputError:
            noticed += 1
        else:  # dates, versions and rights, which mean nothing here
            assert found == CONTENTS
    assert noticed > 0.5 * len(content)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.zip: no such file"):
        read_archive(tmp_path / "none.zip", ALLOWED)


def test_checksums_must_be_those_of_all_members():
    checksums = {name: sha256_of(content) for name, content in CONTENTS.items()}
    verify(CONTENTS, checksums, "bundle")
    with pytest.raises(InputError, match=r"bundle: its member 'model\.json' differs from"):
        verify({**CONTENTS, "model.json": b"[]"}, checksums, "bundle")
    with pytest.raises(InputError, match="no checksum for its member 'more'"):
        verify({**CONTENTS, "more": b""}, checksums, "bundle")
    with pytest.raises(InputError, match=r"lacks its member 'model\.json'"):
        verify({"tables/a.tsv": CONTENTS["tables/a.tsv"]}, checksums, "bundle")
