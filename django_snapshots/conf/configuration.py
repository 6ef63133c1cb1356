"""The validated configuration: settings, plugins, problems, origins. Pure; `loading` gives it what Django knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from django_snapshots.conf.build import build_plugin
from django_snapshots.conf.conformance import ARTIFACT, CODEC, CONNECTOR, ENCRYPTION, SIGNER, STORAGE
from django_snapshots.conf.importing import DOTTED_PATH
from django_snapshots.conf.layers import Layers
from django_snapshots.conf.masking import scrub, secret_texts
from django_snapshots.conf.mistakes import structure_problems, variable_hint, without_echoes
from django_snapshots.conf.naming import render_name
from django_snapshots.conf.problems import Problem
from django_snapshots.conf.rules import disk_problems, rule_problems, tier_problems
from django_snapshots.conf.schema import AUTO, DUMPDATA, Settings, is_live
from django_snapshots.conf.sources import printable
from django_snapshots.conf.unknown import stray_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from django_snapshots.conf.build import Built
    from django_snapshots.conf.conformance import Contract
    from django_snapshots.conf.origins import Origins
    from django_snapshots.conf.sources import Source

__all__ = ["CONNECTORS_BY_VENDOR", "Configuration", "Project", "configure", "without_secrets"]

CONNECTORS_BY_VENDOR: Mapping[str, str] = {
    "mysql": "django_snapshots.connectors.MySQLConnector",
    "postgresql": "django_snapshots.connectors.PostgresConnector",
    "sqlite": "django_snapshots.connectors.SQLiteConnector",
}
"""What "auto" means, by the `vendor` of Django's database backend; engines derived from one share its vendor."""

_ANY_DATABASE = "django_snapshots.connectors.DumpDataConnector"
"""The connector of an engine that has none of its own."""

