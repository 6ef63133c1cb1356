"""Restores a dump in a process that a test kills: `python -m tests.connectors.mysql.killed SETTINGS DUMP FACTS`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django
import pymysql


def main() -> None:
    """Restore, and say on standard output when the dump is ready and when it has replaced the database."""
    pymysql.install_as_MySQLdb()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from django_snapshots.connectors import MySQLConnector
    from tests.connectors.databases import alias_of

    settings, dump, facts = (json.loads(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text()))
    with alias_of("house", settings) as alias, dump.open("rb") as source:
        staged = MySQLConnector().stage(alias, source, facts)
        os.write(1, b"s")
        staged.commit()
        os.write(1, b"c")


if __name__ == "__main__":
    main()
