"""Judges one simple command by what is known of its program. What is not known is a change."""

import re
from typing import TYPE_CHECKING

from playcall.core.compiler.shell import checks, wrappers
from playcall.core.compiler.shell.arguments import Arguments, Option, read_arguments
from playcall.core.compiler.shell.calls import Call
from playcall.core.compiler.shell.findings import Context, Edit
from playcall.core.compiler.shell.knowledge import Program, programs
from playcall.core.compiler.shell.standins import HOLE, MARKS, NAMES, TAME, WILD
from playcall.core.compiler.shell.syntax import Word
from playcall.core.place import Level
from playcall.core.plan import EffectClass

if TYPE_CHECKING:
    from playcall.core.compiler.shell.judge import Judge

ERROR = Level.ERROR
_HOME = re.compile(
    r"(?:/usr(?:/local)?|/opt(?:/(?!\.\.?/)[\w.-]+)+|/usr/lib/postgresql/\d+|/usr/pgsql-\d+)?/s?bin/(?=[^/]+$)"
)
_SHIPPED = re.compile(
    r"(?:\./)?bin/(?=(?:kafka|zookeeper)-[\w-]+\.sh$|zk(?:Cli|Server)\.sh$|nodetool$)"
)

_BOUNDS = {"logs": "--tail=200", "tail": "-n 200", "journal": "-n 200", "ceph": "-s"}
_BOUNDING = ("--tail", "-n", "--lines", "-N", "-c", "--bytes", "-s", "--status")


def is_known(name: str) -> bool:
    return name in programs()


def judge_call(judge: "Judge", words: list[Word], context: Context) -> None:
    """Judge a program with its arguments."""
    name = words[0]
    if not name.literal:
        judge.findings.change("the program itself is known only at run time")
        return
    program = _find(judge, name, context)
    if program is not None:
        _judge_program(judge, program, words, context)


def _find(judge: "Judge", name: Word, context: Context) -> Program | None:
    home = _HOME if name.text.startswith("/") else _SHIPPED
    text = home.sub("", name.text, count=1) if home.match(name.text) else name.text
    program = programs().get(text)
    if program is None and "/" in text:
        judge.findings.change(f'runs the script "{text}", which this reading does not see')
        _missing(judge, text, name, context)
    elif program is None:
        judge.findings.change(f'unknown program "{text[:80]}"')
    return program


def _missing(judge: "Judge", path: str, word: Word, context: Context) -> None:
    if path.startswith("/") or context.remote or "://" in path:
        return
    judge.findings.fault(
        "PC208",
        Level.NOTE,
        f'"{path}" is named, and the document does not bring it.',
        "Keep it where commands run, or put it into the settings.",
        context.origin[0] if context.origin else word.start,
        about=path,
    )


def _judge_program(judge: "Judge", program: Program, words: list[Word], context: Context) -> None:
    rest = words[1:]
    if program.wraps is not None:
        wrappers.judge_wrapper(judge, program, words, context)
        return
    while program.sub:
        before = read_arguments(program, rest, stop_after=0)
        for why in before.refusals:
            judge.findings.change(why)
        if before.has(*program.alone):
            break
        verb = before.rest[0] if before.rest else None
        name = (verb.text.lower() if program.fold else verb.text) if verb is not None else ""
        if verb is None or not verb.literal or name not in program.sub:
            if verb is None and program.effect is not EffectClass.CHANGE:
                break
            _unknown_verb(judge, program, verb, before)
            return
        program, rest = program.sub[name], before.rest[1:]
        if program.wraps is not None:
            wrappers.judge_wrapper(judge, program, [verb, *rest], context)
            return
    arguments = Arguments() if program.free else read_arguments(program, rest)
    judge_known(
        judge, Call(program=program, words=words, rest=rest, arguments=arguments, context=context)
    )


def _unknown_verb(judge: "Judge", program: Program, verb: Word | None, read: Arguments) -> None:
    if verb is None and (read.has("--version") or read.has("-h", "--help")):
        judge.findings.leaves.append(program.name)
        return
    if program.because and verb is None:
        judge.findings.change(f"{program.name}: {program.because}")
        return
    shown = "" if verb is None else "".join("?" if c in MARKS else c for c in verb.text)[:60]
    judge.findings.change(f'unknown subcommand "{program.name} {shown}"')


def judge_known(judge: "Judge", call: Call) -> None:
    """Judge a program whose arguments have been read."""
    program, arguments, findings = call.program, call.arguments, judge.findings
    findings.leaves.append(program.name)
    _files(judge, call)
    if program.effect is EffectClass.CHANGE:
        _judge_change(judge, call)
        return
    before = len(findings.reasons)
    told = [why for why in arguments.refusals if not why.startswith("unknown option")]
    for why in told or arguments.refusals:
        findings.change(why)
    if not told:
        _operands(judge, call)
        _says(judge, call)
    _options(judge, call)
    if program.check is not None:
        checks.CHECKS[program.check](judge, call)
    because = f": {program.because}" if program.because else ""
    if program.effect is EffectClass.MANUAL:
        findings.say(EffectClass.MANUAL, f"{program.name}{because}")
        if program.because.endswith("terminal"):
            findings.fault(
                "PC205",
                Level.WARNING,
                f'"{program.name}" needs a terminal.',
                "Use a command that prints once.",
                call.at,
            )
    elif program.effect is EffectClass.HEAVY:
        findings.say(EffectClass.HEAVY, f"{program.name}{because}")
    elif len(findings.reasons) == before:
        findings.say(EffectClass.OBSERVE, f"{program.name} only looks")


