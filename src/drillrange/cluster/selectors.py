"""Label and field selectors, as the Kubernetes API writes them."""

import re
from collections.abc import Callable, Mapping

from drillrange.cluster.objects import Object, Refused

Labels = Mapping[str, str]
Wanted = Callable[[Object], bool]

_COMMA = re.compile(r",(?![^(]*\))")  # not inside the parentheses of a set
_SET = re.compile(r"^([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)$")
_EQUAL = re.compile(r"^([\w./-]+)\s*(==|!=|=)\s*([\w.-]*)$")
_EXISTS = re.compile(r"^(!?)\s*([\w./-]+)$")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "spec.nodeName": ("spec", "nodeName"),
    "status.phase": ("status", "phase"),
    "status.podIP": ("status", "podIP"),
    **{
        f"involvedObject.{name}": ("involvedObject", name)
        for name in ("kind", "name", "namespace", "uid", "apiVersion", "fieldPath")
    },
    "reason": ("reason",),
    "type": ("type",),
}


def wanted(label_selector: str, field_selector: str) -> Wanted:
    """Raises Refused (400) for what is not a selector."""
    labels = [_label(part.strip()) for part in _parts(label_selector)]
    fields = [_field(part.strip()) for part in _parts(field_selector)]

    def matches(found: Object) -> bool:
        mine = found["metadata"].get("labels") or {}
        return all(holds(mine) for holds in labels) and all(holds(found) for holds in fields)

    return matches


def selects(selector: Labels, found: Object) -> bool:
    """Whether an object carries every label of a selector's `matchLabels`."""
    labels = found["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in selector.items())


def _parts(selector: str) -> list[str]:
    return [part for part in _COMMA.split(selector) if part.strip()]


def _label(part: str) -> Callable[[Labels], bool]:
    if found := _EQUAL.match(part):
        key, sign, value = found.groups()
        return lambda labels: (labels.get(key) == value) != (sign == "!=")
    if found := _SET.match(part):
        key, word, inside = found.groups()
        values = {value.strip() for value in inside.split(",")}
        return lambda labels: (labels.get(key) in values) != (word == "notin")
    if found := _EXISTS.match(part):
        absent, key = found.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise Refused(400, "BadRequest", f'unable to parse requirement: "{part}"')


def _field(part: str) -> Wanted:
    found = _EQUAL.match(part)
    if found is None or found[1] not in FIELDS:
        allowed = ", ".join(FIELDS)
        message = f'field label not supported: "{part}" (the pocket cluster knows {allowed})'
        raise Refused(400, "BadRequest", message)
    key, sign, value = found.groups()
    return lambda about: (_reach(about, FIELDS[key]) == value) != (sign == "!=")


def _reach(about: Object, path: tuple[str, ...]) -> object:
    value: object = about
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
