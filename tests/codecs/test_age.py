"""Encryption: what it writes is what `age` reads and the other way round, and nothing else is ever let through."""

from __future__ import annotations

import io
import random
import re
import subprocess
import sys
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, cast

import pyrage
import pytest

from django_snapshots.codecs import Age
from django_snapshots.codecs.age import fingerprint, generate_pair
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotCodecError, SnapshotKeyError
from tests.codecs.keys import age_pair, ssh_pair
from tests.codecs.streams import FailingSource, ShortReads, drain
from tests.programs import require_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from tests.codecs.keys import Pair

SIZES = [0, 1, 65_535, 65_536, 65_537, 131_072, CHUNK_SIZE, 3 * CHUNK_SIZE + 1]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return age_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def age(pair: Pair) -> Age:
    return Age([pair.recipient], identity_file=pair.identity_file)


@pytest.fixture
def by_passphrase(monkeypatch: pytest.MonkeyPatch) -> Age:
    monkeypatch.setenv("TEST_PASSPHRASE", "grüne Wiese")
    return Age(passphrase_env="TEST_PASSPHRASE", work_factor=10)


def encoded(codec: Age, data: bytes) -> bytes:
    return drain(codec.encode(io.BytesIO(data)))


def decoded(codec: Age, data: bytes) -> bytes:
    return drain(codec.decode(io.BytesIO(data)))


def run_age(*arguments: str, data: bytes) -> bytes:
    return subprocess.run([require_program("age"), *arguments], input=data, capture_output=True, check=True).stdout


def run_age_with_terminal(answers: bytes, *arguments: str) -> None:
    """Run `age`, which reads a passphrase from a terminal only, and answer its questions."""
    on_terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    program = require_program("age")
    subprocess.run(
        [sys.executable, "-c", on_terminal, program, *arguments], input=answers, capture_output=True, check=True
    )


@pytest.mark.parametrize("size", SIZES)
def test_what_is_encrypted_is_opened_by_the_age_program(age: Age, pair: Pair, size: int) -> None:
    data = random.Random(size).randbytes(size)

    assert run_age("-d", "-i", str(pair.identity_file), data=encoded(age, data)) == data


@pytest.mark.parametrize("size", SIZES)
def test_what_the_age_program_encrypts_is_read(age: Age, pair: Pair, size: int) -> None:
    data = random.Random(size).randbytes(size)

    assert decoded(age, run_age("-r", pair.recipient, data=data)) == data


def test_an_armored_file_of_the_age_program_is_read(age: Age, pair: Pair) -> None:
    assert decoded(age, run_age("-a", "-r", pair.recipient, data=b"armored")) == b"armored"


def test_each_of_several_recipients_can_read(pair: Pair, tmp_path: Path) -> None:
    second = age_pair(tmp_path, "second.txt")
    (tmp_path / "recipients.txt").write_text(f"# the office\n\n{second.recipient}\n")

    stored = encoded(Age([pair.recipient], tmp_path / "recipients.txt"), b"for two")

    assert decoded(Age(identity_file=pair.identity_file), stored) == b"for two"
    assert decoded(Age(identity_file=second.identity_file), stored) == b"for two"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_ssh_keys_encrypt_and_read_as_with_the_age_program(tmp_path: Path, kind: str) -> None:
    pair = ssh_pair(tmp_path, kind)
    codec = Age([pair.recipient], identity_file=pair.identity_file)

    assert run_age("-d", "-i", str(pair.identity_file), data=encoded(codec, b"by ssh")) == b"by ssh"
    assert decoded(codec, run_age("-r", pair.recipient, data=b"by age")) == b"by age"


def test_the_fingerprint_of_an_ssh_key_is_that_of_ssh_keygen(tmp_path: Path) -> None:
    pair = ssh_pair(tmp_path)
    shown = subprocess.run(
        [require_program("ssh-keygen"), "-lf", str(pair.identity_file)], capture_output=True, text=True, check=True
    )

    assert Age([pair.recipient]).fingerprints() == [shown.stdout.split()[1]]


