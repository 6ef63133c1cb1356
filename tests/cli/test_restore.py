"""`restore` as people use it: the plan, the question, the safety snapshot and its undoing, other targets, merging."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_command import ROWS, type_at, without_the_rights_of_root
from tests.site import Site, make_site
from tests.trees import tree_digest, tree_lines

if TYPE_CHECKING:
    from pathlib import Path

TWO = 'DATABASES["scratch"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "scratch.sqlite3"}'


def changed(site: Site) -> Site:
    """Make a snapshot called "nightly" and change database and media since."""
    site.run("backup", "--name", "nightly")
    site.execute("UPDATE note SET text = 'now'")
    (site.media / "note.txt").write_text("now")
    (site.media / "later.txt").write_text("made since")
    return site


def test_a_restore_saves_what_it_replaces_and_says_the_command_that_undoes_it(site: Site) -> None:
    before = (changed(site).rows(), tree_digest(site.media))

    printed = site.run("restore", "nightly", "--noinput").stdout

    assert site.rows() == ROWS
    safety = next(name for name in site.names() if name.startswith("pre-restore-"))
    told, undo = printed.strip().rsplit("\n", 1)
    assert told.endswith(f"What was there before is snapshot '{safety}'. To undo this restore:")
    assert undo == f"  python manage.py snapshots restore {safety}"
    program, *arguments = undo.split()[1:]
    assert program == "manage.py"
    site.run(*arguments[1:], "--noinput")
    assert (site.rows(), tree_digest(site.media)) == before


def test_a_snapshot_of_a_part_says_what_is_not_in_it_and_where_that_is(site: Site) -> None:
    site.run("backup", "--name", "whole")
    site.run("backup", "database", "--name", "part")
    way = "The newest with media is 'whole': manage.py snapshots restore whole media"

    planned = site.run("restore", "latest", "--dry-run").stdout
    refused = site.run("restore", "latest", "media", "--noinput", exit_code=1).stderr

    assert f"Not in it: media. {way}\n" in planned
    assert "Snapshot 'part' has no artifact 'media'. It has: database/default." in refused
    assert way in refused
    for whole_or_chosen in (["whole"], ["part", "database"]):
        assert "Not in it" not in site.run("restore", *whole_or_chosen, "--dry-run").stdout


def test_what_no_snapshot_has_is_said_to_be_nowhere(site: Site) -> None:
    site.run("backup", "database", "--name", "part")

    planned = site.run("restore", "part", "--dry-run").stdout
    refused = site.run("restore", "part", "medai", "--noinput", exit_code=1).stderr

    assert "Not in it: media. No complete snapshot here has it.\n" in planned
    assert "The newest with" not in refused


def test_the_undo_snapshot_is_not_taken_for_a_part_of_a_backup(site: Site) -> None:
    changed(site)
    site.run("restore", "nightly", "media", "--noinput")
    safety = next(name for name in site.names() if name.startswith("pre-restore-"))

    assert "Not in it" not in site.run("restore", safety, "--dry-run").stdout


def test_restoring_the_latest_again_does_not_bring_back_what_was_replaced(site: Site) -> None:
    changed(site)
    site.run("restore", "latest", "--noinput")

    assert site.names()[0].startswith("pre-restore-")
    assert site.json("restore", "latest", "--noinput")["snapshot"] == "nightly"
    assert site.rows() == ROWS


def test_latest_without_a_backup_names_what_a_restore_saved(site: Site) -> None:
    changed(site).run("restore", "nightly", "media", "--noinput")
    site.run("delete", "nightly", "--noinput")
    (safety,) = site.names()

    error = site.json("restore", "latest", "--noinput", exit_code=1)["error"]

    assert error["type"] == "SnapshotNotFoundError"
    assert (
        f"holds only what restores saved, and 'latest' never means that. The newest is '{safety}'" in (error["message"])
    )


def test_a_backup_cannot_have_the_name_of_what_restores_save(site: Site) -> None:
    error = site.json("backup", "environment", "--name", "pre-restore-mine", exit_code=1)["error"]

    assert error["type"] == "SnapshotNameError"
    assert "'pre-restore-mine' cannot name a backup" in error["message"]
    assert site.names() == []


def test_the_document_names_the_safety_snapshot_and_the_undoing(site: Site) -> None:
    document = changed(site).json("restore", "nightly", "media", "--noinput")

    safety = site.json("list")["snapshots"][0]
    assert document["safety_snapshot"] == safety["name"]
    assert document["undo"] == f"manage.py snapshots restore {safety['name']}"
    assert safety["artifacts"] == ["media"], "only what is replaced is saved"


def test_without_a_safety_snapshot_nothing_is_saved(site: Site) -> None:
    document = changed(site).json("restore", "nightly", "--noinput", "--no-safety-snapshot")

    assert (document["safety_snapshot"], document["undo"]) == (None, None)
    assert site.names() == ["nightly"]


def test_what_is_empty_or_missing_is_not_saved(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    site.database.unlink()
    tree = tree_digest(site.media)
    for path in sorted(site.media.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    site.media.rmdir()

    planned = site.json("restore", "nightly", "--dry-run")
    document = site.json("restore", "nightly", "--noinput")

    assert [entry["content"] for entry in planned["replaces"]] == ["empty", "empty"]
    assert document["safety_snapshot"] is None
    assert not (site.folder / "db.sqlite3-journal").exists()
    assert (site.rows(), tree_digest(site.media)) == (ROWS, tree)


@pytest.mark.parametrize(
    "damaged", [b"SQLite format 3\0" + b"\xff" * 4080, b"garbage" * 1000], ids=["damaged", "other"]
)
def test_a_database_that_can_neither_be_saved_nor_replaced_is_to_be_moved_away(site: Site, damaged: bytes) -> None:
    changed(site)
    site.database.write_bytes(damaged)
    tree = tree_digest(site.media)

    refused = site.run("restore", "nightly", "--noinput", exit_code=1)
    document = site.json("restore", "nightly", "--dry-run")

    assert "What is there now could not be saved: " in refused.stderr
    assert (
        "Move it away, together with its -wal, -shm and -journal if there are any, and run the same" in refused.stderr
    )
    assert "--no-safety-snapshot" not in refused.stderr, "it could not be replaced with that either"
    assert "Nothing was changed." in refused.stderr
    assert document["replaces"][0]["content"] == "unreadable"
    assert (site.database.read_bytes(), tree_digest(site.media)) == (damaged, tree)
    site.database.unlink()
    site.run("restore", "nightly", "--noinput")
    assert site.rows() == ROWS


def test_what_cannot_be_saved_but_replaced_is_restored_without_saving_it(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"ARTIFACTS": {"shy": {"BACKEND": "shy.Shy"}}}')
    (site.folder / "shy.py").write_text(
        "import os\nclass Shy:\n    suffix = 'bin'\n    def dump(self, sink):\n"
        "        if os.environ.get('SHY'):\n            raise ValueError('not now')\n        return {}\n"
        "    def restore(self, source, facts):\n        source.read(1)\n"
    )
    site.run("backup", "shy", "--name", "nightly")

    refused = site.run("restore", "nightly", "--noinput", exit_code=1, env={"SHY": "1"}).stderr
    site.run("restore", "nightly", "--noinput", "--no-safety-snapshot", env={"SHY": "1"})

    assert "What is there now could not be saved: shy could not be dumped: ValueError: not now" in refused
    assert "add --no-safety-snapshot (safety_snapshot=False); what is there now is then gone." in refused


def test_media_that_could_be_saved_in_part_only_stop_the_restore(site: Site) -> None:
    changed(site)
    secret = site.media / "secret.txt"
    secret.write_text("x")
    secret.chmod(0)
    tree = tree_digest(site.media / "2026")

    refused = site.run("restore", "nightly", "media", "--noinput", exit_code=1, preexec_fn=without_the_rights_of_root)

    assert "What is there now was saved in part only, as 'pre-restore-" in refused.stderr
    assert "secret.txt" in refused.stderr
    assert "What was there before" not in refused.stderr
    assert "also saved" not in refused.stderr
    assert (site.media / "note.txt").read_text() == "now"
    assert tree_digest(site.media / "2026") == tree


def test_a_storage_that_can_only_be_read_stops_the_restore_unless_nothing_is_to_be_saved(site: Site) -> None:
    changed(site)
    for folder in (site.snapshots, *(path for path in site.snapshots.rglob("*") if path.is_dir())):
        folder.chmod(0o500)
    ordinary = without_the_rights_of_root

    refused = site.run("restore", "nightly", "--noinput", exit_code=1, preexec_fn=ordinary)
    assert site.rows() == [(1, "now"), (2, "now")]
    site.run("restore", "nightly", "--noinput", "--no-safety-snapshot", preexec_fn=ordinary)

    assert f"What is there now could not be saved: {site.snapshots} cannot be changed: Permission" in refused.stderr
    assert "add --no-safety-snapshot" in refused.stderr
    assert site.rows() == ROWS


def test_the_safety_snapshot_is_stored_as_the_settings_say(tmp_path: Path) -> None:
    gzip = '{"BACKEND": "django_snapshots.codecs.Gzip"}'
    site = make_site(tmp_path / "site", f'SNAPSHOTS = {{"SNAPSHOT_FORMAT": "archive", "COMPRESSION": {gzip}}}')

    safety = changed(site).json("restore", "nightly", "--noinput")["safety_snapshot"]

    info = site.json("info", safety)
    assert [record["codecs"] for record in info["artifacts"]] == [["gzip"], ["gzip"]]
    assert (site.snapshots / f"{safety}.tar").is_file()


def test_at_a_terminal_the_name_of_the_database_has_to_be_typed(site: Site) -> None:
    changed(site)

    code, refused = type_at(site, "restore", "nightly", answer="yes")
    assert (code, site.rows()) == (1, [(1, "now"), (2, "now")])
    assert "This replaces all that is in the database db.sqlite3. Type its name to go on: " in refused

    code, _ = type_at(site, "restore", "nightly", answer="db.sqlite3")
    assert (code, site.rows()) == (0, ROWS)


def test_two_databases_of_one_name_are_both_named_in_the_question(tmp_path: Path) -> None:
    more = "DATABASES['archive'] = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'old' / 'db.sqlite3'}"
    (tmp_path / "site" / "old").mkdir(parents=True)
    site = make_site(tmp_path / "site", more)
    shutil.copyfile(site.database, site.folder / "old" / "db.sqlite3")
    site.run("backup", "--name", "nightly")

    code, asked = type_at(site, "restore", "nightly", answer="no")

    assert code == 1
    assert "in 2 databases db.sqlite3 (database/default, database/archive). Type its name to go on: " in asked


def test_at_a_terminal_an_empty_target_takes_a_yes(site: Site) -> None:
    changed(site)
    site.database.unlink()

    code, printed = type_at(site, "restore", "nightly", "database", answer="yes")

    assert (code, site.rows()) == (0, ROWS)
    assert "There is nothing there yet, so nothing is saved before." in printed


def test_the_plan_says_what_is_replaced_by_what(site: Site) -> None:
    changed(site)

    printed = site.run("restore", "nightly", "--dry-run").stdout

    lines = printed.splitlines()
    assert lines[0].startswith("Snapshot 'nightly' of ")
    assert " ago), made on " in lines[0]
    assert lines[1:3] == ["Restoring it replaces:", f"  database/default: database default (sqlite {site.database})"]
    assert "now 8.0 KiB; then 8.0 KiB" in lines[3]
    assert f"made by version {sqlite3.sqlite_version} of the server, here is {sqlite3.sqlite_version}" in printed
    assert "that are free there" in printed
    assert "with 2 files" in printed
    assert "It only compares environment:" in printed
    assert "What is there now is saved before, as a snapshot 'pre-restore-…': database/default, media.\n" in printed


def test_the_environment_is_compared_and_not_among_what_is_replaced(site: Site) -> None:
    document = changed(site).json("restore", "nightly", "--dry-run")

    assert [entry["artifact"] for entry in document["replaces"]] == ["database/default", "media"]
    assert [entry["artifact"] for entry in document["compares"]] == ["environment"]


def test_a_restore_of_the_environment_alone_replaces_and_saves_nothing(site: Site) -> None:
    changed(site)

    printed = site.run("restore", "nightly", "environment", "--noinput").stdout

    assert "Restoring it replaces nothing." in printed
    assert site.names() == ["nightly"]


def test_the_difference_of_the_migrations_is_in_the_plan(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'INSTALLED_APPS.append("shop")')
    shop = site.folder / "shop"
    (shop / "migrations").mkdir(parents=True)
    (shop / "__init__.py").touch()
    (shop / "migrations" / "__init__.py").touch()
    migration = "from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = {}\n"
    (shop / "migrations" / "0001_initial.py").write_text(migration.format("[]"))
    site.execute("CREATE TABLE django_migrations (id INTEGER PRIMARY KEY, app TEXT, name TEXT, applied TEXT)")
    site.execute("INSERT INTO django_migrations VALUES (1, 'shop', '0001_initial', ''), (2, 'old', '0007_x', '')")
    site.run("backup", "--name", "nightly")
    (shop / "migrations" / "0002_price.py").write_text(migration.format('[("shop", "0001_initial")]'))

    document = site.json("restore", "nightly", "--dry-run")
    printed = site.run("restore", "nightly", "--dry-run").stdout

    assert document["replaces"][0]["migrations"] == {
        "only_in_snapshot": ["old.0007_x"],
        "only_in_code": ["shop.0002_price"],
    }
    assert "older than this code: run `migrate` afterwards, for shop.0002_price" in printed
    assert "newer than this code: deploy the code that has old.0007_x" in printed


def notes_of(file: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT * FROM note ORDER BY id").fetchall()


def test_a_database_is_restored_into_another_alias_and_undone_there(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", TWO)
    site.run("backup", "database/default", "media", "--name", "nightly")
    site.execute("UPDATE note SET text = 'now'")
    media = tree_digest(site.media)
    with closing(sqlite3.connect(site.folder / "scratch.sqlite3")) as scratch, scratch:
        scratch.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")

    document = site.json("restore", "nightly", "--database", "default=scratch", "--noinput")

    assert [entry["artifact"] for entry in document["replaces"]] == ["database/default"]
    assert "scratch.sqlite3" in document["replaces"][0]["target"]
    assert notes_of(site.folder / "scratch.sqlite3") == ROWS
    assert site.rows() == [(1, "now"), (2, "now")]
    assert tree_digest(site.media) == media
    site.run(*document["undo"].split()[2:], "--noinput")
    assert notes_of(site.folder / "scratch.sqlite3") == []
    assert site.rows() == [(1, "now"), (2, "now")]


def test_two_folders_one_inside_the_other_are_restored_one_after_the_other_and_not_together(tmp_path: Path) -> None:
    options = '{"location": str(BASE_DIR / "link")}'
    spec = f'{{"BACKEND": "django_snapshots.artifacts.DirectoryArtifact", "OPTIONS": {options}}}'
    names = '["database", "media", "private"]'
    more = f'SNAPSHOTS = {{"ARTIFACTS": {{"private": {spec}}}, "DEFAULT_ARTIFACTS": {names}}}'
    site = make_site(tmp_path / "site", more)
    private = site.media / "private"
    private.mkdir()
    (site.folder / "link").symlink_to(private)
    (private / "letter").write_text("as it was")
    site.run("backup", "--name", "nightly")
    (private / "letter").write_text("changed")
    site.execute("DELETE FROM note")
    before = tree_digest(site.media)

    refused = site.run("restore", "nightly", "--noinput", exit_code=1)

    assert f"{private}, which is 'private', is inside {site.media}, which is 'media'" in refused.stderr
    assert "Nothing was changed. Name one of them to restore" in refused.stderr
    assert (tree_digest(site.media), site.rows()) == (before, [])
    assert site.names() == ["nightly"]
    for name in ("media", "private"):
        (private / "letter").write_text("changed")
        site.run("restore", "nightly", name, "--noinput")
        assert (private / "letter").read_text() == "as it was"


def test_two_databases_are_not_restored_into_one(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", TWO)
    with closing(sqlite3.connect(site.folder / "scratch.sqlite3")) as scratch, scratch:
        scratch.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
    site.run("backup", "--name", "nightly")
    both = ["--database", "default=scratch", "--database", "scratch"]

    refused = site.run("restore", "nightly", *both, "--noinput", exit_code=1)

    assert "'database/default' and 'database/scratch' would both replace database scratch" in refused.stderr


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("default=", 2, "write ALIAS, or ALIAS=TARGET"),
        ("=scratch", 2, "write ALIAS, or ALIAS=TARGET"),
        ("default=nowhere", 1, "to be restored as 'database/nowhere', which this project does not have"),
    ],
)
def test_a_wrong_target_is_named(site: Site, text: str, code: int, message: str) -> None:
    site.run("backup", "--name", "nightly")

    assert message in site.run("restore", "nightly", "--database", text, "--noinput", exit_code=code).stderr


def test_media_are_restored_into_another_folder_and_nothing_else_is_touched(site: Site, tmp_path: Path) -> None:
    tree = tree_lines(site.media)
    changed(site)
    before = (site.rows(), tree_digest(site.media))
    elsewhere = tmp_path / "else where"

    document = site.json("restore", "nightly", "--media-root", str(elsewhere), "--noinput")

    assert tree_lines(elsewhere) == tree
    assert [entry["target"] for entry in document["replaces"]] == [str(elsewhere)]
    assert (site.rows(), tree_digest(site.media)) == before
    (elsewhere / "note.txt").write_text("edited")
    again = site.run("restore", "nightly", "--media-root", str(elsewhere), "--noinput").stdout
    assert again.rstrip().endswith(f" --media-root '{elsewhere}'")


def test_merging_keeps_the_files_that_the_snapshot_does_not_have(site: Site) -> None:
    changed(site)
    (site.media / "2026" / "more").mkdir(mode=0o750)
    (site.media / "2026" / "more" / "new.txt").write_text("new")
    (site.media / "2026" / "photo.jpg").unlink()
    (site.media / "link").symlink_to("later.txt")
    os.utime(site.media / "2026" / "more", (1_700_000_000, 1_700_000_000))

    document = site.json("restore", "nightly", "media", "--merge", "--noinput")

    assert document["replaces"][0]["merge"] is True
    assert (site.media / "later.txt").read_text() == "made since"
    assert (site.media / "2026" / "more" / "new.txt").read_text() == "new"
    kept = (site.media / "2026" / "more").stat()
    assert (kept.st_mode & 0o777, kept.st_mtime) == (0o750, 1_700_000_000)
    assert (site.media / "note.txt").read_text() == "kept", "what the snapshot has is the snapshot's"
    assert (site.media / "2026" / "photo.jpg").stat().st_size == 256_000
    assert (site.media / "link").readlink().name == "later.txt"
    site.run(*document["undo"].split()[2:], "--noinput")
    assert not (site.media / "2026" / "photo.jpg").exists()


@pytest.mark.parametrize("folder_here", [True, False])
def test_a_merge_that_cannot_keep_both_changes_nothing(site: Site, folder_here: bool) -> None:
    path = site.media / ("note.txt" if folder_here else "2026")
    site.run("backup", "--name", "nightly")
    if folder_here:
        path.unlink()
        path.mkdir()
        (path / "inner").write_text("mine")
    else:
        (path / "photo.jpg").unlink()
        path.rmdir()
        path.write_text("mine")
    before = tree_digest(site.media)

    refused = site.run("restore", "nightly", "media", "--merge", "--noinput", exit_code=1)

    assert f"{path.name} is a " in refused.stderr
    assert "a merge cannot keep both. Nothing was changed." in refused.stderr
    assert tree_digest(site.media) == before


def test_a_merge_without_media_is_refused(site: Site) -> None:
    site.run("backup", "--name", "nightly")

    refused = site.run("restore", "nightly", "database", "--merge", "--noinput", exit_code=1)

    assert "Only media can be merged, and it is not restored here." in refused.stderr


def test_where_restoring_is_switched_off_nobody_is_asked_and_a_dry_run_works(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"ALLOW_RESTORE": False}')
    site.run("backup", "--name", "nightly")

    code, printed = type_at(site, "restore", "nightly", answer="db.sqlite3")

    assert code == 1
    assert "SNAPSHOTS['ALLOW_RESTORE'] is False." in printed
    assert "to go on" not in printed
    site.run("restore", "nightly", "--dry-run")


def test_a_failure_after_saving_says_where_what_was_there_is(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"ARTIFACTS": {"late": {"BACKEND": "late.Late"}}}')
    (site.folder / "late.py").write_text(
        "class Late:\n    suffix = 'bin'\n    def dump(self, sink):\n        return {}\n"
        "    def restore(self, source, facts):\n        raise ValueError('no')\n"
    )
    site.run("backup", "late", "media", "--name", "nightly")

    document = json.loads(site.run("restore", "nightly", "--noinput", "--json", exit_code=1).stdout)

    safety = site.names()[0]
    assert f"What was there before is snapshot '{safety}'." in document["error"]["message"]
    assert "late could not be replaced: no Already replaced: media." in document["error"]["message"]


def test_a_failure_after_saving_that_changed_nothing_does_not_speak_of_before(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"ARTIFACTS": {"fussy": {"BACKEND": "fussy.Fussy"}}}')
    (site.folder / "fussy.py").write_text(
        "class Fussy:\n    suffix = 'bin'\n    def dump(self, sink):\n        return {}\n"
        "    def restore(self, source, facts):\n        raise NotImplementedError\n"
        "    def stage(self, source, facts):\n        raise ValueError('no')\n"
    )
    site.run("backup", "fussy", "media", "--name", "nightly")

    refused = site.run("restore", "nightly", "--noinput", exit_code=1).stderr

    (safety, _) = site.names()
    assert f"Nothing was changed.\nWhat is there now was also saved, as '{safety}'; you may delete it.\n" in refused
    assert "What was there before" not in refused


def obstacles(site: Site, *options: str) -> list[str]:
    """Plan a restore as an ordinary user; return what is said to be in its way, and check that text and JSON agree."""
    arguments = ("restore", "nightly", *options, "--dry-run")
    printed = site.run(*arguments, preexec_fn=without_the_rights_of_root).stdout
    document = site.json(*arguments, preexec_fn=without_the_rights_of_root)
    said = [line.removeprefix("NOT POSSIBLE: ") for line in printed.splitlines() if line.startswith("NOT POSSIBLE: ")]
    assert document["obstacles"] == said
    assert ("mend it first. Nothing was changed (--dry-run)." in printed) == bool(said)
    return said


def test_a_plan_that_can_be_carried_out_names_no_obstacle(site: Site, tmp_path: Path) -> None:
    changed(site)

    assert obstacles(site) == []
    assert obstacles(site, "--media-root", str(tmp_path / "to" / "be" / "made")) == []


def test_a_plan_names_each_folder_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    changed(site)
    closed = tmp_path / "closed"
    for folder in (closed, site.folder):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o500)

    (media,) = obstacles(site, "--media-root", str(closed / "new"))
    (database,) = obstacles(site)

    assert media == f"{closed} is not writable for this user. Restore as a user who may write there."
    assert database == f"{site.folder} is not writable for this user. Restore as the user who owns it."
    refused = site.run(
        *("restore", "nightly", "--media-root", str(closed / "new"), "--noinput"),
        exit_code=1,
        preexec_fn=without_the_rights_of_root,
    )
    assert str(closed) in refused.stderr


def test_a_media_folder_whose_parent_cannot_be_written_is_no_obstacle_while_it_can_be(site: Site) -> None:
    changed(site)
    site.folder.chmod(0o500)

    assert obstacles(site, "media") == []
    site.media.chmod(0o500)
    assert obstacles(site, "media") == [
        f"{site.folder} is not writable for this user, nor is {site.media}. Restore as a user who may write there."
    ]


def test_a_plan_says_that_restoring_is_switched_off_and_that_a_file_is_no_database(tmp_path: Path) -> None:
    site = changed(make_site(tmp_path / "site", 'SNAPSHOTS = {"ALLOW_RESTORE": False}'))
    site.database.write_bytes(b"garbage" * 1000)

    switched_off, garbage = obstacles(site)

    assert switched_off.startswith("Restoring is switched off here: SNAPSHOTS['ALLOW_RESTORE'] is False.")
    assert "no SQLite database" in garbage
    assert "Move it away" in garbage
