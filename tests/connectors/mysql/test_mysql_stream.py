"""The file of a dump is told apart into its two parts, however the pieces are cut."""

from __future__ import annotations

import io

import pytest

from django_snapshots.connectors._mysql_stream import CutDumpError, DumpReader, DumpWriter

TABLES = b"INSERT INTO t VALUES (1,'\\n-- django-snapshots: views');\n\n-- django-snapshots: view\n-- Dump completed\n"
OBJECTS = ["CREATE VIEW v AS SELECT 1", "CREATE EVENT e\n-- django-snapshots: complete"]


class Pieces(io.BytesIO):
    """Gives no more than so many bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        return super().read(min(size, self._size))


def dumped() -> bytes:
    sink = io.BytesIO()
    writer = DumpWriter(sink)
    writer.write(TABLES)
    writer.finish(OBJECTS)
    return sink.getvalue()


@pytest.mark.parametrize("size", [1, 2, 7, 59, 60, 61, 1000])
def test_both_parts_come_back_in_pieces_of_any_size(size: int) -> None:
    reader = DumpReader(Pieces(dumped(), size))

    tables = b"".join(iter(reader.read, b""))

    assert tables == TABLES + b"\n"
    assert reader.statements() == OBJECTS


def test_a_piece_without_a_line_that_may_be_the_mark_is_passed_on_as_it_is() -> None:
    piece = b"(1,'x'),\n(2,'y')," * 1000

    class Source(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            return piece

    assert DumpReader(Source()).read() is piece


def test_a_stream_that_ends_anywhere_before_its_end_is_cut() -> None:
    whole = dumped()

    for kept in range(len(whole)):
        reader = DumpReader(Pieces(whole[:kept], 16))
        with pytest.raises(CutDumpError):
            _ = b"".join(iter(reader.read, b"")), reader.statements()
