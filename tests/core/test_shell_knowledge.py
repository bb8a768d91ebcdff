"""The knowledge files: what is read piece by piece is what they say as a whole."""

import tomllib
from importlib import resources

from playcall.core.compiler.shell.knowledge import programs


def whole() -> dict[str, set[str]]:
    """Names with the names of their subcommands, by a TOML parser over whole files."""
    folder = resources.files("playcall.core.compiler.shell").joinpath("families")
    found: dict[str, set[str]] = {}
    for file in folder.iterdir():
        if file.name.endswith(".toml"):
            for name, table in tomllib.loads(file.read_text(encoding="utf-8")).items():
                subs = table.get("sub", {})
                verbs = {v for verb, sub in subs.items() for v in (verb, *_aliases(sub))}
                for alias in (name, *_aliases(table)):
                    found[alias] = verbs
    return found


def _aliases(table: dict[str, str]) -> list[str]:
    return table.get("aliases", "").split()


def test_every_program_and_subcommand_of_the_files_is_known() -> None:
    assert {name: set(program.sub) for name, program in programs().items()} == whole()
