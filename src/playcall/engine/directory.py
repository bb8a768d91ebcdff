"""Who stands behind a role at a moment, and how a page reaches them: people, schedules and bindings
of the settings file, asked when a page is decided."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playcall.core import rota
from playcall.core.hours import covers
from playcall.core.medium import Medium
from playcall.core.plan import Plan
from playcall.core.rota import Override, Schedule, Shift
from playcall.engine.ports import Later, Method, Person

VOICE = "voice"  # the channel that calls
COMMANDER = "Incident Commander"  # a role that no table needs to name
UNBOUND = "nobody is bound to this role in the settings"
GONE = "is on call and no longer among the people of the settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Who stands behind a role at a moment, and what is wrong with that."""

    people: tuple[Person, ...]
    gone: tuple[str, ...] = ()  # on call, and nobody who is known
    empty: tuple[str, ...] = ()  # schedules in which nobody was on call, and nobody stands in
    notes: tuple[str, ...] = ()  # for the log

    def told(self) -> Iterator[tuple[str | None, str]]:
        """What to put on record: a person, or nobody, and why no page reaches them."""
        for person in self.gone:
            yield person, GONE
        if not self.people:
            names = ", ".join(self.empty)
            yield (
                None,
                f"nobody is on call in {names}, and it has no fallback" if names else UNBOUND,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """People by id, and for each role the people and schedules that fill it, in order.

    `schedules` may change while it is used: layers that come from a calendar are put in anew.
    """

    people: Mapping[str, Person]
    roles: Mapping[str, Sequence[str]]  # keys in lower case
    schedules: dict[str, Schedule] = field(default_factory=dict)
    fallbacks: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by schedule
    written: Mapping[str, str] = field(default_factory=dict)  # a role, as the settings write it
    # What is wrong with the calendar of a schedule's layer.
    troubles: dict[tuple[str, int], str] = field(default_factory=dict)

    def behind(
        self, role: str, at: datetime, overrides: Sequence[Override] = ()
    ) -> tuple[Person, ...]:
        return self.look_up(role, at, overrides).people

    def look_up(self, role: str, at: datetime, overrides: Sequence[Override] = ()) -> Found:
        """Everybody behind a role at a moment, each once. A role that is bound to nothing may be
        a schedule's name, or a person's."""
        people: dict[str, Person] = {}
        gone: list[str] = []
        empty: list[str] = []
        notes: list[str] = []
        for name in self.bound(role):
            if name in self.schedules:
                found = self._on_call(self.schedules[name], at, overrides)
            else:
                found = self._known((name,))
            people |= {person.id: person for person in found.people}
            gone += found.gone
            empty += found.empty
            notes += found.notes
        return Found(
            people=tuple(people.values()),
            gone=tuple(dict.fromkeys(gone)),
            empty=tuple(empty),
            notes=tuple(notes),
        )

    def bound(self, role: str) -> Sequence[str]:
        """The people and schedules that a role stands for."""
        wanted = role.strip().lower()
        bound = self.roles.get(wanted)
        if bound:
            return bound
        for name in (*self.schedules, *self.people):
            if name.lower() == wanted:
                return (name,)
        return tuple(p.id for p in self.people.values() if p.name.lower() == wanted)[:1]

    def unbound(self, roles: Sequence[str]) -> tuple[str, ...]:
        """The roles that nobody fills."""
        return tuple(role for role in roles if not self.bound(role))

    def names(self) -> frozenset[str]:
        """Everything that `bound` knows, in lower case."""
        people = (name for one in self.people.values() for name in (one.id, one.name))
        return frozenset(name.lower() for name in (*self.roles, *self.schedules, *people))

    def import_shifts(
        self, schedule: str, layer: int, shifts: tuple[Shift, ...], trouble: str = ""
    ) -> None:
        """Put a layer anew, as its calendar has it now."""
        old = self.schedules[schedule]
        new = rota.Imported(shifts=shifts)
        layers = (*old.layers[:layer], new, *old.layers[layer + 1 :])
        self.schedules[schedule] = replace(old, layers=layers)
        if trouble:
            self.troubles[schedule, layer] = trouble
        else:
            self.troubles.pop((schedule, layer), None)

    def trouble(self, schedule: str) -> str:
        found = sorted(self.troubles.items())
        return "; ".join(text for (name, _), text in found if name == schedule)

    def _on_call(self, schedule: Schedule, at: datetime, overrides: Sequence[Override]) -> Found:
        """Whoever is gone is passed over: whoever would be on call otherwise is asked, and, when
        that is nobody, the fallback."""
        known = [override for override in overrides if override.person in self.people]
        found = self._known(rota.on_call(schedule, at, known))
        overridden = [one for one in overrides if one.schedule.lower() == schedule.name.lower()]
        gone = tuple(
            one.person
            for one in overridden
            if one.starts_at <= at < one.ends_at and one.person not in self.people
        )
        found = replace(found, gone=(*gone, *found.gone))
        notes = [
            f"schedule {schedule.name}: {person} {GONE}; the next in line is asked"
            for person in found.gone
        ]
        if found.people:
            return replace(found, notes=tuple(notes))
        fallback = self._known(self.fallbacks.get(schedule.name, ())).people
        names = ", ".join(person.id for person in fallback) or "nobody"
        return replace(
            found,
            people=fallback,
            empty=() if fallback else (schedule.name,),
            notes=(*notes, f"schedule {schedule.name}: nobody is on call; {names} stands in"),
        )

    def _known(self, names: Sequence[str]) -> Found:
        return Found(
            people=tuple(self.people[name] for name in names if name in self.people),
            gone=tuple(name for name in names if name not in self.people),
        )


def bindable(plan: Plan) -> tuple[str, ...]:
    """Every role that a document names, whether or not it is ever paged by itself: those who come
    after an alert's team, its expert, stakeholders, and the commander."""
    named = [role for rung in plan.rungs for role in rung.roles]
    for team in plan.teams:
        named += [role for role in (team.primary, team.secondary, team.expert) if role]
    named += [role for audience in plan.audiences for role in audience.recipients]
    return tuple(dict.fromkeys([*named, COMMANDER]))


# --- How a page reaches a person -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One message to a person: to the first of their methods that works."""

    name: str  # unlike every other of the page
    person: Person
    later: Later | None = None


def straight(person: Person, later: Later | None = None) -> Way:
    """By their methods in order."""
    return Way(name=person.id, person=replace(person, rules=()), later=later)


def addressee(key: str) -> str:
    """The person whom the key of a message names: `incident.version.effect.way`."""
    return key.split(".", 3)[-1].split("/")[0]


def ways(person: Person, at: datetime, medium: Medium = Medium.PAGE) -> tuple[Way, ...]:
    """As the rung says, then as the person does: whoever is to be called is called at once, by
    their other methods when that fails, and later by their rules."""
    wanted = _by_rules(person, at)
    called = tuple(method for method in person.methods if method.channel == VOICE)
    if medium is Medium.PAGE or not called:
        return wanted
    others = tuple(method for method in person.methods if method.channel != VOICE)
    way = replace(straight(replace(person, methods=(*called, *others))), name=f"{person.id}/call")
    again = [replace(one, later=replace(one.later, repeats=True)) for one in wanted if one.later]
    return way, *again


def _by_rules(person: Person, at: datetime) -> tuple[Way, ...]:
    """One for each method of each rule whose hours it will be. Behind a rule's method stand those
    that the rule does not name, in case it fails. Where none of the soonest rules applies, all are
    tried in order then: hours never put a page off."""
    soonest = min((rule.after for rule in person.rules), default=timedelta())
    found = []
    heard = False
    for number, rule in enumerate(person.rules):
        later = _later(rule.after, at, repeats=rule.after > soonest)
        due_at = at + rule.after
        if rule.hours and not covers((rule.hours,), ZoneInfo(person.zone), due_at):
            continue
        heard = heard or rule.after == soonest
        others = tuple(method for method in person.methods if method not in rule.methods)
        for method in rule.methods:
            reached = replace(person, methods=(method, *others), rules=())
            name = f"{person.id}/{number}/{method.channel}"
            found.append(Way(name=name, person=reached, later=later))
    if heard:
        return tuple(found)
    return straight(person, _later(soonest, at, repeats=False)), *found


def _later(after: timedelta, at: datetime, *, repeats: bool) -> Later | None:
    if after <= timedelta():
        return None
    return Later(due_at=at + after, decided_at=at, repeats=repeats)


def as_of_now(then: Person, now: Person) -> Person:
    """Whom a message was resolved to, by the addresses they have now, in the order decided."""
    kept: list[Method] = []
    for method in then.methods:
        same = [one for one in now.methods if one.channel == method.channel]
        kept += [method] if method in same else same
    return replace(then, methods=tuple(dict.fromkeys(kept)) or now.methods)
