"""Bounds what would never end, or would send too much: one round, or a few, in its place."""

import re
from typing import TYPE_CHECKING

from playcall.core.compiler.shell.arguments import Option
from playcall.core.compiler.shell.calls import Call
from playcall.core.compiler.shell.findings import Edit
from playcall.core.place import Level
from playcall.core.plan import EffectClass

if TYPE_CHECKING:
    from playcall.core.compiler.shell.judge import Judge


def _bounded(judge: "Judge", call: Call, at: int, text: str) -> None:
    what = f'"{call.program.name}" without a count'
    edit = Edit(start=at, end=at, text=text, why=f"bounded: {text.strip()}")
    judge.findings.endless(call.context, call.at, what, [edit])


_ONLY_THE_BEGINNING = re.compile(r"\s*\|\s*head\b[^|;&\n]*")


def bound_yes(judge: "Judge", call: Call) -> None:
    """It ends with what reads it, and `head` ends by itself."""
    after = judge.findings.data[call.end :].decode(errors="replace")
    if not (call.context.top and _ONLY_THE_BEGINNING.match(after)):
        judge.findings.say(EffectClass.MANUAL, "yes never ends")


def bound_ping(judge: "Judge", call: Call) -> None:
    rate = call.arguments.get("-i")
    count = call.arguments.get("-c")
    if not (_number(rate, 1.0) >= 0.2 and _number(count, 1.0) <= 100):
        judge.findings.say(EffectClass.HEAVY, f"{call.program.name} sends very many packets")
    if not call.arguments.has("-c", "-w"):
        _bounded(judge, call, call.words[0].end, " -c 5")


def _number(option: Option | None, otherwise: float) -> float:
    """What an option says; a value that is no plain number counts as none, and as too many."""
    if option is None or option.value is None:
        return otherwise
    known = re.fullmatch(r"\d+(?:\.\d+)?", option.value.text)
    return float(option.value.text) if known else float("nan")


def bound_mtr(judge: "Judge", call: Call) -> None:
    if not call.arguments.has(
        "-r", "--report", "-w", "--report-wide", "-j", "--json", "-C", "--csv"
    ):
        _bounded(judge, call, call.words[0].end, " -r -c 5")


def bound_tcpdump(judge: "Judge", call: Call) -> None:
    if not call.arguments.has("-c"):
        _bounded(judge, call, call.words[0].end, " -c 100")


def bound_top(judge: "Judge", call: Call) -> None:
    batch, count = call.arguments.has("-b"), call.arguments.has("-n")
    if not batch:
        mend = 'Use "top -b -n 1".'
        judge.findings.fault("PC205", Level.NOTE, '"top" needs a terminal.', mend, call.at)
    if not (batch and count):
        extra = ("" if batch else " -b") + ("" if count else " -n 1")
        _bounded(judge, call, call.words[0].end, extra)


def bound_interval(judge: "Judge", call: Call) -> None:
    numbers = [w for w in call.arguments.operands if re.fullmatch(r"\d+(?:\.\d+)?", w.text)]
    if len(numbers) == 1:
        _bounded(judge, call, numbers[0].end, " 5")


def bound_interval_always(judge: "Judge", call: Call) -> None:
    """Repeats even when no interval is named."""
    if len(call.arguments.operands) < 2:
        at = call.end
        _bounded(judge, call, at, " 5" if call.arguments.operands else " 1 5")


def bound_jstat(judge: "Judge", call: Call) -> None:
    """A process and an interval, and no count."""
    if len(call.arguments.operands) == 2:
        _bounded(judge, call, call.arguments.operands[1].end, " 5")


def bound_stern(judge: "Judge", call: Call) -> None:
    if not call.arguments.has("--no-follow"):
        bound = "" if call.arguments.has("--tail") else " --tail=50"
        _bounded(judge, call, call.words[0].end, f" --no-follow{bound}")


def bound_docker_stats(judge: "Judge", call: Call) -> None:
    if not call.arguments.has("--no-stream"):
        _bounded(judge, call, call.end, " --no-stream")
