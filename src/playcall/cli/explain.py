"""`playcall explain`: what a command may do, and why, part by part. Runs nothing."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from playcall.cli.console import harmless, paint
from playcall.core.compiler.shell import Reading, read_command, split_commands
from playcall.core.plan import EffectClass

if TYPE_CHECKING:
    from playcall.cli import Subparsers

MEANING = {
    EffectClass.OBSERVE: "only looks, so it runs unasked",
    EffectClass.HEAVY: "changes nothing, but is much work for a sick system: one press",
    EffectClass.CHANGE: "may change something, so a person approves it",
    EffectClass.MANUAL: "is for a person's own terminal",
}
COLOUR = {
    EffectClass.OBSERVE: "green",
    EffectClass.HEAVY: "yellow",
    EffectClass.CHANGE: "red",
    EffectClass.MANUAL: "blue",
}


def add(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "explain",
        help="say what a command may do, and why",
        description="Runs nothing. Exit code 0: told; 2: asked wrongly.",
    )
    parser.add_argument("text", nargs="?", metavar="COMMAND", help="in one quoted word; or - ")
    parser.add_argument(
        "--stdin0", action="store_true", help="read commands that end with NUL from the input"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    if args.stdin0 == (args.text is not None):
        print("playcall explain: give one COMMAND, or --stdin0", file=sys.stderr)
        return 2
    for text in _texts(args):
        reading = read_command(_without_prompts(text))
        if args.format == "json":
            print(json.dumps(_as_json(text, reading), ensure_ascii=False))
        else:
            print(_as_text(text, reading))
    return 0


def _texts(args: argparse.Namespace) -> Iterator[str]:
    if args.text is not None and args.text != "-":
        yield args.text
        return
    data = sys.stdin.buffer.read()
    parts = data.split(b"\0") if args.stdin0 else [data]
    if args.stdin0 and parts[-1].strip() == b"":
        parts.pop()  # what follows the last NUL
    yield from (part.decode("utf-8", "surrogateescape") for part in parts)


def _without_prompts(text: str) -> str:
    """As a block of a document is read: "$ " before a command is no part of it."""
    if not text.lstrip().startswith(("$ ", "# ", "% ")):
        return text
    return "\n".join(piece.text for piece in split_commands(text)) or text


def _as_json(text: str, reading: Reading) -> dict[str, Any]:
    return {
        "command": text.encode("utf-8", "replace").decode(),
        "effect": reading.effect.value,
        "reasons": list(reading.reasons),
        "runs_as": reading.runs_as.text if reading.runs_as else None,
        "runs_as_kind": reading.runs_as.kind if reading.runs_as else None,
        "placeholders": [placeholder.name for placeholder in reading.placeholders],
        "problems": [
            {
                "code": fault.code,
                "level": fault.level.value,
                "line": fault.line,
                "column": fault.column,
                "what": fault.what,
                "mend": fault.mend,
            }
            for fault in reading.faults
        ],
    }


def _as_text(text: str, reading: Reading) -> str:
    effect = reading.effect
    rows = [harmless(text.strip()), f"  {paint(effect.value, COLOUR[effect])}: {MEANING[effect]}"]
    rows += [f"    - {harmless(reason)}" for reason in reading.reasons]
    if reading.runs_as:
        rows.append(f"  runs as: {harmless(reading.runs_as.text)}")
        rows.append(f"    since {harmless(reading.runs_as.why)}")
    if names := ", ".join(harmless(one.text) for one in reading.placeholders):
        rows.append(f"  needs values for: {names}")
    for fault in reading.faults:
        where = f"line {fault.line}, column {fault.column}"
        rows.append(f"  {fault.level.value} {fault.code} ({where}): {harmless(fault.what)}")
        rows.append(f"    = {harmless(fault.mend)}")
    return "\n".join(rows)
