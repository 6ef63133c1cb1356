"""From BACKEND and OPTIONS to a live plugin, or to every reason why not. The one builder of all plugins."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.core.files.storage import Storage
from pydantic import ValidationError

from django_snapshots.conf.conformance import STORAGE, check_call, check_conformance
from django_snapshots.conf.importing import dotted_path, import_class
from django_snapshots.conf.masking import scrub, secret_texts
from django_snapshots.conf.mistakes import structure_problems, without_echoes
from django_snapshots.conf.options import check_options
from django_snapshots.conf.problems import Problem, see
from django_snapshots.conf.schema import BackendSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from django_snapshots.conf.conformance import Contract
    from django_snapshots.conf.options import CheckedOptions

__all__ = ["Built", "build_backend", "build_plugin"]

Path = tuple[str | int, ...]
_WRAPPER = "django_snapshots.storage.DjangoStorageBackend"


@dataclass(frozen=True, slots=True)
class _Section:
    """Where a plugin is named, and what is asked of it there.

    Attributes:
        path: The section in SNAPSHOTS.
        contract: What the plugin must offer; None where nobody here knows.
        is_outside: Says of the path of an option whether it was assigned outside the code.
    """

    path: Path
    contract: Contract | None = None
    is_outside: Callable[[Path], bool] | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A plugin ready for use, or None, and what is wrong with it. An instance may stand beside problems.

    Attributes:
        instance: The plugin, or None.
        problems: What is wrong with it.
        options: What its class was, or would be, called with.
        secrets: The names of the options that its class types as secret.
    """

    instance: Any
    problems: list[Problem]
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secrets: frozenset[str] = frozenset()


def build_plugin(
    value: object, path: Path, contract: Contract, is_outside: Callable[[Path], bool] | None = None
) -> Built:
    """Return the plugin that `value` names or is, held to its contract and asked for its own problems.

    Args:
        value: A BACKEND/OPTIONS dict, a dotted path, or a live object. What is structurally wrong in it must have been
            reported by the schema; it is skipped here without a word.
        path: The plugin's section in SNAPSHOTS.
        contract: What it must offer.
        is_outside: Says of the path of an option whether it was assigned outside the code.
    """
    try:
        return _build_plugin(value, _Section(path, contract, is_outside), contract)
    except Exception as error:  # noqa: BLE001 - the border of E000: a mistake of ours must not end `migrate`
        return Built(None, [unexpected(error, path)])


def build_backend(spec: Mapping[str, Any], path: Path) -> tuple[object | None, list[Problem]]:
    """Build a BACKEND/OPTIONS dict that stands inside a plugin's own OPTIONS.

    Args:
        spec: The dict. Nothing in it is changed.
        path: Where it stands, relative to the plugin's OPTIONS, such as ("storage",). From a plugin's `check()` the
            problems can be returned as they are.

    Returns:
        The instance and no problems, or None and every problem. Never raises.
    """
    try:
        BackendSpec.model_validate(spec)
        structure = []
    except ValidationError as error:
        structure = structure_problems(error, BackendSpec.model_fields, path)
    built = _shielded_spec(spec, path)
    problems = without_echoes(structure + built.problems)
    return (None if problems else built.instance), problems


def unexpected(error: Exception, path: Path, doing: str = "") -> Problem:
    """Return the E000 for an exception that nobody foresaw.

    Its text is left out: it may hold anything, secrets included. Type and place are what a report needs.
    """
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return Problem(
        "snapshots.E000",
        path,
        f"Could not be checked: {doing}{type(error).__name__}{where}.",
        "This is a mistake in the code that checks, not in your settings: report it to its authors.",
    )


def _shielded_spec(spec: Mapping[str, Any], path: Path) -> Built:
    try:
        return _build_spec(spec, _Section(path))
    except Exception as error:  # noqa: BLE001 - see build_plugin
        return Built(None, [unexpected(error, path)])


