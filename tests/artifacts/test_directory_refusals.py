"""Tars that are damaged, cut short, or made to break out: refused by name, with nothing written anywhere."""

from __future__ import annotations

import io
import random
import tarfile
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from django_snapshots.artifacts import DirectoryArtifact
from django_snapshots.artifacts._tar_format import END_OF_ARCHIVE, HEADER, Member, checksum, encode_member
from django_snapshots.errors import SnapshotArtifactError
from tests.artifacts.folders import dumped, grow_new_tree, grow_tree, restored
from tests.artifacts.tars import member, tar_of
from tests.trees import tree_digest

if TYPE_CHECKING:
    from pathlib import Path

FOLDER, SYMLINK, HARD_LINK = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE

HOSTILE: list[tuple[str, list[Any], str]] = [
    ("an absolute name", [member("/etc/cron.d/x")], "/etc/cron.d/x leads to '/etc/cron.d/x', out of the folder"),
    ("a parent", [member("../x")], "../x leads to '../x', out of the folder"),
    ("a parent in the middle", [member("a/../../x")], "a/../../x leads to"),
    ("a parent at the end", [member("a/..", FOLDER)], "a/.. leads to"),
    ("no name", [member("")], "leads to '', out of the folder"),
    ("a file in the place of the folder", [member(".")], "'.' is no name of a file"),
    (
        "a file through a symlink",
        [member("link", SYMLINK, linkname="/tmp"), member("link/x", content=b"out")],
        "link/x stands below a link or a file",
    ),
    (
        "a folder through a symlink",
        [member("link", SYMLINK, linkname=".."), member("link/folder", FOLDER)],
        "link/folder stands below a link or a file",
    ),
    (
        "a file over a symlink",
        [member("link", SYMLINK, linkname="/tmp/x"), member("link", content=b"out")],
        "link stands in it twice",
    ),
    ("a folder over a symlink", [member("l", SYMLINK, linkname="/tmp"), member("l", FOLDER)], "l stands in it twice"),
    ("a file below a file", [member("file"), member("file/x")], "file/x stands below a link or a file"),
    ("the same file twice", [member("x"), member("x")], "x stands in it twice"),
    ("the same file by another spelling", [member("a/x"), member("./a//x")], "a/x stands in it twice"),
    ("the same folder twice", [member("x", FOLDER), member("x", FOLDER)], "x stands in it twice"),
    (
        "a hard link to the outside",
        [member("x", HARD_LINK, linkname="/etc/passwd")],
        "x leads to '/etc/passwd', out of the folder",
    ),
    (
        "a hard link to a parent",
        [member("x", HARD_LINK, linkname="../secret")],
        "x leads to '../secret', out of the folder",
    ),
    (
        "a hard link through a symlink",
        [member("l", SYMLINK, linkname="/etc"), member("x", HARD_LINK, linkname="l/passwd")],
        "x is a hard link to l/passwd, no file before it in the tar",
    ),
    (
        "a hard link to a folder",
        [member("d", FOLDER), member("x", HARD_LINK, linkname="d")],
        "x is a hard link to d, no file before it in the tar",
    ),
    (
        "a hard link to what comes later",
        [member("x", HARD_LINK, linkname="later"), member("later")],
        "x is a hard link to later, no file before it in the tar",
    ),
    ("a character device", [member("x", tarfile.CHRTYPE, devmajor=1, devminor=3)], "x is a device"),
    ("a block device", [member("x", tarfile.BLKTYPE, devmajor=8, devminor=0)], "x is a device"),
    ("a FIFO", [member("x", tarfile.FIFOTYPE)], "x is a FIFO"),
    ("a sparse file of GNU tar", [member("x", tarfile.GNUTYPE_SPARSE)], "make the tar without --sparse"),
    (
        "a sparse file in a pax header",
        [member("x", pax_headers={"GNU.sparse.major": "1"})],
        "make the tar without --sparse",
    ),
    ("a type nobody knows", [member("x", b"Z")], r"x is of a type (Z) that is not restored"),
    ("a NUL in a name", [member("x", pax_headers={"path": "a\0b"})], "out of the folder"),
    ("a NUL in a link", [member("x", SYMLINK, pax_headers={"linkpath": "a\0b"})], "which is no path"),
    ("a time beyond all clocks", [member("x", pax_headers={"mtime": str(2**63)})], "no file system can hold"),
    ("a time that is no number", [member("x", pax_headers={"mtime": "noon"})], "has the mtime noon"),
    ("a size that is no number", [member("x", pax_headers={"size": "1e9"})], "has the size 1e9"),
    ("an owner that cannot be", [member("x", pax_headers={"uid": "4294967295"})], "impossible number 4294967295"),
    ("a name too long", [member("x" * 300)], "could not be made ready beside its target (File name too long)"),
]


