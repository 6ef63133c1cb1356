"""Restores a dump in a process of its own, to be killed: `python -m tests.connectors.postgres.restorer FILE`.

FILE holds JSON with the database's settings, the facts and the path of the dump. Says "begun" when it begins.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import django
from django.conf import settings


def main(path: str) -> None:
    job = json.loads(Path(path).read_text())
    settings.configure(DATABASES={"default": job["database"]})
    django.setup()
    from django_snapshots.connectors import PostgresConnector
    from django_snapshots.errors import SnapshotConnectorError

    sys.stdout.write("begun\n")
    sys.stdout.flush()
    with Path(job["dump"]).open("rb") as source:
        try:
            PostgresConnector(lock_timeout_s=20).restore("default", source, job["facts"])
        except SnapshotConnectorError as error:
            sys.exit(str(error))
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(sys.argv[1])
