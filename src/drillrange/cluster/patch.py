"""Patches as the Kubernetes API defines them: JSON patch (RFC 6902), JSON merge patch (RFC 7386),
and strategic merge, which merges lists of named things and understands `$patch` directives."""

import copy
from typing import Any

# The keys by which the items of a list are told apart; the first that the items carry is used.
MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "port"),
    "volumeMounts": ("mountPath",),
    "ownerReferences": ("uid",),
}


class BadPatch(ValueError):
    """The patch cannot be applied; the message says why."""


def merge(target: Any, patch: Any) -> Any:
    """JSON merge patch: null removes, lists replace."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def strategic_merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch"}
    merged = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        merged = {key: value for key, value in merged.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            merged[name] = [item for item in merged.get(name) or [] if item not in value]
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, list) and key in MERGE_KEYS:
            order = patch.get(f"$setElementOrder/{key}") or []
            merged[key] = _merge_lists(merged.get(key) or [], value, MERGE_KEYS[key], order)
        else:
            merged[key] = strategic_merge(merged.get(key), value)
    return merged


def _merge_lists(
    target: list[Any], patch: list[Any], keys: tuple[str, ...], order: list[Any]
) -> list[Any]:
    items = [item for item in (*patch, *target, *order) if isinstance(item, dict)]
    key = next((key for key in keys if any(key in item for item in items)), keys[0])
    if any(item.get("$patch") == "replace" for item in patch):
        return [copy.deepcopy(item) for item in patch if "$patch" not in item]
    merged = {item.get(key): item for item in target}
    for item in patch:
        name = item.get(key)
        if item.get("$patch") == "delete":
            merged.pop(name, None)
        else:
            merged[name] = strategic_merge(merged.get(name), item)
    first = [item.get(key) for item in order if item.get(key) in merged]
    return [merged[name] for name in (*first, *(name for name in merged if name not in first))]


def json_patch(target: Any, operations: list[dict[str, Any]]) -> Any:
    """Raises BadPatch."""
    patched = copy.deepcopy(target)
    for operation in operations:
        kind, path = operation.get("op"), _pointer(operation.get("path", ""))
        if kind == "test":
            if _at(patched, path) != operation.get("value"):
                raise BadPatch(f"the test of {operation['path']} failed")
        elif kind in ("add", "replace"):
            patched = _put(patched, path, copy.deepcopy(operation.get("value")), kind == "add")
        elif kind == "remove":
            _remove(patched, path)
        elif kind in ("copy", "move"):
            source = _pointer(operation.get("from", ""))
            value = copy.deepcopy(_at(patched, source))
            if kind == "move":
                _remove(patched, source)
            patched = _put(patched, path, value, True)
        else:
            raise BadPatch(f"unknown operation {kind!r}")
    return patched


def _pointer(text: str) -> list[str]:
    if not text.startswith("/"):
        if text:
            raise BadPatch(f"{text!r} is not a path; it must begin with /")
        return []
    return [step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/")]


def _at(target: Any, path: list[str]) -> Any:
    for step in path:
        try:
            target = target[int(step)] if isinstance(target, list) else target[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise BadPatch(f"there is nothing at /{'/'.join(path)}") from None
    return target


def _put(target: Any, path: list[str], value: Any, add: bool) -> Any:
    if not path:
        return value
    parent, last = _at(target, path[:-1]), path[-1]
    if isinstance(parent, list):
        if add:
            parent.insert(len(parent) if last == "-" else _index(last), value)
        else:
            _at(target, path)
            parent[_index(last)] = value
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise BadPatch(f"there is nothing to put /{'/'.join(path)} in")
    return target


def _remove(target: Any, path: list[str]) -> None:
    _at(target, path)
    parent = _at(target, path[:-1])
    del parent[_index(path[-1]) if isinstance(parent, list) else path[-1]]


def _index(step: str) -> int:
    if not step.isdigit():
        raise BadPatch(f"{step!r} is no place in a list")
    return int(step)
