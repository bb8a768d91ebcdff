"""Where a command runs and as whom: chosen by configuration, the first target that fits. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from playcall.core.plan import Command, EffectClass

LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one command runs, for the runner and for people."""

    target: str = LOCAL
    where: str = ""  # "ssh db1.example.org"; empty: nobody said
    whom: str = ""  # "playcall-read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A place with a name, and what goes there: what fits every list that is not empty."""

    name: str
    where: str
    observe: str  # as whom it runs what changes nothing
    change: str
    plays: tuple[str, ...] = ()  # by alert
    commands: tuple[str, ...] = ()  # by their id in the play
    programs: tuple[str, ...] = ()  # by the first program: "kubectl"

    def takes(self, play: str | None, command: str, program: Callable[[], str]) -> bool:
        if not (self.plays or self.commands or self.programs):
            return False
        return (
            (not self.plays or play in self.plays)
            and (not self.commands or command in self.commands)
            and (not self.programs or program() in self.programs)
        )

    def place(self, effect: EffectClass) -> Place:
        whom = self.observe if only_looks(effect) else self.change
        return Place(target=self.name, where=self.where, whom=whom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """All targets, in the order of the settings."""

    targets: tuple[Target, ...] = ()
    local: Target = Target(name=LOCAL, where="", observe="", change="")

    def place(self, play: str | None, command: Command, program: Callable[[], str]) -> Place:
        """`program` finds the first program of the text that will run, if that matters."""
        for target in self.targets:
            if target.takes(play, command.id, program):
                return target.place(command.effect)
        return self.local.place(command.effect)


def only_looks(effect: EffectClass) -> bool:
    """Whether the credentials that can only read are the right ones; they are for what is not sure
    to need others."""
    return effect in (EffectClass.OBSERVE, EffectClass.HEAVY)
