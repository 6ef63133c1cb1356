"""Backs up the example project, destroys it, restores it, and proves that everything is as it was.

Works as a person would: each step is a command, shown with `$` before it runs. Exit 1 when anything differs.
"""

import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from proof import differences, prove_database, prove_media

HERE = Path(__file__).resolve().parent
VAR = HERE / "var"
DATABASE = VAR / "herbarium.sqlite3"
MEDIA = VAR / "media"


def main() -> int:
    """Run the whole story; return the exit status."""
    start = time.monotonic()
    build_project()
    before = prove()
    back_up()
    destroy()
    if not report_differences(before, prove(), "After the damage"):
        say("The damage changed nothing, so this demo proves nothing.")
        return 1
    restore()
    if report_differences(before, prove(), "After the restore"):
        say("FAILED: the restored project is not what was backed up.")
        return 1
    say(f"The restored project equals the one that was backed up. {time.monotonic() - start:.1f} s.")
    return 0


def build_project() -> None:
    """Make the database and the media from nothing."""
    say("A fresh project: users, related models, 300 uploads, a view and a trigger.")
    shutil.rmtree(VAR, ignore_errors=True)
    MEDIA.mkdir(parents=True)
    manage("migrate", "--verbosity", "0")
    manage("fill_herbarium")
    (MEDIA / "exports").mkdir()
    (MEDIA / "cover.jpg").symlink_to(min(MEDIA.glob("photos/*/*")).relative_to(MEDIA))


def back_up() -> None:
    """Check the settings, take a snapshot, look at it."""
    say("Check the settings, take a snapshot, list what there is.")
    manage("check")
    manage("snapshots", "backup", "--name", "before-the-accident")
    manage("snapshots", "list")
    manage("snapshots", "info", "before-the-accident")


def destroy() -> None:
    """Lose rows, objects and files, and leave things behind that no snapshot has."""
    say("Now the accident: rows and files go, others change, and new ones appear.")
    with closing(sqlite3.connect(DATABASE)) as database:
        execute(database, "DELETE FROM herbarium_loan_specimens")
        execute(database, "DELETE FROM herbarium_specimen WHERE id % 2 = 0")
        execute(database, "UPDATE herbarium_specimen SET latitude = 0, measurements = '{}'")
        execute(database, "DROP VIEW herbarium_holdings")
        execute(database, "DROP TRIGGER herbarium_label_changed")
        execute(database, "CREATE TABLE left_by_the_accident (note TEXT)")
        execute(database, "PRAGMA user_version = 13")
        database.commit()
    photos = sorted(MEDIA.glob("photos/*/*"))
    show("rm", f"{len(photos[::3])} of {len(photos)} photos")
    for photo in photos[::3]:
        photo.unlink()
    show("truncate", f"{len(photos[1::3])} more")
    for photo in photos[1::3]:
        os.truncate(photo, 100)
    show("touch", "media/left_by_the_accident")
    (MEDIA / "left_by_the_accident").touch()


def restore() -> None:
    """Bring the newest snapshot back: first what would happen, then the thing itself."""
    say("Bring it back.")
    manage("snapshots", "restore", "latest", "--dry-run")
    manage("snapshots", "restore", "latest", "--noinput")


def prove() -> dict[str, dict[str, str]]:
    """Return the digests of all that is in the project now."""
    return {"database": prove_database(DATABASE), "media": prove_media(MEDIA)}


def report_differences(
    before: dict[str, dict[str, str]], after: dict[str, dict[str, str]], when: str, most: int = 5
) -> int:
    """Print what differs and return how many things do."""
    say(f"{when}, compared with the moment of the backup:")
    total = 0
    for part, proof in before.items():
        lines = differences(proof, after[part])
        total += len(lines)
        print(f"  {part}: {len(proof)} digests, {len(lines)} differ")
        for line in lines[:most]:
            print(f"    {line}")
        if len(lines) > most:
            print(f"    … and {len(lines) - most} more")
    return total


def manage(*arguments: str) -> None:
    """Run `manage.py` in a process of its own, as a person would; leave when it fails."""
    show("python manage.py", *map(shlex.quote, arguments))
    foreign = ("DJANGO_SETTINGS_MODULE", "SNAPSHOTS_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=HERE, env=environment, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        say(f"FAILED: the command above ended with status {done.returncode}.")
        raise SystemExit(1)


def execute(database: sqlite3.Connection, statement: str) -> None:
    """Run one statement and show it."""
    show("sqlite3", DATABASE.name, shlex.quote(statement))
    database.execute(statement)


def show(*words: str) -> None:
    """Print a command line."""
    print("$", *words, flush=True)


def say(text: str) -> None:
    """Print what comes next."""
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
