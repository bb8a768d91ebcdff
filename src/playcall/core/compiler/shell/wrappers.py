"""Sees through programs that run another command: sudo, watch, xargs, sh -c, kubectl exec."""

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from playcall.core.compiler.shell.arguments import Arguments, Option, read_arguments
from playcall.core.compiler.shell.calls import Call
from playcall.core.compiler.shell.findings import Context, Edit, Findings
from playcall.core.compiler.shell.knowledge import Program, stand_ins
from playcall.core.compiler.shell.standins import HOLE, NAMES, WILD, StandIn, unmask
from playcall.core.compiler.shell.syntax import Word
from playcall.core.place import Level
from playcall.core.plan import EffectClass

if TYPE_CHECKING:
    from playcall.core.compiler.shell.judge import Judge

_LEAST_PACE = 5.0  # seconds: a watch is for eyes, a record is not
_SHELL_LETTERS = re.compile(r"-[euxl]*(c|o)?")


def judge_wrapper(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    """Judge what the wrapped command does; the wrapper itself only has to be understood."""
    _WRAPPERS[program.wraps or ""](judge, program, words, context)


def without_options(findings: Findings, call: Call, names: set[str], why: str) -> list[Edit]:
    """Edits that take options out, also out of combined ones; none where that is not safe."""
    edits: dict[int, Edit] = {}
    if call.arguments.refusals:
        return []
    for option in call.arguments.options:
        word = option.word
        if option.name not in names or word.start in edits:
            continue
        source = findings.data[word.start : word.end].decode(errors="replace")
        if not word.literal or word.quoted or source != word.text:
            return []
        kept = ""
        if not source.startswith("--") and source not in names:
            kept = "".join(c for c in source[1:] if f"-{c}" not in names)
        start = word.start
        if not kept:
            while start > 0 and findings.data[start - 1 : start] in (b" ", b"\t"):
                start -= 1
        text = f"-{kept}" if kept else ""
        edits[word.start] = Edit(start=start, end=word.end, text=text, why=why)
    return list(edits.values())


def _plain(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    arguments = _read(judge, program, words, program.skip)
    if arguments.rest:
        judge.argv(arguments.rest, context)


def _read(judge: "Judge", program: Program, words: list[Word], stop: int | None) -> Arguments:
    arguments = read_arguments(program, words[1:], stop_after=stop)
    for why in arguments.refusals:
        judge.findings.change(why)
    return arguments


def _environment(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    """env and sudo: assignments may stand before the command."""
    rest = _read(judge, program, words, 0).rest
    while rest and re.match(r"\w+=", rest[0].text):
        name = rest[0].text.partition("=")[0]
        if stand_ins().changes(name, rest[0].text, seen=True):
            judge.findings.change(f'sets "{name}", which changes what later words do')
        rest = rest[1:]
    if rest:
        judge.argv(rest, context)


def _command(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    arguments = _read(judge, program, words, 0)
    if arguments.has("-v", "-V"):
        judge.findings.leaves.append("command -v")
    elif arguments.rest:
        judge.argv(arguments.rest, context)


def _xargs(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    arguments = _read(judge, program, words, 0)
    rest = arguments.rest
    mark = arguments.get("-I")
    fed = NAMES if context.names else WILD
    if mark is None or mark.value is None:
        rest = [*rest, Word(text=fed, start=words[-1].end, end=words[-1].end, splits=True)]
    elif mark.value.text:
        text = mark.value.text
        rest = [replace(w, text=w.text.replace(text, fed)) for w in rest]
    if arguments.rest:
        judge.argv(rest, replace(context, piped=True, names=False))


def _shell(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    """sh: '-c TEXT' is judged, anything else is a script, or a person's terminal."""
    rest = words[1:]
    while rest and rest[0].literal and (match := _SHELL_LETTERS.fullmatch(rest[0].text)):
        if not rest[0].text.strip("-"):
            break
        if match[1] == "c":
            _shell_text(judge, rest[1:], context)
            return
        if match[1] == "o":
            if len(rest) < 2 or rest[1].text not in ("pipefail", "errexit", "nounset", "xtrace"):
                break
            rest = rest[1:]
        rest = rest[1:]
    if rest:
        judge.findings.change(f'"{program.name}" runs a script this reading does not see')
    elif context.piped:
        judge.findings.change(f'"{program.name}" runs whatever is fed to it')
    else:
        _interactive(judge, program.name, words[0], context)


def _shell_text(judge: "Judge", rest: list[Word], context: Context) -> None:
    if not rest or rest[0].text.startswith("-"):
        judge.findings.change('"-c" is not followed by its text')
        return
    judge_text(judge, rest[0], context)


def judge_text(judge: "Judge", word: Word, context: Context) -> None:
    """Judge a word that is handed to a shell as its text."""
    if (word.globs and not word.quoted) or word.splits:
        judge.findings.change("runs text put together at run time")
        return
    judge.text(word.text, _inside(context, word))


def _inside(context: Context, word: Word) -> Context:
    origin = context.origin or (word.start, word.end)
    return replace(context, top=False, depth=context.depth + 1, origin=origin)


def _interactive(judge: "Judge", name: str, word: Word, context: Context) -> None:
    judge.findings.say(EffectClass.MANUAL, f'"{name}" opens a shell for a person')
    _terminal_fault(judge, f'"{name}" without a command', word, context)


def _terminal_fault(
    judge: "Judge", what: str, word: Word, context: Context, level: Level = Level.WARNING
) -> None:
    at = context.origin[0] if context.origin else word.start
    judge.findings.fault(
        "PC205",
        level,
        f"{what} asks for a terminal, and nobody sits at one.",
        "Leave out -t, and name the command to run.",
        at,
    )


def _ssh(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    arguments = _read(judge, program, words, 1)
    remote = replace(context, remote=True)
    if not arguments.rest:
        _interactive(judge, program.name, words[0], context)
        return
    inner = arguments.rest
    if any(word.splits for word in inner):
        judge.findings.change("runs text put together at run time")
        return
    judge.text(" ".join(word.text for word in inner), _inside(remote, inner[0]))


def _watch(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    """Repetition is the play's business: the command inside runs once, and is run again."""
    arguments = _read(judge, program, words, 0)
    inner = arguments.rest
    if not inner:
        judge.findings.change("watch without a command")
        return
    if arguments.has("-x", "--exec") or any(
        WILD in w.text or NAMES in w.text or w.splits for w in inner
    ):
        judge.argv(inner, replace(context, top=False, origin=context.origin or _span(words)))
        judge.findings.endless(replace(context, top=False), words[0].start, "watch", [])
        return
    text = " ".join(word.text for word in inner)
    once = _once(judge, text, words, context)
    whole = judge.findings.data[: words[0].start] + judge.findings.data[words[-1].end :]
    edits = [
        Edit(
            start=words[0].start,
            end=words[-1].end,
            text=once if not whole.strip() else f"sh -c {shlex.quote(once)}",
            why="runs again and again, until the play's criterion holds or its time box ends",
        )
    ]
    if context.top and not whole.strip():
        judge.findings.every = max(_LEAST_PACE, _interval(arguments.get("-n", "--interval")))
    judge.findings.endless(context, words[0].start, "watch", edits)


def _interval(option: Option | None) -> float:
    """Seconds; what is no plain number counts as watch's own two."""
    text = option.value.text if option and option.value else ""
    return float(text) if re.fullmatch(r"\d{1,4}(?:\.\d{1,3})?", text) else 2.0


def _span(words: list[Word]) -> tuple[int, int]:
    return words[0].start, words[-1].end


def _once(judge: "Judge", text: str, words: list[Word], context: Context) -> str:
    """Judge the watched text by itself; returns it as it would run once."""
    outer = judge.findings
    span = context.origin or _span(words)
    hidden = outer.hidden_between(*span)
    if context.depth > 2:
        outer.change("commands nested too deeply")
        return text
    inner = Findings(data=text.encode(), hidden=_moved(text, hidden))
    type(judge)(inner).top(inner.data)
    for reason in inner.reasons:
        outer.say(inner.effect, reason)
    outer.say(inner.effect, "")
    for fault in inner.faults:
        outer.fault(fault.code, fault.level, fault.what, fault.mend, span[0])
    outer.queries += inner.queries
    outer.leaves += inner.leaves
    if inner.scratch:
        outer.change("writes a file again and again")
    return unmask(apply_edits(inner.data, inner.edits), hidden)


def _moved(text: str, hidden: list[StandIn]) -> tuple[StandIn, ...]:
    """The stand-ins at their places inside a text that was taken out of a word."""
    data = text.encode()
    moved: list[StandIn] = []
    at = 0
    for one in hidden:
        width = one.end - one.start
        at = data.find(HOLE.encode() * width, at)
        if at < 0:
            break
        moved.append(replace(one, start=at, end=at + width))
        at += width
    return tuple(moved)


def apply_edits(data: bytes, edits: list[Edit]) -> str:
    """The text with its edits made; those that overlap an earlier one are left out."""
    out: list[bytes] = []
    at = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if edit.start >= at:
            out += [data[at : edit.start], edit.text.encode()]
            at = edit.end
    return b"".join([*out, data[at:]]).decode(errors="replace")


def _kubectl_exec(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    cut = next((i for i, w in enumerate(words) if w.text == "--" and w.literal), None)
    if cut is None:
        _kubectl_exec_undivided(judge, program, words, context)
        return
    arguments = _read(judge, program, words[:cut], None)
    if len(arguments.operands) != 1:
        judge.findings.change('"kubectl exec" takes one pod before "--"')
    inner = words[cut + 1 :]
    _exec(judge, program, words[:cut], arguments, inner, context)


def _kubectl_exec_undivided(
    judge: "Judge", program: Program, words: list[Word], context: Context
) -> None:
    """Without "--", as older kubectl took it: the second word that is no option begins it."""
    arguments = _read(judge, program, words, 1)
    inner = arguments.rest
    if any(word.text.startswith("-") or word.may_be_option or word.splits for word in inner):
        judge.findings.change('"kubectl exec" without "--": where the command begins is not sure')
        return
    _exec(judge, program, words[: len(words) - len(inner)], arguments, inner, context)


def _container_exec(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    arguments = _read(judge, program, words, program.skip)
    before = words[: len(words) - len(arguments.rest)]
    _exec(judge, program, before, arguments, arguments.rest, context)


def _inside_of(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    """nsenter, cephadm shell: options, and then the command, perhaps behind a "--"."""
    arguments = _read(judge, program, words, 0)
    inner = arguments.rest
    if inner and inner[0].text == "--" and inner[0].literal:
        inner = inner[1:]
    if inner:
        judge.argv(inner, replace(context, remote=True))
    else:
        _interactive(judge, program.name, words[0], context)


def _exec(
    judge: "Judge",
    program: Program,
    before: list[Word],
    arguments: Arguments,
    inner: list[Word],
    context: Context,
) -> None:
    if not inner:
        _interactive(judge, program.name, before[0], context)
        return
    if arguments.has("-t", "--tty"):
        _terminal(judge, program, before, arguments, context)
    judge.argv(inner, replace(context, remote=True))


def _terminal(
    judge: "Judge",
    program: Program,
    before: list[Word],
    arguments: Arguments,
    context: Context,
) -> None:
    option = arguments.get("-t", "--tty")
    assert option is not None
    names = set(program.terminal) if not context.piped else {"-t", "--tty"}
    call = Call(
        program=program, words=before, rest=before[1:], arguments=arguments, context=context
    )
    edits = without_options(judge.findings, call, names, "runs without a terminal")
    mended = context.top and bool(edits)
    level = Level.NOTE if mended else Level.WARNING
    _terminal_fault(judge, f'"{program.name} {option.word.text}"', option.word, context, level)
    if mended:
        judge.findings.edits.extend(edits)
    else:
        judge.findings.say(EffectClass.MANUAL, f'"{program.name}" asks for a terminal')


_WRAPPERS: dict[str, Callable[["Judge", Program, list[Word], Context], None]] = {
    "argv": _plain,
    "sudo": _environment,
    "env": _environment,
    "command": _command,
    "xargs": _xargs,
    "shell": _shell,
    "ssh": _ssh,
    "watch": _watch,
    "kubectl_exec": _kubectl_exec,
    "container_exec": _container_exec,
    "inside": _inside_of,
}
