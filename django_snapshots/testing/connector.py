"""The contract suite of connectors: what every one must do before a database can be trusted to it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from django.apps import apps
from django.db import connections

from django_snapshots.conf.conformance import CONNECTOR, check_conformance
from django_snapshots.connectors.contract import StageableConnector
from django_snapshots.digests import CHUNK_SIZE
from django_snapshots.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from django_snapshots.connectors import Connector, StagedDatabase

__all__ = ["ConnectorContract"]

_PLANES = "\t '\"\\`é\u07ff€\ufffd" + "".join(chr(plane * 0x10000 + 0xF6D6) for plane in range(17))
"""A text with quotes, a backslash, and a character of every plane of Unicode."""

_TEXTS = ["plain", "", " padded ", "line\nfeed", "return\r\n", "semi;colon -- # /* */", "%s {} \\! \\q", _PLANES]


class ConnectorContract:
    """Subclass it with the fixtures `connector` and `alias`, under a name that begins with "Test".

    The alias is of a database of its own, made by `migrate` for an empty project with `django.contrib.auth`: the suite
    changes its rows as it likes. Ask for access to Django's connections in the fixture, without a transaction around
    the test: a restore cannot run inside one.
    """

    @pytest.fixture
    def connector(self) -> Connector:
        """Return the connector to be tested."""
        raise NotImplementedError("Override the fixture `connector` in your subclass of the contract.")

    @pytest.fixture
    def alias(self) -> str:
        """Return the alias of a migrated database that nobody else uses."""
        raise NotImplementedError("Override the fixture `alias` in your subclass of the contract.")

    @pytest.fixture(autouse=True)
    def filled(self, alias: str) -> None:
        """Put rows into the database."""
        groups = _objects("Group", alias)
        groups.delete()
        groups.bulk_create([groups.model(name=text) for text in _TEXTS])
        groups.order_by("pk")[0].permissions.set(_objects("Permission", alias).order_by("pk")[:3])

    def test_it_has_the_methods_with_the_right_arguments(self, connector: Connector) -> None:
        assert check_conformance(connector, CONNECTOR, ()) == []

    def test_its_suffix_is_a_file_name_ending(self, connector: Connector) -> None:
        assert connector.suffix
        assert connector.suffix.replace(".", "").isalnum()
        assert not connector.suffix.startswith(".")

    def test_its_facts_tell_engine_and_versions_in_json(self, connector: Connector, alias: str) -> None:
        facts = connector.dump(alias, io.BytesIO())

        assert json.loads(json.dumps(facts)) == facts
        assert facts["engine"]
        assert {"server_version", "client_version"} <= set(facts)

    def test_a_dump_leaves_the_rows_as_they_are(self, connector: Connector, alias: str) -> None:
        before = rows(alias)

        connector.dump(alias, io.BytesIO())

        assert rows(alias) == before

    def test_a_restore_brings_back_every_row(self, connector: Connector, alias: str) -> None:
        before = rows(alias)
        dump, facts = dump_of(connector, alias)
        change(alias)
        assert rows(alias) != before

        connector.restore(alias, io.BytesIO(dump), facts)

        assert rows(alias) == before

    def test_a_restore_can_be_repeated(self, connector: Connector, alias: str) -> None:
        before = rows(alias)
        dump, facts = dump_of(connector, alias)

        for _ in range(2):
            change(alias)
            connector.restore(alias, io.BytesIO(dump), facts)

        assert rows(alias) == before

    def test_a_restored_database_takes_new_rows(self, connector: Connector, alias: str) -> None:
        dump, facts = dump_of(connector, alias)
        connector.restore(alias, io.BytesIO(dump), facts)
        known = set(_objects("Group", alias).values_list("pk", flat=True))

        created = _objects("Group", alias).create(name="new")

        assert created.pk not in known

    def test_a_restored_database_can_be_dumped_again(self, connector: Connector, alias: str) -> None:
        before = rows(alias)
        dump, facts = dump_of(connector, alias)
        connector.restore(alias, io.BytesIO(dump), facts)

        again, facts = dump_of(connector, alias)
        change(alias)
        connector.restore(alias, io.BytesIO(again), facts)

        assert rows(alias) == before

    def test_it_reads_a_stream_in_pieces_of_at_most_a_chunk(self, connector: Connector, alias: str) -> None:
        before = rows(alias)
        dump, facts = dump_of(connector, alias)
        change(alias)

        connector.restore(alias, cast("BinaryIO", _Reluctant(dump)), facts)

        assert rows(alias) == before

    @pytest.mark.parametrize("kept", [0.0, 0.3, 0.6, 0.9, 0.99], ids=lambda part: f"{part:.0%} kept")
    def test_a_dump_that_was_cut_is_refused(self, connector: Connector, alias: str, kept: float) -> None:
        dump, facts = dump_of(connector, alias)
        change(alias)
        before = rows(alias)

        with pytest.raises(SnapshotError):
            connector.restore(alias, io.BytesIO(dump[: int(len(dump) * kept)]), facts)

        assert rows(alias) == before

    def test_bytes_that_are_no_dump_are_refused(self, connector: Connector, alias: str) -> None:
        _, facts = dump_of(connector, alias)
        before = rows(alias)

        with pytest.raises(SnapshotError):
            connector.restore(alias, io.BytesIO(b"no dump at all\n" * 1000), facts)

        assert rows(alias) == before

    def test_a_dump_of_another_engine_is_refused(self, connector: Connector, alias: str) -> None:
        dump, facts = dump_of(connector, alias)
        before = rows(alias)

        with pytest.raises(SnapshotError):
            connector.restore(alias, io.BytesIO(dump), {**facts, "engine": "another"})

        assert rows(alias) == before

    def test_what_a_sink_raises_comes_out(self, connector: Connector, alias: str) -> None:
        before = rows(alias)

        with pytest.raises(_SinkError):
            connector.dump(alias, cast("BinaryIO", _Failing()))

        assert rows(alias) == before

    def test_what_a_source_raises_leaves_the_rows_as_before(self, connector: Connector, alias: str) -> None:
        dump, facts = dump_of(connector, alias)
        change(alias)
        before = rows(alias)

        with pytest.raises(_SinkError):
            connector.restore(alias, cast("BinaryIO", _Failing(dump[: len(dump) // 2])), facts)

        assert rows(alias) == before

    def test_an_unknown_alias_is_an_error(self, connector: Connector, alias: str) -> None:
        with pytest.raises(SnapshotError):
            connector.dump(f"{alias}_that_nobody_has", io.BytesIO())

    def test_staging_and_discarding_leaves_the_rows_as_before(self, connector: Connector, alias: str) -> None:
        dump, facts = dump_of(connector, alias)
        change(alias)
        before = rows(alias)

        stage(connector, alias, dump, facts).discard()

        assert rows(alias) == before

    def test_a_commit_replaces_what_was_staged_over(self, connector: Connector, alias: str) -> None:
        before = rows(alias)
        dump, facts = dump_of(connector, alias)
        change(alias)

        staged = stage(connector, alias, dump, facts)
        staged.commit()
        staged.discard()

        assert rows(alias) == before

    def test_discarding_twice_raises_nothing(self, connector: Connector, alias: str) -> None:
        dump, facts = dump_of(connector, alias)

        staged = stage(connector, alias, dump, facts)
        staged.discard()
        staged.discard()

    def test_a_plan_names_its_target_and_changes_nothing(self, connector: Connector, alias: str) -> None:
        plan = getattr(connector, "plan", None)
        if plan is None:
            pytest.skip("It has no plan(alias, facts).")
        _, facts = dump_of(connector, alias)
        before = rows(alias)

        planned = plan(alias, facts)

        assert alias in planned["target"]
        assert json.loads(json.dumps(planned)) == planned
        assert rows(alias) == before

    def test_a_database_with_rows_is_said_to_hold_something(self, connector: Connector, alias: str) -> None:
        holds_anything: Callable[[str], bool] | None = getattr(connector, "holds_anything", None)
        if holds_anything is None:
            pytest.skip("It has no holds_anything(alias).")
        before = rows(alias)

        assert holds_anything(alias) is True
        assert rows(alias) == before

    def test_verify_finds_nothing_wrong_with_a_dump(self, connector: Connector, alias: str) -> None:
        dump, facts = dump_of(connector, alias)
        before = rows(alias)

        assert verify(connector, alias, cast("BinaryIO", _Reluctant(dump)), facts) == []
        assert rows(alias) == before

    def test_verify_asks_no_server(self, connector: Connector, alias: str) -> None:
        dump, facts = dump_of(connector, alias)

        assert verify(connector, f"{alias}_that_nobody_has", io.BytesIO(dump), facts) == []

    @pytest.mark.parametrize("kept", [0.0, 0.3, 0.6, 0.9, 0.99], ids=lambda part: f"{part:.0%} kept")
    def test_verify_finds_that_a_dump_was_cut(self, connector: Connector, alias: str, kept: float) -> None:
        dump, facts = dump_of(connector, alias)

        assert verify(connector, alias, io.BytesIO(dump[: int(len(dump) * kept)]), facts) != []

    def test_verify_finds_bytes_that_are_no_dump(self, connector: Connector, alias: str) -> None:
        _, facts = dump_of(connector, alias)

        assert verify(connector, alias, io.BytesIO(b"no dump at all\n" * 1000), facts) != []

    def test_what_a_source_raises_comes_out_of_verify(self, connector: Connector, alias: str) -> None:
        dump, facts = dump_of(connector, alias)

        with pytest.raises(_SinkError):
            verify(connector, alias, cast("BinaryIO", _Failing(dump[: len(dump) // 2])), facts)

    def test_a_drill_brings_every_row_back_beside_the_live_ones(self, connector: Connector, alias: str) -> None:
        before = rows(alias)
        dump, facts = dump_of(connector, alias)
        change(alias)
        live = rows(alias)

        with scratch_database(connector, alias) as scratch:
            connector.restore(scratch, io.BytesIO(dump), facts)
            found, damage = rows(scratch), inspect(connector, scratch, facts)

        assert found == before
        assert damage == []
        assert rows(alias) == live
        assert scratch not in connections.settings

    def test_a_drill_that_fails_leaves_nothing_behind(self, connector: Connector, alias: str) -> None:
        live = rows(alias)

        with pytest.raises(_SinkError), scratch_database(connector, alias) as scratch:
            raise _SinkError

        assert rows(alias) == live
        assert scratch not in connections.settings


class _SinkError(Exception):
    """What a full disk or a lost storage looks like to a connector."""


class _Failing:
    """Takes nothing, and gives `content` before it fails."""

    def __init__(self, content: bytes = b"") -> None:
        self._content = io.BytesIO(content)

    def write(self, _data: bytes, /) -> int:
        raise _SinkError

    def read(self, size: int, /) -> bytes:
        chunk = self._content.read(size)
        if not chunk:
            raise _SinkError
        return chunk


class _Reluctant:
    """Gives a few bytes at a time, as a decoder may, and allows no reading without a size."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int, /) -> bytes:
        assert 0 < size <= CHUNK_SIZE, f"read({size}) was asked for"
        return self._content.read(min(size, 4099))


