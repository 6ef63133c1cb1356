from __future__ import annotations

import ctypes
import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.site import Site, make_site
from tests.trees import tree_digest

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [(1, "first"), (2, "second")]


def test_a_project_is_backed_up_damaged_and_restored(site: Site) -> None:
    media = tree_digest(site.media)
    site.run("backup", "--name", "before")
    site.execute("DELETE FROM note")
    site.execute("CREATE TABLE later (id INTEGER)")
    (site.media / "note.txt").unlink()
    (site.media / "later.txt").write_text("made since")

    site.run("restore", "before", "--noinput")

    assert site.rows() == ROWS
    assert tree_digest(site.media) == media


def test_backup_prints_what_it_stored_and_its_name(site: Site) -> None:
    printed = site.run("backup", "--name", "nightly").stdout

    assert "database/default" in printed
    assert "Snapshot 'nightly' is complete:" in printed


def test_backup_as_json_is_one_document(site: Site) -> None:
    document = site.json("backup", "--name", "nightly")

    assert document["status"] == "complete"
    assert document["problems"] == []
    assert document["snapshot"] | {"created_at": "", "size_bytes": 0} == {
        "name": "nightly",
        "created_at": "",
        "status": "complete",
        "artifacts": ["database/default", "media", "environment"],
        "size_bytes": 0,
        "format": "directory",
        "encrypted": False,
        "pinned": False,
        "pin": None,
        "verified": None,
        "verification": None,
    }


def test_the_snapshot_on_disk_is_as_documented_and_private(site: Site) -> None:
    site.run("backup", "--name", "nightly")

    files = sorted(str(path.relative_to(site.snapshots)) for path in site.snapshots.rglob("*") if path.is_file())
    assert files == [
        "nightly/database/default.sqlite3.zst",
        "nightly/environment.txt",
        "nightly/manifest.json",
        "nightly/media.tar.zst",
    ]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in site.snapshots.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_a_name_is_made_up_from_the_time(site: Site) -> None:
    name = site.json("backup", "environment")["snapshot"]["name"]

    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z", name)


def test_artifacts_and_databases_can_be_picked(site: Site) -> None:
    def artifacts(*arguments: str) -> list[str]:
        taken: list[str] = site.json("backup", *arguments)["snapshot"]["artifacts"]
        return taken

    assert artifacts("media") == ["media"]
    assert artifacts("database") == ["database/default"]
    assert artifacts("--database", "default") == ["database/default"]
    assert artifacts("media", "--database", "default") == ["media", "database/default"]
    assert artifacts("database/default", "database") == ["database/default"]


def test_the_archive_format_is_one_tar_that_begins_with_the_manifest(site: Site) -> None:
    site.run("backup", "--name", "nightly", "--format", "archive")
    listed = subprocess.run(
        ["tar", "tf", site.snapshots / "nightly.tar"], check=True, capture_output=True, text=True
    ).stdout.split()

    assert listed == ["manifest.json", "database/default.sqlite3.zst", "media.tar.zst", "environment.txt"]
    site.execute("DELETE FROM note")
    site.run("restore", "nightly", "--noinput")
    assert site.rows() == ROWS


def test_overwrite_is_needed_for_a_name_that_is_taken(site: Site) -> None:
    site.run("backup", "--name", "nightly")

    refused = site.run("backup", "--name", "nightly", exit_code=1)
    site.run("backup", "--name", "nightly", "--overwrite")

    assert "Snapshot 'nightly' exists already and was left as it is." in refused.stderr
    assert site.names() == ["nightly"]


