"""Settings from environment variables: a frozen dataclass per process, each field typed, defaulted and documented."""

from __future__ import annotations

import dataclasses
import math
import os
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from exporters.errors import ConfigError

T = TypeVar("T")
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


class Secret(str):
    """A text that must not be shown; it prints as asterisks. ``NAME_FILE`` may name a file that holds it."""

    def __repr__(self) -> str:
        return "'***'" if self else "''"


def setting(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    env: str = "",
    check: Callable[[str, str], object] | None = None,
    may_be_empty: bool = False,
) -> Any:
    """A documented dataclass field; ``env`` overrides the variable's name (else prefix and field name).

    ``check`` gets the variable and each text of it, and raises ConfigError where that is wrong. It does not see an
    empty text where the default is empty too, or where that ``may_be_empty``.
    """
    metadata = {
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "env": env,
        "check": check,
        "may_be_empty": may_be_empty or not default,
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, slots=True)
class SettingRow:
    """How one setting is documented: variable, type name, default and help."""

    variable: str
    type_name: str
    default: str
    help: str


def read(config: type[T], prefix: str, environ: Mapping[str, str]) -> T:
    """Build ``config`` from ``environ``; raises ConfigError that names the variable and what it should be."""
    hints = typing.get_type_hints(config)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(config):  # type: ignore[arg-type]
        variable = field.metadata.get("env") or f"{prefix}{field.name.upper()}"
        text = _text(variable, hints[field.name], environ)
        if text is not None:
            values[field.name] = _value(variable, hints[field.name], text, field.metadata)
    return config(**values)


def own_folder(variable: str, path: Path) -> Path:
    """The folder, made where it is not there and closed to others; raises ConfigError when it cannot be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"{variable}: cannot make {path}: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError(f"{variable}: cannot write to {path}")
    return path


def document(config: type[Any], prefix: str) -> list[SettingRow]:
    """One row a field, for the configuration page and help texts."""
    hints = typing.get_type_hints(config)
    rows = []
    for field in dataclasses.fields(config):
        variable = field.metadata.get("env") or f"{prefix}{field.name.upper()}"
        default = "" if field.default in ((), "", None) else str(field.default)
        if isinstance(field.default, tuple):
            default = ",".join(map(str, field.default))
        choices = field.metadata.get("choices") or ()
        kind = "|".join(choices) if choices else _type_name(hints[field.name])
        rows.append(SettingRow(variable, kind, default, field.metadata.get("help", "")))
    return rows


def _text(variable: str, kind: Any, environ: Mapping[str, str]) -> str | None:
    text = environ.get(variable)
    if text is None and kind is Secret and (path := environ.get(f"{variable}_FILE")):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{variable}_FILE: cannot read {path}: {error.strerror}") from error
        except UnicodeDecodeError:  # its message and cause quote the secret
            raise ConfigError(f"{variable}_FILE: {path} must hold UTF-8 text") from None
    return text


def _value(variable: str, kind: Any, text: str, metadata: Mapping[str, Any]) -> Any:
    value = _convert(variable, kind, text)
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{variable} is {text}; it must be a finite number")
    check = metadata.get("check")
    if check is not None:
        for one in value if isinstance(value, tuple) else (value,):
            if one or not metadata["may_be_empty"]:
                check(variable, one)
    choices = metadata.get("choices")
    if choices and value not in choices:
        raise ConfigError(f"{variable} is {text!r}; it must be one of {', '.join(choices)}")
    minimum, maximum = metadata.get("minimum"), metadata.get("maximum")
    if minimum is not None and value < minimum:
        raise ConfigError(f"{variable} is {text}; it must be at least {minimum:g}")
    if maximum is not None and value > maximum:
        raise ConfigError(f"{variable} is {text}; it must be at most {maximum:g}")
    return value


def _convert(variable: str, kind: Any, text: str) -> Any:
    if kind is bool:
        if text.lower() in TRUE_WORDS | FALSE_WORDS:
            return text.lower() in TRUE_WORDS
        raise ConfigError(f"{variable} is {text!r}; it must be true or false")
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        return tuple(_convert(variable, item, part.strip()) for part in text.split(",") if part.strip())
    try:
        return kind(text)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{variable} is {text!r}; it must be {_type_name(kind)}") from error


def _type_name(kind: Any) -> str:
    if typing.get_origin(kind) is tuple:
        return f"comma-separated {_type_name(typing.get_args(kind)[0])}"
    return {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true|false",
        Path: "a path",
        Secret: "a secret",
    }.get(kind, str(kind))
