"""JSON Schema (2020-12) of the contract's types: TypedDict, Literal, Annotated, lists, dictionaries, unions."""

from __future__ import annotations

import types
import typing
from typing import Any, Literal, NotRequired, Required, Union, is_typeddict

Schema = dict[str, Any]
PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}


class Schemas:
    """Translates types; named shapes are gathered in ``components`` and referred to."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type; raises TypeError for one the contract may not use."""
        if is_typeddict(kind):
            return self._reference(kind)
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Annotated:
            return self._annotated(kind)
        if origin is None and kind in PLAIN:
            return dict(PLAIN[kind])
        if origin is Literal:
            return {"type": "string", "enum": list(arguments)}
        if origin in (list, tuple):
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.of(one) for one in arguments]}
        raise TypeError(f"no schema for {kind!r}")

    def _annotated(self, kind: Any) -> Schema:
        schema = self.of(kind.__origin__)
        for note in kind.__metadata__:
            if isinstance(note, dict):
                schema.update(note)
            elif note:
                schema["description"] = note
        return schema

    def _reference(self, kind: Any) -> Schema:
        name = kind.__name__
        if name not in self.components:
            self.components[name] = {}  # a shape may hold itself
            self.components[name] = self._shape(kind)
        return {"$ref": f"#/components/schemas/{name}"}

    def _shape(self, kind: Any) -> Schema:
        properties = {}
        for name, hint in typing.get_type_hints(kind, include_extras=True).items():
            while typing.get_origin(hint) in (NotRequired, Required):
                hint = typing.get_args(hint)[0]
            properties[name] = self.of(hint)
        schema: Schema = {"type": "object", "properties": properties}
        if kind.__doc__ and not kind.__doc__.startswith("dict("):
            schema["description"] = " ".join(kind.__doc__.split())
        # Under postponed annotations, TypedDict itself cannot see NotRequired: read it from the hints.
        required = sorted(_required(kind))
        if required:
            schema["required"] = required
        return schema


def _required(kind: Any) -> set[str]:
    names: set[str] = set()
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        origin = typing.get_origin(hint)
        if origin is Required or (kind.__total__ and origin is not NotRequired):
            names.add(name)
    return names
