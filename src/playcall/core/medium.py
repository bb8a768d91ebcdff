"""How a rung of the path reaches people, as the document says it: 'Team Lead (Call)'."""

import re
from enum import StrEnum

from playcall.core.effects import Page
from playcall.core.escalation import ladder
from playcall.core.incident import Incident
from playcall.core.plan import Plan, Rung


class Medium(StrEnum):
    PAGE = "page"  # as each person wants it
    CALL = "call"  # by telephone first
    CONFERENCE = "conference"  # by telephone, all of them together


def medium_of(rung: Rung) -> Medium:
    """A conference needs more than one role; what is neither is a page."""
    means = rung.means.lower()
    if re.search(r"\bconference\b", means) and len(rung.roles) > 1:
        return Medium.CONFERENCE
    called = re.search(r"\b(conference|call|phone|telephone|voice)\b", means)
    return Medium.CALL if called else Medium.PAGE


def medium_of_page(page: Page, plan: Plan) -> Medium:
    rungs = ladder(plan)
    if page.rung is None or page.rung >= len(rungs):
        return Medium.PAGE
    return medium_of(rungs[page.rung])


def has_conference(incident: Incident, plan: Plan) -> bool:
    """Whether a rung that calls a conference was climbed."""
    rungs = ladder(plan)
    climbed = (rungs[index] for index in incident.climbed if index < len(rungs))
    return any(medium_of(rung) is Medium.CONFERENCE for rung in climbed)
