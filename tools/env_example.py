"""The text of .env.example: every variable with what it is for and its default, all of it commented out."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from django_snapshots.conf.configuration import Project, configure
from django_snapshots.conf.mistakes import variable_of
from django_snapshots.conf.schema import SECTIONS, Settings
from django_snapshots.conf.sources import ENV_FILE, PREFIX, SECRETS_DIR
from django_snapshots.conf.variables import assignment_line, environment_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["env_example"]

_HEAD = f"""\
# Settings of django-snapshots as variables. Made by `make schemas`; copy it, and take away the # of what you change.
# A variable is an assignment: {PREFIX}STORAGE__OPTIONS__LOCATION=/x means
# SNAPSHOTS["STORAGE"]["OPTIONS"]["location"] = "/x". It is stronger than settings.py.

# An env file like this one is read when this variable of the environment names it.
# {ENV_FILE}=/etc/site/snapshots.env

# A directory with one file per variable, such as /run/secrets. It is weaker than the env file.
# {SECRETS_DIR}=/run/secrets
"""


def env_example() -> str:
    """Return the whole file."""
    project = Project(snapshots={}, vendors={}, base_dir=Path("/srv/site"), media_root=Path("/srv/site/media"))
    lines = environment_lines(configure(project))
    sections = [
        "\n".join([_comment(field.description or ""), *_key_lines(key, lines)])
        for key, field in Settings.model_fields.items()
    ]
    return "\n\n".join([_HEAD.rstrip(), *sections]) + "\n"


def _key_lines(key: str, lines: list[str]) -> Iterator[str]:
    """Yield the lines of a key; those of its parts too, each with what it is for, where the parts have fixed names."""
    model = SECTIONS.get(key)
    yield from (f"# {line}" for line in lines if _belongs_to(line, key) and (model is None or "__" not in line))
    fields = model.model_fields if model else {}
    for name, field in fields.items():
        variable = variable_of((key, name))
        default = assignment_line(variable, json.dumps(field.default, default=str))
        yield _comment(field.description or "")
        yield f"# {next((line for line in lines if line.startswith(f'{variable}=')), default)}"


def _comment(text: str) -> str:
    return textwrap.fill(text, width=118, initial_indent="# ", subsequent_indent="# ")


def _belongs_to(line: str, key: str) -> bool:
    name = line.partition("=")[0].removeprefix(PREFIX)
    return name == key or name.startswith(f"{key}__")