def without_the_rights_of_root() -> None:
    """Drop CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH for the program to come: root may read every file with them."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; fails harmlessly for an ordinary user, who has neither


def test_unreadable_media_make_the_snapshot_degraded_with_exit_3(site: Site) -> None:
    secret = site.media / "secret.txt"
    secret.write_text("x")
    secret.chmod(0)

    done = site.run("backup", "media", "--json", exit_code=3, preexec_fn=without_the_rights_of_root)

    document = json.loads(done.stdout)
    assert document["status"] == "degraded"
    assert "secret.txt" in document["problems"][0]
    assert "CommandError: The snapshot is degraded" in done.stderr


def test_with_verbosity_0_a_degraded_backup_says_what_it_lacks(site: Site) -> None:
    secret = site.media / "secret.txt"
    secret.write_text("x")
    secret.chmod(0)
    options = {"exit_code": 3, "preexec_fn": without_the_rights_of_root}

    done = site.run("backup", "media", "--verbosity", "0", **options)  # type: ignore[arg-type]

    assert done.stdout == ""
    assert "CommandError: The snapshot is degraded, problems: 1." in done.stderr
    assert "secret.txt" in done.stderr


def test_media_on_a_disk_that_is_not_mounted_make_no_snapshot(site: Site) -> None:
    disk = site.folder / "disk"
    site.media.rename(disk)
    site.media.symlink_to(disk)
    site.run("backup", "--name", "good")
    disk.rename(site.folder / "unmounted")

    failed = site.run("backup", "--name", "empty", exit_code=1)

    assert f"{site.media} is a symbolic link to {disk}, which does not exist. If it is on a disk" in failed.stderr
    assert "No snapshot was made" in failed.stderr
    assert site.names() == ["good"]


def test_list_of_nothing_says_how_to_begin(site: Site) -> None:
    assert site.run("list").stdout == (
        f"LocalFileSystemBackend('{site.snapshots}') holds no snapshot. If you expected some, look at "
        "SNAPSHOTS['STORAGE']: `manage.py snapshots config` shows it.\n"
        "Make the first one with: manage.py snapshots backup\n"
    )
    assert site.json("list") == {"snapshots": []}


def test_list_is_plain_text_without_folding_when_it_is_no_terminal(site: Site) -> None:
    name = "n" * 128
    site.run("backup", "--name", name)

    lines = site.run("list").stdout.splitlines()

    assert len(lines) == 2
    assert lines[1].startswith(f"{name}  20")
    assert lines[1].endswith("complete  -         database/default media environment")
    assert "\x1b" not in lines[1]


def test_list_shows_damage_and_why(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    (site.snapshots / "nightly" / "manifest.json").write_text("{")

    printed = site.run("list").stdout

    assert "DAMAGED" in printed
    assert "The manifest of 'nightly' is damaged: it is not JSON" in printed


def test_info_is_the_manifest_as_stored_with_its_status(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    stored = json.loads((site.snapshots / "nightly" / "manifest.json").read_text())

    assert site.json("info", "nightly") == {**stored, "status": "complete", "verification": None}
    assert site.json("info", "latest")["name"] == "nightly"
    assert "database/default.sqlite3.zst" in site.run("info", "nightly").stdout


def test_delete_removes_the_named_snapshots_only(site: Site) -> None:
    for name in ("a", "b", "c"):
        site.run("backup", "environment", "--name", name)

    assert site.json("delete", "a", "b", "--noinput") == {"deleted": ["a", "b"]}
    assert site.names() == ["c"]


def test_delete_of_an_unknown_name_deletes_nothing(site: Site) -> None:
    site.run("backup", "environment", "--name", "nightly")

    refused = site.run("delete", "nightly", "nightlyy", "--noinput", exit_code=1)

    assert "There is no snapshot 'nightlyy'. Did you mean 'nightly'?" in refused.stderr
    assert site.names() == ["nightly"]


@pytest.mark.parametrize("verb", ["restore", "delete"])
def test_without_a_terminal_what_destroys_is_refused_unless_noinput(site: Site, verb: str) -> None:
    site.run("backup", "--name", "nightly")
    site.execute("DELETE FROM note")

    refused = site.run(verb, "nightly", exit_code=2)

    assert "no terminal to ask on" in refused.stderr
    assert "--noinput" in refused.stderr
    assert site.rows() == []
    assert site.names() == ["nightly"]


@pytest.mark.parametrize("verb", ["restore", "delete"])
def test_a_refusal_without_a_terminal_is_a_document_too(site: Site, verb: str) -> None:
    site.run("backup", "--name", "nightly")

    document = site.json(verb, "nightly", exit_code=2)

    assert document["error"]["type"] == "CommandError"
    assert "no terminal to ask on" in document["error"]["message"]


def test_an_answer_that_does_not_confirm_is_a_document_too(site: Site) -> None:
    site.run("backup", "--name", "nightly")

    code, printed = type_at(site, "delete", "nightly", "--json", answer="no")

    assert code == 1
    assert "\"message\": \"Not confirmed: 'yes' was asked for, 'no' was typed. Nothing was changed.\"" in printed


@pytest.mark.parametrize(
    "arguments", [["verify", "--require-level", "3"], ["restore", "nightly", "--database", "=x"], ["config", "--env"]]
)
def test_options_that_do_not_go_together_are_a_document_too(site: Site, arguments: list[str]) -> None:
    site.run("backup", "--name", "nightly")

    assert site.json(*arguments, exit_code=2)["error"]["type"] == "CommandError"


def test_a_refused_restore_of_a_part_does_not_say_how_to_restore_everything(site: Site) -> None:
    site.run("backup", "--name", "nightly")

    refused = site.run("restore", "nightly", "environment", exit_code=2)

    assert "type the same command with --noinput" in refused.stderr
    assert "restore nightly --noinput" not in refused.stderr


def test_restore_without_a_name_is_wrong_usage(site: Site) -> None:
    refused = site.run("restore", "--noinput", exit_code=2)

    assert "the following arguments are required: NAME\n" in refused.stderr


def test_artifacts_may_stand_behind_an_option(site: Site) -> None:
    site.run("backup", "--name", "nightly", "media", "environment")

    document = site.json("restore", "nightly", "environment", "--dry-run", "media")

    assert [entry["artifact"] for entry in document["replaces"]] == ["media"]
    assert [entry["artifact"] for entry in document["compares"]] == ["environment"]


def test_names_may_stand_behind_an_option(site: Site) -> None:
    for name in ("first", "second"):
        site.run("backup", "environment", "--name", name)

    site.run("delete", "first", "--noinput", "second")

    assert site.names() == []


@pytest.mark.parametrize("arguments", [["restore", "nightly", "--dryrun", "media"], ["list", "nightly"]])
def test_what_a_verb_does_not_know_is_told_with_the_usage_of_the_verb(site: Site, arguments: list[str]) -> None:
    refused = site.run(*arguments, exit_code=2)

    assert f"usage: manage.py snapshots {arguments[0]} " in refused.stderr
    assert f"unrecognized arguments: {' '.join(arguments[2:] or arguments[1:])}\n" in refused.stderr
    assert "unrecognized arguments" in site.json(*arguments, exit_code=2)["error"]["message"]


def test_wrong_usage_as_json_is_a_document_too(site: Site) -> None:
    document = site.json("backup", "--format", "zip", exit_code=2)

    assert document["error"]["type"] == "CommandError"
    assert "invalid choice: 'zip'" in document["error"]["message"]


def test_dry_run_shows_the_plan_verifies_and_changes_nothing(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    site.execute("DELETE FROM note")

    document = site.json("restore", "nightly", "--dry-run")
    printed = site.run("restore", "nightly", "--dry-run").stdout

    assert document["status"] == "planned"
    assert document["safety_snapshot"] is None
    targets = {entry["artifact"]: entry["target"] for entry in document["replaces"]}
    assert str(site.database) in targets["database/default"]
    assert str(site.media) in targets["media"]
    assert "Nothing was changed (--dry-run)" in printed
    assert site.rows() == []


def test_dry_run_finds_a_damaged_file(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    file = site.snapshots / "nightly" / "media.tar.zst"
    file.write_bytes(file.read_bytes()[:-1])

    refused = site.run("restore", "nightly", "--dry-run", exit_code=1)

    assert "media.tar.zst of 'nightly' has" in refused.stderr


def test_restore_as_json_keeps_standard_output_to_one_document(site: Site) -> None:
    site.run("backup", "--name", "nightly")

    document = site.json("restore", "nightly", "--noinput")

    assert (document["snapshot"], document["status"]) == ("nightly", "restored")


def type_at(site: Site, *arguments: str, answer: str) -> tuple[int, str]:
    """Run the command at a real terminal and answer its question."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(site.folder)
        os.execve(sys.executable, [sys.executable, "manage.py", "snapshots", *arguments], site.environment())
    output = b""
    answered = False
    while True:
        try:
            output += os.read(terminal, 4096)
        except OSError:
            break
        if b"to go on: " in output and not answered:
            os.write(terminal, f"{answer}\n".encode())
            answered = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output.decode()