def _judge_change(judge: "Judge", call: Call) -> None:
    program, arguments = call.program, call.arguments
    if not arguments.refusals and _is_dry(call):
        judge.findings.say(EffectClass.OBSERVE, f"{program.name}: a dry run changes nothing")
        return
    if program.dry and not arguments.refusals:
        dry = [o for o in arguments.options if o.name == "--dry-run"]
        values = {o.value.text for o in dry if o.value is not None and o.value.literal}
        if dry and values <= {"client", "server"} and len(values) == 1:
            judge.findings.say(EffectClass.OBSERVE, f"{program.name} --dry-run changes nothing")
            return
    judge.findings.change(f"{program.name}: {program.because or 'changes something'}")


def _is_dry(call: Call) -> bool:
    dry = [o for o in call.arguments.options if o.name in call.program.dry_flags]
    return bool(dry) and all(o.value is None or o.value.text == "true" for o in dry)


def _says(judge: "Judge", call: Call) -> None:
    """Whether all the words together are ones that are known to only look."""
    program = call.program
    if program.needs and not call.arguments.has(*program.needs):
        wanted = " or ".join(sorted(program.needs)[:4])
        judge.findings.change(f"{program.name} without {wanted} may change something")
    if program.says is None:
        return
    if any(word.text == "--" for word in call.rest):
        judge.findings.change(f'"--" may begin another command of {program.name}')
    if any(word.splits for word in call.arguments.operands):
        judge.findings.change(f"how many words {program.name} gets is known only at run time")
    if not call.arguments.operands and call.context.piped:
        judge.findings.change(f"{program.name} may act on what is fed to it")
    known = str.maketrans({HOLE: "?", TAME: "?", WILD: "\n", NAMES: "\n"})
    said = " ".join(word.text.translate(known) for word in call.arguments.operands)
    if program.says.fullmatch(said) is None:
        shown = said.replace("\n", "?")[:60]
        judge.findings.change(f'"{program.name} {shown}" is not known to only look')


def _operands(judge: "Judge", call: Call) -> None:
    program, operands = call.program, call.arguments.operands
    if program.most is not None and len(operands) > program.most:
        judge.findings.change(
            f'"{program.name}" with {len(operands)} arguments may change something'
        )
    if program.most is not None and any(word.splits or word.globs for word in operands):
        judge.findings.change(f'how many arguments "{program.name}" gets is known only at run time')
    for word in operands:
        if program.only is None:
            continue
        if not word.literal or program.only.search(word.text) is None:
            shown = "".join("?" if c in MARKS else c for c in word.text)
            judge.findings.change(f'"{program.name} {shown[:60]}" may change something')


def _options(judge: "Judge", call: Call) -> None:
    program = call.program
    for option in call.arguments.options:
        if option.name in program.heavy:
            judge.findings.say(
                EffectClass.HEAVY, f"{program.name} {option.name}: {program.heavy[option.name]}"
            )
        if option.name in program.manual:
            why = program.manual[option.name]
            judge.findings.say(EffectClass.MANUAL, f"{program.name} {option.name}: {why}")
            judge.findings.fault(
                "PC206",
                Level.WARNING,
                f'"{program.name} {option.name}" {why}.',
                "Say what to look for, or use a form that prints and ends.",
                call.at,
            )
        if option.name in program.endless and not _is_false(option):
            _endless(judge, call, option)


def _is_false(option: Option) -> bool:
    return option.value is not None and option.value.text == "false"


def _endless(judge: "Judge", call: Call, option: Option) -> None:
    why = f"{call.program.name} {option.name} {call.program.endless[option.name]} and"
    edits = wrappers.without_options(
        judge.findings, call, {option.name}, "asks once: repetition is done by the play's criterion"
    )
    bound = _BOUNDS.get(call.program.check or "")
    if bound and edits and not call.arguments.has(*_BOUNDING):
        first = edits[0]
        text = f"{bound} {first.text}" if first.text else f" {bound}"
        told = "shows the last 200 lines instead of following"
        edits[0] = Edit(start=first.start, end=first.end, text=text, why=told)
    judge.findings.endless(call.context, call.at, why, edits)


def _files(judge: "Judge", call: Call) -> None:
    """Name the local files a command takes that nobody brings."""
    if not call.program.name.startswith(("kubectl ", "oc ")) or call.context.remote:
        return
    for option in call.arguments.options:
        if (
            (
                option.name in ("-f", "--filename")
                and option.value is not None
                and option.value.literal
            )
            and option.value.text != "-"
            and option.name not in call.program.endless
        ):
            _missing(judge, option.value.text, option.value, call.context)
