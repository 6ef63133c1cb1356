"""The verb `config`: what every setting is and where it came from. It answers also when the settings are wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.core.management.base import CommandError

from django_snapshots.cli.documents import config_document
from django_snapshots.cli.session import EXIT_FAILED

if TYPE_CHECKING:
    from django_snapshots.cli.session import Session
    from django_snapshots.conf.configuration import Configuration
    from django_snapshots.conf.report import Row

__all__ = ["config"]


def config(session: Session) -> None:
    """Show the settings, as rows, as SNAPSHOTS_* lines, or as their JSON Schema.

    Raises:
        CommandError: After everything was shown, with exit code 1, when there are errors; or no such key.
    """
    options = session.options
    if options["schema"]:
        _show_schema(session)
        return
    # Not before it is needed: the schema of pydantic, and whatever the plugins of the settings import.
    from django_snapshots.conf import load  # noqa: PLC0415

    configuration = load()
    if options["env"]:
        _show_lines(session, configuration)
    else:
        _show_rows(session, configuration)
    if configuration.errors:
        count = len(configuration.errors)
        raise CommandError(
            f"The settings have {'an error' if count == 1 else f'{count} errors'}.", returncode=EXIT_FAILED
        )


def _show_schema(session: Session) -> None:
    from django_snapshots.conf.json_schema import settings_schema  # noqa: PLC0415 - see config

    schema = settings_schema()
    session.finish(schema, lambda: json.dumps(schema, indent=2, sort_keys=True))


def _show_lines(session: Session, configuration: Configuration) -> None:
    from django_snapshots.conf.variables import environment_lines  # noqa: PLC0415 - see config

    if session.options["json"]:
        raise session.refuse("--env prints lines for an env file, not JSON: leave out one of the two.")
    problems = [f"# {line}" for problem in configuration.problems for line in str(problem).splitlines()]
    session.finish({}, lambda: "\n".join([*environment_lines(configuration), *problems]))


def _show_rows(session: Session, configuration: Configuration) -> None:
    from django_snapshots.conf.report import nearest_key, rows_below, setting_rows  # noqa: PLC0415 - see config

    rows, key = setting_rows(configuration), session.options["key"]
    if key is not None:
        chosen = rows_below(rows, key)
        if not chosen:
            raise _no_such_key(session, key, nearest_key(rows, key))
        rows = chosen
    session.finish(config_document(rows, configuration.problems), lambda: _text(rows, configuration))


def _no_such_key(session: Session, key: str, likely: str | None) -> CommandError:
    hint = f"Did you mean '{likely}'?" if likely else "Without a key, `snapshots config` shows them all."
    message = f"There is no setting '{key}'. {hint}"
    return session.refuse(message, EXIT_FAILED)


def _text(rows: list[Row], configuration: Configuration) -> str:
    """Return one line per row: origin, key, value; then the problems as the check prints them."""
    width = max((len(row.origin) for row in rows), default=0)
    lines = [f"{row.origin:{width}}  {row.key} = {json.dumps(row.value, ensure_ascii=False)}" for row in rows]
    return "\n".join([*lines, *(f"\n{problem}" for problem in configuration.problems)])
