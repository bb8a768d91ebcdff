"""What judging a command has found so far: effect, reasons, faults, edits. Judges nothing."""

from dataclasses import dataclass, field

from playcall.core.compiler.shell.reading import Fault
from playcall.core.compiler.shell.standins import NAMES, WILD, StandIn, position
from playcall.core.place import Level
from playcall.core.plan import EffectClass

_RANK = {
    EffectClass.OBSERVE: 0,
    EffectClass.HEAVY: 1,
    EffectClass.CHANGE: 2,
    EffectClass.MANUAL: 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Bytes to replace so that a command ends by itself and asks for no terminal."""

    start: int
    end: int
    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a command stands; positions of nested text are those of the word it came from."""

    top: bool = True  # its bytes are the document's
    remote: bool = False  # it runs somewhere else, so no file of it is scratch
    piped: bool = False  # something is fed to it
    names: bool = False  # and that is names of Kubernetes objects
    depth: int = 0
    origin: tuple[int, int] | None = None


@dataclass(slots=True, kw_only=True)
class Findings:
    """Collected while one command is judged; the worst effect wins."""

    data: bytes
    hidden: tuple[StandIn, ...]
    effect: EffectClass = EffectClass.OBSERVE
    reasons: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    leaves: list[str] = field(default_factory=list)  # programs that do the work, wrappers left out
    scratch: list[str] = field(default_factory=list)
    every: float | None = None  # seconds between two runs of what is watched
    _starts: list[int] = field(default_factory=list)

    def say(self, effect: EffectClass, reason: str) -> None:
        if _RANK[effect] > _RANK[self.effect]:
            self.effect = effect
        reason = reason.replace(WILD, "?").replace(NAMES, "?")
        if reason and reason not in self.reasons and len(self.reasons) < 40:
            self.reasons.append(reason)

    def change(self, reason: str) -> None:
        self.say(EffectClass.CHANGE, reason)

    def fault(
        self, code: str, level: Level, what: str, mend: str, at: int, *, about: str = ""
    ) -> None:
        line, column = self.place(at)
        found = Fault(
            code=code, level=level, what=what, mend=mend, line=line, column=column, about=about
        )
        if found not in self.faults and len(self.faults) < 100:
            self.faults.append(found)

    def place(self, offset: int) -> tuple[int, int]:
        if not self._starts:
            self._starts = [0, *(i + 1 for i, byte in enumerate(self.data) if byte == 10)]
        return position(self.data, offset, self._starts)

    def hidden_between(self, start: int, end: int) -> list[StandIn]:
        return [one for one in self.hidden if start <= one.start < end]

    def endless(self, context: Context, at: int, what: str, edits: list[Edit]) -> None:
        """A command that never ends, or needs a terminal: mended by edits, or left to a person."""
        at = context.origin[0] if context.origin else at
        mended = context.top and bool(edits)
        level = Level.NOTE if mended else Level.WARNING
        self.fault("PC206", level, f"{what} never ends.", "Bound it in the document.", at)
        if mended:
            self.edits.extend(edits)
        else:
            self.say(EffectClass.MANUAL, f"{what} never ends")
