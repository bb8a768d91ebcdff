"""The package's own knowledge files, read once on first use. Judges nothing."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from playcall.core.plan import EffectClass

_HEAD = re.compile(
    r'^\[(?:"(?P<quoted>[^"]+)"|(?P<bare>[\w-]+))(?P<below>\.[^\n]*)?\]$', re.MULTILINE
)
_ALIASES = re.compile(r'^aliases = "([^"]*)"', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What one program, or one of its subcommands, may do. What is not listed is refused."""

    name: str
    effect: EffectClass
    because: str
    flags: frozenset[str]  # options without a value
    values: frozenset[str]  # options that take a value
    attached: frozenset[str]  # short options whose value, if any, is written right behind them
    maybe: frozenset[str]  # options whose value, if any, is attached with "="
    changes: Mapping[str, str]  # option -> why it changes something
    allows: Mapping[str, re.Pattern[str]]  # option -> the only values it may have
    heavy: Mapping[str, str]
    manual: Mapping[str, str]
    endless: Mapping[str, str]  # option -> why it never ends
    terminal: frozenset[str]  # options that ask for a terminal
    single_dash: bool  # "-http=x" is one option, not a cluster
    number: bool  # "-20" is an option
    free: bool  # any argument at all
    loose: bool  # no option of it can hurt, so a value from elsewhere may be one
    most: int | None  # operands
    only: re.Pattern[str] | None  # what each operand must look like
    says: re.Pattern[str] | None  # what all operands together must look like
    open: bool  # long options that are not listed here take no value and are harmless
    needs: frozenset[str]  # one of these options is what makes it harmless
    alone: frozenset[str]  # options after which no subcommand follows
    fold: bool  # the case of a subcommand does not matter
    check: str | None  # the function that judges its arguments further
    wraps: str | None  # how it runs another command
    skip: int  # operands before the inner command
    dry: bool  # harmless with --dry-run=client or server
    dry_flags: frozenset[str]  # options that make it harmless, all by themselves
    sub: Mapping[str, "Program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIns:
    """How text that stands for a value looks, and which variables are no stand-ins."""

    shapes: Mapping[str, re.Pattern[str]]
    snake_ends: tuple[str, ...]
    snake_starts: tuple[str, ...]
    names_after: re.Pattern[str]
    pod_after: re.Pattern[str]
    constants: frozenset[str]
    environment: frozenset[str]
    dangerous: re.Pattern[str]
    exported: re.Pattern[str]  # dangerous once a program sees them
    trusted: re.Pattern[str]  # "NAME=value" that is harmless all the same
    scratch: re.Pattern[str]

    def changes(self, name: str, assignment: str, *, seen: bool) -> bool:
        """Whether setting this variable changes what later words do; `seen`: by a program."""
        if self.trusted.fullmatch(assignment):
            return False
        return bool(self.dangerous.match(name) or (seen and self.exported.match(name)))


class _Programs(Mapping[str, Program]):
    """Every known program by name; each is read when it is first asked for.

    Reading all of them takes longer than compiling a document, which asks for a few.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._tables: dict[str, tuple[str, str]] = {}  # what it is called: its name, its TOML
        self._read: dict[str, Program] = {}
        for text in texts:
            for name, toml in _tables(text):
                own = toml.partition("\n[")[0]
                aliases = found[1].split() if (found := _ALIASES.search(own)) else []
                for alias in (name, *aliases):
                    self._tables[alias] = (name, toml)

    def __getitem__(self, alias: str) -> Program:
        if alias not in self._read:
            name, toml = self._tables[alias]
            self._read[alias] = _program(alias, tomllib.loads(toml)[name], None)
        return self._read[alias]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __contains__(self, alias: object) -> bool:
        return alias in self._tables


def _tables(text: str) -> Iterator[tuple[str, str]]:
    """A family file's top-level tables, each with the tables below it, as TOML of its own."""
    heads = list(_HEAD.finditer(text))
    own = [head for head in heads if not head["below"]]
    for head, following in zip(own, [*own[1:], None], strict=True):
        end = following.start() if following else len(text)
        yield head["quoted"] or head["bare"], text[head.start() : end]


@cache
def programs() -> Mapping[str, Program]:
    """Every known program by name."""
    folder = resources.files(__package__).joinpath("families")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return _Programs(f.read_text(encoding="utf-8") for f in files if f.name.endswith(".toml"))


@cache
def stand_ins() -> StandIns:
    file = resources.files(__package__).joinpath("standins.toml")
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    return StandIns(
        shapes={k: re.compile(v, re.MULTILINE) for k, v in data["shapes"].items()},
        snake_ends=tuple(data["snake"]["ends"].split()),
        snake_starts=tuple(data["snake"]["starts"].split()),
        names_after=re.compile(data["snake"]["names_after"]),
        pod_after=re.compile(data["pod"]["after"]),
        constants=frozenset(data["constants"]["words"].split()),
        environment=frozenset(data["environment"]["set"].split()),
        dangerous=re.compile(data["environment"]["dangerous"]),
        exported=re.compile(data["environment"]["exported"]),
        trusted=re.compile(data["environment"]["trusted"]),
        scratch=re.compile(data["scratch"]["name"]),
    )


def _flags(words: Callable[[str], frozenset[str]], ending: list[str]) -> frozenset[str]:
    own = frozenset().union(*(words(key) for key in ("flags", "terminal", "needs", "dry_flags")))
    return own | frozenset(ending)


def _program(name: str, table: Mapping[str, Any], parent: Program | None) -> Program:
    def words(key: str) -> frozenset[str]:
        own = frozenset(str(table.get(key, "")).split())
        return own | getattr(parent, key) if parent else own

    def told(key: str) -> Mapping[str, str]:
        return {**(getattr(parent, key) if parent else {}), **table.get(key, {})}

    only, says = table.get("only"), table.get("says")
    ending = [key for kind in ("heavy", "manual", "endless") for key in told(kind)]
    program = Program(
        name=f"{parent.name} {name}" if parent else name,
        effect=EffectClass(table.get("effect", "change")),
        because=table.get("because", ""),
        flags=_flags(words, ending) - words("values"),
        values=words("values"),
        attached=words("attached"),
        maybe=words("maybe"),
        changes=told("changes"),
        allows={option: re.compile(value) for option, value in told("allows").items()},
        heavy=told("heavy"),
        manual=told("manual"),
        endless=told("endless"),
        terminal=words("terminal"),
        single_dash=table.get("single_dash", parent.single_dash if parent else False),
        number=table.get("number", False),
        free=table.get("free", False),
        loose=table.get("loose", False),
        most=table.get("most"),
        only=re.compile(only) if only else None,
        says=re.compile(says, re.VERBOSE) if says is not None else None,
        open=table.get("open", parent.open if parent else False),
        needs=frozenset(str(table.get("needs", "")).split()),
        alone=frozenset(str(table.get("alone", "")).split()),
        fold=table.get("fold", False),
        check=table.get("check"),
        wraps=table.get("wraps"),
        skip=table.get("skip", 0),
        dry=table.get("dry", False),
        dry_flags=frozenset(str(table.get("dry_flags", "")).split()),
        sub={},
    )
    children: dict[str, Program] = {}
    for verb, sub in table.get("sub", {}).items():
        for alias in (verb, *sub.get("aliases", "").split()):
            children[alias] = _program(alias, sub, program)
    object.__setattr__(program, "sub", MappingProxyType(children))
    return program
