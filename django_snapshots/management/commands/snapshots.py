"""`manage.py snapshots VERB`: reads the command line, calls the verb, turns failures into exit codes."""

from __future__ import annotations

import gc
import json
import sys
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, SystemCheckError

from django_snapshots.cli.allocator import tune_allocator
from django_snapshots.cli.documents import error_document
from django_snapshots.cli.parser import add_verbs
from django_snapshots.cli.session import EXIT_BUSY, HEALTH_UNKNOWN, EndedBySignal, Session, ending_on_signals
from django_snapshots.errors import SnapshotBusyError, SnapshotError

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

__all__ = ["Command"]


class Command(BaseCommand):
    """Back up and restore the whole project."""

    help = "Back up and restore the whole project: databases, media files, environment."
    requires_system_checks = []  # noqa: RUF012 - Django's own spelling; the verbs run the checks tagged snapshots

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verbs."""
        add_verbs(parser, self._report_usage)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as the process of the command line, which is there for nothing else."""
        tune_allocator()
        # What is loaded by now stays to the end: not looking through it again, at the end above all, saves a fifth of
        # the processor time of a small backup.
        gc.freeze()
        super().run_from_argv(argv)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the verb."""
        session = Session(self.stdout, self.stderr, options)
        try:
            with ending_on_signals():
                self._run(session, options["verb"])
        except SnapshotBusyError as error:
            raise session.fail(error, exit_code=EXIT_BUSY) from error
        except (SnapshotError, ImproperlyConfigured) as error:
            raise session.fail(error) from error
        except EndedBySignal as error:
            raise session.fail(error, exit_code=128 + error.number) from error

    def _check_settings(self, session: Session) -> None:
        try:
            self.check(tags=["snapshots"], databases=[])  # Django 6.1 would ask every server
        except SystemCheckError as error:
            from django_snapshots.conf import load  # noqa: PLC0415 - nothing to import when the settings are right

            failure = session.fail_settings(error, load().problems)
            if session.options["verb"] == "health":
                failure.returncode = HEALTH_UNKNOWN
            raise failure from error

    def _run(self, session: Session, verb: str) -> None:
        if verb == "config":
            from django_snapshots.cli.config import config  # noqa: PLC0415 - answers without engine and valid settings

            config(session)
            return
        if verb == "keygen":
            from django_snapshots.cli.keygen import keygen  # noqa: PLC0415 - likewise

            keygen(session)
            return
        if verb == "completion":
            from django_snapshots.cli.completion import completion  # noqa: PLC0415 - see config

            completion(session)
            return
        self._check_settings(session)
        from django_snapshots.cli.verbs import run_verb  # noqa: PLC0415 - the engine, once the settings are right

        run_verb(verb, session)

    def _report_usage(self, message: str) -> None:
        if "--json" in sys.argv:
            self.stdout.write(json.dumps(error_document("CommandError", message), indent=2, ensure_ascii=False))
