"""Reads the SQL that pg_dump and pg_restore write: statement by statement, and the rows of a COPY as they come.

Text in quotes, in dollars, in comments and in function bodies is passed over, so that nothing in the data or in a
name can look like a statement. The commands of psql (a backslash at the beginning) are never obeyed.
Rules: postgresql.org/docs/current/sql-syntax-lexical.html and app-psql.html.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ScriptError", "ScriptReader", "is_copy"]

_TOKEN = re.compile(
    rb"""
      (?P<space>[ \t\r\n\f\v]+)
    | (?P<comment>--[^\n]*\n?)
    | (?P<block>/\*)
    | (?P<text>[eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*' | '[^']*(?:''[^']*)*' | "[^"]*(?:""[^"]*)*")
    | (?P<open>[eE]?' | ")
    | (?P<dollar>\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$)
    | (?P<word>[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*)
    | (?P<number>[0-9][A-Za-z0-9_.]*)
    | (?P<other>\$[A-Za-z0-9_\x80-\xff]*\Z | .)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(rb"/\*|\*/")
_COPY = re.compile(rb"COPY\b.*\bFROM stdin;\Z", re.DOTALL)
_COPY_END = b"\n\\.\n"
_COMPLETE = b"-- PostgreSQL database dump complete"
_PASSED_OVER = frozenset({b"\\connect", b"\\encoding", b"\\restrict", b"\\unrestrict"})
_ROUTINES = {b"FUNCTION", b"PROCEDURE"}


class ScriptError(Exception):
    """Text that pg_restore does not write, or that ends too early."""


def is_copy(statement: bytes) -> bool:
    """Say whether rows follow the statement."""
    return _COPY.match(statement) is not None


class ScriptReader:
    """A script, read once.

    Attributes:
        complete: The mark at the end of a dump was read, and no statement after it.
    """

    def __init__(self, read: Callable[[], bytes]) -> None:
        """Read from `read`, which returns b"" at the end."""
        self.complete = False
        self._read = read
        self._buffer = b""
        self._at = 0
        self._ended = False

    def statements(self) -> Iterator[bytes]:
        """Give each statement with its semicolon. After one of `is_copy`, take all of `rows` before the next.

        Raises:
            ScriptError: The text ends inside a statement, or holds a command of psql.
        """
        while self._seek_statement():
            self.complete = False
            length = self._measure_statement()
            statement = self._buffer[self._at : self._at + length]
            self._at += length
            yield statement

    def rows(self) -> Iterator[bytes]:
        """Give the bytes between a COPY statement and the line that ends its rows.

        Raises:
            ScriptError: The text ends before that line.
        """
        data = self._buffer[self._at :] or self._read()
        self._buffer, self._at = b"", 0
        if data[:1] != b"\n":
            raise ScriptError("rows do not begin on a line of their own")
        skipped = 1  # the end of the statement's line belongs to no row
        kept = len(_COPY_END) - 1  # what may be the beginning of the end
        while (found := data.find(_COPY_END)) < 0:
            if len(data) > skipped + kept:
                yield data[skipped:-kept]
                data, skipped = data[-kept:], 0
            piece = self._read()
            if not piece:
                raise ScriptError("it ends inside the rows of a table")
            data += piece
        self._buffer = data[found + len(_COPY_END) :]
        if found + 1 > skipped:
            yield data[skipped : found + 1]

    def _seek_statement(self) -> bool:
        """Go to the beginning of the next statement; False at the end of the script."""
        while (token := self._token(0)) is not None:
            kind, text = token
            if kind == "other" and text == b"\\":
                self._pass_over_command()
                continue
            if kind == "comment":
                self.complete = self.complete or text.rstrip() == _COMPLETE
            elif kind != "space":
                return True
            self._at += len(text)
        return False

    def _pass_over_command(self) -> None:
        while (end := self._buffer.find(b"\n", self._at)) < 0 and self._read_on():
            pass
        line = self._buffer[self._at : end if end >= 0 else None]
        if line.split(b" ", 1)[0] not in _PASSED_OVER:
            raise ScriptError(f"it holds a command of psql: {line[:60].decode(errors='replace')!r}")
        self._at += len(line)

    def _measure_statement(self) -> int:
        """Return the length of the statement that begins here, semicolon included."""
        length, parentheses, body = 0, 0, _Body()
        while (token := self._token(length)) is not None:
            kind, text = token
            length += len(text)
            if kind == "word":
                body.pass_word(text.upper())
            elif kind == "other" and text in b"()":
                parentheses += 1 if text == b"(" else -1
            elif kind == "other" and text == b";" and parentheses <= 0 and not body.depth:
                return length
        raise ScriptError("it ends inside a statement")

    def _token(self, offset: int) -> tuple[str, bytes] | None:
        """Return kind and text of the token at an offset from here; None at the end of the script."""
        while True:
            token = _TOKEN.match(self._buffer, self._at + offset)
            if token is None:
                if not self._read_on():
                    return None
                continue
            kind = token.lastgroup or ""
            end = -1 if kind == "open" else self._end_of(kind, token)
            # What ends with the buffer may go on behind it: 'it' of 'it''s', a word, the first dash of a comment.
            if 0 <= end < len(self._buffer) or (end >= 0 and not self._read_on()):
                return kind, self._buffer[self._at + offset : end - token.start() + self._at + offset]
            if end < 0 and not self._read_on():
                raise ScriptError("it ends inside quotes or a comment")

    def _end_of(self, kind: str, token: re.Match[bytes]) -> int:
        """Return where a token ends in the buffer, -1 where its end is not there yet."""
        if kind == "dollar":
            closed = self._buffer.find(token[0], token.end())
            return closed if closed < 0 else closed + len(token[0])
        if kind != "block":
            return token.end()
        depth = 0
        for edge in _BLOCK_EDGE.finditer(self._buffer, token.start()):
            depth += 1 if edge[0] == b"/*" else -1
            if depth == 0:
                return edge.end()
        return -1

    def _read_on(self) -> bool:
        """Add to the buffer, forgetting what is behind us; say whether there was anything."""
        piece = b"" if self._ended else self._read()
        self._ended = not piece
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)


class _Body:
    """Follows the words of a statement into the body of a routine: BEGIN ATOMIC … END, with semicolons inside.

    Attributes:
        depth: How many ENDs are still to come.
    """

    def __init__(self) -> None:
        self.depth = 0
        self._first: list[bytes] = []
        self._last = b""

    def pass_word(self, word: bytes) -> None:
        """Take the next word that stands outside quotes, in upper case."""
        if len(self._first) < 4:  # noqa: PLR2004 - CREATE OR REPLACE FUNCTION
            self._first.append(word)
        if self.depth:
            self.depth += (word == b"CASE") - (word == b"END")
        elif word == b"ATOMIC" and self._last == b"BEGIN" and self._is_routine():
            self.depth = 1
        self._last = word

    def _is_routine(self) -> bool:
        return self._first[:1] == [b"CREATE"] and bool(
            _ROUTINES & {*self._first[1:2], *(self._first[3:4] if self._first[1:3] == [b"OR", b"REPLACE"] else ())}
        )