def test_at_a_terminal_restore_shows_the_plan_and_asks(site: Site) -> None:
    site.run("backup", "--name", "nightly")
    site.execute("DELETE FROM note")

    code, refused = type_at(site, "restore", "nightly", answer="yes")
    assert (code, site.rows()) == (1, [])
    assert "Not confirmed: 'db.sqlite3' was asked for, 'yes' was typed. Nothing was changed." in refused
    assert "Restoring it replaces:" in refused

    code, printed = type_at(site, "restore", "nightly", answer="db.sqlite3")
    assert (code, site.rows()) == (0, ROWS)
    assert "Restored from snapshot 'nightly'." in printed


def test_at_a_terminal_progress_is_drawn_and_taken_away(site: Site) -> None:
    code, printed = type_at(site, "backup", "--name", "nightly", answer="")

    assert code == 0
    assert "backing up media" in printed


@pytest.mark.parametrize("option", [["--no-color"], ["--verbosity", "0"]])
def test_options_of_every_command_may_stand_after_the_verb(site: Site, option: list[str]) -> None:
    code, printed = type_at(site, "list", *option, answer="")

    assert code == 0
    assert "\x1b[" not in printed


def test_verbosity_0_prints_nothing(site: Site) -> None:
    done = site.run("backup", "--verbosity", "0")

    assert (done.stdout, done.stderr) == ("", "")


