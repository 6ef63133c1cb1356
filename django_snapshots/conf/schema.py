"""The schema of SNAPSHOTS: every key, its type, its default and what it is for. Everything generated comes from here.

It judges the structure only. What a plugin's OPTIONS may hold is asked of the plugin's class (`options`); what keys
mean together is judged in `rules`.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.utils.functional import Promise
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    StrictStr,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from django_snapshots.conf.importing import DOTTED_PATH, dotted_path
from django_snapshots.conf.masking import mask_urls
from django_snapshots.conf.monitoring import HealthSettings
from django_snapshots.conf.policy import PruneSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.json_schema import JsonSchemaValue

__all__ = ["AUTO", "DUMPDATA", "POSITIONS", "SECTIONS", "BackendSpec", "Position", "Settings", "is_live"]

AUTO = "auto"
"""The connector of an alias is chosen by the alias's engine."""

DUMPDATA = "dumpdata"
"""Short for the connector that works on every engine."""

LOCAL_STORAGE = "django_snapshots.storage.LocalFileSystemBackend"
_CODECS = {
    "zstd": "django_snapshots.codecs.Zstd",
    "gzip": "django_snapshots.codecs.Gzip",
    "age": "django_snapshots.codecs.Age",
}
_PLAIN = (
    *(str, bytes, int, float, complex, list, tuple, set, frozenset, Mapping, PurePath, Promise),
    *(types.FunctionType, types.BuiltinFunctionType),
)


