"""A variable is an assignment: the sources outside the code, applied to SNAPSHOTS one after the other.

`SNAPSHOTS_STORAGE__OPTIONS__LOCATION=/x` means `SNAPSHOTS["STORAGE"]["OPTIONS"]["location"] = "/x"`. The dicts of
settings.py are never changed: what is assigned into is copied first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_snapshots.conf.origins import DEFAULT, SETTINGS, Origins
from django_snapshots.conf.problems import Problem
from django_snapshots.conf.schema import POSITIONS, SECTIONS, Position
from django_snapshots.conf.sources import ENV_FILE, PREFIX, SECRETS_DIR
from django_snapshots.conf.specs import Assignment, assign_inside, assign_plugin, matching_key
from django_snapshots.conf.text import parse_json, parse_section, read_list
from django_snapshots.conf.unknown import no_such_variable, unknown_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from django_snapshots.conf.sources import Source, Variable

__all__ = ["Layers"]

_DELIMITER = "__"
_CONTROL = (ENV_FILE, SECRETS_DIR)
_READERS: dict[Position, Callable[[str], Any]] = {
    Position.TEXT: str,
    Position.LIST: read_list,
    Position.PLUGIN_LIST: parse_section,
    Position.SECTION: parse_json,
    Position.DATA: parse_json,
    Position.PLUGIN: parse_section,
    Position.PLUGINS: parse_section,
}


class Layers:
    """SNAPSHOTS with its defaults, and what the environment assigns to it.

    Attributes:
        tree: The values, by key.
        origins: Where each was assigned.
        problems: Variables that cannot be assigned.
    """

    def __init__(self, defaults: Mapping[str, Any], snapshots: Mapping[Any, Any], aliases: Collection[str]) -> None:
        """Lay `snapshots` over `defaults`.

        Args:
            defaults: A value for every key.
            snapshots: The setting; it may hold anything.
            aliases: The aliases of DATABASES, which variables name without case.
        """
        self.tree: dict[Any, Any] = {**defaults, **snapshots}
        self.origins = Origins()
        self.problems: list[Problem] = []
        self._aliases = aliases
        for key in self.tree:
            if isinstance(key, str):
                self.origins.assign((key,), SETTINGS if key in snapshots else DEFAULT)

    def apply(self, sources: Iterable[Source]) -> None:
        """Assign the variables of each source; the later a source, the stronger."""
        for source in sources:
            self.problems += source.problems
            for variable in sorted(source.variables.values(), key=_depth_then_name):
                self._apply(variable)

    def _apply(self, variable: Variable) -> None:
        if variable.name in _CONTROL:
            self._refuse_elsewhere(variable)
            return
        key, *rest = variable.name.removeprefix(PREFIX).split(_DELIMITER)
        if key not in POSITIONS:
            self.problems.append(no_such_variable(variable))
            return
        assignment = Assignment(variable, self.origins, self.problems)
        if not rest:
            self._assign_key(assignment, key)
        else:
            self._assign_below(assignment, key, rest)

    def _refuse_elsewhere(self, variable: Variable) -> None:
        if variable.origin.kind != "environment":
            message = f"{variable.name} is read from the environment only."
            self.problems.append(Problem("snapshots.W001", (), message, "Set it there.", variable.origin.where))

    def _assign_key(self, assignment: Assignment, key: str) -> None:
        """Assign a whole key: text where the key holds text, a list with commas, JSON for everything with parts."""
        assignment.put(self.tree, key, (key,), _READERS[POSITIONS[key]])

    def _assign_below(self, assignment: Assignment, key: str, rest: list[str]) -> None:
        position = POSITIONS[key]
        if "" in rest:
            hint = "Two underscores stand between the parts of a name, none at its end."
            assignment.report(Problem("snapshots.E003", (key, ""), "A part of the variable's name is empty.", hint))
        elif position is Position.PLUGIN:
            assign_plugin(assignment, self.tree, (key,), rest)
        elif position is Position.PLUGINS:
            self._below_plugins(assignment, key, rest)
        elif position is Position.PLUGIN_LIST:
            self._below_list(assignment, key, rest)
        elif position is Position.SECTION:
            self._below_section(assignment, key, rest)
        elif position is Position.DATA:
            self._below_data(assignment, key, rest)
        else:
            assignment.report(unknown_key((key,), rest, f"{PREFIX}{key}"))

    def _below_plugins(self, assignment: Assignment, key: str, rest: list[str]) -> None:
        section = assignment.open(self.tree, (key,))
        if section is None:
            return
        name = matching_key(rest[0], section, self._aliases if key == "DATABASE_CONNECTORS" else ())
        path = (key, name)
        if rest[1:]:
            # A connector may stand as its dotted path alone: its options are those of that class.
            assign_plugin(assignment, section, path, rest[1:], text_is_backend=key == "DATABASE_CONNECTORS")
        else:
            assignment.put(section, name, path, _text_or_json if key == "DATABASE_CONNECTORS" else parse_section)

    def _below_list(self, assignment: Assignment, key: str, rest: list[str]) -> None:
        value = self.tree.get(key)
        items = dict(enumerate(value)) if isinstance(value, (list, tuple)) else {}
        number = int(rest[0]) if rest[0].isdecimal() and rest[0].isascii() else -1
        if number not in items or not rest[1:]:
            hint = f"Write all of it as JSON: {PREFIX}{key}=[…]. A part of the first is {PREFIX}{key}__0__OPTIONS__…"
            assignment.report(Problem("snapshots.E003", (key, rest[0]), "There is no such item.", hint))
            return
        assign_plugin(assignment, items, (key, number), rest[1:])
        self.tree[key] = list(items.values())

    def _below_section(self, assignment: Assignment, key: str, rest: list[str]) -> None:
        if rest[0] not in SECTIONS[key].model_fields or rest[1:]:
            assignment.report(unknown_key((key,), rest, f"{PREFIX}{key}"))
            return
        section = assignment.open(self.tree, (key,))
        if section is not None:
            assignment.put(section, rest[0], (key, rest[0]), str)

    def _below_data(self, assignment: Assignment, key: str, rest: list[str]) -> None:
        section = assignment.open(self.tree, (key,))
        if section is not None:
            assign_inside(assignment, section, (key,), rest)


def _depth_then_name(variable: Variable) -> tuple[int, str]:
    # BACKEND sorts before OPTIONS: the class is known, and its old options forgotten, before its options arrive.
    return variable.name.count(_DELIMITER), variable.name


def _text_or_json(text: str) -> Any:
    return parse_section(text) if text.lstrip().startswith("{") else text
