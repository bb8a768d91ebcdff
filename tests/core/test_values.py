"""Values given while an incident lasts: what they let run, and what they cannot do."""

from dataclasses import replace

import pytest

from playcall.core import events as ev
from playcall.core import polling
from playcall.core.bound import judged, ready
from playcall.core.compiler.shell import Unbindable
from playcall.core.effects import RunCommand
from playcall.core.incident import Origin, RunStatus, Whence
from playcall.core.plan import EffectClass
from playcall.core.timeline import entry
from playcall.testing import NOON, a_plan, a_play, an_alert, an_opening, minutes
from tests.core.responding import after, moved, opened, refused
from tests.core.test_parameters import reading

BLOCK = replace(reading("iptables -A INPUT -s PROBLEM_IP -j DROP"), id="3.1")
LOOK = replace(reading("ping -c 5 <host>"), id="2.1")
ASK = replace(reading("curl -s <url>"), id="2.2")
LOGIN = replace(reading("mysql -h db -p<password> -e 'SHOW PROCESSLIST'"), id="4.1")
PLAN = a_plan(a_play(commands=(LOOK, ASK, BLOCK, LOGIN)))
GIVEN = ev.ValueGiven(at=NOON, by="ada", name="PROBLEM_IP", value="10.0.0.7")
APPROVED = ev.RunApproved(at=NOON, by="ada", command="3.1")


def test_a_change_runs_once_it_has_its_value() -> None:
    incident = opened(PLAN)
    assert "no value for PROBLEM_IP" in refused(incident, APPROVED, PLAN)
    found = "12 times in the output of 1.2"
    incident = after(incident, replace(GIVEN, whence=Whence.OUTPUT, found=found), plan=PLAN)
    assert incident.runs == {}  # a value alone runs no change
    assert incident.origins["PROBLEM_IP"] == Origin(
        whence=Whence.OUTPUT, by="ada", at=NOON, found=found
    )
    assert moved(incident, APPROVED, PLAN).incident.runs["3.1"].status is RunStatus.PENDING


def test_a_first_look_runs_when_its_value_arrives_and_not_twice() -> None:
    given = replace(GIVEN, name="host", value="db-1")
    outcome = moved(opened(PLAN), given, PLAN)
    (effect,) = outcome.effects
    assert effect == RunCommand(command="2.1", run="1/2.1/1", approved_by=None)
    assert moved(outcome.incident, replace(given, value="db-2"), PLAN).effects == ()


def test_a_value_that_makes_a_look_a_change_waits_for_approval() -> None:
    harmless = replace(GIVEN, name="url", value="http://p:9090/-/ready")
    reloading = replace(harmless, value="http://p:9090/-/reload")
    assert moved(opened(PLAN), harmless, PLAN).effects
    incident = after(opened(PLAN), reloading, plan=PLAN)
    assert incident.runs == {}
    assert judged(ASK, incident.values).effect is EffectClass.CHANGE
    assert moved(incident, replace(APPROVED, command="2.2"), PLAN).effects
    assert opened(PLAN, values={"url": "http://p:9090/-/reload"}).runs == {}


def test_no_value_lowers_a_class() -> None:
    raised = replace(LOOK, effect=EffectClass.CHANGE)
    assert ready(raised, {"host": "db-1"}).effect is EffectClass.CHANGE
    assert judged(raised, {"host": "db-1"}).effect is EffectClass.CHANGE


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "POD"}, 'no command here has a placeholder "POD"; there are host, url, PROBLEM'),
        ({"command": "2.1"}, 'command 2.1 has no placeholder "PROBLEM_IP"'),
        ({"value": "10.0.0.300"}, "is not an IP address; write an address such as 10.0.0.7"),
        ({"value": "-F"}, 'begins with "-"'),
        ({"value": "10.0.0.7; boom"}, "is not an IP address"),
        ({"name": "url", "value": "a\nb"}, "is not text; write one line of text (command 2.2)"),
        ({"name": "password", "value": "hunter2"}, "this is a secret"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_given(changes: dict[str, str], why: str) -> None:
    assert why in refused(opened(PLAN), replace(GIVEN, **changes), PLAN)  # type: ignore[arg-type]


def test_a_value_is_replaced_for_later_runs_and_not_given_twice() -> None:
    incident = after(opened(PLAN), GIVEN, plan=PLAN)
    assert refused(incident, GIVEN, PLAN) == "PROBLEM_IP is 10.0.0.7 already"
    assert after(incident, replace(GIVEN, value="::1"), plan=PLAN).values["PROBLEM_IP"] == "::1"
    over = after(incident, ev.Resolved(at=NOON, by="a", cause="", unverified=True), plan=PLAN)
    assert refused(over, replace(GIVEN, value="::1"), PLAN)


def test_a_value_goes_into_a_query_by_way_of_its_command() -> None:
    asked = reading("promtool query instant http://p:9090 'up{namespace=\"<namespace>\"}'")
    found = ready(asked, {"namespace": "shop"})
    assert (found.native, found.text) == (True, 'up{namespace="shop"}')
    other = reading("promtool query instant http://p:9090 'up{job=\"<job>\"}'")
    with pytest.raises(Unbindable):
        ready(other, {"job": 'x"} or vector(1) or up{job="'})


def test_an_opening_says_whence_its_values_are_and_a_gift_is_on_the_timeline() -> None:
    opening = replace(
        an_opening(alerts=(an_alert(),), values={"PROBLEM_IP": "10.0.0.7"}),
        whence={"PROBLEM_IP": Whence.LABEL},
    )
    incident = moved(None, opening, PLAN).incident
    assert incident.origins["PROBLEM_IP"].whence is Whence.LABEL
    line = entry(replace(GIVEN, found="once in the output of 1.2"), PLAN, None)
    assert line
    assert line.text == "ada gave PROBLEM_IP the value 10.0.0.7 (once in the output of 1.2)"


def test_what_is_watched_stops_when_a_new_value_makes_it_a_change() -> None:
    watched = replace(reading("watch -n 5 'curl -s <url>'"), id="2.1")
    plan = a_plan(a_play(commands=(watched,)))
    incident = opened(plan, values={"url": "http://p:9090/x"})
    finished = ev.CommandFinished(
        at=NOON, command="2.1", run="1/2.1/1", status=RunStatus.SUCCEEDED, exit_code=0, summary=""
    )
    incident = after(incident, finished, plan=plan)
    assert polling.next_at(incident, plan) == NOON + minutes(5 / 60)
    given = replace(GIVEN, name="url", value="http://p:9090/-/reload")
    assert polling.next_at(after(incident, given, plan=plan), plan) is None


def test_a_value_that_leads_out_of_any_written_directory_is_refused_at_once() -> None:
    anywhere = replace(reading("ls <dir>"), id="5.1")
    below = replace(reading("cat /srv/<dir>"), id="5.2")
    plan = a_plan(a_play(commands=(anywhere, below)))
    given = replace(GIVEN, name="dir", value="..", command="5.1")
    assert "lead out of the directory that is written there (command 5.2)" in refused(
        opened(plan), given, plan
    )
    assert moved(opened(plan), replace(given, value="log"), plan).effects