def test_fingerprints_are_no_keys(age: Age, pair: Pair) -> None:
    (shown,) = age.fingerprints()

    assert re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", shown)
    assert pair.recipient not in shown


@pytest.mark.parametrize("size", SIZES)
def test_a_passphrase_gives_what_another_implementation_of_age_opens(by_passphrase: Age, size: int) -> None:
    data = random.Random(size).randbytes(size)
    stored = encoded(by_passphrase, data)

    assert pyrage.passphrase.decrypt(stored, "grüne Wiese") == data
    assert decoded(by_passphrase, stored) == data


def test_the_age_program_opens_what_a_passphrase_encrypted_and_the_other_way_round(
    by_passphrase: Age, tmp_path: Path
) -> None:
    (tmp_path / "ours.age").write_bytes(encoded(by_passphrase, b"by us"))
    (tmp_path / "plain").write_bytes(b"by age" * 30_000)
    passphrase = "grüne Wiese\n".encode()

    run_age_with_terminal(passphrase, "-d", "-o", str(tmp_path / "ours"), str(tmp_path / "ours.age"))
    run_age_with_terminal(passphrase * 2, "-p", "-o", str(tmp_path / "theirs.age"), str(tmp_path / "plain"))

    assert (tmp_path / "ours").read_bytes() == b"by us"
    assert decoded(by_passphrase, (tmp_path / "theirs.age").read_bytes()) == b"by age" * 30_000


def test_a_passphrase_may_stand_in_a_file(tmp_path: Path, by_passphrase: Age) -> None:
    (tmp_path / "passphrase").write_text("grüne Wiese\n")

    assert decoded(Age(passphrase_file=tmp_path / "passphrase"), encoded(by_passphrase, b"data")) == b"data"


def test_two_encryptions_of_the_same_bytes_differ(age: Age, by_passphrase: Age) -> None:
    assert encoded(age, b"same") != encoded(age, b"same")
    assert encoded(by_passphrase, b"same") != encoded(by_passphrase, b"same")


@pytest.mark.parametrize("step", [1, 7, 65_536])
def test_short_reads_give_the_same_bytes(age: Age, by_passphrase: Age, step: int) -> None:
    data = random.Random(step).randbytes(3000 * min(step, 100))
    for codec in (age, by_passphrase):
        stored = drain(codec.encode(cast("BinaryIO", ShortReads(data, step))), 999)

        assert drain(codec.decode(cast("BinaryIO", ShortReads(stored, step))), 999) == data


def damaged(stored: bytes, generator: random.Random) -> bytes:
    """Return the file with one bit flipped, cut short, or with bytes behind its end."""
    at = generator.randrange(len(stored))
    kind = generator.randrange(5)
    if kind == 0:
        return stored[:at]
    if kind == 1:
        return stored + generator.randbytes(1 + at % 40)
    return stored[:at] + bytes([stored[at] ^ (1 << generator.randrange(8))]) + stored[at + 1 :]


@pytest.mark.parametrize("mode", ["recipients", "passphrase"])
def test_every_flipped_bit_and_every_cut_is_an_error(age: Age, by_passphrase: Age, mode: str) -> None:
    codec = age if mode == "recipients" else by_passphrase
    stored = encoded(codec, random.Random(1).randbytes(70_000))
    generator = random.Random(2)

    for _ in range(150):
        wrong = damaged(stored, generator)
        with pytest.raises(SnapshotCodecError):
            decoded(codec, wrong)


