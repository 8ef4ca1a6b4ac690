"""The schema of a task's parameters, as a manifest carries it, and the check of parameters against it.

A schema maps a name to {"type": boolean | integer | number | string, "default", and optionally "minimum", "maximum" or
"choices"}. Every parameter has a default, so that an empty object is always valid.
"""

from collections.abc import Mapping
from typing import Any

from stun.models.errors import ParameterError

MAX_PARAMETERS = 64
MAX_NAME = 64
MAX_STRING = 4096
MAX_CHOICES = 256
MAX_NUMBER = 2**53 - 1

_TYPES: dict[str, tuple[type, ...]] = {"boolean": (bool,), "integer": (int,), "number": (int, float), "string": (str,)}
_KEYS = {"type", "default", "minimum", "maximum", "choices"}

Schema = Mapping[str, Mapping[str, Any]]


def check_schema(schema: object) -> None:
    """Refuse a schema with unknown keys, wrong types, or a default outside its own bounds (ParameterError)."""
    if not isinstance(schema, dict) or len(schema) > MAX_PARAMETERS:
        raise ParameterError("schema", f"must be an object of at most {MAX_PARAMETERS} parameters")
    for name, rule in schema.items():
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isidentifier():
            raise ParameterError(str(name)[:MAX_NAME], "is not a plain name")
        _check_rule(name, rule)


def complete_parameters(schema: Schema, given: object) -> dict[str, Any]:
    """The parameters with defaults filled in; ParameterError for unknown names, wrong types, values out of bounds."""
    if not isinstance(given, dict):
        raise ParameterError("all", "must be an object")
    for name in given:
        if name not in schema:
            raise ParameterError(str(name)[:MAX_NAME], "is not a parameter of this model")
    complete = {name: given.get(name, rule["default"]) for name, rule in schema.items()}
    for name, value in complete.items():
        _check_value(name, schema[name], value)
    return complete


def _check_rule(name: str, rule: object) -> None:
    if not isinstance(rule, dict) or not rule.keys() <= _KEYS or not {"type", "default"} <= rule.keys():
        raise ParameterError(name, f"needs type and default, and knows only {', '.join(sorted(_KEYS))}")
    if rule["type"] not in _TYPES:
        raise ParameterError(name, f"type must be one of {', '.join(_TYPES)}")
    choices = rule.get("choices", [rule["default"]])
    if not isinstance(choices, list) or not 0 < len(choices) <= MAX_CHOICES:
        raise ParameterError(name, f"choices must be a list of 1 to {MAX_CHOICES}")
    for bound in ("minimum", "maximum"):
        if bound in rule and (rule["type"] not in ("integer", "number") or not _has_type("number", rule[bound])):
            raise ParameterError(name, f"{bound} must be a number and needs a numeric type")
    for choice in choices:
        _check_value(name, {key: rule[key] for key in rule if key != "choices"}, choice)
    _check_value(name, rule, rule["default"])


def _check_value(name: str, rule: Mapping[str, Any], value: object) -> None:
    if not _has_type(rule["type"], value):
        raise ParameterError(name, f"must be of type {rule['type']}")
    if isinstance(value, str) and len(value) > MAX_STRING:
        raise ParameterError(name, f"is longer than {MAX_STRING} characters")
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = rule.get("minimum", -MAX_NUMBER), rule.get("maximum", MAX_NUMBER)
        if not low <= value <= high:
            raise ParameterError(name, f"must be in {low}..{high}")
    if "choices" in rule and value not in rule["choices"]:
        raise ParameterError(name, "is not one of its choices")


def _has_type(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind]) and value == value
