"""All keys of a TOML file that its tables do not know, each with the nearest one they know."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import inspect


def split_unknown(data: Mapping[str, Any], table: type) -> tuple[Any, list[str]]:
    """The data without its unknown keys, and a sentence for each of them. `table` is a Struct."""
    told: list[str] = []
    return _known(data, inspect.type_info(table), "", told), told


def _known(data: Any, kind: inspect.Type, where: str, told: list[str]) -> Any:
    shape = next((one for one in _shapes(kind) if _fits(data, one)), None)
    match shape:
        case inspect.StructType(fields=fields):
            named = {field.encode_name: field.type for field in fields}
            told += [_sentence(where, key, list(named)) for key in data if key not in named]
            return {
                key: _known(value, named[key], _below(where, key), told)
                for key, value in data.items()
                if key in named
            }
        case inspect.DictType(value_type=inner):
            return {
                key: _known(value, inner, _below(where, key), told) for key, value in data.items()
            }
        case inspect.VarTupleType(item_type=inner):
            return [
                _known(value, inner, f"{where} number {number}", told)
                for number, value in enumerate(data, 1)
            ]
    return data


def _shapes(kind: inspect.Type) -> Iterator[inspect.Type]:
    yield from kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _fits(data: Any, kind: inspect.Type) -> bool:
    """What does not fit is left for the reading of the file, which says what it should be."""
    if isinstance(kind, inspect.StructType | inspect.DictType):
        return isinstance(data, Mapping)
    listed = isinstance(data, Sequence) and not isinstance(data, str)
    return isinstance(kind, inspect.VarTupleType) and listed


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _sentence(where: str, key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f'Did you mean "{near[0]}"?' if near else f"Known here: {', '.join(sorted(known))}."
    return f"{_below(where, key)}: unknown field. {hint}"