MISTAKES: list[tuple[list[str], str, str]] = [
    (["backup", "databse"], "SnapshotArtifactError", "There is no artifact 'databse' in this project. Did you mean"),
    (["backup", "database/defualt"], "SnapshotArtifactError", "Did you mean 'database/default'?"),
    (["backup", "--database", "other"], "SnapshotArtifactError", "There is no artifact 'database/other'"),
    (["backup", "--name", "a/b"], "SnapshotNameError", "'a/b' cannot name a snapshot: letters, digits and"),
    (["backup", "--name", "latest"], "SnapshotNameError", "'latest' always means the newest snapshot"),
    (
        ["info", "nightly"],
        "SnapshotNotFoundError",
        "There is no snapshot 'nightly'. LocalFileSystemBackend('",
    ),
    (["restore", "latest", "--noinput"], "SnapshotNotFoundError", "holds no snapshot. If you expected some, look at"),
    (["delete", "../x", "--noinput"], "SnapshotNameError", "cannot name a snapshot"),
]


@pytest.mark.parametrize(("arguments", "error", "text"), MISTAKES)
def test_a_mistake_gets_a_sentence_and_exit_1(site: Site, arguments: list[str], error: str, text: str) -> None:
    printed = site.run(*arguments, exit_code=1)
    document: Any = site.json(*arguments, exit_code=1)

    assert text in printed.stderr
    assert document["error"]["type"] == error
    assert text in document["error"]["message"]


