"""Both databases: test pages, heartbeats, and what other services show of incidents."""

from dataclasses import replace
from datetime import timedelta

from playcall.core.incident import Status
from playcall.engine.proofs import Beat, Proof, Proving
from playcall.engine.reflections import Shown
from playcall.storage import Database
from playcall.testing import NOON, an_opening, minutes
from tests.ports.stored import PLAN, claim, opened


def a_proof(channel: str = "mail", test: str = "t", person: str = "ada") -> Proof:
    return Proof(test=test, person=person, channel=channel, by="bob", asked_at=NOON)


async def test_a_test_is_begun_once_and_each_method_ends_once(store: Database) -> None:
    asked = [a_proof("mail"), a_proof("chat")]
    await store.write(lambda tx: tx.ask_proofs([]))
    await store.write(lambda tx: tx.ask_proofs(asked))
    assert await store.write(lambda tx: tx.begin_proofs("unknown")) == 0
    assert await store.write(lambda tx: tx.begin_proofs("t")) == 2
    assert await store.write(lambda tx: tx.begin_proofs("t")) == 0
    jobs = {job.key: job.task for job in await claim(store)}
    assert jobs == {
        f"test.t.{channel}": Proving(test="t", person="ada", channel=channel)
        for channel in ("mail", "chat")
    }
    assert await store.read(lambda views: views.latest_proofs()) == []
    for failure in ("down\x00", ""):
        at = NOON + minutes(1 if failure else 2)
        await store.write(lambda tx, f=failure, at=at: tx.end_proof("t", "mail", at, f))  # type: ignore[misc]
    mailed, chatted = await store.read(lambda views: views.proofs("t"))
    assert (mailed.failure, mailed.took, mailed.passed) == ("down␀", timedelta(minutes=1), False)
    assert (chatted.took, chatted.passed) == (None, False)
    assert await store.read(lambda views: views.latest_proofs()) == [mailed]
    assert await store.write(lambda tx: tx.proofs_by("bob", NOON)) == [mailed, chatted]
    assert await store.write(lambda tx: tx.proofs_by("bob", NOON + minutes(1))) == []


async def test_the_latest_of_each_method_is_kept_apart_by_person(store: Database) -> None:
    for test, person in (("1", "ada"), ("2", "ada"), ("3", "bob")):
        proof = a_proof(test=test, person=person)
        await store.write(lambda tx, proof=proof: tx.ask_proofs([proof]))  # type: ignore[misc]
        await store.write(lambda tx, test=test: tx.end_proof(test, "mail", NOON, ""))  # type: ignore[misc]
    latest = await store.read(lambda views: views.latest_proofs())
    assert [proof.test for proof in latest] == ["2", "3"]


async def test_a_heartbeat_replaces_the_one_before(store: Database) -> None:
    first, second = Beat(at=NOON), Beat(at=NOON + minutes(1), alert_since=NOON)
    for source, beat in (("", first), ("http://x", first), ("", second)):
        await store.write(lambda tx, s=source, b=beat: tx.beat(s, b))  # type: ignore[misc]
    assert await store.write(lambda tx: tx.beats()) == {"": second, "http://x": first}
    assert await store.read(lambda views: views.heartbeats()) == {"": second, "http://x": first}


async def test_a_mirror_is_behind_whatever_changed_since_it_was_compared(store: Database) -> None:
    digest = await store.write(lambda tx: tx.keep_plan(PLAN))

    async def behind(mirror: str = "pagerduty") -> list[tuple[int, Shown | None]]:
        found = await store.write(lambda tx: tx.behind(mirror, 10))
        return [(one.incident.id, one.shown) for one in found]

    state = await opened(store, plan=digest, version=1)
    assert await behind() == [(1, None)]
    await store.write(lambda tx: tx.reflect(1, "pagerduty", 1, Shown.TRIGGERED))
    assert (await behind(), await behind("opsgenie")) == ([], [(1, None)])
    over = replace(state, status=Status.RESOLVED, version=2)
    await store.write(lambda tx: tx.record(over, an_opening(), []))
    assert (await behind(), await behind("opsgenie")) == ([(1, Shown.TRIGGERED)], [])
    await store.write(lambda tx: tx.reflect(1, "pagerduty", 2, Shown.RESOLVED))
    assert await behind() == []
