"""Whom the document names: the roles of the path, of a play, of a team; who is at work on it now.

Names of roles and of people only; who is on call behind a role is asked elsewhere.
"""

from playcall.core.incident import Incident, Part
from playcall.core.plan import Plan, Play, Team

FALLBACK_ROLE = "On-Call Primary"  # paged when a document has no path at all
EVERYBODY = ("all teams", "all", "everyone", "everybody")


def first_roles(plan: Plan) -> tuple[str, ...]:
    return plan.rungs[0].roles if plan.rungs else (FALLBACK_ROLE,)


def roles(plan: Plan) -> tuple[str, ...]:
    """Every role that this plan may page or tell by itself, in the order of the document."""
    named = [role for rung in plan.rungs for role in rung.roles] or [FALLBACK_ROLE]
    for play in plan.plays:
        named += play_roles(plan, play)
    return tuple(dict.fromkeys(named))


def play_roles(plan: Plan, play: Play) -> tuple[str, ...]:
    """The roles behind a play's own line: 'all teams', 'performance team', 'on-call'."""
    whom = play.escalation.whom if play.escalation else None
    if whom is None:
        return ()
    wanted = _team_word(whom)
    if wanted in EVERYBODY:
        return tuple(dict.fromkeys(team.primary for team in plan.teams))
    return tuple(team.primary for team in plan.teams if _is_called(team, wanted))


def team_called(plan: Plan, name: str) -> Team | None:
    wanted = _team_word(name)
    return next((team for team in plan.teams if _is_called(team, wanted)), None)


def team_of(incident: Incident, plan: Plan) -> Team | None:
    """By the label of its alerts, else by the play's own line."""
    for member in incident.alerts.values():
        for team in plan.teams:
            if member.alert.labels.get(team.label) == team.value:
                return team
    play = plan.play(incident.play) if incident.play else None
    if play and play.escalation and play.escalation.whom:
        return team_called(plan, play.escalation.whom)
    return None


def engaged(incident: Incident, plan: Plan) -> tuple[str, ...]:
    """Who is at work on it: the commander, else who has it, else the first rung."""
    commander = incident.roles.get(Part.COMMANDER, ())
    owner = incident.acknowledged_by or incident.assigned_to
    return commander or ((owner,) if owner else first_roles(plan))


def on_it(incident: Incident) -> tuple[str, ...]:
    """Everybody who has it, or has a part in it."""
    parts = (person for people in incident.roles.values() for person in people)
    every = (incident.acknowledged_by, incident.assigned_to, *parts)
    return tuple(dict.fromkeys(one for one in every if one))


def _team_word(name: str) -> str:
    return name.lower().removesuffix(" team").strip()


def _is_called(team: Team, wanted: str) -> bool:
    value = team.value.lower()
    return wanted in (value, team.primary.lower()) or wanted.replace("-", "") == value
