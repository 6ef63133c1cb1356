"""Encryption of a whole project, as people run it: nothing readable is stored, and nothing wrong is let through."""

from __future__ import annotations

import json
import pwd
import re
import stat
import subprocess
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from django.core.management import CommandError, call_command

from django_snapshots.codecs.age import fingerprint
from django_snapshots.digests import digest_of
from tests.codecs.keys import age_pair, ssh_pair
from tests.programs import require_program
from tests.site import Site, make_site
from tests.trees import tree_digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.codecs.keys import Pair

MARKER = "Zebrafinken-am-Kanal-4711"
ROWS = [(1, "first"), (2, "second"), (3, MARKER)]
ENCRYPTED_SETTINGS = """
SNAPSHOTS = {{
    "ENCRYPTION": {{
        "BACKEND": "django_snapshots.codecs.Age",
        "OPTIONS": {{"recipients": ["{recipient}"], "identity_env": "TEST_IDENTITY"}},
    }},
    {more}
}}
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return age_pair(tmp_path_factory.mktemp("keys"))


def encrypted_site(folder: Path, pair: Pair, more: str = "") -> Site:
    site = make_site(folder, ENCRYPTED_SETTINGS.format(recipient=pair.recipient, more=more))
    site.execute(f"INSERT INTO note VALUES (3, '{MARKER}')")
    (site.media / f"{MARKER}.txt").write_text(MARKER * 1000)
    return site


@pytest.fixture
def encrypted(tmp_path: Path, pair: Pair) -> Site:
    return encrypted_site(tmp_path / "site", pair)


def with_key(pair: Pair) -> dict[str, str]:
    return {"TEST_IDENTITY": pair.identity}


def files_of(site: Site, name: str) -> list[Path]:
    return sorted(path for path in (site.snapshots / name).rglob("*") if path.is_file())


def test_every_file_but_the_manifest_is_encrypted_and_comes_back(encrypted: Site, pair: Pair) -> None:
    media = tree_digest(encrypted.media)
    document = encrypted.json("backup", "--name", "nightly")
    encrypted.execute("DELETE FROM note")
    (encrypted.media / f"{MARKER}.txt").unlink()

    encrypted.run("restore", "nightly", "--noinput", env=with_key(pair))

    stored = {path.name: path.read_bytes() for path in files_of(encrypted, "nightly")}
    assert set(stored) == {"default.sqlite3.zst.age", "media.tar.zst.age", "environment.txt.age", "manifest.json"}
    starts = {name: data.startswith(b"age-encryption.org/v1\n") for name, data in stored.items()}
    assert {name for name, encrypted_file in starts.items() if not encrypted_file} == {"manifest.json"}
    assert MARKER.encode() not in b"".join(stored.values())
    assert document["snapshot"]["encrypted"] is True
    assert encrypted.rows() == ROWS
    assert tree_digest(encrypted.media) == media


def test_the_archive_format_is_encrypted_and_comes_back(encrypted: Site, pair: Pair) -> None:
    encrypted.run("backup", "--name", "nightly", "--format", "archive")
    encrypted.execute("DELETE FROM note")

    encrypted.run("restore", "nightly", "--noinput", env=with_key(pair))

    assert MARKER.encode() not in (encrypted.snapshots / "nightly.tar").read_bytes()
    assert encrypted.json("list")["snapshots"][0]["encrypted"] is True
    assert encrypted.rows() == ROWS


def test_the_manifest_names_the_recipient_by_its_fingerprint_and_no_key(encrypted: Site, pair: Pair) -> None:
    encrypted.run("backup", "--name", "nightly", env=with_key(pair))

    text = (encrypted.snapshots / "nightly" / "manifest.json").read_text()
    records = json.loads(text)["artifacts"]

    assert [record["codecs"] for record in records] == [["zstd", "age"], ["zstd", "age"], ["age"]]
    assert len({record["encryption"]["recipients"][0] for record in records}) == 1
    assert records[0]["encryption"]["codec"] == "age"
    assert records[0]["encryption"]["recipients"][0].startswith("SHA256:")
    assert pair.recipient not in text
    assert "AGE-SECRET-KEY" not in text


def test_a_host_without_the_identity_backs_up_and_is_told_what_a_restore_needs(encrypted: Site) -> None:
    encrypted.run("backup", "--name", "nightly")
    encrypted.execute("DELETE FROM note")

    for arguments in (["--noinput"], ["--dry-run"]):
        failed = encrypted.run("restore", "nightly", *arguments, exit_code=1)

        assert "this host has no identity to read it with. Set the environment variable TEST_IDENTITY" in failed.stderr
    assert encrypted.rows() == []


def test_a_level_that_is_required_and_not_reached_fails_a_verify(encrypted: Site, pair: Pair) -> None:
    encrypted.run("backup", "--name", "nightly")

    bytes_only = encrypted.run("verify", "--require-level", "1")
    document = encrypted.json("verify", "--require-level", "2", exit_code=1)
    failed = encrypted.run("verify", "--require-level", "2", exit_code=1)
    parsed = encrypted.run("verify", "--require-level", "2", env=with_key(pair))
    drilled = encrypted.run("verify", "--deep", "--require-level", "3", env=with_key(pair))
    misused = encrypted.run("verify", "--require-level", "3", exit_code=2, env=with_key(pair))

    assert "nightly: whole (level 1" in bytes_only.stdout
    assert [(each["level"], each["ok"]) for each in document["snapshots"]] == [(1, True)]
    assert "Not verified to level 2: nightly (level 1). No damage was found" in failed.stderr
    assert "nightly: whole (level 2" in parsed.stdout
    assert "nightly: whole (level 3" in drilled.stdout
    assert "--require-level 3 is a drill: add --deep." in misused.stderr


def test_another_identity_changes_nothing(encrypted: Site, pair: Pair, tmp_path: Path) -> None:
    encrypted.run("backup", "--name", "nightly")
    encrypted.execute("DELETE FROM note")
    other = age_pair(tmp_path)

    failed = encrypted.run("restore", "nightly", "--noinput", exit_code=1, env=with_key(other))

    assert "the identity that is configured here is of SHA256:" in failed.stderr
    assert f"to the text of the file of the identity {fingerprint(pair.recipient)} (AGE-SECRET" in failed.stderr
    assert encrypted.rows() == []


PASSPHRASE_SETTINGS = """
SNAPSHOTS = {
    "ENCRYPTION": {
        "BACKEND": "django_snapshots.codecs.Age",
        "OPTIONS": {"passphrase_env": "TEST_PASSPHRASE", "work_factor": 10},
    },
}
"""
RIGHT, WRONG = {"TEST_PASSPHRASE": "grüne Wiese"}, {"TEST_PASSPHRASE": "graue Wiese"}


@pytest.fixture
def by_passphrase(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site", PASSPHRASE_SETTINGS)


def test_an_identity_of_somebody_else_is_no_damage_to_verify(encrypted: Site, pair: Pair, tmp_path: Path) -> None:
    encrypted.run("backup", "--name", "nightly")
    encrypted.run("verify", env=with_key(pair))
    other = age_pair(tmp_path)

    failed = encrypted.run("verify", exit_code=1, env=with_key(other))

    mine, his = fingerprint(pair.recipient), fingerprint(other.recipient)
    assert "nightly: not verified (level 1; artifacts: 3)" in failed.stdout
    assert f"It was encrypted for {mine}; the identity that is configured here is of {his}" in failed.stdout
    assert "No damage was found" in failed.stderr
    assert encrypted.json("list")["snapshots"][0]["verification"]["ok"] is True


def test_another_passphrase_is_no_damage_to_verify_and_a_changed_byte_is(by_passphrase: Site) -> None:
    by_passphrase.run("backup", "--name", "nightly", env=RIGHT)

    failed = by_passphrase.run("verify", exit_code=1, env=WRONG)
    document = by_passphrase.json("list", env=WRONG)
    media = by_passphrase.snapshots / "nightly" / "media.tar.zst.age"
    media.write_bytes(changed(media.read_bytes(), "flipped"))
    damaged = by_passphrase.json("verify", exit_code=4, env=WRONG)

    assert "nightly: not verified (level 1; artifacts: 3)" in failed.stdout
    assert "not verified: media: Only its stored bytes were proved. The configured passphrase does not" in failed.stdout
    assert document["snapshots"][0]["verification"] is None
    assert [problem["artifact"] for problem in damaged["snapshots"][0]["problems"]] == ["media"]


@pytest.mark.parametrize("form", ["directory", "archive"])
def test_another_passphrase_is_found_before_anything_is_saved_or_replaced(by_passphrase: Site, form: str) -> None:
    by_passphrase.run("backup", "--name", "nightly", "--format", form, env=RIGHT)
    by_passphrase.execute("DELETE FROM note")

    for arguments in (["--dry-run"], ["--noinput"]):
        failed = by_passphrase.run("restore", "nightly", *arguments, exit_code=1, env=WRONG)

        assert (
            "database/default.sqlite3.zst.age of 'nightly' cannot be read: The configured passphrase" in failed.stderr
        )
    assert [each["name"] for each in by_passphrase.json("list", env=RIGHT)["snapshots"]] == ["nightly"]
    assert by_passphrase.rows() == []
    by_passphrase.run("restore", "nightly", "--dry-run", env=RIGHT)


def test_an_ssh_key_of_somebody_else_is_found_before_anything_is_saved_or_replaced(tmp_path: Path) -> None:
    mine, other = ssh_pair(tmp_path), ssh_pair(tmp_path, "rsa")
    options = {"recipients": [mine.recipient], "identity_file": str(other.identity_file)}
    encryption = {"BACKEND": "django_snapshots.codecs.Age", "OPTIONS": options}
    site = make_site(tmp_path / "site", f"SNAPSHOTS = {{'ENCRYPTION': {encryption}}}")
    site.run("backup", "--name", "nightly")

    for arguments in (["--dry-run"], ["--noinput"]):
        failed = site.run("restore", "nightly", *arguments, exit_code=1)

        assert "of 'nightly' cannot be read: The configured identity does not open this age stream" in failed.stderr
    assert site.names() == ["nightly"]


def test_a_damaged_file_is_said_to_be_damaged_whatever_the_passphrase(by_passphrase: Site) -> None:
    by_passphrase.run("backup", "--name", "nightly", env=RIGHT)
    database = by_passphrase.snapshots / "nightly" / "database" / "default.sqlite3.zst.age"
    database.write_bytes(changed(database.read_bytes(), "flipped"))

    failed = by_passphrase.run("restore", "nightly", "--noinput", exit_code=1, env=WRONG)

    assert "database/default.sqlite3.zst.age of 'nightly' has digest sha256:" in failed.stderr


def test_a_snapshot_with_the_old_passphrase_is_restored_as_the_page_says(by_passphrase: Site, tmp_path: Path) -> None:
    by_passphrase.run("backup", "--name", "nightly-14", env=RIGHT)
    by_passphrase.execute("DELETE FROM note")
    (tmp_path / "old-passphrase").write_text(RIGHT["TEST_PASSPHRASE"])
    with_old = {"SNAPSHOTS_ENCRYPTION__OPTIONS__PASSPHRASE_FILE": str(tmp_path / "old-passphrase")}

    by_passphrase.run("verify", "nightly-14", env=WRONG | with_old)
    by_passphrase.run("restore", "nightly-14", "--noinput", env=WRONG | with_old)

    assert by_passphrase.rows() == ROWS[:2]


def changed(data: bytes, how: str) -> bytes:
    middle = len(data) // 2
    if how == "flipped":
        return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    return data[:middle]


def with_right_digest(site: Site, name: str, artifact: str, how: str) -> None:
    """Damage a stored file, and make the manifest say that it is as it should be."""
    manifest = site.snapshots / name / "manifest.json"
    document: dict[str, Any] = json.loads(manifest.read_text())
    record = next(record for record in document["artifacts"] if record["name"] == artifact)
    file = site.snapshots / name / record["path"]
    data = changed(file.read_bytes(), how)
    file.write_bytes(data)
    record["stored_size"], record["stored_digest"] = len(data), digest_of(data)
    manifest.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("artifact", "how"), [("database/default", "flipped"), ("media", "cut"), ("environment", "flipped")]
)
def test_a_flipped_bit_or_a_cut_changes_nothing_even_when_the_digests_agree(
    encrypted: Site, pair: Pair, artifact: str, how: str
) -> None:
    encrypted.run("backup", "--name", "nightly")
    encrypted.execute("DELETE FROM note")
    media = tree_digest(encrypted.media)
    with_right_digest(encrypted, "nightly", artifact, how)

    failed = encrypted.run("restore", "nightly", "--noinput", exit_code=1, env=with_key(pair))

    assert "damaged" in failed.stderr
    assert "Nothing was changed." in failed.stderr
    assert encrypted.rows() == []
    assert tree_digest(encrypted.media) == media


def test_snapshots_from_before_encryption_stay_readable_and_are_shown_as_plain(tmp_path: Path, pair: Pair) -> None:
    make_site(tmp_path / "site").run("backup", "--name", "plain")
    settings = tmp_path / "site" / "site_settings.py"
    settings.write_text(settings.read_text() + ENCRYPTED_SETTINGS.format(recipient=pair.recipient, more=""))
    site = Site(tmp_path / "site")
    site.run("backup", "--name", "secret")
    site.execute("DELETE FROM note")

    site.run("restore", "plain", "--noinput", "--no-safety-snapshot")

    assert site.rows() == ROWS[:2]
    assert {each["name"]: each["encrypted"] for each in site.json("list")["snapshots"]} == {
        "plain": False,
        "secret": True,
    }
    assert '"encryption"' not in (site.snapshots / "plain" / "manifest.json").read_text()


@pytest.mark.parametrize(
    ("backend", "silenced", "message"),
    [
        ("Age", "", "There is no recipient"),
        ("Age", "snapshots.E004", "There is no recipient"),
        ("Aeg", "snapshots.E010", "has no 'Aeg'"),
        ("Zstd", "snapshots.E014", "fingerprints"),
    ],
)
def test_encryption_that_cannot_be_used_stores_nothing_even_when_the_check_is_silenced(
    tmp_path: Path, backend: str, silenced: str, message: str
) -> None:
    setting = f"SNAPSHOTS = {{'ENCRYPTION': {{'BACKEND': 'django_snapshots.codecs.{backend}'}}}}"
    site = make_site(tmp_path / "site", f"{setting}\nSILENCED_SYSTEM_CHECKS = ['{silenced}']")

    process = site.start("backup")
    _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert message in err
    assert [path for path in site.snapshots.rglob("*") if path.is_file()] == []


def test_an_encrypted_snapshot_on_a_host_without_the_setting_says_what_to_set(encrypted: Site, pair: Pair) -> None:
    encrypted.run("backup", "--name", "nightly")
    settings = encrypted.folder / "site_settings.py"
    settings.write_text(settings.read_text() + "\nSNAPSHOTS = {}\n")

    encrypted.execute("DELETE FROM note")

    failed = encrypted.run("restore", "nightly", "--noinput", exit_code=1)

    named = dict(re.findall(r"(SNAPSHOTS_\w+)=([\w.]+)", failed.stderr))
    assert named == {
        "SNAPSHOTS_ENCRYPTION__BACKEND": "django_snapshots.codecs.Age",
        "SNAPSHOTS_ENCRYPTION__OPTIONS__IDENTITY_FILE": "FILE",
    }
    encrypted.run(
        "restore", "nightly", "--noinput", env={n: v.replace("FILE", str(pair.identity_file)) for n, v in named.items()}
    )
    assert encrypted.rows() == ROWS
    assert [each["encrypted"] for each in encrypted.json("list")["snapshots"]] == [True, True]


@pytest.mark.parametrize("settings", ["", ENCRYPTED_SETTINGS])
def test_a_snapshot_by_a_passphrase_on_a_host_without_it_says_what_to_set(
    by_passphrase: Site, pair: Pair, tmp_path: Path, settings: str
) -> None:
    by_passphrase.run("backup", "--name", "nightly", env=RIGHT)
    file = by_passphrase.folder / "site_settings.py"
    settings = settings.format(recipient=pair.recipient, more="") or "SNAPSHOTS = {}"
    file.write_text(f"{file.read_text()}\n{settings}\n")
    by_passphrase.execute("DELETE FROM note")
    (tmp_path / "passphrase").write_text(RIGHT["TEST_PASSPHRASE"])

    failed = by_passphrase.run("restore", "nightly", "--noinput", exit_code=1)

    named = re.search(r"SNAPSHOTS_ENCRYPTION='(.*?)'", failed.stderr)
    assert named
    variable = named[1].replace("FILE", str(tmp_path / "passphrase"))
    by_passphrase.run("restore", "nightly", "--noinput", env={"SNAPSHOTS_ENCRYPTION": variable})
    assert by_passphrase.rows() == ROWS[:2]


def test_keygen_makes_a_pair_that_age_knows_in_a_private_file(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", "SNAPSHOTS = None")
    key = tmp_path / "key.txt"

    printed = site.run("keygen", "--output", str(key)).stdout
    document = site.json("keygen", "--output", str(tmp_path / "second.txt"))

    recipient = subprocess.run(
        [require_program("age-keygen"), "-y", str(key)], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert printed.count(recipient) == 3
    assert f"SNAPSHOTS_ENCRYPTION__OPTIONS__IDENTITY_FILE={key}" in printed
    assert "AGE-SECRET-KEY" not in printed
    assert document["identity_file"] == str(tmp_path / "second.txt")
    assert document["recipient"] in (tmp_path / "second.txt").read_text()
    assert document["settings"]["ENCRYPTION"]["OPTIONS"] == {"recipients": [document["recipient"]]}
    assert "AGE-SECRET-KEY" not in json.dumps(document)


def test_keygen_shows_the_fingerprint_that_snapshots_name_and_age_reads_its_file(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", "SNAPSHOTS = None")
    key, age = tmp_path / "key.txt", require_program("age")

    printed = site.run("keygen", "--output", str(key)).stdout

    recipient = next(line.strip() for line in printed.splitlines() if line.startswith("  age1"))
    encrypted = subprocess.run([age, "-r", recipient], input=b"tulips", capture_output=True, check=True).stdout
    opened = subprocess.run([age, "-d", "-i", str(key)], input=encrypted, capture_output=True, check=True).stdout
    assert opened == b"tulips"
    assert f"\n  {fingerprint(recipient)}\n" in printed
    assert f"\n# fingerprint: {fingerprint(recipient)}\n" in key.read_text()


def test_the_settings_that_keygen_shows_work_when_they_are_pasted(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", "SNAPSHOTS = {'METADATA': {'shop': 'roses'}}")
    printed = site.run("keygen", env={"HOME": str(tmp_path)}).stdout
    pasted = printed[printed.index("SNAPSHOTS[") : printed.index("\n\nor the same")]
    settings = site.folder / "site_settings.py"
    settings.write_text(f"{settings.read_text()}\n{pasted}\n")
    identity = tmp_path / ".config" / "django-snapshots" / "identity.txt"

    site.run("backup", "--name", "nightly")
    site.execute("DELETE FROM note")
    line = next(line for line in printed.splitlines() if line.startswith("SNAPSHOTS_ENCRYPTION__OPTIONS__IDENTITY"))
    site.run("restore", "nightly", "--noinput", env=dict([line.split("=", 1)]))

    assert line.endswith(str(identity))
    assert stat.S_IMODE(identity.parent.stat().st_mode) == 0o700
    assert site.rows() == ROWS[:2]
    assert site.json("info", "nightly")["metadata"] == {"shop": "roses"}


def test_keygen_of_a_user_without_a_home_asks_for_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)  # as in a container that runs as a number

    with pytest.raises(CommandError, match="no home directory to keep the identity in. Name a file with --output"):
        call_command("snapshots", "keygen")


def test_keygen_never_overwrites(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    key = tmp_path / "key.txt"
    key.write_text("the only key")
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "elsewhere.txt")

    failed = site.run("keygen", "--output", str(key), exit_code=1)
    document = site.json("keygen", "--output", str(link), exit_code=1)
    missing = site.run("keygen", "--output", str(tmp_path / "none" / "key.txt"), exit_code=1)

    assert f"{key} exists already and was left as it is" in failed.stderr
    assert key.read_text() == "the only key"
    assert "exists already" in document["error"]["message"]
    assert not (tmp_path / "elsewhere.txt").exists()
    assert "cannot be written (No such file or directory)" in missing.stderr
