"""Shell blocks to commands: the shell reader's answers, brought back to places in the document."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

from playcall.core.compiler import annotations, fences, promql, queries
from playcall.core.compiler.annotations import Demand
from playcall.core.compiler.blocks import Block, Kind
from playcall.core.compiler.ledger import Ledger
from playcall.core.compiler.shell.proof import proof_of
from playcall.core.compiler.shell.reading import Reading
from playcall.core.place import Level
from playcall.core.plan import Command, EffectClass, Guard, Placeholder

IN_PROSE = "named in a sentence, so it is only offered"
_VERBS = (
    "kubectl|oc|helm|docker|podman|git|aws|gcloud|az|etcdctl|istioctl|argocd|flux|velero|virtctl"
)
_TOOLS = (
    "curl|wget|crictl|systemctl|journalctl|ps|grep|cat|ssh|promtool|amtool|psql|mysql|redis-cli"
    "|mongosh|ping|dig|nslookup|traceroute|ip|ss|netstat|tcpdump|iptables|nft|sysctl|dmesg|df|du"
    "|free|tail|ceph|rbd|nodetool|rabbitmqctl|kafka-[a-z-]+|consul|vault|nomad|terraform|ansible"
    "|openssl|lsof|iostat|vmstat|mpstat|pidstat|zpool|smartctl|strace|go tool"
)
_KNOWN = re.compile(
    rf"^\s*(?:[$#%] +\S|#!/|sudo +\S"
    rf"|(?:\./|(?:{_VERBS}|{_TOOLS}|watch|for|export)\b(?!\s*:)))"
)
# A word in lower case, or a few, and then an option: 'logrotate -f', 'airflow tasks clear --yes'.
_WITH_OPTION = re.compile(r"^\s*[a-z][\w.-]*(?: +[a-z][\w:-]*){0,3} +--?[a-z]")
_FUNCTION = re.compile(r"^\s*(?:function +)?[a-z][\w-]* *\(\) *\{\s*$")
_PROGRAM = re.compile(r"^\s*(?P<name>[a-z][\w.-]*)(?P<rest>$|\s.*)")
_SENTENCE = re.compile(r"[.:]$")
_SIGNS = re.compile(r"\s-|[/|$<>~]")
# Programs that are English words as well.
_ENGLISH_WORDS = """
at cat cut date echo exec file find free head history host id join kill last less link local look
make more paste print read route script service set sleep sort split stat tail test time top touch
tree type wait watch which who yes
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_PROMPT = re.compile(r"^\s*[$%] +\S", re.MULTILINE)
_RUN = re.compile(r"\b(?:run|running|command|execute|invoke|use|using|with)\b", re.IGNORECASE)
_OUTPUT = re.compile(
    r"\b(?:outputs?|returns?|prints?|shows?|logs?|messages?|events?|result|response|looks?)\b[^.]*"
    r"\b(?:like|similar|example|such as|following)\b"
    r"|\b(?:example|sample|expected) (?:outputs?|results?|responses?|logs?)\b|^\W*output\W*$",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<!`)`(?P<code>[^`\n]{4,400})`(?!`)")
_INLINE = re.compile(rf"^(?:\$ +)?(?:sudo +)?(?:(?:{_VERBS}) +\S+ +\S|(?:{_TOOLS}) +\S).*$")

_GIVES = re.compile(r"(?:^|[\s;&])(?:(\w+)=|(?:for|read(?: -\w+)*) (\w+))")


def is_shell(block: Block) -> bool:
    """A fence with a shell's tag, or an untagged block that opens with a prompt or a command."""
    if not block.is_code:
        return False
    if block.info:
        return block.info in fences.SHELL_TAGS and fences.language_of(block) != "promql"
    return _opens_with_command(block)


def is_output(lead: str, block: Block) -> bool:
    """What a command prints, shown below a sentence that says so."""
    if _OUTPUT.search(lead) is None or _PROMPT.search(block.text):
        return False
    typed = block.info != "" or _RUN.search(lead) is not None
    return not (typed and _opens_with_command(block))


def _opens_with_command(block: Block) -> bool:
    lines = [line for line in block.text.split("\n") if line.strip()]
    while len(lines) > 1 and lines[0].startswith("# "):
        lines.pop(0)
    return bool(lines) and (_KNOWN.match(lines[0]) is not None or _names_program(lines[0]))


def _names_program(line: str) -> bool:
    """Whether a line that no tag calls shell is one: by its shape or by a known program."""
    from playcall.core.compiler.shell.knowledge import programs

    if _FUNCTION.match(line):
        return True
    found = _PROGRAM.match(line.rstrip())
    if found is None or _SENTENCE.search(found[0]):
        return False
    name, rest = found["name"], found["rest"]
    if _WITH_OPTION.match(line):
        return True
    return name in programs() and (name not in _ENGLISH or _SIGNS.search(rest) is not None)


def in_prose(text: str, first: int) -> Iterator[Block]:
    """Code within a sentence that is clearly a whole command, each as a block of its own.

    `text` are a paragraph's lines, of which the first stands on line `first`.
    """
    for line, written in enumerate(text.split("\n"), first):
        for found in _CODE.finditer(written):
            code = found["code"].strip()
            if _INLINE.match(code) and "..." not in code and "…" not in code:
                yield Block(kind=Kind.INDENTED, first=line, last=line, text=code)


def proofs(steps: list[Command]) -> Iterator[Command]:
    """For each change that is known to be provable, what only looks whether it took hold."""
    from playcall.core.compiler import shell

    for step in steps:
        text = proof_of(step.text) if step.effect is EffectClass.CHANGE else None
        reading = shell.read_command(text) if text else None
        if text and reading and reading.effect is EffectClass.OBSERVE:
            yield replace(
                step,
                id=f"{step.id}.proof",
                title=f"{step.title}: did it take hold?",
                text=text,
                effect=reading.effect,
                reasons=reading.reasons,
                runs_as=None,
            )


class CommandReader:
    """Numbers commands under their step: ids stay unique when a step's number comes twice."""

    def __init__(self, ledger: Ledger, everywhere: Demand) -> None:
        self.ledger = ledger
        self._everywhere = everywhere
        self._numbers: Counter[str] = Counter()
        self._given: dict[str, list[int]] | None = None  # variables, and the lines that set them

    def read(self, block: Block, prefix: str, title: str, guard: Guard | None) -> list[Command]:
        """The commands of a code block."""
        asked = annotations.of_block(block, self.ledger)
        self.ledger.take(block.first, block.last, "code fence")
        found = self._commands(block, (prefix, title), guard, asked)
        for command in found:
            annotations.tell_loosening(asked.effect, command.effect, command.line, self.ledger)
        self._tell_unguarded(block, found)
        return found

    def read_prose(
        self, block: Block, prefix: str, title: str, guard: Guard | None
    ) -> list[Command]:
        """A command named in a sentence, which may be its warning: it never runs unasked."""
        least = Demand(effect=EffectClass.HEAVY)
        return self._commands(block, (prefix, title), guard, least, IN_PROSE)

    def _commands(
        self,
        block: Block,
        step: tuple[str, str],
        guard: Guard | None,
        asked: Demand,
        why: str = "",
    ) -> list[Command]:
        """`step` is the number and the title that commands take from it."""
        from playcall.core.compiler import shell  # loads a parser: only when a command is met

        found: list[Command] = []
        prefix, title = step
        asked = asked.with_(self._everywhere)
        for piece in shell.split_commands(block.text):
            self._numbers[prefix] += 1
            line = block.body_line + piece.line - 1
            last_line = block.body_line + piece.last_line - 1
            reading = shell.read_command(piece.text)
            told = why or f"the document says {asked.effect.value}"
            said = () if asked.effect is EffectClass.OBSERVE else (told,)
            command = Command(
                id=f"{prefix}.{self._numbers[prefix]}",
                title=piece.title or title,
                text=piece.text,
                guard=guard,
                effect=annotations.stricter(asked.effect, reading.effect),
                reasons=(*reading.reasons, *said),
                placeholders=tuple(
                    Placeholder(name=p.name, text=p.text, line=at[0], column=at[1])
                    for p in reading.placeholders
                    for at in [self._place(piece.text, line, p.line, p.column)]
                ),
                runs_as=reading.runs_as,
                approver=asked.approver,
                people=asked.people,
                time_limit=asked.time_limit,
                line=line,
                last_line=last_line,
            )
            self._tell_faults(command, reading)
            if reading.runs_as is not None and reading.runs_as.kind == "promql":
                self._tell_query(reading.runs_as.text, line)
            self.ledger.take(self._title_line(block, line), last_line, f"command {command.id}")
            found.append(command)
        return found

    def _tell_faults(self, command: Command, reading: Reading) -> None:
        """A stand-in that the command's own title explains is only noted."""
        explained = {(p.line, p.column) for p in reading.placeholders if p.text in command.title}
        names = {(p.line, p.column): p.name for p in reading.placeholders}
        for fault in reading.faults:
            row, column = self._place(command.text, command.line, fault.line, fault.column)
            name = names.get((fault.line, fault.column), "")
            if fault.code == "PC202" and (above := self._set_above(name, command.line)):
                self._tell_lost(name, above, row, column)
                continue
            told = fault.code == "PC207" and (fault.line, fault.column) in explained
            level = Level.NOTE if told else fault.level
            self.ledger.tell(
                fault.code, level, row, fault.what, fault.mend, column=column, about=fault.about
            )

    def _set_above(self, name: str, line: int) -> int | None:
        """The nearest line above that gives a variable a value, in whichever command."""
        if self._given is None:
            self._given = defaultdict(list)
            for number, text in enumerate(self.ledger.lines, 1):
                for found in _GIVES.finditer(text):
                    self._given[found[1] or found[2]].append(number)
        lines = self._given.get(name, [])
        at = bisect_left(lines, line)
        return lines[at - 1] if at else None

    def _tell_lost(self, name: str, above: int, line: int, column: int) -> None:
        self.ledger.warn(
            "PC202",
            line,
            f'"{name}" is set in another command (line {above}), and each command runs by itself.',
            "Set it in this command too, or give it a value when the command is run.",
            column=column,
        )

    def _tell_query(self, query: str, line: int) -> None:
        if why := promql.why_not(query):
            queries.tell_broken(why, line, self.ledger)

    def _tell_unguarded(self, block: Block, found: list[Command]) -> None:
        """A script of several changes that does not stop at the first one that fails."""
        changes = [command for command in found if command.effect is EffectClass.CHANGE]
        lines = changes[0].text.count("\n") + len(changes) if changes else 0
        script = block.text.lstrip().startswith("#!")
        if script and lines > 1 and not re.search(r"^\s*set\s+-\w*e", block.text, re.MULTILINE):
            self.ledger.warn(
                "PC210",
                block.body_line,
                "This script goes on after a command that failed.",
                "Begin it with 'set -euo pipefail'.",
            )

    def _title_line(self, block: Block, line: int) -> int:
        """The first of the comment lines right above a command."""
        while line > block.body_line and self._is_comment(line - 1):
            line -= 1
        return line

    def _is_comment(self, line: int) -> bool:
        text = self.ledger.lines[line - 1].lstrip(" \t>")
        return text.startswith("#") and not text.startswith("#!")

    def _place(self, text: str, first: int, line: int, column: int) -> tuple[int, int]:
        """Where a position of a command's text stands in the document."""
        row = min(first + line - 1, len(self.ledger.lines))
        written = text.split("\n")[line - 1 : line]
        source = self.ledger.lines[row - 1]
        offset = source.find(written[0].rstrip()) if written else 0
        return row, max(offset, 0) + column
