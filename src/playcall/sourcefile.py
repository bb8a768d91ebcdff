"""Reads the playbook, and the rules beside it, from the files that the settings name."""

from dataclasses import dataclass
from pathlib import Path

from playcall.engine.ports import Unavailable
from playcall.engine.source import Source
from playcall.rulefile import BadRuleFile, read_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """`Sources`."""

    playbook: Path
    rules: Path | None = None

    def read(self) -> Source:
        try:
            data = self.playbook.read_bytes()
            rules = read_rules(self.rules) if self.rules else ()
        except OSError as error:
            raise Unavailable(f"{self.playbook} cannot be read: {error.strerror}") from error
        except BadRuleFile as error:
            raise Unavailable(str(error)) from error
        return Source(name=self.playbook.name, data=data, rules=rules)