def test_an_engine_without_a_connector_is_named_with_the_way_out(tmp_path: Path) -> None:
    more = 'DATABASES["ledger"] = {"ENGINE": "django.db.backends.dummy", "NAME": "x"}'
    site = make_site(tmp_path / "site", more)

    refused = site.run("backup", exit_code=1)

    assert "Database 'ledger' uses django.db.backends.dummy, for which there is no connector." in refused.stderr
    assert "SNAPSHOTS['DATABASE_CONNECTORS']['ledger']" in refused.stderr


def test_wrong_settings_end_every_verb_as_check_prints_them(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"STORAGE": {"BACKEND": "nowhere.Storage"}, "FORMAT": 1}')

    printed = site.run("list", exit_code=1)
    document = site.json("backup", exit_code=1)

    assert "SNAPSHOTS['STORAGE']['BACKEND']: (snapshots.E010)" in printed.stderr
    assert document["error"]["type"] == "SnapshotsConfigError"
    assert sorted(problem["id"] for problem in document["error"]["problems"]) == ["snapshots.E003", "snapshots.E010"]


def test_restore_can_be_switched_off_on_a_host(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"ALLOW_RESTORE": False}')
    site.run("backup", "--name", "nightly")
    site.execute("DELETE FROM note")

    refused = site.run("restore", "nightly", "--noinput", exit_code=1)

    assert "Restoring is switched off here: SNAPSHOTS['ALLOW_RESTORE'] is False." in refused.stderr
    assert site.rows() == []


