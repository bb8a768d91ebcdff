"""The tables of the settings file about where commands run, and what is wrong in them."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

KINDS = ("local", "ssh", "kubernetes")
READ_ONLY = ("auto", "always", "never")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "local": (),
    "ssh": ("host", "known_hosts", "user", "key"),
    "kubernetes": ("pod",),
}
_OF_KIND: Mapping[str, tuple[str, ...]] = {  # beside `env` and what chooses commands
    "local": (),
    "ssh": ("host", "port", "known_hosts", "user", "key"),
    "kubernetes": ("namespace", "container", "pod", "kubeconfig", "context"),
}


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Credentials(_Table, frozen=True):
    """As whom commands run; what is empty is as for the other class."""

    env: Mapping[str, str] = {}
    user: str = ""  # ssh
    key: str = ""  # ssh: a private key's file
    kubeconfig: str = ""  # kubernetes, of kubectl
    context: str = ""  # kubernetes, in the kubeconfig
    pod: str = ""  # kubernetes: where commands run, with its service account


class RunnerClass(_Table, frozen=True):
    env: Mapping[str, str] = {}  # beside `runner.env`, and over it


class RunnerTable(_Table, frozen=True):
    time_limit: float = 60.0  # seconds
    output_limit: int = 1_000_000  # bytes kept of one command
    parallel: int = 16  # commands that run by themselves at once, in all incidents
    parallel_per_incident: int = 8
    parallel_per_target: int = 8
    files: str = ""  # a directory whose entries are seen in the directory of every command
    env: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()  # names of variables in any `env` whose values are redacted
    observe: RunnerClass = msgspec.field(default_factory=RunnerClass)
    change: RunnerClass = msgspec.field(default_factory=RunnerClass)
    memory_limit: int = 4_000_000_000  # bytes for each process; 0: none
    disk_limit: int = 1_000_000_000  # bytes of files in the directory of a command; 0: none
    process_limit: int = 4096  # of the user; 0: none
    read_only: str = "auto"  # whether what only looks sees a read-only file system


class TargetTable(_Table, frozen=True):
    kind: str = "local"
    plays: tuple[str, ...] = ()  # alerts
    commands: tuple[str, ...] = ()  # ids in their play
    programs: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    host: str = ""
    port: int = 22
    known_hosts: str = ""
    user: str = ""
    key: str = ""
    namespace: str = ""
    container: str = ""
    pod: str = ""
    kubeconfig: str = ""
    context: str = ""
    observe: Credentials = msgspec.field(default_factory=Credentials)
    change: Credentials = msgspec.field(default_factory=Credentials)

    def credentials(self, of_class: Credentials) -> Credentials:
        """Those of a class, completed by what is the same for both."""
        own = {
            name: getattr(of_class, name) or getattr(self, name)
            for name in ("user", "key", "kubeconfig", "context", "pod")
        }
        return Credentials(env={**self.env, **of_class.env}, **own)


def runner_mistakes(runner: RunnerTable) -> Iterator[str]:
    if runner.read_only not in READ_ONLY:
        yield f'runner.read_only: "{runner.read_only}" is not one of {", ".join(READ_ONLY)}.'
    for key in ("output_limit", "parallel", "parallel_per_incident", "parallel_per_target"):
        if getattr(runner, key) < 1:
            yield f"runner.{key}: {getattr(runner, key)} is less than 1."
    for key in ("memory_limit", "disk_limit", "process_limit"):
        if getattr(runner, key) < 0:
            yield f"runner.{key}: {getattr(runner, key)} is below 0. 0 means no limit."


def target_mistakes(targets: Mapping[str, TargetTable]) -> Iterator[str]:
    for name, table in targets.items():
        where = f"targets.{name}"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) or name in ("local", "prometheus"):
            yield f"{where}: give it another name, of letters, digits and dashes."
        if table.kind not in KINDS:
            yield f'{where}.kind: "{table.kind}" is not one of {", ".join(KINDS)}.'
            continue
        if not (table.plays or table.commands or table.programs):
            yield f"{where}: nothing runs there. Say what does, by plays, commands or programs."
        yield from _kind_mistakes(where, table)
        if not 0 < table.port <= 65535:
            yield f"{where}.port: {table.port} is not a port. Use 1 to 65535."
        for of_class in ("observe", "change"):
            for variable in table.credentials(getattr(table, of_class)).env:
                if not _NAME.fullmatch(variable):
                    yield f'{where}: "{variable}" is not the name of a variable.'


def _kind_mistakes(where: str, table: TargetTable) -> Iterator[str]:
    for of_class in ("observe", "change"):
        own = table.credentials(getattr(table, of_class))
        for key in _NEEDED[table.kind]:
            if not (getattr(own, key, "") or getattr(table, key)):
                yield f"{where}.{key}: is missing for {of_class} commands."
    for of_kind, keys in _OF_KIND.items():
        for key in keys if of_kind != table.kind else ():
            given = [getattr(part, key, "") for part in (table, table.observe, table.change)]
            if any(given) and not (key == "port" and table.port == 22):
                yield f"{where}.{key}: has no meaning for the kind {table.kind}."


def complete_runner(runner: RunnerTable) -> RunnerTable:
    """`observe` and `change` made whole."""
    observe, change = (
        RunnerClass(env={**read_env(runner.env), **read_env(one.env)})
        for one in (runner.observe, runner.change)
    )
    return msgspec.structs.replace(runner, env=read_env(runner.env), observe=observe, change=change)


def complete_target(table: TargetTable, beside: Path) -> TargetTable:
    """Its paths made absolute and its environment read."""

    def complete(one: Credentials) -> Credentials:
        return msgspec.structs.replace(
            one,
            env=read_env(one.env),
            key=_path(one.key, beside),
            kubeconfig=_path(one.kubeconfig, beside),
        )

    return msgspec.structs.replace(
        table,
        known_hosts=_path(table.known_hosts, beside),
        observe=complete(table.credentials(table.observe)),
        change=complete(table.credentials(table.change)),
    )


def read_env(env: Mapping[str, str]) -> Mapping[str, str]:
    """A value of `$NAME` is taken from Playcall's own environment."""
    return {
        name: os.environ.get(value[1:], "") if value.startswith("$") else value
        for name, value in env.items()
    }


def _path(name: str, beside: Path) -> str:
    return str((beside / name).resolve()) if name else ""
