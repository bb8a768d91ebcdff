"""What a list of a play says of the approvals that its commands wait for."""

from dataclasses import replace

from playcall.core.access import Access
from playcall.core.rehearsal import Known, rehearse
from playcall.core.response import ApprovalPolicy, ResponsePolicy
from tests.core.test_rollback import PLAN


def test_a_rollback_waits_for_two_people_and_another_change_for_one() -> None:
    found = rehearse(PLAN, PLAN.plays[0], Known())
    assert [step.approvals for step in found.rollback] == [2, 1, 2]  # the second: a press
    [phase] = found.phases
    assert [c.approvals for step in phase.steps for c in step.commands] == [0, 1]


def test_what_the_settings_demand_is_in_the_list() -> None:
    policy = ApprovalPolicy(change=Access.COMMANDER, two_people=("LatencyHigh 2.1",))
    plan = replace(PLAN, response=ResponsePolicy(approvals=policy))
    [phase] = rehearse(plan, plan.plays[0], Known()).phases
    change = phase.steps[0].commands[1]
    assert (change.approvals, change.approver) == (2, Access.COMMANDER)
