"""Imports run one way: cli -> app -> adapters -> engine -> core, and adapters never meet."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"

# A layer may import those after it. Members of one layer never import each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli", "__main__"),
    ("app", "watcher"),
    ("standby", "settingsview"),
    ("hands", "guards", "chat", "public", "ticketing", "sourcefile", "library"),
    ("web",),
    (
        "intake",
        "storage",
        "runner",
        "channels",
        "publishers",
        "tickets",
        "prometheus",
        "alertmanager",
        "archive",
        "beside",
        "charting",
        "clock",
        "drillreports",
        "calendars",
        "policyfile",
        "rulefile",
        "settings",
        "shellcheck",
        "paper",
        "peers",
        "statistics",
    ),
    ("channelfile", "watchfile"),
    ("tellingfile", "ticketfile", "reviewfile"),
    (
        "responsefile",
        "rotafile",
        "runnerfile",
        "statusfile",
        "unknown_keys",
        "bounded",
        "fonts",
        "json_api",
    ),
    ("testing",),
    ("engine",),
    ("core",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
# A path may be named in core; opening one cannot be hidden from a reader as an import can.
IMPURE = {"socket", "subprocess", "threading", "asyncio", "time", "random", "os", "io"}
PARSERS = {
    "markdown_it",
    "mdurl",
    "pint",
    "promql_parser",
    "sqlglot",
    "tree_sitter",
    "tree_sitter_bash",
}


def modules(package: str) -> list[Path]:
    return sorted((SOURCE / package).rglob("*.py"))


def imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} relative import"
            module = node.module or ""
            found += [(node.lineno, module)]
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


def layer_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("path", modules("playcall"), ids=lambda p: str(p.relative_to(SOURCE)))
def test_playcall_imports_run_one_way(path: Path) -> None:
    here = path.relative_to(SOURCE / "playcall").parts[0].removesuffix(".py")
    if here == "__init__":
        return
    for line, module in imports(path):
        if module.split(".")[0] != "playcall" or layer_of(module) not in RANK:
            continue
        there = layer_of(module)
        allowed = here in (there, "__main__") or RANK[there] > RANK[here]
        assert allowed, f"{path}:{line} {here} -> {there}"


@pytest.mark.parametrize("path", modules("playcall/core"), ids=lambda p: str(p.relative_to(SOURCE)))
def test_core_touches_nothing_outside_memory(path: Path) -> None:
    import sys

    for line, module in imports(path):
        top = module.split(".")[0]
        assert top not in IMPURE, f"{path}:{line} {module}"
        known = top in sys.stdlib_module_names or top == "playcall"
        assert known or (top in PARSERS and "compiler" in path.parts), f"{path}:{line} {module}"


@pytest.mark.parametrize("package", ["playcall", "dwcp", "drillrange"])
def test_the_three_packages_do_not_meet(package: str) -> None:
    others = {"playcall", "dwcp", "drillrange"} - {package}
    for path in modules(package):
        if "cli" in path.parts:
            continue  # the commands `range` and `drill` are where they may meet
        for line, module in imports(path):
            assert module.split(".")[0] not in others, f"{path}:{line} {module}"
