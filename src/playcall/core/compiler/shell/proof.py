"""The command that looks whether another took hold: what it changed is asked of the same cluster.

Only of plain words; whatever else a command has, nothing proves it but its exit code.
"""

import json
import re
import shlex
from collections.abc import Iterator

_PLAIN = re.compile(r"[^\n`$;&|<>()\\*?~!#]*")  # outside quotes no more than words
_GLOBAL = frozenset(
    (
        "-n",
        "--namespace",
        "--context",
        "--kubeconfig",
        "--cluster",
        "--user",
        "--as",
        "-s",
        "--server",
    )
)
_TAKES_VALUE = frozenset(("-p", "--patch", "--type", "-c", "--container", "--replicas"))
_ROLLED = frozenset(
    (
        *("deployment", "deployments", "deploy"),
        *("statefulset", "statefulsets", "sts"),
        *("daemonset", "daemonsets", "ds"),
    )
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_MOST_LEAVES = 5
_SOON, _ROLLOUT = "30s", "300s"


def proof_of(command: str) -> str | None:
    """Shell text that exits with 0 once the command's change is there; None: nobody knows one."""
    words = _words(command)
    if not words or words[0] != "kubectl":
        return None
    where, rest, options = _sort(words[1:])
    if options.keys() & {"-c", "--container", "--dry-run"}:
        return None
    match rest:
        case ["set", "env", *objects]:
            return _environment(where, objects)
        case ["scale", *objects] | ["set", ("image" | "resources"), *objects]:
            return _rollout(where, objects)
        case ["rollout", ("restart" | "undo"), *objects]:
            return _rollout(where, objects)
        case ["delete", *objects]:
            found = _object(objects)
            return _line("wait", "--for=delete", found, f"--timeout={_ROLLOUT}", where=where)
        case ["patch", *objects]:
            return _patched(where, objects, options)
    return None


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    outside = re.sub(r"'[^']*'|\"[^\"$`\\]*\"", "", command)
    return words if _PLAIN.fullmatch(outside) else []


def _sort(words: list[str]) -> tuple[list[str], list[str], dict[str, str]]:
    """Where it goes to; what is left of it; its other options."""
    where: list[str] = []
    rest: list[str] = []
    options: dict[str, str] = {}
    remaining = iter(words)
    for word in remaining:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            rest.append(word)
        elif name in _GLOBAL:
            where.append(f"{name}={value if equals else next(remaining, '')}")
        elif equals or name in _TAKES_VALUE:
            options[name] = value if equals else next(remaining, "")
        else:
            options[name] = ""
    return where, rest, options


def _object(words: list[str]) -> str:
    """'deployment/web', of 'deployment/web' or 'deployment web'; empty: not one by its name."""
    names = [word for word in words if "=" not in word]
    parts = names[0].split("/") if len(names) == 1 else names
    return "/".join(parts) if len(parts) == 2 and all(map(_NAME.fullmatch, parts)) else ""


def _rollout(where: list[str], words: list[str]) -> str | None:
    found = _object(words)
    if found.split("/")[0].lower() not in _ROLLED:
        return None
    return _line("rollout", "status", found, f"--timeout={_ROLLOUT}", where=where)


def _environment(where: list[str], words: list[str]) -> str | None:
    found = _object(words)
    given = [word.split("=", 1) for word in words if "=" in word]
    if not given or not all(_KEY.fullmatch(name) for name, _ in given):
        return None
    paths = (
        (f'{{.spec.template.spec.containers[0].env[?(@.name=="{name}")].value}}', value)
        for name, value in given
    )
    return _all(where, found, paths)


def _patched(where: list[str], words: list[str], options: dict[str, str]) -> str | None:
    try:
        patch = json.loads(options.get("-p") or options.get("--patch") or "")
        leaves = list(_leaves("", patch))
    except (ValueError, RecursionError):
        return None
    if options.get("--type", "strategic") not in ("strategic", "merge"):
        return None
    return _all(where, _object(words), ((f"{{{path}}}", value) for path, value in leaves))


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Raises ValueError for what has no path of plain keys."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            if not _KEY.fullmatch(str(key)):
                raise ValueError(key)
            yield from _leaves(f"{path}.{key}", below)
    elif isinstance(value, str | int) and not isinstance(value, bool) and value != "" and path:
        yield path, str(value)
    else:
        raise ValueError(path)


def _all(where: list[str], found: str, paths: Iterator[tuple[str, str]]) -> str | None:
    lines = [
        _line("wait", f"--for=jsonpath={path}={value}", found, f"--timeout={_SOON}", where=where)
        for path, value in paths
    ]
    whole = [line for line in lines if line]
    return " && ".join(whole) if 0 < len(lines) == len(whole) <= _MOST_LEAVES else None


def _line(*words: str, where: list[str]) -> str | None:
    return shlex.join(["kubectl", *where, *words]) if all(words) else None
