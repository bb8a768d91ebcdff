"""A wall clock that is set, forwards or backwards, makes nothing due and keeps nothing from it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from playcall.clock import SystemClock
from playcall.core.events import PageDelivered
from playcall.testing import NOON, an_alert, minutes
from tests.engine.world import World

SECOND = timedelta(seconds=1)


@dataclass
class Machine:
    """Two sources of time that may be set apart."""

    wall: datetime = NOON
    counter: timedelta = timedelta(days=3)

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.wall, lambda: self.counter)

    def go_on(self, by: timedelta) -> None:
        self.wall += by
        self.counter += by


def test_it_is_the_wall_clock_while_that_one_is_steady() -> None:
    machine = Machine()
    clock = machine.clock()
    for seconds in (0, 1, 3600, 0.001, 30 * 86400):
        machine.go_on(timedelta(seconds=seconds))
        assert clock.now() == machine.wall
    machine.wall += 4 * SECOND  # a little is followed at once
    assert clock.now() == machine.wall


def test_a_small_step_back_stands_still_and_never_runs_backwards() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.go_on(10 * SECOND)
    before = clock.now()
    machine.wall -= 3 * SECOND
    assert clock.now() == before
    machine.go_on(5 * SECOND)
    assert clock.now() == machine.wall > before


@pytest.mark.parametrize("jump", [timedelta(hours=1), -timedelta(hours=1), timedelta(days=365)])
def test_a_jump_is_made_up_at_a_tenth_of_the_time_and_told_once(
    jump: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += jump
    assert clock.now() == NOON
    way = 1 if jump > timedelta() else -1
    for minute in range(1, 11):
        machine.go_on(minutes(1))
        expected = NOON + minutes(minute) + way * minutes(minute) / 10
        assert abs(clock.now() - expected) < SECOND / 1000
    assert caplog.text.count("jumped by") == 1


def test_it_arrives_and_then_follows_again() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += minutes(1)
    clock.now()
    for _ in range(11):
        machine.go_on(minutes(1))
        last = clock.now()
    assert last == machine.wall
    machine.wall += 2 * SECOND
    assert clock.now() == machine.wall


def test_a_jump_while_another_is_made_up_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += minutes(60)
    clock.now()
    machine.go_on(minutes(1))
    clock.now()
    machine.wall -= minutes(60)
    machine.go_on(SECOND)
    assert abs(clock.now() - machine.wall) < 7 * SECOND
    assert caplog.text.count("jumped by") == 2


def test_a_counter_that_goes_back_takes_no_time_away() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.counter -= minutes(5)
    assert clock.now() == NOON


def test_the_true_sources_agree() -> None:
    clock = SystemClock()
    time.sleep(0.01)
    assert abs(clock.now() - datetime.now(UTC)) < SECOND


async def test_nothing_is_sent_because_of_a_clock_that_jumped(tmp_path: Path) -> None:
    machine = Machine()
    world = World(folder=tmp_path, clock=machine.clock())  # type: ignore[arg-type]
    async with world.stopped():
        await world.engine.receive([an_alert()])
        await world.engine._take_arrivals()
        machine.wall += timedelta(hours=5)
        assert await world.engine._wake_incidents() == 0
        machine.go_on(minutes(4))
        assert await world.engine._wake_incidents() == 0
        assert (await world.state()).climbed == (0,)
        machine.wall -= timedelta(hours=10)
        machine.go_on(minutes(1.2))
        assert await world.engine._wake_incidents() == 1
        assert (await world.state()).climbed == (0, 1), "due after five minutes, set back or not"
    async with world.working():
        await world.until_event(PageDelivered)