def dump_of(connector: Connector, alias: str) -> tuple[bytes, Mapping[str, Any]]:
    """Return a dump and its facts."""
    sink = io.BytesIO()
    facts = connector.dump(alias, sink)
    return sink.getvalue(), facts


def stage(connector: Connector, alias: str, dump: bytes, facts: Mapping[str, Any]) -> StagedDatabase:
    """Stage a dump with a connector that can."""
    if not isinstance(connector, StageableConnector):
        pytest.skip("It has no stage(alias, source, facts).")
    return connector.stage(alias, io.BytesIO(dump), facts)


def verify(connector: Connector, alias: str, source: BinaryIO, facts: Mapping[str, Any]) -> list[str]:
    """Verify a dump with a connector that can."""
    method = getattr(connector, "verify", None)
    if method is None:
        pytest.skip("It has no verify(alias, source, facts).")
    found: list[str] = method(alias, source, facts)
    assert all(isinstance(text, str) and text for text in found)
    return found


def scratch_database(connector: Connector, alias: str) -> AbstractContextManager[str]:
    """Make an empty database for a drill with a connector that can; the role must be allowed to."""
    method: Callable[[str], AbstractContextManager[str] | None] | None = getattr(connector, "scratch_database", None)
    made = None if method is None else method(alias)
    if made is None:
        pytest.skip("It has no scratch_database(alias).")
    return made


def inspect(connector: Connector, alias: str, facts: Mapping[str, Any]) -> list[str]:
    """Return what a connector that can finds wrong with a restored database."""
    method: Callable[[str, Mapping[str, Any]], list[str]] | None = getattr(connector, "inspect", None)
    return [] if method is None else method(alias, facts)


def change(alias: str) -> None:
    """Add, change and delete rows."""
    groups = _objects("Group", alias)
    groups.filter(name="plain").update(name="changed")
    groups.filter(name=" padded ").delete()
    groups.create(name="added")


def rows(alias: str) -> list[Any]:
    """Return the rows that the suite looks at."""
    return [list(_objects(name, alias).order_by("pk").values_list()) for name in ("Group", "Group_permissions")]


def _objects(name: str, alias: str) -> Any:
    # Asked for at run time: a project without django.contrib.auth may import the other suites.
    return apps.get_model("auth", name).objects.using(alias)
