"""Each document beside what it becomes: its problems, one mistake in each, or its whole plan.

PLAYCALL_ACCEPT=1 writes the files anew; read the difference before committing it.
"""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from playcall.core.compiler import compile_document

FOLDER = Path(__file__).parent
DOCUMENTS = sorted(FOLDER.glob("*.md"))
WITH_PLAN = [path for path in DOCUMENTS if path.with_suffix(".plan.json").exists()]
ACCEPT = os.environ.get("PLAYCALL_ACCEPT") == "1"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_documents_problems_are_those_beside_it(path: Path) -> None:
    found = compile_document(path.read_bytes(), path.name).problems
    told = "".join(f"{problem}\n" for problem in found)
    beside = path.with_suffix(".problems.txt")
    if ACCEPT:
        beside.write_text(told, encoding="utf-8")

    assert told == beside.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WITH_PLAN, ids=lambda path: path.stem)
def test_a_documents_plan_is_the_one_beside_it(path: Path) -> None:
    plan = json.loads(msgspec.json.encode(compile_document(path.read_bytes(), path.name).plan))
    beside = path.with_suffix(".plan.json")
    if ACCEPT:
        text = json.dumps(_stable(plan), indent=1, ensure_ascii=False)
        beside.write_text(f"{text}\n", encoding="utf-8")

    assert _stable(plan) == json.loads(beside.read_text(encoding="utf-8"))


def test_each_document_with_a_mistake_is_named_after_one_code() -> None:
    seen: dict[str, str] = {}
    for path in DOCUMENTS:
        codes = {p.code for p in compile_document(path.read_bytes(), path.name).problems}
        if path not in WITH_PLAN:
            assert len(codes) == 1, f"{path.name} holds {sorted(codes)}"
            seen[codes.pop()] = path.name

    assert len(seen) > 25


def _stable(value: Any) -> Any:
    """Without what changes when only the wording of a reason does, and what no document says."""
    if isinstance(value, dict):
        left_out = ("reasons", "digest", "response")
        return {key: _stable(item) for key, item in value.items() if key not in left_out}
    return [_stable(item) for item in value] if isinstance(value, list) else value
