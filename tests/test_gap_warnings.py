"""What is said before a gap comes, and who must be reachable because a schedule names them."""

from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from playcall.app import gap_warnings, load_playbook
from playcall.core.hours import read_window
from playcall.core.rota import Override, Rotation, Schedule
from playcall.settings import BadSettings, Settings, read_settings
from playcall.testing import NOON
from tests.core.compiling import a_document
from tests.engine.world import World

PEOPLE = '[mail]\nhost = "h"\nsender = "s"\n[people.ada]\nname = "Ada"\nmail = "a@b.c"\n'
LAYER = """
[schedules.first]
zone = "Europe/Berlin"
fallback = ["bob"]
[[schedules.first.layers]]
people = ["ada", "cleo"]
rotation = "daily"
starts_on = 2026-01-05
[on_call]
"On-Call Primary" = ["first"]
"Team Lead" = ["ada"]
"""


def read(folder: Path, *more: str) -> Settings:
    path = folder / "playcall.toml"
    path.write_text('[documents]\nplaybook = "p.md"\n' + PEOPLE + "".join(more) + LAYER, "utf-8")
    (folder / "p.md").write_text(a_document(), "utf-8")
    return read_settings(path)


def people(*reached: str) -> str:
    """bob and cleo, with an address if they are named."""
    return "".join(
        f'[people.{name}]\nname = "X"\n' + ('mail = "x@b.c"\n' if name in reached else "")
        for name in ("bob", "cleo")
    )


@pytest.mark.parametrize("name", ["bob", "cleo"])
def test_whoever_a_needed_schedule_names_must_be_reachable(tmp_path: Path, name: str) -> None:
    other = "cleo" if name == "bob" else "bob"
    with pytest.raises(BadSettings, match=f"people.{name}: is on call and cannot be reached"):
        load_playbook(read(tmp_path, people(other)))
    assert load_playbook(read(tmp_path, people("bob", "cleo"))).warnings


def a_world(folder: Path, *, part_time: bool = False) -> World:
    window = read_window("mon-fri")
    assert window
    rotation = Rotation(
        people=("ada",),
        turn=timedelta(days=1),
        hand_off=time(0),
        starts_on=date(2026, 1, 5),
        windows=(window,),
    )
    zone = ZoneInfo("Europe/Berlin")
    schedule = Schedule(name="first", zone=zone, layers=(rotation,), part_time=part_time)
    return World(folder=folder, schedules={"first": schedule})


async def warnings(world: World, settings: Settings) -> list[str]:
    return await gap_warnings(settings, world.engine, NOON)


async def test_a_gap_that_comes_is_warned_of_once_for_each_schedule(tmp_path: Path) -> None:
    settings = read(tmp_path, people("bob", "cleo"))
    async with a_world(tmp_path).stopped() as world:
        [warning] = await warnings(world, settings)
    assert warning == (
        "schedule first: nobody is on call from 2026-03-01 13:00, the first of 5 gaps within 30 "
        "days; fallback: nobody stands in. `playcall oncall --gaps` lists them."
    )


async def test_gaps_that_are_meant_are_not_told(tmp_path: Path) -> None:
    settings = read(tmp_path, people("bob", "cleo"))
    async with a_world(tmp_path, part_time=True).stopped() as world:
        assert await warnings(world, settings) == []


async def test_an_override_fills_a_gap(tmp_path: Path) -> None:
    settings = read(tmp_path, people("bob", "cleo"))
    all_of_it = Override(
        schedule="first", person="bob", starts_at=NOON, ends_at=NOON + timedelta(days=31)
    )
    async with a_world(tmp_path).stopped() as world:
        await world.store.write(lambda tx: tx.add_override(all_of_it, "ada", NOON))
        assert await warnings(world, settings) == []
