"""The tables of the settings file about telling people: status updates, and the facts that fill
texts."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from playcall.core.plan import Plan
from playcall.core.response import FactQuery, UpdatePolicy
from playcall.responsefile import read_duration

BY_HAND, BY_ITSELF = "by hand", "by itself"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key is a mistake, not a wish."""


class UpdatesTable(_Table, frozen=True):
    """Status updates; durations such as "5m"."""

    publish: str = BY_HAND
    severities: tuple[str, ...] = ()  # that belong on the status page; none: those that may wake
    first_within: str = "5m"
    remind_before: str = "3m"
    title: str = ""  # what the public calls an incident
    titles: Mapping[str, str] = {}  # by alert
    components: tuple[str, ...] = ()


def telling_mistakes(table: UpdatesTable, facts: Mapping[str, str]) -> Iterator[str]:
    if table.publish not in (BY_HAND, BY_ITSELF):
        yield f'updates.publish: "{table.publish}" is neither "{BY_HAND}" nor "{BY_ITSELF}".'
    for key in ("first_within", "remind_before"):
        text = getattr(table, key)
        if read_duration(text) is None:
            yield f'updates.{key}: "{text}" is not a duration. Write "5m" or "90s".'
    titles = [("updates.title", table.title)]
    titles += [(f"updates.titles.{alert}", title) for alert, title in table.titles.items()]
    for key, title in titles:
        if re.search(r"[\[\]\n]", title) or len(title) > 200:
            yield f"{key}: a title is one line of at most 200 characters, without brackets."
    for name, promql in facts.items():
        if not re.search(r"\w", name) or re.search(r"[\[\]\n]", name):
            yield f'facts."{name}": name what is counted, such as "migrations affected".'
        if not promql.strip():
            yield f'facts."{name}": write the PromQL that counts it.'


def complete_updates(table: UpdatesTable, facts: Mapping[str, str]) -> UpdatePolicy:
    usual = UpdatePolicy()
    return UpdatePolicy(
        by_itself=table.publish == BY_ITSELF,
        severities=table.severities,
        first_within=read_duration(table.first_within) or usual.first_within,
        remind_before=read_duration(table.remind_before) or usual.remind_before,
        title=table.title,
        titles=table.titles,
        components=table.components,
        facts=tuple(FactQuery(name=name, promql=promql) for name, promql in facts.items()),
    )


def unknown_names(plan: Plan) -> Iterator[str]:
    """Levels and alerts of the settings that the document does not have."""
    policy = plan.response.updates
    for level in policy.severities:
        if plan.severity(level) is None:
            yield f'updates.severities: {plan.source} has no severity "{level}".'
    for alert in policy.titles:
        if plan.play(alert) is None:
            yield f"updates.titles: {plan.source} has no play for {alert}."