SLOW = """\
class Slow:
    suffix = "bin"

    def dump(self, sink):
        import time
        for _ in range(600):
            sink.write(bytes(200_000))
            time.sleep(0.1)
        return {}

    def restore(self, source, facts):
        raise NotImplementedError
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_backup_and_leaves_neither_snapshot_nor_temporary_files(
    tmp_path: Path, number: signal.Signals
) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"ARTIFACTS": {"slow": {"BACKEND": "slow.Slow"}}}')
    (site.folder / "slow.py").write_text(SLOW)
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    process = site.start("backup", "slow", "--format", "archive", env={"TMPDIR": str(temporary)})
    while not any(temporary.rglob("0")):
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)

    assert process.returncode == 128 + number
    assert f"Ended by {number.name}." in err
    assert "Traceback" not in err
    assert list(temporary.iterdir()) == []
    assert [path for path in site.snapshots.rglob("*") if path.is_file()] == []


def test_a_hangup_that_is_ignored_as_nohup_has_it_does_not_end_a_backup(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"ARTIFACTS": {"slow": {"BACKEND": "slow.Slow"}}}')
    (site.folder / "slow.py").write_text(SLOW.replace("range(600)", "range(20)"))

    process = site.start(
        "backup", "slow", "--name", "nightly", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    while not any(site.snapshots.glob("nightly/*")):
        time.sleep(0.05)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert site.names() == ["nightly"]


def test_prune_removes_what_a_killed_backup_left_once_a_day_has_passed(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", 'SNAPSHOTS = {"ARTIFACTS": {"slow": {"BACKEND": "slow.Slow"}}}')
    (site.folder / "slow.py").write_text(SLOW)
    process = site.start("backup", "media", "slow", "--name", "killed")
    while not (site.snapshots / "killed" / "media.tar.zst").exists():
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert site.names() == []
    assert site.json("prune", "--leftovers") == {
        "decisions": [],
        "deleted": [],
        "leftovers": [],
        "replicas": [],
    }

    marker = site.snapshots / "killed" / "incomplete.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"begun_at": "2026-01-01T00:00:00+00:00"}))
    planned = site.run("prune", "--leftovers", "--dry-run").stdout
    document = site.json("prune", "--leftovers")

    assert "Would remove 2 files of 'killed', a backup that began at 2026-01-01 00:00:00 UTC" in planned
    assert document["leftovers"] == [{"name": "killed", "files": 2}]
    assert not (site.snapshots / "killed").exists()
    site.run("backup", "environment", "--name", "next")
    assert {path.parent.name for path in site.snapshots.rglob("*") if path.is_file()} == {"next"}


def test_a_storage_inside_the_media_folder_is_refused_before_a_restore_could_replace_it(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    site.run("backup", "--name", "nightly")
    site.snapshots.rename(site.media / "snapshots")
    options = '{"location": MEDIA_ROOT / "snapshots"}'
    backend = '"django_snapshots.storage.LocalFileSystemBackend"'
    with (site.folder / "site_settings.py").open("a") as settings:
        settings.write(f'SNAPSHOTS = {{"STORAGE": {{"BACKEND": {backend}, "OPTIONS": {options}}}}}')
    before = tree_digest(site.media)

    refused = site.run("restore", "nightly", "--noinput", exit_code=1)
    also_refused = site.run("backup", exit_code=1)

    for printed in (refused.stderr, also_refused.stderr):
        assert "a restore would replace them. Nothing was changed." in printed
    assert tree_digest(site.media) == before
    assert site.json("restore", "nightly", "database", "--noinput")["status"] == "restored"


INSIDE = 'DATABASES["default"]["NAME"] = MEDIA_ROOT / "db.sqlite3"'


def move_database_into_media(site: Site) -> None:
    site.database.rename(site.media / "db.sqlite3")
    with (site.folder / "site_settings.py").open("a") as settings:
        settings.write(INSIDE)


def test_a_database_inside_the_media_folder_is_backed_up_and_restored_alone_and_never_as_a_file(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    site.run("backup", "--name", "before")
    move_database_into_media(site)
    site.run("backup", "database", "--name", "alone")
    before = tree_digest(site.media)

    refused = [
        site.run("backup", exit_code=1),
        site.run("backup", "media", exit_code=1),
        site.run("restore", "before", "--noinput", exit_code=1),
        site.run("restore", "before", "media", "--noinput", exit_code=1),
        site.run("restore", "before", "media", "--merge", "--noinput", exit_code=1),
    ]

    for done in refused:
        assert f"Database 'default' is {site.media}/db.sqlite3, inside {site.media}, which is 'media'" in done.stderr
        assert (
            "Nothing was changed. Move the database out of the folder and correct DATABASES['default']" in done.stderr
        )
    assert tree_digest(site.media) == before
    assert site.names() == ["alone", "before"]
    assert site.json("restore", "alone", "--noinput")["status"] == "restored"
    assert site.json("restore", "before", "database", "--noinput")["status"] == "restored"
    site.run("restore", "before", "media", "--media-root", str(site.folder / "beside"), "--noinput")
    assert (site.folder / "beside/note.txt").read_text() == "kept"


def test_a_database_that_a_link_leads_to_inside_a_folder_of_the_project_is_refused(tmp_path: Path) -> None:
    spec = (
        '{"BACKEND": "django_snapshots.artifacts.DirectoryArtifact", "OPTIONS": {"location": str(BASE_DIR / "files")}}'
    )
    site = make_site(tmp_path / "site", f'SNAPSHOTS = {{"ARTIFACTS": {{"private": {spec}}}}}')
    (site.folder / "files").mkdir()
    site.database.rename(site.folder / "files" / "real.sqlite3")
    site.database.symlink_to("files/real.sqlite3")

    refused = site.run("backup", "private", exit_code=1)

    assert f"Database 'default' is {site.folder}/files/real.sqlite3, inside {site.folder}/files" in refused.stderr
    assert site.json("backup", "--name", "rest")["status"] == "complete"


def test_a_database_outside_that_only_a_link_inside_the_folder_leads_to_is_no_reason_to_refuse(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", INSIDE)
    (site.media / "db.sqlite3").symlink_to(site.database)

    site.run("backup", "--name", "nightly")
    site.execute("DELETE FROM note")
    site.run("restore", "nightly", "--noinput")

    assert site.rows() == ROWS
    assert (site.media / "db.sqlite3").readlink() == site.database
