"""Each rule of the first document's Severity, Escalation, Team and Decision parts has a test that
proves it; `response_rules.txt` lists them. A rule that moved or a test that is gone fails here."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FIRST = TESTS.parents[1] / "shared/document/dwcp-v3-alert-playbooks.md"
RULES = [
    tuple(part.strip() for part in line.split(" | "))
    for line in (TESTS / "response_rules.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.skipif(not FIRST.exists(), reason="the first document is not here")
@pytest.mark.parametrize(("line", "words"), [(line, words) for line, words, _ in RULES])
def test_a_rule_stands_where_the_inventory_says(line: str, words: str) -> None:
    text = FIRST.read_text("utf-8").splitlines()[int(line) - 1]
    assert words in text.replace("`", "")


@pytest.mark.parametrize("name", sorted({test for _, _, test in RULES}))
def test_a_rule_has_its_test(name: str) -> None:
    file, _, wanted = name.partition("::")
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    assert wanted in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
