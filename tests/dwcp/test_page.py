"""The page about DWCP names every variable, metric and error type that the code has."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "dwcp.md").read_text("utf-8")
CODE = "".join(path.read_text("utf-8") for path in sorted((ROOT / "src" / "dwcp").glob("*.py")))
VARIABLES = sorted(
    set(re.findall(r'"(DWCP_[A-Z_]+|STREAM_COUNT|[A-Z]+_ALGO|[A-Z_]+_(?:MODE|ROLLOUT))"', CODE))
)
METRICS = sorted(set(re.findall(r'"(dwcp_v3_[a-z_0-9]+)"', CODE)))
ERRORS = sorted(set(re.findall(r'"([a-z_]+)", "(?:warning|critical)"', CODE)) - {"latency"})


@pytest.mark.parametrize("name", VARIABLES + METRICS + ERRORS)
def test_the_page_names_it(name: str) -> None:
    assert f"`{name}" in PAGE


def test_the_code_was_read() -> None:
    assert len(VARIABLES) > 15
    assert len(METRICS) > 12
    assert len(ERRORS) > 8
