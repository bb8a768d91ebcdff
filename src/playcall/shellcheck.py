"""What ShellCheck finds in a plan's commands, as far as it matters to who runs them."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playcall.core.place import Level, Place, Problem
from playcall.core.plan import Command

SECONDS = 60.0
# Those that change what happens. Matters of style are none of them.
_CODES = """
2013 2014 2024 2029 2038 2043 2048 2050 2057 2058 2061 2062 2063 2064 2065 2066 2067 2068 2069
2070 2071 2072 2074 2076 2077 2078 2079 2081 2084 2088 2091 2092 2093 2095 2096 2099 2105 2107
2108 2110 2114 2115 2117 2121 2122 2123 2127 2128 2140 2141 2142 2144 2145 2146 2151 2152 2157
2158 2160 2164 2168 2170 2171 2178 2179 2184 2186 2188 2189 2190 2193 2194 2195 2198 2199 2200
2202 2203 2204 2205 2206 2207 2210 2211 2215 2216 2217 2218 2219 2224 2225 2226 2238 2239 2242
2243 2244 2249 2251 2252 2255 2256 2257 2258 2259 2260 2261 2262 2264 2265 2266 2267 2269 2270
2271 2273 2275 2276 2281 2282 2283 2284 2286 2288 2289 2290 2291 2294 2295 2296 2297 2298 2300
2301
"""
_MATTER = frozenset(map(int, _CODES.split()))


@dataclass(frozen=True, slots=True)
class _Comment:
    number: int  # of the command
    line: int
    column: int
    code: int
    message: str


def check_commands(
    commands: Sequence[Command], document: str, lines: Sequence[str]
) -> tuple[Problem, ...]:
    """Problems with their places in the document; empty where ShellCheck is not installed.

    Commands that hold placeholders are left out: filled in they are other commands.
    """
    program = _program()
    whole = [command for command in commands if not command.placeholders]
    if program is None or not whole:
        return ()
    with tempfile.TemporaryDirectory(prefix="playcall-") as scratch:
        files = [Path(scratch) / str(number) for number in range(len(whole))]
        for file, command in zip(files, whole, strict=True):
            file.write_text(command.text + "\n", "utf-8", "replace")
        told = _told(program, files)
    return tuple(
        _problem(comment, document, *_place(comment, whole[comment.number], lines))
        for comment in told
        if comment.code in _MATTER
    )


def _place(comment: _Comment, command: Command, lines: Sequence[str]) -> tuple[int, int]:
    """Where it stands in the document, whose lines may be indented."""
    line = min(command.line + comment.line - 1, command.last_line, len(lines))
    written = command.text.split("\n")[comment.line - 1 : comment.line]
    offset = lines[line - 1].find(written[0].rstrip()) if written else 0
    return line, max(offset, 0) + max(comment.column, 1)


def _program() -> str | None:
    beside = Path(sys.executable).with_name("shellcheck")
    return str(beside) if beside.exists() else shutil.which("shellcheck")


def _told(program: str, files: Sequence[Path]) -> list[_Comment]:
    command = [program, "--norc", "--shell=bash", "--format=json", *map(str, files)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        return [_comment(told) for told in json.loads(done.stdout)]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return []


def _comment(told: Mapping[str, Any]) -> _Comment:
    return _Comment(
        number=int(Path(told["file"]).name),
        line=int(told["line"]),
        column=int(told["column"]),
        code=int(told["code"]),
        message=str(told["message"]),
    )


def _problem(comment: _Comment, document: str, line: int, column: int) -> Problem:
    return Problem(
        code="PC211",
        level=Level.WARNING,
        place=Place(file=document, line=line, column=column),
        what=f"ShellCheck SC{comment.code}: {comment.message}",
        mend=f"See shellcheck.net/wiki/SC{comment.code}.",
    )
