"""Is an object what a plugin must be: each method there, callable, of the contract's arity, and not async.

`isinstance(x, Protocol)` accepts wrong signatures, async methods, `read = 3` and the class itself; it is for type
checkers. The tables repeat the Protocols of the wings, which this layer may not import; a test holds them together.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from functools import lru_cache
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from django_snapshots.conf.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "ADVANCED_METHODS",
    "ARTIFACT",
    "CODEC",
    "CONNECTOR",
    "ENCRYPTION",
    "SIGNER",
    "STORAGE",
    "Contract",
    "check_call",
    "check_conformance",
]

ADVANCED_METHODS: Mapping[str, tuple[str, ...]] = {
    "stream_read": ("path",),
    "stream_write": ("path", "chunks"),
    "atomic_move": ("src", "dst"),
    "recursive_list": ("prefix",),
    "sync": ("src_prefix", "dst_prefix"),
}
"""The methods of the advanced tier; a storage that has all five is of that tier and is held to them."""


class _Absent(str):
    """Stands for an attribute that cannot be had, and says why."""

    __slots__ = ()


_MISSING = _Absent("is missing")


@dataclass(frozen=True, slots=True)
class Contract:
    """What a family of plugins must offer.

    Attributes:
        noun: What one of them is called.
        methods: Required methods, each with the names of the arguments it is called with, by position.
        attributes: Required attributes that hold text.
        optional: Methods that are used where they exist.
        together: Methods that are used where all of them exist.
    """

    noun: str
    methods: Mapping[str, tuple[str, ...]]
    attributes: tuple[str, ...] = ()
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    together: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


STORAGE = Contract(
    "storage",
    methods={
        "read": ("path",),
        "write": ("path", "content"),
        "list": ("prefix",),
        "delete": ("path",),
        "exists": ("path",),
    },
    optional={"size": ("path",)},
    together=ADVANCED_METHODS,
)
CODEC = Contract(
    "codec",
    methods={"encode": ("source",), "decode": ("source",)},
    attributes=("name", "suffix"),
    optional={"cannot_decode": ()},
)
ENCRYPTION = Contract(
    "encryption codec",
    methods={**CODEC.methods, "fingerprints": (), "require_key": ("recipients",)},
    attributes=CODEC.attributes,
    optional=CODEC.optional,
)
SIGNER = Contract("signer", methods={"sign": ("data",), "verify": ("data", "signature")}, attributes=("name",))
ARTIFACT = Contract(
    "artifact",
    methods={"dump": ("sink",), "restore": ("source", "facts")},
    attributes=("suffix",),
    optional={
        "stage": ("source", "facts"),
        "verify": ("source", "facts"),
        "drill": ("source", "facts"),
        "obstacle": (),
        "size_hint": (),
        "plan": ("facts",),
        "compare": ("manifest", "facts"),
        "for_safety": ("facts",),
    },
)
CONNECTOR = Contract(
    "connector",
    methods={"dump": ("alias", "sink"), "restore": ("alias", "source", "facts")},
    attributes=("suffix",),
    optional={
        "stage": ("alias", "source", "facts"),
        "verify": ("alias", "source", "facts"),
        "scratch_database": ("alias",),
        "inspect": ("alias", "facts"),
        "obstacle": ("alias",),
        "size_hint": ("alias",),
        "plan": ("alias", "facts"),
        "check_server": ("alias",),
        "holds_anything": ("alias",),
        "complete": (),
    },
)


def check_conformance(plugin: object, contract: Contract, path: tuple[str | int, ...]) -> list[Problem]:
    """Return one Problem for each method or attribute in which `plugin` differs from `contract`.

    Args:
        plugin: The object that will be used.
        contract: What it must offer.
        path: The plugin's section in SNAPSHOTS.
    """
    return [
        Problem(f"snapshots.{code}", path, message, hint)
        for code, message, hint in (*_attribute_problems(plugin, contract), *_method_problems(plugin, contract))
    ]


def check_call(method: Any, label: str, arguments: tuple[str, ...]) -> tuple[str, str, str] | None:
    """Return id, message and hint when `method` cannot be called with that many arguments, and waited for by nobody.

    Args:
        method: Something callable.
        label: What to call it in the message, such as "MyStorage.read".
        arguments: Names of the arguments it is called with, by position.
    """
    function = getattr(method, "__func__", None)
    if isinstance(method, MethodType) and isinstance(function, FunctionType):
        return _judge_method(function, label, arguments)
    return _judge(method, label, arguments)


@lru_cache(maxsize=512)
def _judge_method(function: FunctionType, label: str, arguments: tuple[str, ...]) -> tuple[str, str, str] | None:
    """Judge a bound method by its function, the same for all instances: reading a signature costs 20 us."""
    return _judge(MethodType(function, _MISSING), label, arguments)


def _judge(method: Any, label: str, arguments: tuple[str, ...]) -> tuple[str, str, str] | None:
    call = f"({', '.join(arguments)})"
    if _is_async(method):
        return (
            "E015",
            f"{label} is async.",
            f"Write it as a plain function: def …{call}. Snapshots are made in threads.",
        )
    try:
        signature = inspect.signature(method)
    except (ValueError, TypeError):
        return None  # written in C without a signature: nothing to compare
    try:
        signature.bind(*arguments)
    except TypeError as error:
        return "E016", f"{label}{_own_parameters(signature)} is called as {call}: {error}.", f"Accept {call}."
    return None


def _attribute_problems(plugin: object, contract: Contract) -> Iterator[tuple[str, str, str]]:
    for name in contract.attributes:
        value = _attribute(plugin, name)
        if isinstance(value, _Absent) or not isinstance(value, str):
            found = value if isinstance(value, _Absent) else f"is of type {type(value).__name__}"
            message = f"{type(plugin).__name__}.{name} {found}."
            yield "E014", message, f"Every {contract.noun} has the attribute {name}, which is text."


def _method_problems(plugin: object, contract: Contract) -> Iterator[tuple[str, str, str]]:
    claimed = dict(contract.methods)
    claimed |= {name: args for name, args in contract.optional.items() if _attribute(plugin, name) is not _MISSING}
    if contract.together and not missing_methods(plugin, contract.together):
        claimed |= contract.together
    for name, arguments in claimed.items():
        problem = _method_problem(plugin, name, arguments, contract.noun)
        if problem:
            yield problem


def missing_methods(plugin: object, methods: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the names of the `methods` that `plugin` does not have."""
    return [name for name in methods if not callable(_attribute(plugin, name))]


