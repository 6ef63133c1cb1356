"""No secret is shown: a marker is planted as every kind of secret, and looked for in everything that is printed."""

from __future__ import annotations

import json
import logging
import os
import re
import traceback
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import pytest
from django.core.files.storage import Storage
from django.test import RequestFactory, override_settings
from django.views.debug import ExceptionReporter
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from django_snapshots.conf import SnapshotsConfigError, get_settings, load
from django_snapshots.conf.debug import SecretsFilter
from django_snapshots.conf.masking import is_secret_name, scrub, secret_texts
from tests.conf import plugins
from tests.conf.checking import project, run_check, run_verb
from tests.conf.wrong import DJANGO, PLUGINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

IN_CI = os.environ.get("CI") == "true"
NAMES = ["password", "DB_PASSWORD", "passphrase", "secret_key", "access_key", "api_key", "auth_token", "sas_token"]
NAMES += ["private_key", "account_key", "connection_string", "credentials", "client_secret", "secret"]
HERE = "tests.conf.test_secrets"


class Leaky(plugins.MemoryStorage):
    """Shows its options wherever it can."""

    def __init__(self, password: str = "", **options: Any) -> None:
        super().__init__()
        self.options = {"password": password, **options}
        if options.pop("fail", None):
            raise ValueError(
                f"cannot connect as {self.options!r}, {self.options}, {json.dumps(self.options, default=str)}"
            )

    def __repr__(self) -> str:
        return f"Leaky({self.options})"


class LeakyCheck(Leaky):
    def check(self) -> Any:
        raise LookupError(str(self.options))


class LeakyBucket(Storage):
    def __init__(self, **options: Any) -> None:
        if options:
            raise ValueError(f"cannot connect as {options}")


class TypedSecret(plugins.MemoryStorage):
    def __init__(self, pin: SecretStr, level: int = 0) -> None:
        super().__init__()
        self.pin = pin
        if level:
            raise ValueError(f"{pin} is not the pin")


markers = st.builds(
    lambda core, odd: f"mArKeR{core}{odd}mArKeR",
    st.text(alphabet="abc0189", min_size=6, max_size=10),
    st.sampled_from(["", "'", '"', "\\", "é", "  ", "\n0123456789\n", "/+=", "%20", "{}"]),
)
names = st.sampled_from(NAMES)


def in_options(marker: str, name: str) -> Any:
    return st.sampled_from(
        [
            {"STORAGE": {"BACKEND": f"{HERE}.Leaky", "OPTIONS": {name: marker, "fail": True}}},
            {"STORAGE": {"BACKEND": f"{HERE}.LeakyCheck", "OPTIONS": {name: marker}}},
            {"STORAGE": {"BACKEND": f"{HERE}.Leaky", "OPTIONS": {"deep": {name: [marker]}, "fail": True}}},
            {"STORAGE": {"BACKEND": f"{PLUGINS}.Required", "OPTIONS": {name: marker, "bucket": 3}}},
            {"STORAGE": {"BACKEND": f"{HERE}.TypedSecret", "OPTIONS": {"pin": marker, "level": 1}}},
            {"STORAGE": {"BACKEND": f"{HERE}.TypedSecret", "OPTIONS": {"pin": SecretStr(marker), "levle": 1}}},
            {
                "STORAGE": {
                    "BACKEND": DJANGO,
                    "OPTIONS": {"storage": {"BACKEND": f"{HERE}.LeakyBucket", "OPTIONS": {name: marker}}},
                }
            },
            {"STORAGE": {"BACKEND": DJANGO, "OPTIONS": {"storage": "leaky"}}},
            {"STORAGE": Leaky(password=marker), "SNAPSHOT_FORMAT": "archive"},
            {"STORAGE": LeakyCheck(password=marker)},
            {
                "DATABASE_CONNECTORS": {
                    "default": {"BACKEND": f"{PLUGINS}.Connector", "OPTIONS": {"password": marker, "hots": 1}}
                }
            },
            {"METADATA": {name: marker, "list": [{name: marker}], "odd": {1}}},
            {
                "STORAGE": {"BACKEND": f"{HERE}.Leaky", "OPTIONS": {name: {"a": marker}, "fail": True}},
                "storage": marker and 1,
            },
        ]
    )


def in_urls(marker: str) -> Any:
    url = f"s3://me:{quote(marker, safe='')}@host/bucket"
    return st.sampled_from(
        [
            {"STORAGE": {"BACKEND": f"{HERE}.Leaky", "OPTIONS": {"url": url, "fail": True}}},
            {"STORAGE": {"BACKEND": url}},
            {"STORAGE": url},
            {"METADATA": {"url": url, "urls": [url], "odd": {1}}},
            {"SNAPSHOT_NAME": url},
            {"DEFAULT_ARTIFACTS": [url]},
        ]
    )