def _dotted(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Say what to write for the class or function itself, which are the usual mistakes."""
    if isinstance(value, str):
        return handler(value)
    path = dotted_path(value) if isinstance(value, type) else "dotted.path.of.the.Class"
    raise PydanticCustomError(
        "E002", "Input should be a dotted path, it is {found}.", {"found": _found(value), "hint": f"Write '{path}'."}
    )


class BackendSpec(BaseModel):
    """What names a plugin: a class, and the keyword arguments it is called with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    BACKEND: Annotated[StrictStr, WrapValidator(_dotted), Field(description="Dotted path of the class.")]
    OPTIONS: Annotated[
        dict[StrictStr, Any],
        Field(default_factory=dict, repr=False, description="Keyword arguments of the class, by its own names."),
    ]


def is_live(value: object) -> bool:
    """Say whether `value`, found where a plugin is named, may be the plugin itself: neither a class nor plain data."""
    return value is not None and not isinstance(value, (type, *_PLAIN))


def _plugin(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Let live objects through; a union of dict and object would accept anything, or replace the object."""
    if isinstance(value, dict):
        return handler(value)
    if isinstance(value, type):
        spec = f"{{'BACKEND': '{dotted_path(value)}', 'OPTIONS': {{}}}}"
        raise PydanticCustomError(
            "E012", "A class where an instance is needed.", {"hint": f"Write {spec}, or call the class."}
        )
    if is_live(value):
        return value
    raise PydanticCustomError(
        "E002",
        "Input should be a dict with BACKEND and OPTIONS, it is {found}.",
        {"found": _found(value), "hint": _spec_hint(value)},
    )


def _found(value: object) -> str:
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    if isinstance(value, Promise):
        return "lazy text"
    return "text" if isinstance(value, str) else f"of type {type(value).__name__}"


def _spec_hint(value: object) -> str:
    """Return the dict to write; a folder, a codec's name and a dotted path tell what was meant."""
    if isinstance(value, (str, PurePath)) and str(value).startswith("/"):
        return f"Write {{'BACKEND': '{LOCAL_STORAGE}', 'OPTIONS': {{'location': '{value}'}}}}."
    path = "dotted.path.of.the.Class"
    if isinstance(value, str):
        path = _CODECS.get(value.lower(), value if DOTTED_PATH.fullmatch(value) else path)
    return f"Write {{'BACKEND': '{path}', 'OPTIONS': {{}}}}."


def _optional_plugin(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return None if value is None else _plugin(value, handler)


def _connector(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, str):
        return _plugin(value, handler)
    if value in {AUTO, DUMPDATA} or DOTTED_PATH.fullmatch(value):
        return value
    raise PydanticCustomError(
        "E002",
        "Input should be 'auto', 'dumpdata', a dotted path, or a dict with BACKEND and OPTIONS.",
        {"hint": "Write 'auto', or leave the alias out, which means the same."},
    )


def _snapshot_name(value: Any) -> Any:
    if isinstance(value, str) or callable(value):
        return value
    raise PydanticCustomError(
        "E002",
        "Input should be text or a callable, it is {found}.",
        {"found": _found(value), "hint": "Write '{timestamp_utc}'."},
    )


class _OrText:
    """Says in the JSON Schema that text may stand here too; a union would put its branches into places."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(core), {"type": "string"}]}


def _plain_text(value: Any) -> Any:
    """Return text from a source as plain text: pydantic before 2.8 finds a subclass of str in no Literal."""
    return str(value) if isinstance(value, str) else value


class ReplicaSpec(BackendSpec):
    """What names the storage of a replica, and what is kept there."""

    PRUNE: Annotated[
        PruneSettings | None,
        Field(description="The retention policy of this replica. None keeps everything there."),
    ] = None


Plugin = Annotated[BackendSpec, WrapValidator(_plugin)]
Replica = Annotated[ReplicaSpec, WrapValidator(_plugin)]
OptionalPlugin = Annotated[BackendSpec | None, WrapValidator(_optional_plugin)]
ConnectorSpec = Annotated[BackendSpec, WrapValidator(_connector), _OrText()]
SnapshotName = Annotated[
    str | Callable[[datetime], str], PlainValidator(_snapshot_name), WithJsonSchema({"type": "string"})
]


def _default_storage() -> BackendSpec:
    return BackendSpec(
        BACKEND=LOCAL_STORAGE,
        OPTIONS={"location": "snapshots"},
    )


def _default_compression() -> BackendSpec:
    return BackendSpec(BACKEND=_CODECS["zstd"], OPTIONS={"level": 3})


def _without_user_info(value: Any) -> Any:
    return mask_urls(value) if isinstance(value, str) else value


class Settings(BaseModel):
    """SNAPSHOTS, validated. A plugin given as a live object stands in its field as that object."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Yield what stands in the repr: no plugins and no metadata (repr=False above), and no password of a URL."""
        for key, value in super().__repr_args__():
            yield key, tuple(map(mask_urls, value)) if isinstance(value, tuple) else _without_user_info(value)

    STORAGE: Annotated[
        Plugin,
        Field(
            default_factory=_default_storage,
            repr=False,
            description="Where snapshots are kept. Without it: the folder `snapshots` beside `manage.py`.",
        ),
    ]
    SNAPSHOT_FORMAT: Annotated[
        Literal["directory", "archive"],
        BeforeValidator(_plain_text),
        Field(description="A folder of plain files, or one tar per snapshot (needs a storage of the advanced tier)."),
    ] = "directory"
    SNAPSHOT_NAME: Annotated[
        SnapshotName,
        Field(
            description="Name of a new snapshot: text with {timestamp_utc} and {hostname}, or a callable that takes "
            "the aware UTC datetime of the snapshot and returns the name."
        ),
    ] = "{timestamp_utc}"
    DEFAULT_ARTIFACTS: Annotated[
        tuple[StrictStr, ...],
        Field(
            min_length=1,
            description="What a backup holds when no artifact is named. `media` is left out of the default where "
            "MEDIA_ROOT is empty.",
        ),
    ] = ("database", "media", "environment")
    ARTIFACTS: Annotated[
        dict[StrictStr, Plugin],
        Field(default_factory=dict, repr=False, description="A project's own artifacts: name, then BACKEND/OPTIONS."),
    ]
    DATABASE_CONNECTORS: Annotated[
        dict[StrictStr, ConnectorSpec],
        Field(
            default_factory=dict,
            repr=False,
            description="How the database of an alias is dumped: `auto` (by its engine), `dumpdata` (on any engine), a "
            "dotted path, or BACKEND/OPTIONS. An alias that is left out is `auto`.",
        ),
    ]
    COMPRESSION: Annotated[
        OptionalPlugin,
        Field(
            default_factory=_default_compression,
            repr=False,
            description="The codec that compresses artifacts; None stores them as they are.",
        ),
    ]
    ENCRYPTION: Annotated[
        OptionalPlugin,
        Field(
            repr=False,
            description="The codec that encrypts every artifact after it was compressed; None encrypts nothing.",
        ),
    ] = None
    SIGNING: Annotated[
        OptionalPlugin,
        Field(
            repr=False,
            description="The signer that vouches for manifests; with one, a snapshot that it does not vouch for is "
            "refused. None trusts whoever can write to the storage.",
        ),
    ] = None
    JOBS: Annotated[
        int | None,
        Field(
            ge=1,
            description="How many artifacts a backup dumps at a time. Without it: as many as there are processors, "
            "at most 4.",
        ),
    ] = None
    PRUNE: Annotated[
        PruneSettings | None,
        Field(description="The retention policy: what `prune` keeps. None keeps everything, and refuses to prune."),
    ] = None
    REPLICAS: Annotated[
        tuple[Replica, ...],
        Field(
            repr=False,
            description="Storages to which each snapshot is copied once it is complete: a list of BACKEND/OPTIONS, "
            "each with a PRUNE of its own.",
        ),
    ] = ()
    METADATA: Annotated[
        dict[StrictStr, Any],
        Field(default_factory=dict, repr=False, description="JSON values that are copied into every manifest."),
    ]
    ALLOW_RESTORE: Annotated[bool, Field(description="False takes restore away from this host.")] = True
    NOTIFY: Annotated[
        tuple[StrictStr, ...] | None,
        Field(
            description="E-mail addresses that are told when a backup fails, is degraded, or works again; None means "
            "ADMINS, an empty list nobody."
        ),
    ] = None
    HEALTH: Annotated[
        HealthSettings,
        Field(default_factory=HealthSettings, repr=False, description="What `health` takes for well; a URL to ping."),
    ]


class Position(enum.Enum):
    """What stands at a key, and so how a variable assigns to it and below it."""

    TEXT = "one value, read from text as pydantic reads it"
    LIST = "a list of texts"
    PLUGIN = "BACKEND and OPTIONS"
    PLUGINS = "names, each with BACKEND and OPTIONS"
    PLUGIN_LIST = "a list of BACKEND and OPTIONS"
    SECTION = "a dict whose keys are given, each of them text"
    DATA = "JSON values"


POSITIONS = {
    "STORAGE": Position.PLUGIN,
    "SNAPSHOT_FORMAT": Position.TEXT,
    "SNAPSHOT_NAME": Position.TEXT,
    "DEFAULT_ARTIFACTS": Position.LIST,
    "ARTIFACTS": Position.PLUGINS,
    "DATABASE_CONNECTORS": Position.PLUGINS,
    "COMPRESSION": Position.PLUGIN,
    "ENCRYPTION": Position.PLUGIN,
    "SIGNING": Position.PLUGIN,
    "JOBS": Position.TEXT,
    "PRUNE": Position.SECTION,
    "REPLICAS": Position.PLUGIN_LIST,
    "METADATA": Position.DATA,
    "ALLOW_RESTORE": Position.TEXT,
    "NOTIFY": Position.LIST,
    "HEALTH": Position.SECTION,
}
"""The position of every key of `Settings`; a test holds the two together."""

SECTIONS: dict[str, type[BaseModel]] = {"PRUNE": PruneSettings, "HEALTH": HealthSettings}
"""The model of every key whose position is a section."""
