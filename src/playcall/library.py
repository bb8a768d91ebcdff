"""The playbook that is served, as it was compiled at the start, and what its pages are handed."""

from dataclasses import dataclass

from playcall.core.alert_rule import Rule
from playcall.core.coverage import compare
from playcall.core.place import Problem
from playcall.core.plan import Plan
from playcall.drillreports import DrillReports, home
from playcall.engine.playbooks import Served
from playcall.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """The compiled document and what is wrong in it."""

    data: bytes  # of the document
    rules: tuple[Rule, ...]  # the alerts of the file beside it
    plan: Plan
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()  # bindings that are missing, and those of no use


def serve_library(settings: Settings, playbook: Playbook) -> Served:
    rules, plan = playbook.rules, playbook.plan
    beside = compare([plan], rules, settings.rules.name) if settings.rules else ()
    problems = sorted((*playbook.problems, *beside), key=lambda one: one.place)
    return Served(
        name=plan.source,
        data=playbook.data,
        plan=plan,
        problems=tuple(one for one in problems if one.code not in settings.ignore),
        rules=len(rules),
        drills=DrillReports(folder=settings.drills or home()),
    )