def in_variables(marker: str, name: str) -> Any:
    text = marker.replace("\n", "n")
    options = {"BACKEND": f"{HERE}.Leaky", "OPTIONS": {name: text, "fail": True}}
    return st.sampled_from(
        [
            {
                "SNAPSHOTS_STORAGE__BACKEND": f"{HERE}.Leaky",
                f"SNAPSHOTS_STORAGE__OPTIONS__{name.upper()}": text,
                "SNAPSHOTS_STORAGE__OPTIONS__FAIL": "1",
            },
            {"SNAPSHOTS_STORAGE": json.dumps(options)},
            {"SNAPSHOTS_STORAGE": json.dumps(options)[:-2]},
            {"SNAPSHOTS_STORAGE__OPTIONS": json.dumps(options["OPTIONS"]) + "}"},
            {f"SNAPSHOTS_METADATA__{name.upper()}": text, "SNAPSHOTS_ALLOW_RESTORE": "maybe"},
            {
                "SNAPSHOTS_STORAGE__BACKEND": f"{HERE}.TypedSecret",
                "SNAPSHOTS_STORAGE__OPTIONS__PIN": text,
                "SNAPSHOTS_STORAGE__OPTIONS__LEVEL": "1",
            },
            {f"SNAPSHOTS_STORGAE__OPTIONS__{name.upper()}": text},
            {"SNAPSHOTS_ALLOW_RESTORE": f"x://u:{quote(text, safe='')}@h"},
        ]
    )


def shown_texts(caplog_records: list[logging.LogRecord]) -> Iterator[tuple[str, str]]:
    """Yield everything that this configuration can make anybody see."""
    yield "check", run_check("--deploy", "--tag", "snapshots").output
    for arguments in (["config"], ["config", "--json"], ["config", "--env"], ["list"], ["list", "--json"]):
        exit_code, out, err = run_verb(*arguments)
        yield " ".join(arguments), f"{exit_code}{out}{err}"
    configuration = load()
    yield "repr", repr(configuration) + repr(configuration.settings) + repr(configuration.problems)
    try:
        get_settings()
    except SnapshotsConfigError as error:
        yield "exception", f"{error!r} {error} {error.problems}"
        stack = traceback.TracebackException.from_exception(error, capture_locals=True)
        yield "traceback with locals", "".join(stack.format())
        request = RequestFactory().get("/")
        request.META.update({name: value for name, value in os.environ.items() if name.startswith("SNAPSHOTS_")})
        # What DEFAULT_EXCEPTION_REPORTER_FILTER does, which Django reads once in a process.
        request.exception_reporter_filter = SecretsFilter()
        reporter = ExceptionReporter(request, type(error), error, error.__traceback__)
        yield "debug page", reporter.get_traceback_html()
        yield "debug text", reporter.get_traceback_text()
    yield "logs", "".join(record.getMessage() for record in caplog_records)


def spellings(marker: str) -> set[str]:
    """Return the parts of the marker that nothing else contains."""
    return {marker, *re.findall(r"mArKeR\w+|\w+mArKeR", marker), "mArKeR"}


def look_for(marker: str, snapshots: Any, variables: dict[str, str], records: list[logging.LogRecord]) -> None:
    storages = {"leaky": {"BACKEND": f"{HERE}.LeakyBucket", "OPTIONS": {"secret_key": marker}}}
    records.clear()
    with project(snapshots, variables, STORAGES=storages, ROOT_URLCONF="tests.conf.urls"):
        for where, text in shown_texts(records):
            assert not [spelling for spelling in spellings(marker) if spelling in text], f"{where}: {text}"


@pytest.fixture(scope="module")
def log_records() -> Iterator[list[logging.LogRecord]]:
    """Collect what anybody logs, at any level."""
    records: list[logging.LogRecord] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler, root = Collector(level=0), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(0)
    yield records
    root.removeHandler(handler)
    root.setLevel(level)


Test = TypeVar("Test", bound="Callable[..., None]")


def examples(count: int) -> Callable[[Test], Test]:
    return settings(
        max_examples=count if IN_CI else 20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a page per step: shrinking would take minutes
        print_blob=True,
    )


@examples(120)
@given(data=st.data(), marker=markers, name=names)
def test_a_secret_in_settings_py_is_never_shown(
    data: st.DataObject, marker: str, name: str, log_records: list[logging.LogRecord]
) -> None:
    look_for(marker, data.draw(in_options(marker, name)), {}, log_records)