@pytest.mark.parametrize(("members", "message"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_member_is_refused_by_name(tmp_path: Path, members: list[Any], message: str) -> None:
    media = grow_new_tree(tmp_path / "media")
    before = tree_digest(media)

    with pytest.raises(SnapshotArtifactError) as caught:
        restored(media, tar_of(*members))

    assert message in str(caught.value)
    assert "Nothing was replaced" in str(caught.value)
    assert tree_digest(media) == before
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


def test_a_symlink_may_point_out_of_the_folder_as_it_did(tmp_path: Path) -> None:
    restored(tmp_path / "media", tar_of(member("link", SYMLINK, linkname="../../etc/passwd")))

    assert (tmp_path / "media/link").readlink().as_posix() == "../../etc/passwd"


def test_a_tar_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(b"a" * 700)
    (source / "b").symlink_to("a")
    tar, _ = dumped(source)
    assert len(tar) > 12 * 256

    for length in range(0, len(tar), 256):
        with pytest.raises(SnapshotArtifactError, match="it is cut short after"):
            restored(tmp_path / "media", tar[:length])

    assert not (tmp_path / "media").exists()


def test_data_after_the_end_is_refused(tmp_path: Path) -> None:
    tar = tar_of(member("x"))

    restored(tmp_path / "media", tar + bytes(100_000))
    with pytest.raises(SnapshotArtifactError, match="more data follows its end"):
        restored(tmp_path / "media", tar + bytes(2_000_000) + b"x")


def test_a_header_whose_checksum_is_wrong_is_refused(tmp_path: Path) -> None:
    tar = bytearray(tar_of(member("first"), member("second")))
    tar[512] ^= 1

    with pytest.raises(SnapshotArtifactError, match="the header after first is damaged"):
        restored(tmp_path / "media", bytes(tar))


def test_a_single_block_of_zeros_is_no_end(tmp_path: Path) -> None:
    tar = tar_of(member("x"))

    with pytest.raises(SnapshotArtifactError, match="a single block of zeros stands after x"):
        restored(tmp_path / "media", tar[:512] + bytes(512) + tar)


def test_an_extended_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    fields = list(HEADER.unpack(tar_of(member("x"))[:512]))
    fields[4], fields[6], fields[7] = b"77777777777\0", b" " * 8, b"x"
    fields[6] = b"%06o\0 " % checksum(HEADER.pack(*fields))

    with pytest.raises(SnapshotArtifactError, match="the extended header after its beginning says it has 8589934591"):
        restored(tmp_path / "media", HEADER.pack(*fields) + bytes(4096))


@pytest.mark.parametrize(
    "records",
    [b"12 path=abc\n", b"0 path=a\n", b"path=a\n", b"99 path=a\n", b"10 path:abc\n", b"-1 a=b\n", b"9 a=b\0\0\0\n"],
)
def test_a_damaged_extended_header_is_refused(tmp_path: Path, records: bytes) -> None:
    tar = bytearray(tar_of(member("x", pax_headers={"path": "y" * 200})))
    tar[512:1024] = records.ljust(512, b"\0")

    with pytest.raises(SnapshotArtifactError, match="an extended header is damaged"):
        restored(tmp_path / "media", bytes(tar))


@pytest.mark.parametrize(
    ("target", "before", "after"),
    [("gone", [], []), ("later", [], [member("later", content=b"2")]), ("folder", [member("folder", FOLDER)], [])],
)
def test_verify_finds_a_hard_link_that_a_restore_would_refuse(
    tmp_path: Path, target: str, before: list[Any], after: list[Any]
) -> None:
    tar = tar_of(*before, member("x", HARD_LINK, linkname=target), *after)
    with pytest.raises(SnapshotArtifactError, match="no file before it in the tar"):
        restored(tmp_path / "media", tar)

    (problem,) = DirectoryArtifact(tmp_path / "media").verify(io.BytesIO(tar), {})

    assert problem == (f"x is a hard link to {target}, no file before it in the tar: the folder cannot be restored.")


def test_verify_takes_hard_links_as_every_tar_program_writes_them(tmp_path: Path) -> None:
    links = [member("./b", HARD_LINK, linkname="./a"), member("c", HARD_LINK, linkname=".//b")]
    tar = tar_of(member("a", content=b"1"), *links)

    restored(tmp_path / "media", tar)

    assert DirectoryArtifact(tmp_path / "media").verify(io.BytesIO(tar), {"files": 3, "size_bytes": 1}) == []


def test_verify_of_a_large_tree_with_hard_links_keeps_no_names(tmp_path: Path) -> None:
    headers = [encode_member(Member(b"photos/%06d" % n, b"0", 0, 0, 0, b"", b"", 0, 0, b"")) for n in range(100_000)]
    link = encode_member(Member(b"x", b"1", 0, 0, 0, b"", b"", 0, 0, b"photos/099999"))
    tar = io.BytesIO(b"".join([*headers, link, END_OF_ARCHIVE]))
    artifact = DirectoryArtifact(tmp_path / "media")

    tracemalloc.start()
    try:
        assert artifact.verify(tar, {"files": 100_001}) == []
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 4 * 1024 * 1024, "the hashes of 100,000 names take 0.8 MB, the names themselves 10 MB"


def test_random_damage_never_escapes_and_never_ends_in_a_traceback(tmp_path: Path) -> None:
    source = grow_tree(tmp_path / "source")
    for large in ("film.bin", "sparse", "photos/2024/cat.jpg"):
        (source / large).write_bytes(b"small, so that damage hits headers")
    tar, facts = dumped(source)
    media = tmp_path / "media"
    media.mkdir()
    chance = random.Random(20261122)
    refused = 0

    for _ in range(200):
        damaged = bytearray(tar)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(tar))] = chance.randrange(256)
        try:
            restored(media, bytes(damaged), facts)
        except SnapshotArtifactError:
            refused += 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["media", "source"]

    assert 100 < refused < 200
