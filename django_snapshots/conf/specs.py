"""Assigning into BACKEND and OPTIONS, at any depth: the rules of a plugin's section, and of plain dicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django_snapshots.conf.importing import dotted_path, import_class
from django_snapshots.conf.mistakes import SPEC_KEYS, variable_of
from django_snapshots.conf.options import parameter_names
from django_snapshots.conf.problems import Problem, see
from django_snapshots.conf.schema import POSITIONS, SECTIONS, Position, is_live
from django_snapshots.conf.text import OutsideText, parse_section
from django_snapshots.conf.unknown import unknown_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django_snapshots.conf.origins import Origins
    from django_snapshots.conf.sources import Variable

__all__ = ["Assignment", "assign_inside", "assign_plugin", "matching_key"]

Path = tuple[str | int, ...]
_NULL = "null"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One variable on its way to its place; records the origin of what it assigns, or why it cannot."""

    variable: Variable
    origins: Origins
    problems: list[Problem]

    def put(self, parent: dict[Any, Any], key: str, path: Path, read: Callable[[str], Any]) -> bool:
        """Assign the variable's value to `parent[key]`, which stands at `path`; say whether it could be read."""
        text = self.variable.value
        try:
            parent[key] = None if text.strip() == _NULL else read(text)
        except ValueError as error:
            self.report(Problem("snapshots.E005", path, f"Is not valid JSON: {error}.", _json_hint(path)))
            return False
        self.origins.assign(path, self.variable.origin)
        return True

    def report(self, problem: Problem) -> None:
        """Add the problem, with the variable as its origin."""
        where = self.variable.origin.where
        self.problems.append(Problem(problem.id, problem.path, problem.message, problem.hint, where))

    def open(self, parent: dict[Any, Any], path: Path) -> dict[Any, Any] | None:
        """Return the dict at the end of `path`, which `parent` holds, copied, to be assigned into.

        None counts as empty. Anything else is left as it is, and reported: None is returned.
        """
        key, value = path[-1], parent.get(path[-1])
        if value is None:
            value = {}
            self.origins.assign(path, self.variable.origin)
        if not isinstance(value, dict):
            self.report(_part_of_no_dict(path, value))
            return None
        parent[key] = dict(value)
        return parent[key]  # type: ignore[no-any-return]


def assign_plugin(
    assignment: Assignment, parent: dict[Any, Any], path: Path, rest: list[str], *, text_is_backend: bool = False
) -> None:
    """Assign to a part of the plugin at `path`, whose section is `parent[path[-1]]`.

    Args:
        assignment: The variable.
        parent: What holds the section; already a copy.
        path: Of the section.
        rest: The parts of the variable's name below the section, at least one.
        text_is_backend: Whether a section that is text is the dotted path of the class.
    """
    head, *below = rest
    value = parent.get(path[-1])
    if text_is_backend and isinstance(value, str):
        parent[path[-1]] = {"BACKEND": value}
    if head == "BACKEND" and not below:
        _assign_backend(assignment, parent, path)
    elif head == "BACKEND":
        assignment.report(unknown_key((*path, head), below, variable_of((*path, head))))
    elif head == "OPTIONS":
        section = assignment.open(parent, path)
        if section is not None:
            _assign_options(assignment, section, path, below)
    else:
        assignment.report(unknown_key(path, rest, variable_of(path)))


def assign_inside(
    assignment: Assignment, parent: dict[Any, Any], path: Path, rest: list[str], read: Callable[[str], Any] = str
) -> None:
    """Assign into the plain dict `parent`, which stands at `path`; keys match without case, new ones are lower."""
    name = matching_key(rest[0], parent)
    inner = (*path, name)
    if not rest[1:]:
        assignment.put(parent, name, inner, read)
        return
    section = assignment.open(parent, inner)
    if section is not None:
        assign_inside(assignment, section, inner, rest[1:], read)


def matching_key(part: str, existing: Iterable[Any], known: Iterable[str] = ()) -> str:
    """Return the key that a part of a variable's name means.

    An existing key without case, else one that is known to be possible, else the part in lower case.
    """
    for candidates in (existing, known):
        for key in candidates:
            if isinstance(key, str) and key.upper() == part:
                return key
    return part.lower()


def _assign_backend(assignment: Assignment, parent: dict[Any, Any], path: Path) -> None:
    section = parent.get(path[-1])
    section = dict(section) if isinstance(section, dict) else {}
    old = section.get("BACKEND")
    parent[path[-1]] = section
    assignment.put(section, "BACKEND", (*path, "BACKEND"), str)
    if section["BACKEND"] != old:
        # The options were another class's; `open` and the schema start again from none.
        section.pop("OPTIONS", None)
        assignment.origins.assign((*path, "OPTIONS"), assignment.variable.origin)


def _assign_options(assignment: Assignment, section: dict[Any, Any], path: Path, rest: list[str]) -> None:
    options_path = (*path, "OPTIONS")
    if not rest:
        assignment.put(section, "OPTIONS", options_path, parse_section)
        return
    options = assignment.open(section, options_path)
    if options is None:
        return
    name = matching_key(rest[0], options, _parameters(section.get("BACKEND")))
    option_path = (*options_path, name)
    if not rest[1:]:
        assignment.put(options, name, option_path, OutsideText)
    elif rest[1] in SPEC_KEYS:
        assign_plugin(assignment, options, option_path, rest[1:])
    else:
        inner = assignment.open(options, option_path)
        if inner is not None:
            assign_inside(assignment, inner, option_path, rest[1:], OutsideText)


def _parameters(backend: object) -> list[str]:
    """Return the options of the class that `backend` names; none where it cannot be imported, which is said later."""
    cls = import_class(backend, ()) if isinstance(backend, str) else None
    return parameter_names(cls) if isinstance(cls, type) else []


def _part_of_no_dict(path: Path, value: object) -> Problem:
    if is_live(value):
        found = f"a live object of class {dotted_path(type(value))}"
        replacement = f"{variable_of(path)}__BACKEND=package.Class"
        hint = f"Change the object in settings.py, or replace it: {replacement}. {see('E006')}"
    else:
        found = "text" if isinstance(value, str) else f"of type {type(value).__name__}"
        hint = f"Write the whole of it as JSON: {variable_of(path)}={{…}}."
    return Problem("snapshots.E006", path, f"A part of it cannot be assigned: it is {found}.", hint)


def _json_hint(path: Path) -> str:
    variable, position = variable_of(path), POSITIONS[str(path[0])]
    if position is Position.LIST:
        return f"Write {variable}=database,media."
    if position is Position.PLUGIN_LIST:
        return f'Write {variable}=[{{"BACKEND": "package.Class", "OPTIONS": {{}}}}].'
    if position is Position.SECTION:
        key = next(iter(SECTIONS[str(path[0])].model_fields))
        return f'Write {variable}={{"{key}": 7}}, or assign a part: {variable}__{key}=7.'
    names_plugin = len(path) == (2 if position is Position.PLUGINS else 1) and position is not Position.DATA
    if names_plugin:
        return f'Write {variable}={{"BACKEND": "package.Class"}}, or assign a part: {variable}__BACKEND=package.Class.'
    return f'Write {variable}={{"name": "value"}}, or assign a part: {variable}__NAME=value.'
