"""The name of a database in the texts of its own views, triggers and routines, which are to be made in another one.

The server writes it into a view that reads another database too, and before the libraries that a routine uses, and
leaves it in a trigger where somebody typed it.
"""

from __future__ import annotations

import re

__all__ = ["may_act_on", "own_libraries", "unqualified_trigger", "view_in"]

_NAME = r"`(?:[^`]|``)*`"
_TOKEN = re.compile(
    rf"'(?:[^'\\]|\\.|'')*'|(?P<chain>{_NAME}(?:\.{_NAME})*)(?P<call>\()?|(?P<open>\()|(?P<close>\))|(?P<word>\w+)",
    re.DOTALL,
)
_OF_SEQUENCES = {"nextval", "lastval", "setval"}

_TYPED_NAME = rf'(?:{_NAME}|"(?:[^"]|"")*"|[\w$]+)'
_TRIGGER = re.compile(
    rf"^(CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*(?:[^`\s]|{_NAME})+\s+)?TRIGGER\s+(?:IF\s+NOT\s+EXISTS\s+)?)"
    rf"(?:{_TYPED_NAME}\s*\.\s*)?({_TYPED_NAME}\s+(?:BEFORE|AFTER)\s[\w\s,`]+?\sON\s+)"
    rf"(?:{_TYPED_NAME}\s*\.\s*)?({_TYPED_NAME}\s)",
    re.IGNORECASE,
)

_USED_LIBRARIES = re.compile(
    rf"\n    LANGUAGE \w+\n    USING \({_NAME}\.{_NAME}(?: AS {_NAME})?(?:, {_NAME}\.{_NAME}(?: AS {_NAME})?)*\)\n"
)
"""Of MySQL's SHOW CREATE FUNCTION and PROCEDURE."""


def own_libraries(statement: str, database: str) -> str:
    """Return the statement of a routine without the name of its own database before the libraries it uses."""
    name = database.replace("`", "``")
    own = re.compile(rf"(?<=[(\s])`{re.escape(name)}`\.(?=`)")
    return _USED_LIBRARIES.sub(lambda found: own.sub("", found[0]), statement, count=1)


def unqualified_trigger(statement: str) -> str:
    """Return the statement of a trigger without a database before its name and its table's; any other as it is."""
    return _TRIGGER.sub(r"\1\2\3", statement, count=1)


def may_act_on(statement: str, name: str) -> bool:
    """Say whether the statement makes a trigger, and may make it in the database `name` wherever it is executed.

    After `unqualified_trigger` that is only one whose text is written as nobody foresaw, with a comment in it perhaps.
    """
    header = re.split(r"\bFOR\s+EACH\s+ROW\b", statement, maxsplit=1, flags=re.IGNORECASE)[0]
    if header == statement or _TRIGGER.match(statement) or not re.search(r"\bTRIGGER\b", header, re.IGNORECASE):
        return False
    return re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", header) is not None


def view_in(statement: str, source: str, target: str) -> str:
    """Return the statement of a view, as SHOW CREATE VIEW has it, for another database.

    `blog`.`title` is a column where a table is called as the database is, `blog`.`post` a table only where one is
    expected: what a name means is told by its place.

    Args:
        statement: Makes the view.
        source: The database it was read from.
        target: The database that takes its place.
    """
    return _Places(f"`{source.replace('`', '``')}`", f"`{target.replace('`', '``')}`").rewritten(statement)


class _Places:
    """Walks through the text of a view and knows where a table is expected."""

    def __init__(self, source: str, target: str) -> None:
        self._source, self._target = source, target
        self._selects = [False]
        """Of each open parenthesis: is it a query's own? FROM is a word of extract() and trim() too."""
        self._table_expected = False
        self._word = ""

    def rewritten(self, statement: str) -> str:
        return _TOKEN.sub(self._seen, statement)

    def _seen(self, token: re.Match[str]) -> str:
        text = token[0]
        if token["open"]:
            self._selects.append(False)
            self._table_expected |= self._word in _OF_SEQUENCES
        elif token["close"]:
            self._selects = self._selects[:-1] or [False]
            self._table_expected = False
        elif token["word"]:
            self._take_word(text.lower())
            return text
        elif token["chain"]:
            text = self._named(token["chain"], is_call=token["call"] is not None)
        self._word = ""
        return text

    def _take_word(self, word: str) -> None:
        self._selects[-1] |= word == "select"
        self._table_expected = word in {"join", "straight_join"} or (word == "from" and self._selects[-1])
        # It is a word of SELECT as well, before the first column.
        self._table_expected &= not (word == "straight_join" and self._word == "select")
        self._word = word

    def _named(self, chain: str, *, is_call: bool) -> str:
        first, *rest = re.findall(_NAME, chain)
        means_database = len(rest) > 1 or (len(rest) == 1 and (is_call or self._table_expected))
        if is_call:
            self._selects.append(False)
        self._table_expected = False
        return ".".join([self._target if means_database and first == self._source else first, *rest]) + "(" * is_call
