"""The rules of the pocket cluster that need no process: rollouts, patches, selectors, fields."""

import pytest

from drillrange.cluster.kinds import KINDS
from drillrange.cluster.objects import Object, Objects, Refused
from drillrange.cluster.patch import BadPatch, json_patch, merge, strategic_merge
from drillrange.cluster.replicasets import matching, successor
from drillrange.cluster.rollout import Size, Strategy, read_strategy, sizes
from drillrange.cluster.schema import check_fields
from drillrange.cluster.selectors import wanted

RECREATE = Strategy(recreate=True, surge=0, unavailable=0)
ONE_BY_ONE = Strategy(recreate=False, surge=1, unavailable=0)


def a_size(name: str, wanted: int, pods: int | None = None, ready: int | None = None) -> Size:
    has = wanted if pods is None else pods
    return Size(name=name, wanted=wanted, pods=has, ready=has if ready is None else ready)


def a_pod(**labels: str) -> Object:
    return {"metadata": {"name": "a", "labels": labels}, "status": {"phase": "Running"}}


def test_recreate_starts_nothing_while_an_old_pod_is_there() -> None:
    ending = a_size("old", 0, pods=1, ready=0)
    assert sizes(2, RECREATE, a_size("new", 0), [ending]) == {"old": 0, "new": 0}
    gone = a_size("old", 0)
    assert sizes(2, RECREATE, a_size("new", 0), [gone]) == {"old": 0, "new": 2}


def test_a_rolling_update_never_has_fewer_ready_than_it_may() -> None:
    assert sizes(3, ONE_BY_ONE, a_size("new", 0), [a_size("old", 3)]) == {"new": 1, "old": 3}
    starting = a_size("new", 1, ready=0)
    assert sizes(3, ONE_BY_ONE, starting, [a_size("old", 3)]) == {"new": 1, "old": 3}
    assert sizes(3, ONE_BY_ONE, a_size("new", 1), [a_size("old", 3)]) == {"new": 1, "old": 2}


def test_a_rolling_update_takes_sick_old_pods_first() -> None:
    strategy = Strategy(recreate=False, surge=0, unavailable=1)
    sick = a_size("old", 3, ready=2)
    assert sizes(3, strategy, a_size("new", 0), [sick]) == {"new": 0, "old": 2}


def test_percentages_round_surge_up_and_unavailable_down() -> None:
    found = read_strategy({"replicas": 3})
    assert (found.surge, found.unavailable) == (1, 0)


def test_a_strategy_that_could_never_move_lets_one_be_unavailable() -> None:
    rolling = {"maxSurge": 0, "maxUnavailable": "10%"}
    found = read_strategy({"replicas": 3, "strategy": {"rollingUpdate": rolling}})
    assert (found.surge, found.unavailable) == (0, 1)


def test_a_strategic_merge_keeps_the_environment_it_does_not_name() -> None:
    old = {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}]}
    patch = {
        "$setElementOrder/containers": [{"name": "c"}],
        "containers": [
            {
                "$setElementOrder/env": [{"name": "B"}, {"name": "A"}],
                "name": "c",
                "env": [{"name": "B", "value": "2"}],
            }
        ],
    }
    found = strategic_merge(old, patch)["containers"][0]["env"]
    assert found == [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]


def test_a_strategic_merge_deletes_what_it_is_told_to() -> None:
    old = {"env": [{"name": "A"}, {"name": "B"}]}
    patch = {"env": [{"name": "A", "$patch": "delete"}]}
    assert strategic_merge(old, patch) == {"env": [{"name": "B"}]}


def test_a_selector_merges_and_null_removes() -> None:
    old = {"selector": {"app": "a", "version": "v3"}}
    assert merge(old, {"selector": {"version": "v1"}}) == {
        "selector": {"app": "a", "version": "v1"}
    }
    assert strategic_merge(old, {"selector": {"version": None}}) == {"selector": {"app": "a"}}


def test_a_json_patch_whose_test_fails_changes_nothing() -> None:
    old = {"replicas": 1}
    operations = [
        {"op": "replace", "path": "/replicas", "value": 2},
        {"op": "test", "path": "/replicas", "value": 1},
    ]
    with pytest.raises(BadPatch):
        json_patch(old, operations)
    assert old == {"replicas": 1}


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ("app=web", True),
        ("app==web,tier!=db", True),
        ("app in (web, other),tier", False),
        ("app notin (web)", False),
        ("!tier", True),
        ("", True),
    ],
)
def test_label_selectors(selector: str, holds: bool) -> None:
    assert wanted(selector, "")(a_pod(app="web")) is holds


@pytest.mark.parametrize(("labels", "fields"), [("a b c", ""), ("", "spec.colour=red")])
def test_selectors_that_cannot_be_read_are_refused(labels: str, fields: str) -> None:
    with pytest.raises(Refused) as refused:
        wanted(labels, fields)
    assert refused.value.code == 400


def test_a_misspelt_field_is_refused_only_when_strict() -> None:
    made: Object = {"metadata": {"name": "a"}, "spec": {"replicsa": 1}}
    check_fields(KINDS["deployments"], made, False)
    with pytest.raises(Refused, match=r'unknown field "spec.replicsa"'):
        check_fields(KINDS["deployments"], made, True)


def test_a_value_of_the_wrong_type_is_always_refused() -> None:
    made: Object = {"metadata": {"name": "a"}, "data": {"on": True}}
    with pytest.raises(Refused, match=r"cannot unmarshal bool into field data.on of type string"):
        check_fields(KINDS["configmaps"], made, False)


def test_a_template_that_differs_in_empty_fields_only_is_the_same() -> None:
    container = {"name": "c", "command": ["true"]}
    deployment: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "default", "uid": "u"},
        "spec": {
            "selector": {"matchLabels": {"app": "d"}},
            "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [container]}},
        },
    }
    made = successor(deployment, [])
    deployment["spec"]["template"]["spec"]["containers"] = [{**container, "resources": {}}]
    assert matching([made], deployment) is made


def test_a_write_that_was_read_before_the_last_one_is_a_conflict() -> None:
    objects = Objects()
    first = objects.create("configmaps", {"metadata": {"name": "c"}, "data": {"a": "1"}})
    objects.replace("configmaps", {**first, "data": {"a": "2"}})
    with pytest.raises(Refused) as refused:
        objects.replace("configmaps", {**first, "data": {"a": "3"}})
    assert refused.value.code == 409