@pytest.mark.parametrize("mode", ["recipients", "passphrase"])
def test_a_file_cut_at_the_end_of_a_piece_is_an_error(age: Age, by_passphrase: Age, mode: str) -> None:
    codec = age if mode == "recipients" else by_passphrase
    stored = encoded(codec, bytes(2 * 65_536 + 100))

    with pytest.raises(SnapshotCodecError, match="damaged"):
        decoded(codec, stored[: -100 - 16])


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537])
def test_a_single_wrong_byte_anywhere_in_the_header_is_an_error(age: Age, size: int) -> None:
    stored = encoded(age, bytes(size))
    header = stored.index(b"\n--- ") + 48

    for at in range(0, header, 3):
        with pytest.raises(SnapshotCodecError):
            decoded(age, stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :])


def test_another_identity_is_an_error_that_says_so(age: Age, tmp_path: Path) -> None:
    other = age_pair(tmp_path)

    with pytest.raises(SnapshotKeyError, match="^The configured identity does not open this age stream: it was"):
        decoded(Age(identity_file=other.identity_file), encoded(age, b"data"))


def test_another_passphrase_is_an_error_that_says_so(by_passphrase: Age, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = encoded(by_passphrase, b"data")
    monkeypatch.setenv("TEST_PASSPHRASE", "graue Wiese")

    with pytest.raises(SnapshotKeyError, match="^The configured passphrase does not open this age stream"):
        decoded(by_passphrase, stored)


def test_a_header_may_not_choose_how_much_memory_is_used(by_passphrase: Age) -> None:
    stored = encoded(by_passphrase, b"data").replace(b" 10\n", b" 30\n", 1)

    with pytest.raises(SnapshotCodecError, match="asks for a work factor of 30, more than 20"):
        decoded(by_passphrase, stored)


@pytest.mark.parametrize("recipients", [[], ["SHA256:abc"]])
def test_a_host_without_identity_says_what_to_set(pair: Pair, recipients: list[str]) -> None:
    writer = Age([pair.recipient])

    with pytest.raises(SnapshotCodecError, match=re.escape("SNAPSHOTS['ENCRYPTION']['OPTIONS']['identity_file']")):
        writer.require_key(recipients)
    with pytest.raises(SnapshotKeyError, match="this host has no identity"):
        decoded(writer, encoded(writer, b"data"))


def test_a_host_whose_variable_is_not_set_is_told_its_name(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_IDENTITY", raising=False)
    writer = Age([pair.recipient], identity_env="TEST_IDENTITY")

    assert writer.check() == []
    with pytest.raises(SnapshotCodecError, match="Set the environment variable TEST_IDENTITY"):
        writer.require_key([])


def test_an_identity_in_a_variable_reads(pair: Pair, age: Age, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_IDENTITY", pair.identity)
    reader = Age([pair.recipient], identity_env="TEST_IDENTITY")

    assert reader.check() == []
    assert decoded(reader, encoded(age, b"data")) == b"data"


def test_an_identity_of_somebody_else_is_found_before_anything_is_read(age: Age, tmp_path: Path) -> None:
    other = age_pair(tmp_path)
    mine = age.fingerprints()[0]

    age.require_key([mine, "SHA256:another"])
    with pytest.raises(SnapshotKeyError, match=f"It was encrypted for {re.escape(mine)}; the identity that is"):
        Age(identity_file=other.identity_file).require_key([mine])


def test_an_identity_alone_reads_and_encrypts_for_itself(age: Age, pair: Pair) -> None:
    alone = Age(identity_file=pair.identity_file)

    assert alone.check() == []
    assert alone.fingerprints() == age.fingerprints()
    assert decoded(alone, encoded(age, b"data")) == b"data"
    assert decoded(age, encoded(alone, b"data")) == b"data"


def test_an_ssh_identity_alone_does_not_tell_its_recipient(tmp_path: Path) -> None:
    (problem,) = Age(identity_file=ssh_pair(tmp_path).identity_file).check()

    assert (problem.id, problem.path) == ("snapshots.E004", ("recipients",))
    assert "of an ssh key write the line of its .pub file here" in str(problem.hint)


def test_a_passphrase_that_is_not_configured_is_asked_for(age: Age) -> None:
    with pytest.raises(SnapshotKeyError, match="encrypted by a passphrase, which is not configured here"):
        age.require_key(["passphrase"])


def test_what_the_source_raises_comes_out_as_it_is(age: Age, by_passphrase: Age) -> None:
    stored = encoded(age, bytes(200_000))
    streams = [
        codec.encode(cast("BinaryIO", FailingSource(b"x" * 100_000, lambda: ConnectionError("gone"))))
        for codec in (age, by_passphrase)
    ]
    streams.append(age.decode(cast("BinaryIO", FailingSource(stored[:100_000], lambda: ConnectionError("gone")))))

    for stream in streams:
        with pytest.raises(ConnectionError, match="gone"):
            drain(stream)


def test_closing_early_ends_the_thread_and_leaves_the_source_open(age: Age) -> None:
    source = io.BytesIO(bytes(40 * CHUNK_SIZE))
    before = threading.active_count()
    stream = age.encode(source)
    stream.read(10)
    running = threading.active_count()

    stream.close()

    assert (running, threading.active_count()) == (before + 1, before)
    assert not source.closed


def in_constant_memory(make_stream: Callable[[BinaryIO], BinaryIO], size: int) -> int:
    """Return the peak of Python's memory while a stream made of `size` zeros is read."""
    tracemalloc.start()
    try:
        with make_stream(cast("BinaryIO", Zeros(size))) as stream:
            while stream.read(CHUNK_SIZE):
                pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Zeros(io.RawIOBase):
    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        piece = bytes(min(size, self._left))
        self._left -= len(piece)
        return piece


@pytest.mark.parametrize("mode", ["recipients", "passphrase"])
def test_memory_does_not_grow_with_the_data(age: Age, by_passphrase: Age, mode: str) -> None:
    codec = age if mode == "recipients" else by_passphrase

    peak = in_constant_memory(lambda source: codec.decode(codec.encode(source)), 64 * CHUNK_SIZE)

    assert peak < 32 * CHUNK_SIZE


def test_a_slow_reader_holds_the_writer_back(age: Age) -> None:
    source = Zeros(200 * CHUNK_SIZE)
    stream = age.encode(cast("BinaryIO", source))
    stream.read(1)
    time.sleep(0.3)
    left = source._left
    stream.close()

    assert left > 180 * CHUNK_SIZE


def test_a_generated_pair_belongs_together_and_is_new_each_time(tmp_path: Path) -> None:
    identity, recipient = generate_pair()
    (tmp_path / "key").write_text(identity)

    assert decoded(Age(identity_file=tmp_path / "key"), encoded(Age([recipient]), b"data")) == b"data"
    assert generate_pair() != (identity, recipient)


@pytest.mark.parametrize(
    ("make", "path", "message"),
    [
        (lambda _: Age(), ("recipients",), "There is no recipient to encrypt for."),
        (lambda _: Age([]), ("recipients",), "There is no recipient to encrypt for."),
        (lambda f: Age(recipients_file=f / "empty"), ("recipients",), "There is no recipient to encrypt for."),
        (
            lambda f: Age(recipients_file=f / "none"),
            ("recipients_file",),
            "It cannot be read (No such file or directory).",
        ),
        (lambda f: Age(recipients_file=f / "binary"), ("recipients_file",), "It is no text."),
        (
            lambda _: Age(["age1notakey"]),
            ("recipients", 0),
            "A recipient is no recipient (it begins with age1 and has a wrong or missing character).",
        ),
        (
            lambda _: Age(["ssh-ed25519 AAAA"]),
            ("recipients", 0),
            "A recipient is no recipient (only complete ssh-ed25519 and ssh-rsa public keys are).",
        ),
        (
            lambda _: Age(["office"]),
            ("recipients", 0),
            "A recipient is no recipient (one begins with age1, ssh-ed25519 or ssh-rsa).",
        ),
        (lambda f: Age([good()], identity_file=f / "empty"), ("identity_file",), "It holds no identity."),
        (
            lambda f: Age([good()], identity_file=f / "none"),
            ("identity_file",),
            "It cannot be read (No such file or directory).",
        ),
        (
            lambda f: Age([good()], identity_file=f / "wrong"),
            ("identity_file",),
            "It has a key 1 that is no identity; one begins with AGE-SECRET-KEY-1.",
        ),
        (lambda f: Age(passphrase_file=f / "blank"), ("passphrase_file",), "The file's first line is empty."),
        (lambda _: Age(passphrase_env="TEST_UNSET"), ("passphrase_env",), "The variable is not set."),
        (
            lambda _: Age(passphrase_env="HOME", work_factor=30),
            ("work_factor",),
            "There is no work factor 30; it is 10 to 20.",
        ),
        (
            lambda _: Age([good()], passphrase_env="HOME"),
            (),
            "A snapshot is encrypted for recipients or by a passphrase, not for both.",
        ),
    ],
)
def test_options_that_cannot_be_used_are_problems_and_refusals(
    tmp_path: Path, make: Callable[[Path], Age], path: tuple[str | int, ...], message: str
) -> None:
    (tmp_path / "empty").write_text("# nobody\n")
    (tmp_path / "blank").write_text("\nsecond line\n")
    (tmp_path / "wrong").write_text("# created\nAGE-SECRET-KEY-1QQQ\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    codec = make(tmp_path)

    (problem,) = codec.check()

    assert (problem.path, problem.message) == (path, message)
    assert problem.is_error
    assert problem.hint
    for refusal in (codec.fingerprints, lambda: drain(codec.encode(io.BytesIO(b"plain text")))):
        with pytest.raises(SnapshotCodecError, match=re.escape(message)):
            refusal()


def good() -> str:
    return generate_pair()[1]


def test_a_secret_key_among_the_recipients_is_refused_and_not_shown() -> None:
    identity, _ = generate_pair()

    (problem,) = Age([identity]).check()

    assert problem.message == (
        "A recipient is a secret key; a recipient is its public half, which begins with age1 or ssh-."
    )
    assert identity[20:] not in str(problem)


def test_an_ssh_key_with_a_passphrase_is_no_identity(tmp_path: Path) -> None:
    locked = ssh_pair(tmp_path, passphrase="locked")

    (problem,) = Age([locked.recipient], identity_file=locked.identity_file).check()

    assert problem.message == "It holds an ssh key that cannot be used: ssh key must be decrypted first."


@pytest.mark.parametrize("package", ["pyrage", "cryptography"])
def test_a_missing_package_is_a_problem_that_names_the_extra(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    codec = Age([good()])
    monkeypatch.setitem(sys.modules, package, None)

    (problem,) = codec.check()

    assert problem.id == "snapshots.E019"
    assert problem.hint == 'pip install "django-snapshots[age]"'
    for refusal in (
        lambda: drain(codec.encode(io.BytesIO(b"data"))),
        lambda: drain(codec.decode(io.BytesIO(b"data"))),
        generate_pair,
    ):
        with pytest.raises(SnapshotCodecError, match=re.escape("django-snapshots[age]")):
            refusal()


def test_the_error_for_a_wrong_identity_asks_for_the_file_of_the_right_one(tmp_path: Path) -> None:
    right, wrong = age_pair(tmp_path), age_pair(tmp_path, "other.txt")

    with pytest.raises(SnapshotKeyError) as caught:
        Age(identity_file=wrong.identity_file).require_key([fingerprint(right.recipient)])

    assert (
        f"the identity that is configured here is of {fingerprint(wrong.recipient)} and does not open it. "
        f"Name the file of the identity {fingerprint(right.recipient)} in SNAPSHOTS['ENCRYPTION']"
    ) in str(caught.value)
