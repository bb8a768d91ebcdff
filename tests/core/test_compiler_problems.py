"""Every problem code in the source has its paragraph in docs/problems.md, and none is left over."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"\bPC\d{3}\b")


def codes_in_source() -> set[str]:
    folder = ROOT / "src/playcall"
    files = [*folder.rglob("*.py"), *folder.rglob("*.toml")]
    return {code for file in files for code in CODE.findall(file.read_text(encoding="utf-8"))}


def codes_in_docs() -> set[str]:
    page = (ROOT / "docs/problems.md").read_text(encoding="utf-8")
    return {line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")}


def test_every_code_is_documented_and_no_other() -> None:
    assert codes_in_docs() == codes_in_source()


def test_the_compiler_knows_shapes_and_not_one_documents_words() -> None:
    for module in (ROOT / "src/playcall/core/compiler").glob("*.py"):
        assert "dwcp" not in module.read_text(encoding="utf-8").lower()
