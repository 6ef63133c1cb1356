"""The verbs and their options, as argparse subparsers of the management command."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["VERBS", "add_verbs"]

_NAME_HELP = "the snapshot's name"
_ARTIFACT_HELP = 'such as "database" (all databases), "database/default", "media", "environment"'

_SEVERAL = ("artifacts", "names")
"""The arguments that take any number of words."""


def add_verbs(parser: CommandParser, on_usage_error: Callable[[str], None]) -> None:
    """Add a subparser for each verb.

    Args:
        parser: The management command's parser.
        on_usage_error: Called with the sentence before a wrong use ends the program with exit code 2.
    """

    class VerbParser(CommandParser):
        def error(self, message: str) -> Any:
            on_usage_error(message)
            return super().error(message)

        # Its overloads are about the type of the namespace, which is passed on.
        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
            found, left = super().parse_known_args(args, namespace)
            left = _take_names(found, left)
            if left:
                self.error(f"unrecognized arguments: {' '.join(left)}")
            return found, left

    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, title="verbs", parser_class=VerbParser)
    for name, (summary, add_arguments) in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        add_arguments(verb)
        verb.add_argument("--json", action="store_true", help="print one JSON document on standard output")
        _add_common(verb)


def _take_names(found: argparse.Namespace, left: list[str]) -> list[str]:
    """Give the names that stand behind an option to the argument that takes several; return what is then left.

    argparse fills such an argument at its first chance. Its way around that is for parsers without subparsers only:
    https://docs.python.org/3/library/argparse.html#intermixed-parsing
    """
    several = [argument for argument in _SEVERAL if hasattr(found, argument)]
    if not several or any(text.startswith("-") for text in left):
        return left
    setattr(found, several[0], [*getattr(found, several[0]), *left])
    return []


def _add_common(verb: argparse.ArgumentParser) -> None:
    # Django adds these to the command only; people type them after the verb. SUPPRESS keeps the command's value
    # where the verb does not say otherwise.
    common = verb.add_argument_group("options of every command")
    options: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        (("-v", "--verbosity"), {"type": int, "choices": [0, 1, 2, 3], "help": "0 prints no text, 1 is the default"}),
        (("--settings",), {"help": "the Python path to a settings module"}),
        (("--pythonpath",), {"help": "a directory to add to the Python path"}),
        (("--traceback",), {"action": "store_true", "help": "show where an error comes from"}),
        (("--no-color",), {"action": "store_true", "help": "print without colors"}),
        (("--force-color",), {"action": "store_true", "help": "print with colors everywhere"}),
    ]
    for names, arguments in options:
        common.add_argument(*names, default=argparse.SUPPRESS, **arguments)


def _add_backup(verb: argparse.ArgumentParser) -> None:
    _add_artifacts(verb, f"what to back up, {_ARTIFACT_HELP}")
    verb.add_argument("--name", help=f"{_NAME_HELP}; SNAPSHOT_NAME of the settings makes one up otherwise")
    verb.add_argument(
        "--overwrite", action="store_true", help="replace a snapshot of this name once the new one is complete"
    )
    verb.add_argument("--format", choices=["directory", "archive"], help="how it is stored; SNAPSHOT_FORMAT otherwise")
    verb.add_argument("--prune", action="store_true", help="apply the retention policy once the snapshot is complete")
    _add_database(verb, "take")


def _add_restore(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("name", metavar="NAME", help=f'{_NAME_HELP}, or "latest"')
    _add_artifacts(verb, f"what to restore, {_ARTIFACT_HELP}; all otherwise")
    _add_database(verb, "restore", metavar="ALIAS[=TARGET]", more="; with =TARGET into that database of DATABASES")
    verb.add_argument("--media-root", metavar="DIR", help="restore media into DIR, and only that and what is named")
    verb.add_argument("--merge", action="store_true", help="keep the files of media that the snapshot does not have")
    _add_from(verb)
    verb.add_argument(
        "--no-safety-snapshot",
        action="store_false",
        dest="safety_snapshot",
        help="do not save what is there now; the restore cannot be undone then",
    )
    verb.add_argument("--dry-run", action="store_true", help="show the plan and verify the files, change nothing")
    verb.add_argument(
        "--allow-unsigned",
        action="store_true",
        help="restore although SIGNING wants a signature, and the snapshot has none or a wrong one",
    )
    _add_noinput(verb)


def _add_artifacts(verb: argparse.ArgumentParser, help_text: str) -> None:
    # Without a default argparse counts it among what is required when something else is missing.
    verb.add_argument("artifacts", nargs="*", default=[], metavar="ARTIFACT", help=help_text)


def _add_database(verb: argparse.ArgumentParser, action: str, metavar: str = "ALIAS", more: str = "") -> None:
    verb.add_argument(
        "--database",
        action="append",
        dest="databases",
        default=[],
        metavar=metavar,
        help=f"{action} this database only, and the artifacts that are named{more}; may be repeated",
    )


def _add_noinput(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--noinput",
        "--no-input",
        action="store_false",
        dest="interactive",
        help="do not ask; needed without a terminal",
    )


def _add_from(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--from",
        metavar="N",
        type=int,
        dest="from_replica",
        help="take the snapshots of this replica, counted from 1, and not those of STORAGE",
    )


def _add_list(verb: argparse.ArgumentParser) -> None:
    _add_from(verb)


def _add_info(verb: argparse.ArgumentParser) -> None:
    _add_unpin(verb)
    _add_from(verb)


def _add_unpin(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("name", metavar="NAME", help=f'{_NAME_HELP}, or "latest"')


def _add_copy(verb: argparse.ArgumentParser) -> None:
    what = verb.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", metavar="NAME", help=f'{_NAME_HELP}, or "latest"')
    what.add_argument("--missing", action="store_true", help="copy every complete snapshot that a replica lacks")
    verb.add_argument("--to", metavar="N", type=int, help="the number of the replica, counted from 1; all otherwise")


def _add_delete(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("names", nargs="+", metavar="NAME", help=_NAME_HELP)
    _add_noinput(verb)


def _add_check(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("name", nargs="?", metavar="NAME", help=f'{_NAME_HELP}, or "latest", which is meant without one')
    verb.add_argument("--strict", action="store_true", help="end with exit code 1 when anything differs")


def _add_verify(verb: argparse.ArgumentParser) -> None:
    what = verb.add_mutually_exclusive_group()
    what.add_argument("name", nargs="?", metavar="NAME", help=f'{_NAME_HELP}, or "latest", which is meant without one')
    what.add_argument("--all", action="store_true", help="verify every snapshot")
    verb.add_argument(
        "--deep",
        action="store_true",
        help="a drill: restore into scratch databases and folders, and look at what came back",
    )
    verb.add_argument(
        "--require-level",
        type=int,
        choices=(1, 2, 3),
        metavar="N",
        help="fail where less than this level was reached: 2 decoded and parsed, 3 a drill (with --deep)",
    )
    verb.add_argument("--sample", type=_percent, metavar="PERCENT", help="this share of the artifacts only, at random")
    _add_from(verb)


def _percent(text: str) -> float:
    percent = float(text.removesuffix("%"))
    if not 0 < percent <= 100:  # noqa: PLR2004 - a hundredth, of a hundred
        raise argparse.ArgumentTypeError(f"{text} is no share: give a number above 0, up to 100")
    return percent


def _add_config(verb: argparse.ArgumentParser) -> None:
    what = verb.add_mutually_exclusive_group()
    what.add_argument("key", nargs="?", metavar="KEY", help='a setting or a section, such as "STORAGE.OPTIONS"')
    what.add_argument("--env", action="store_true", help="print SNAPSHOTS_* lines for an env file, without secrets")
    what.add_argument("--schema", action="store_true", help="print the JSON Schema of SNAPSHOTS")


def _add_keygen(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--output",
        metavar="FILE",
        help="a new file for the identity, the secret key; ~/.config/django-snapshots/identity.txt otherwise",
    )


def _add_prune(verb: argparse.ArgumentParser) -> None:
    rules = verb.add_argument_group("rules", "Without any, those of SNAPSHOTS['PRUNE']; with some, only these.")
    rules.add_argument("--keep", metavar="N", type=int, help="keep the newest so many")
    for period in ("hourly", "daily", "weekly", "monthly", "yearly"):
        unit = "day" if period == "daily" else period.removesuffix("ly")
        help_text = f"keep the newest of each of the last so many {unit}s that have one"
        rules.add_argument(f"--keep-{period}", metavar="N", type=int, help=help_text)
    help_text = "keep all that are at most this much older than the newest, such as 30d, P30D"
    rules.add_argument("--keep-within", metavar="DURATION", help=help_text)
    help_text = "of what is kept, the newest whose sizes add up to no more, such as 500GB, 500GiB"
    rules.add_argument("--max-size", metavar="SIZE", help=help_text)
    help_text = "refuse to leave fewer complete snapshots than this; MIN_KEEP of the settings otherwise"
    rules.add_argument("--min-keep", metavar="N", type=int, help=help_text)
    help_text = "remove only what killed backups and deletions left behind, and no snapshot"
    verb.add_argument("--leftovers", action="store_true", help=help_text)
    verb.add_argument("--dry-run", action="store_true", help="show each decision and its reasons, remove nothing")


def _add_pin(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("name", metavar="NAME", help=f'{_NAME_HELP}, or "latest"')
    verb.add_argument("--until", metavar="DATE", help="the last day it is held, such as 2027-12-31; for ever otherwise")
    verb.add_argument("--reason", metavar="TEXT", default="", help="why, for people")


def _add_health(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--prometheus", metavar="FILE", help="write metrics to this file, for the node exporter to collect"
    )


def _add_completion(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "what",
        metavar="WHAT",
        choices=["bash", "zsh", "names", "databases", "artifacts"],
        help='"bash" or "zsh" for the script of that shell; "names", "databases", "artifacts" for the words it offers',
    )


VERBS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "backup": ("make a snapshot", _add_backup),
    "restore": ("replace databases and files by those of a snapshot", _add_restore),
    "list": ("show the snapshots, newest first", _add_list),
    "info": ("show what a snapshot holds", _add_info),
    "delete": ("remove snapshots", _add_delete),
    "keygen": ("make a pair of keys to encrypt snapshots with", _add_keygen),
    "verify": ("prove that snapshots are whole and can be read", _add_verify),
    "prune": ("delete what the retention policy does not keep", _add_prune),
    "pin": ("hold a snapshot against delete and prune", _add_pin),
    "unpin": ("let go of a pinned snapshot", _add_unpin),
    "copy": ("copy snapshots to the replicas", _add_copy),
    "health": ("say whether the backups are well: age, size, damage, verification, space", _add_health),
    "completion": ("print what makes a shell complete this command", _add_completion),
    "check": ("compare a snapshot with this code: packages and migrations", _add_check),
    "config": ("show every setting, its value and where it came from", _add_config),
}
"""Verb -> what it does, and what adds its arguments."""