def _build_plugin(value: object, section: _Section, contract: Contract) -> Built:
    path = section.path
    if isinstance(value, dict):
        built = _build_spec(value, section)
    elif isinstance(value, str):
        built = _build_class(value, {}, path, section)
    else:
        built = Built(value, _not_wrapped(type(value), section, "…"))
    if built.instance is None or built.problems:
        return built
    problems = check_conformance(built.instance, contract, path)
    options_path = (*path, "OPTIONS") if isinstance(value, dict) else None
    return replace(built, problems=problems + _own_problems(built.instance, path, options_path))


def _build_spec(spec: Mapping[str, Any], section: _Section) -> Built:
    backend, options = spec.get("BACKEND"), spec.get("OPTIONS", {})
    if not isinstance(backend, str) or not isinstance(options, dict):
        return Built(None, [])
    return _build_class(backend, options, (*section.path, "BACKEND"), section)


def _build_class(backend: str, options: Mapping[str, Any], backend_path: Path, section: _Section) -> Built:
    cls = import_class(backend, backend_path)
    if isinstance(cls, Problem):
        return Built(None, [cls])
    problems = _not_wrapped(cls, section, f"{{'BACKEND': '{backend}', 'OPTIONS': …}}")
    if problems:
        return Built(None, problems)
    named = {key: value for key, value in options.items() if isinstance(key, str)}
    checked = check_options(cls, named, (*section.path, "OPTIONS"), section.is_outside)
    if checked.problems:
        return Built(None, checked.problems, named, checked.secrets)
    return _call(cls, checked, section.path)


def _call(cls: type, checked: CheckedOptions, path: Path) -> Built:
    instance, problems = None, []
    try:
        instance = cls(**checked.values)
    except Exception as error:  # noqa: BLE001 - a constructor may raise anything: reported as E011, its text masked
        secrets = secret_texts(checked.values, names=checked.secrets)
        message = f"{cls.__name__}(…) raised {type(error).__name__}{_text(error, secrets)}"
        problems = [Problem("snapshots.E011", path, message, "Correct what its text says.")]
    return Built(instance, problems, checked.values, checked.secrets)


def _text(error: Exception, secrets: set[str]) -> str:
    try:
        text = " ".join(scrub(str(error), secrets).split())
    except Exception:  # noqa: BLE001 - an exception that cannot be shown is reported by its type
        return "."
    return f": {text}" if text else "."


def _not_wrapped(cls: type, section: _Section, inner: str) -> list[Problem]:
    if section.contract is not STORAGE or not issubclass(cls, Storage):
        return []
    return [
        Problem(
            "snapshots.E013",
            section.path,
            f"{cls.__name__} is a Django storage; it keeps files, not snapshots.",
            f"Wrap it: {{'BACKEND': '{_WRAPPER}', 'OPTIONS': {{'storage': {inner}}}}}. {see('E013')}",
        )
    ]


def _own_problems(plugin: object, path: Path, options_path: Path | None) -> list[Problem]:
    """Return what the plugin's `check()` says, placed in SNAPSHOTS; without OPTIONS all stands at the section."""
    check: Callable[[], Iterable[Any]] | None = getattr(plugin, "check", None)
    if not callable(check):
        return []
    label = f"{dotted_path(type(plugin))}.check() "
    wrong = check_call(check, f"{type(plugin).__name__}.check", ())
    if wrong:
        return [Problem(f"snapshots.{wrong[0]}", path, *wrong[1:])]
    try:
        found = list(check())
    except Exception as error:  # noqa: BLE001 - foreign code; reported as E000, naming the class
        return [unexpected(error, path, f"{label}raised ")]
    if any(not isinstance(problem, Problem) for problem in found):
        return [unexpected(TypeError(), path, f"{label}returned something else than Problems: ")]
    return [_placed(problem, path, options_path) for problem in found]


def _placed(problem: Problem, path: Path, options_path: Path | None) -> Problem:
    if options_path is None:
        return Problem(problem.id, path, problem.message, problem.hint, problem.origin)
    return problem.below(options_path if problem.path else path)