_NO_DATABASE = "unknown"
"""The vendor of Django's dummy backend, which stands where DATABASES names no engine."""

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """What the configuration depends on beside SNAPSHOTS.

    Attributes:
        snapshots: The setting as it stands in settings.py; {} where there is none.
        vendors: The vendor of each alias in DATABASES, such as {"default": "sqlite"}.
        base_dir: Where `snapshots/` goes when no STORAGE is named.
        media_root: MEDIA_ROOT, or None when it is empty.
        secrets: Returns what other settings hold that no message may show. Asked only when there are problems.
        alike: Other settings whose names resemble SNAPSHOTS, by name.
    """

    snapshots: object
    vendors: Mapping[str, str]
    base_dir: Path
    media_root: Path | None
    secrets: Callable[[], set[str]] = set
    alike: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Configuration:
    """What `load()` returns. Plugins are None (or absent) where a problem says why.

    Attributes:
        settings: SNAPSHOTS, validated; None when its structure is wrong.
        storage: Where snapshots live.
        replicas: Where they are copied to, in the order of REPLICAS.
        compression: The codec, or None for no compression.
        encryption: The codec, or None for no encryption.
        signing: The signer, or None where nobody has to vouch for a snapshot.
        connectors: By alias of DATABASES; an alias whose engine has no connector is absent.
        artifacts: The project's own artifacts, by name.
        media_root: MEDIA_ROOT, or None when it is empty.
        problems: Everything wrong with it, sorted by place.
        origins: Where the values were assigned, by place; a place that is absent has the origin of the one above.
        tree: The values before they were validated.
        plugins: What the builder found of each plugin, by the place of its section.
        secrets: Every text in it that must not be shown.
    """

    settings: Settings | None
    storage: Any = field(default=None, repr=False)
    compression: Any = field(default=None, repr=False)
    replicas: tuple[Any, ...] = field(default=(), repr=False)
    encryption: Any = field(default=None, repr=False)
    signing: Any = field(default=None, repr=False)
    connectors: Mapping[str, Any] = field(default_factory=dict, repr=False)
    artifacts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    media_root: Path | None = None
    problems: tuple[Problem, ...] = ()
    origins: Mapping[Place, str] = field(default_factory=dict, repr=False)
    tree: Mapping[Any, Any] = field(default_factory=dict, repr=False)
    plugins: Mapping[Place, Built] = field(default_factory=dict, repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that leave the configuration without a meaning."""
        return tuple(problem for problem in self.problems if problem.is_error)

    def snapshot_name(self, created_at: datetime) -> str:
        """Return the name of a snapshot that was begun at `created_at`, an aware datetime.

        Raises:
            SnapshotNameError: SNAPSHOT_NAME gave something that cannot name a snapshot.
        """
        setting = self.settings.SNAPSHOT_NAME if self.settings else Settings.model_fields["SNAPSHOT_NAME"].default
        return render_name(setting, created_at)


def configure(project: Project, sources: Iterable[Source] = ()) -> Configuration:
    """Return the configuration of `project`, with every problem in it at once.

    Args:
        project: SNAPSHOTS and what it depends on.
        sources: What is assigned outside the code, the weakest first.
    """
    is_dict = isinstance(project.snapshots, dict)
    snapshots = project.snapshots if isinstance(project.snapshots, dict) else {}
    layers = Layers(_defaults(project), snapshots, tuple(project.vendors))
    layers.apply(sources)
    tree = layers.tree
    settings, problems = _validate(tree)
    builder = _Builder(layers.origins)
    storage = builder.build(tree.get("STORAGE"), ("STORAGE",), STORAGE)
    replicas = tuple(
        builder.build(item, ("REPLICAS", i), STORAGE) for i, item in enumerate(_list(tree.get("REPLICAS")))
    )
    configuration = Configuration(
        settings=settings if is_dict else None,
        storage=storage,
        replicas=replicas,
        compression=builder.build(tree.get("COMPRESSION"), ("COMPRESSION",), CODEC),
        encryption=builder.build(tree.get("ENCRYPTION"), ("ENCRYPTION",), ENCRYPTION),
        signing=builder.build(tree.get("SIGNING"), ("SIGNING",), SIGNER),
        connectors=_connectors(builder, tree, project.vendors),
        artifacts=_artifacts(builder, tree),
        media_root=project.media_root,
        origins={path: str(origin) for path, origin in layers.origins},
        tree=tree,
        plugins=builder.built,
        secrets=frozenset(secret_texts(tree) | builder.secrets),
    )
    problems += builder.problems
    problems += rule_problems(tree, tuple(project.vendors), has_media=project.media_root is not None)
    problems += tier_problems(storage, replicas, tree.get("SNAPSHOT_FORMAT"))
    problems += disk_problems(tree.get("ENCRYPTION"), configuration.connectors, configuration.artifacts)
    problems = [_with_origin(problem, layers.origins) for problem in problems]
    problems += layers.problems if is_dict else [_no_dict(project.snapshots), *layers.problems]
    problems += stray_settings(project.alike)
    problems = without_echoes(problems)
    if not problems:
        return configuration
    return replace(configuration, problems=without_secrets(problems, configuration.secrets | project.secrets()))


class _Builder:
    """Builds the plugins of one configuration, and keeps what was found on the way.

    Attributes:
        built: Each plugin that was named, by the path of its section.
        problems: What is wrong with them.
        secrets: The texts that their classes type as secret.
    """

    def __init__(self, origins: Origins) -> None:
        self.built: dict[Place, Built] = {}
        self.problems: list[Problem] = []
        self.secrets: set[str] = set()
        self._origins = origins

    def build(self, value: object, path: Place, contract: Contract) -> Any:
        """Return the plugin that `value` names or is, or None; what is no plugin was reported by the schema."""
        if not isinstance(value, (dict, str)) and not is_live(value):
            return None
        if isinstance(value, str) and contract is not CONNECTOR:
            return None
        built = build_plugin(value, path, contract, lambda option: self._origins.of(option).is_outside)
        self.built[path] = built
        self.problems += built.problems
        self.secrets |= secret_texts(built.options, names=built.secrets)
        return built.instance


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _no_dict(value: object) -> Problem:
    return Problem(
        "snapshots.E001",
        (),
        f"SNAPSHOTS is of type {type(value).__name__}, a dict was expected.",
        "Write SNAPSHOTS = {'STORAGE': {'BACKEND': …, 'OPTIONS': {…}}}, or take it out for the defaults.",
    )


def _defaults(project: Project) -> dict[str, Any]:
    """Return the default of every key; that of DEFAULT_ARTIFACTS depends on MEDIA_ROOT."""
    tree: dict[str, Any] = Settings.model_validate({}).model_dump()
    tree["STORAGE"]["OPTIONS"]["location"] = project.base_dir / "snapshots"
    if project.media_root is None:
        tree["DEFAULT_ARTIFACTS"] = tuple(name for name in tree["DEFAULT_ARTIFACTS"] if name != "media")
    return tree


def _validate(tree: dict[str, Any]) -> tuple[Settings | None, list[Problem]]:
    try:
        return Settings.model_validate(tree), []
    except ValidationError as error:
        return None, structure_problems(error, Settings.model_fields, ())


def _connectors(builder: _Builder, tree: Mapping[str, Any], vendors: Mapping[str, str]) -> dict[str, Any]:
    named = tree.get("DATABASE_CONNECTORS")
    named = named if isinstance(named, dict) else {}
    connectors = {}
    for alias, vendor in vendors.items():
        value = named.get(alias, AUTO)
        value = _connector_path(value, vendor) if isinstance(value, str) else value
        connectors[alias] = builder.build(value, ("DATABASE_CONNECTORS", alias), CONNECTOR)
    return {alias: connector for alias, connector in connectors.items() if connector is not None}


def _connector_path(name: str, vendor: str) -> str | None:
    if name == DUMPDATA:
        return _ANY_DATABASE
    if name == AUTO:
        return CONNECTORS_BY_VENDOR.get(vendor, None if vendor == _NO_DATABASE else _ANY_DATABASE)
    return name if DOTTED_PATH.fullmatch(name) else None


def _artifacts(builder: _Builder, tree: Mapping[str, Any]) -> dict[str, Any]:
    named = tree.get("ARTIFACTS")
    named = named if isinstance(named, dict) else {}
    artifacts = {
        name: builder.build(value, ("ARTIFACTS", name), ARTIFACT)
        for name, value in named.items()
        if isinstance(name, str)
    }
    return {name: artifact for name, artifact in artifacts.items() if artifact is not None}


def _with_origin(problem: Problem, origins: Origins) -> Problem:
    """Say where the value came from; a variable that is misspelt gets the name of the right one as its hint."""
    if problem.origin is not None or not problem.path:
        return problem
    origin, hint = origins.of_plugin(problem.path), problem.hint
    if problem.id == "snapshots.E003" and origins.has(problem.path) and origin.is_outside:
        hint = variable_hint(hint, problem.path)
    return replace(problem, origin=origin.where or None, hint=hint)


def without_secrets(problems: Iterable[Problem], secrets: frozenset[str]) -> tuple[Problem, ...]:
    """Return the problems without secrets, sorted as Django sorts what it prints."""
    cleaned = (
        replace(
            problem,
            message=printable(scrub(problem.message, secrets)),
            hint=None if problem.hint is None else printable(scrub(problem.hint, secrets)),
        )
        for problem in problems
    )
    return tuple(sorted(dict.fromkeys(cleaned), key=str))
