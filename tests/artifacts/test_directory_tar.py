"""The tar is everybody's: GNU tar and Python read ours, and we read theirs."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_snapshots.artifacts._tar_format import (
    END_OF_ARCHIVE,
    FOLDER,
    HARD_LINK,
    REGULAR,
    SYMLINK,
    Member,
    checksum,
    encode_member,
)
from django_snapshots.artifacts._tar_reader import TarReader
from tests.artifacts.folders import dumped, grow_tree, restored
from tests.programs import require_program
from tests.trees import tree_lines

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
YEARS = SECOND * 10**8
PLAIN = Member(b"a", REGULAR, 0o644, 0, 0, b"root", b"root", 0, 1_700_000_000_000_000_000, b"")

names = st.lists(
    st.binary(min_size=1, max_size=120).filter(
        lambda part: not {b"\0"[0], b"/"[0]} & {*part} and part not in {b".", b".."}
    ),
    min_size=1,
    max_size=4,
).map(b"/".join)
owners = st.integers(0, 2**32 - 2)
owner_names = st.text("abcdefghijklmnopqrstuvwxyz-0é", max_size=40).map(str.encode)
members = st.builds(
    Member,
    name=names,
    kind=st.sampled_from([REGULAR, FOLDER, SYMLINK, HARD_LINK]),
    mode=st.integers(0, 0o7777),
    uid=owners,
    gid=owners,
    uname=owner_names,
    gname=owner_names,
    size=st.just(0),
    mtime_ns=st.integers(1 - 2**63 * SECOND, 2**63 * SECOND - 1),
    link=names,
).map(lambda member: member if member.kind in {SYMLINK, HARD_LINK} else member._replace(link=b""))


def read_back(tar: bytes) -> list[Member]:
    return list(TarReader(io.BytesIO(tar)).members())


@given(members)
def test_a_member_is_read_back_as_it_was_written(member: Member) -> None:
    assert read_back(encode_member(member) + END_OF_ARCHIVE) == [member]


@given(members)
def test_python_reads_the_member_that_was_written(member: Member) -> None:
    with tarfile.open(fileobj=io.BytesIO(encode_member(member) + END_OF_ARCHIVE)) as archive:
        (info,) = archive.getmembers()

    assert os.fsencode(info.name) == member.name
    assert os.fsencode(info.linkname) == member.link
    assert (info.type, info.mode, info.uid, info.gid) == (member.kind, member.mode, member.uid, member.gid)
    assert (os.fsencode(info.uname), os.fsencode(info.gname)) == (member.uname, member.gname)
    assert info.mtime == pytest.approx(member.mtime_ns / 1e9, rel=1e-15, abs=1e-5)


@given(st.binary(min_size=512, max_size=512))
def test_the_checksum_is_the_sum_of_the_bytes(block: bytes) -> None:
    assert checksum(block) == sum(block[:148]) + 8 * 32 + sum(block[156:])


@pytest.mark.parametrize("size", [0, 511, 8**11 - 1, 8**11, 2**40])
def test_sizes_on_either_side_of_8_gib_are_written(size: int) -> None:
    header = encode_member(PLAIN._replace(size=size))

    assert len(header) == (512 if size < 8**11 else 1536)
    assert tarfile.TarInfo.frombuf(header[-512:], "utf-8", "strict").size == (size if size < 8**11 else 0)
    assert (b" size=%d\n" % size in header) == (size >= 8**11)


def test_a_member_that_ustar_can_say_has_no_other_header() -> None:
    assert len(encode_member(PLAIN)) == 512
    assert len(encode_member(PLAIN._replace(name=b"d" * 154 + b"/" + b"f" * 100))) == 512
    assert len(encode_member(PLAIN._replace(name=b"caf\xe9"))) == 512
    assert len(encode_member(PLAIN._replace(name=b"f" * 101))) == 1536
    assert len(encode_member(PLAIN._replace(mtime_ns=1))) == 1536


def test_names_outside_utf_8_are_marked_as_bytes_where_ustar_cannot_hold_them() -> None:
    assert b"21 hdrcharset=BINARY\n" in encode_member(PLAIN._replace(name=b"\xe9" * 101))
    assert b"hdrcharset" not in encode_member(PLAIN._replace(name="é".encode() * 101))


def test_gnu_tar_lists_and_extracts_what_was_dumped(tmp_path: Path) -> None:
    source = grow_tree(tmp_path / "source")
    tar, _ = dumped(source)
    (tmp_path / "other").mkdir()
    program = require_program("tar")

    listed = subprocess.run([program, "tvf", "-"], input=tar, check=True, capture_output=True)
    extracted = subprocess.run(
        [program, "xpf", "-", "--warning=no-timestamp", "-C", tmp_path / "other"],
        input=tar,
        check=True,
        capture_output=True,
    )

    assert len(listed.stdout.splitlines()) == len(tree_lines(source))
    assert (listed.stderr, extracted.stderr) == (b"", b"")
    assert tree_lines(tmp_path / "other") == tree_lines(source)


def test_python_extracts_what_was_dumped(tmp_path: Path) -> None:
    source = grow_tree(tmp_path / "source")
    tar, _ = dumped(source)

    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        archive.extraction_filter = staticmethod(lambda member, _: member)
        archive.extractall(tmp_path / "other")

    # Python's times are floats, and it leaves those of symlinks alone.
    found, expected = (
        [re.sub(" [0-9]+ -> ", " -> ", line) for line in tree_lines(folder, time_step_ns=YEARS)]
        for folder in (tmp_path / "other", source)
    )
    assert found == expected


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_what_gnu_tar_writes_is_restored(tmp_path: Path, form: str) -> None:
    source = grow_tree(tmp_path / "source")
    # v7 and ustar hold neither such names nor times before 1970; the others are given them in the next test.
    shutil.rmtree(source / ("d" * 120))
    os.utime(source / "program", (0, 0))
    program = require_program("tar")

    tar = subprocess.run([program, f"--format={form}", "-c", "-C", source, "."], check=True, capture_output=True).stdout
    restored(tmp_path / "media", tar)

    step = 1 if form == "posix" else SECOND
    assert tree_lines(tmp_path / "media", time_step_ns=step) == tree_lines(source, time_step_ns=step)


@pytest.mark.parametrize("form", ["oldgnu", "gnu", "posix"])
def test_long_names_and_odd_owners_of_gnu_tar_are_restored(tmp_path: Path, form: str) -> None:
    source = grow_tree(tmp_path / "source")
    command = [require_program("tar"), f"--format={form}", "-c", "-C", source, "--owner=:3000000", "--group=x:3000001"]

    tar = subprocess.run([*map(str, command), "."], check=True, capture_output=True).stdout
    restored(tmp_path / "media", tar)

    step = 1 if form == "posix" else SECOND
    assert tree_lines(tmp_path / "media", time_step_ns=step) == tree_lines(source, time_step_ns=step)
    assert {(member.uid, member.gid) for member in read_back(tar)} == {(3000000, 3000001)}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_python_writes_is_restored(tmp_path: Path, form: int) -> None:
    source = grow_tree(tmp_path / "source")
    if form == tarfile.USTAR_FORMAT:
        shutil.rmtree(source / ("d" * 120))
        os.utime(source / "program", (0, 0))
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        archive.add(source, arcname=".")

    restored(tmp_path / "media", sink.getvalue())

    assert tree_lines(tmp_path / "media", time_step_ns=YEARS) == tree_lines(source, time_step_ns=YEARS)


def test_names_given_as_a_global_header_are_ignored_for_members_that_have_their_own(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with tarfile.open(
        fileobj=sink, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"mtime": "5", "comment": "x"}
    ) as archive:
        archive.addfile(tarfile.TarInfo("a"))
        own = tarfile.TarInfo("b")
        own.mtime = 7.5
        archive.addfile(own)

    assert [(member.name, member.mtime_ns) for member in read_back(sink.getvalue())] == [
        (b"a", 5_000_000_000),
        (b"b", 7_500_000_000),
    ]