def _method_problem(plugin: object, name: str, arguments: tuple[str, ...], noun: str) -> tuple[str, str, str] | None:
    label = f"{type(plugin).__name__}.{name}"
    method = _attribute(plugin, name)
    hint = f"Every {noun} has a method {name}({', '.join(arguments)})."
    if isinstance(method, _Absent):
        return "E014", f"{label} {method}.", hint
    # `callable` before `signature`: inspect.signature(os.environ) raises with the whole environment in its text.
    if not callable(method):
        return "E014", f"{label} is no method, it is of type {type(method).__name__}.", hint
    return check_call(method, label, arguments)


def _attribute(plugin: object, name: str) -> Any:
    """Return the attribute, or why there is none: the code behind a property may raise anything."""
    try:
        return getattr(plugin, name, _MISSING)
    except Exception as error:  # noqa: BLE001 - reported as an absent method
        return _Absent(f"cannot be read, it raises {type(error).__name__}")


def _is_async(method: Any) -> bool:
    functions = (method, getattr(method, "__call__", None))  # noqa: B004 - an object whose __call__ is async
    return any(inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function) for function in functions)


def _own_parameters(signature: inspect.Signature) -> str:
    """Return the parameters without annotations and defaults, which may show a value."""
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty, default=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
    ]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