@examples(60)
@given(data=st.data(), marker=markers)
def test_a_secret_in_a_url_is_never_shown(
    data: st.DataObject, marker: str, log_records: list[logging.LogRecord]
) -> None:
    look_for(marker, data.draw(in_urls(marker)), {}, log_records)


@examples(120)
@given(data=st.data(), marker=markers, name=names)
def test_a_secret_in_a_variable_is_never_shown(
    data: st.DataObject, marker: str, name: str, log_records: list[logging.LogRecord]
) -> None:
    look_for(marker, {}, data.draw(in_variables(marker, name)), log_records)


@pytest.mark.parametrize("source", ["env file", "secrets"])
def test_a_secret_in_a_file_is_never_shown(source: str, tmp_path: Path, log_records: list[logging.LogRecord]) -> None:
    assigned = {
        "SNAPSHOTS_STORAGE__BACKEND": f"{HERE}.Leaky",
        "SNAPSHOTS_STORAGE__OPTIONS__PASSWORD": "mArKeR12345",
        "SNAPSHOTS_STORAGE__OPTIONS__FAIL": "1",
        "SNAPSHOTS_METADATA": '{"token": "mArKeR12345"',
    }
    if source == "env file":
        (tmp_path / "a.env").write_text(
            "".join(f"{name}='{value}'\n" for name, value in assigned.items()) + "SNAPSHOTS_X='mArKeR12345\n"
        )
        variables = {"SNAPSHOTS_ENV_FILE": str(tmp_path / "a.env")}
    else:
        for name, value in assigned.items():
            (tmp_path / name).write_text(value)
        variables = {"SNAPSHOTS_SECRETS_DIR": str(tmp_path)}

    look_for("mArKeR12345", {}, variables, log_records)


def test_the_search_finds_what_is_shown(log_records: list[logging.LogRecord]) -> None:
    with pytest.raises(AssertionError):
        look_for("mArKeR12345", {"METADATA": {"open": "mArKeR12345"}}, {}, log_records)


def test_our_part_of_the_debug_page_needs_no_filter_of_ours() -> None:
    snapshots = {"STORAGE": {"BACKEND": f"{HERE}.Leaky", "OPTIONS": {"credentials": "mArKeR12345", "fail": True}}}

    with project(snapshots):
        try:
            get_settings()
        except SnapshotsConfigError as error:
            frames = ExceptionReporter(None, type(error), error, error.__traceback__).get_traceback_data()["frames"]

    ours = [frame["vars"] for frame in frames if frame["filename"].endswith("conf/loading.py")]
    assert ours
    assert "mArKeR12345" not in str(ours)


@override_settings(
    DEBUG=True, SNAPSHOTS={"STORAGE": Leaky("mArKeR12345")}, CREDENTIALS="mArKeR12345", URL="x://u:mArKeR@h"
)
def test_the_filter_hides_what_djangos_own_shows() -> None:
    shown = SecretsFilter().get_safe_settings()

    assert shown["SNAPSHOTS"] == {"STORAGE": f"<{HERE}.Leaky>"}
    assert "mArKeR" not in str(shown)
    assert shown["DEBUG"] is True


def test_the_filter_keeps_djangos_rules() -> None:
    shown = SecretsFilter()

    assert shown.cleanse_setting("API_THING", "x") == SecretsFilter.cleansed_substitute
    assert shown.cleanse_setting("LANGUAGES", [("en", "English")]) == [("en", "English")]


@pytest.mark.parametrize("name", [*NAMES, *(name.upper() for name in NAMES), "my-password", "s3.secret_key"])
def test_a_name_says_that_a_value_is_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["passwords", "tokens", "key", "secret_name", "", 3, None, b"password"])
def test_other_names_do_not(name: object) -> None:
    assert not is_secret_name(name)


def test_a_short_secret_is_masked_where_it_stands_alone() -> None:
    assert scrub("test of tests, 'test'", {"test"}) == "******** of tests, '********'"


def test_every_line_of_a_private_key_is_masked() -> None:
    key = "-----BEGIN-----\nMIIEvQIBADANBg\n-----END-----"

    assert "MIIEvQIBADANBg" not in scrub("bad line MIIEvQIBADANBg in key", secret_texts({"private_key": key}))


def test_secrets_are_found_at_any_depth_and_without_end() -> None:
    inside: dict[str, Any] = {"credentials": {"user": "me", "port": 5432}}
    inside["again"] = inside

    assert secret_texts(inside) == {"me", "5432"}
    assert secret_texts({"a": [{"b": SecretStr("s")}], "c": b"x://u:p@h"}) == {"s", "u:p", "p"}
