"""Who stands behind a role: the bindings of the settings file, asked when a page is decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from playcall.engine.ports import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """People by id, and for each role the ids of those who fill it, in order."""

    people: Mapping[str, Person]
    roles: Mapping[str, Sequence[str]]  # keys in lower case

    def behind(self, role: str) -> tuple[Person, ...]:
        return tuple(self.people[person] for person in self.roles.get(role.lower(), ()))

    def unbound(self, roles: Sequence[str]) -> tuple[str, ...]:
        """The roles that nobody fills."""
        return tuple(role for role in roles if not self.behind(role))
