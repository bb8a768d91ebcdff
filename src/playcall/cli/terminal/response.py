"""A whole run from a terminal: values, the incident, the walk, its end or its interruption."""

import asyncio
from pathlib import Path

from playcall.cli.console import harmless, paint
from playcall.cli.terminal.screen import Screen, Stopped
from playcall.cli.terminal.session import Session, Setting, in_this_process
from playcall.cli.terminal.walk import Walk
from playcall.core.incident import RunStatus
from playcall.engine.abandon import Abandoned

DONE, FAILED, WAITING, INTERRUPTED = 0, 1, 3, 130


async def respond(setting: Setting, report: Path | None) -> int:
    """The exit code. Raises AlreadyInUse, Unavailable, OSError."""
    screen = Screen()
    _introduce(setting, screen)
    async with in_this_process(setting) as session:
        await session.open()
        walk = Walk(session=session, screen=screen)
        code = await _walk(walk)
        await _conclude(walk, report)
    return code


def _introduce(setting: Setting, screen: Screen) -> None:
    play = setting.play
    screen.say(
        paint(f"{play.alert}  ({play.severity or 'no severity'}, line {play.line})", "bold"),
        "  From this terminal: nobody is paged, nothing is silenced. Ctrl-C ends what runs.",
    )
    if screen.attended:
        screen.say("  y: yes; Enter: no; q: stop here, and see what was done.")
    else:
        screen.say("  Nobody is at the terminal: what only looks runs, everything else is listed.")


async def _walk(walk: Walk) -> int:
    try:
        await walk.look()
        await walk.go()
        await walk.finish()
    except Stopped:
        walk.screen.say("\nStopped here.")
        await _tell_left(walk)
        return WAITING
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()
        walk.screen.say("\nInterrupted: ending what runs ...")
        await _tell_left(walk)
        return INTERRUPTED
    await walk.session.stop()
    if walk.waiting:
        return WAITING
    return FAILED if walk.failed else DONE


async def _tell_left(walk: Walk) -> None:
    left = await walk.session.stop()
    if not left:
        walk.screen.say("  Nothing was running.")
    for one in left:
        walk.screen.say(_left(one))


def _left(one: Abandoned) -> str:
    known = one.status is not RunStatus.UNKNOWN
    status = paint(one.status if known else "OUTCOME UNKNOWN", "yellow" if known else "red")
    title = harmless(one.execution.title)
    return f"  {one.execution.command} {title}: {status}: {one.summary}"


async def _conclude(walk: Walk, report: Path | None) -> None:
    session, screen = walk.session, walk.screen
    runs = (await session.dossier()).incident.runs.values()
    ran = sum(run.status is not RunStatus.DECLINED for run in runs)
    screen.say(f"\n{ran} commands run, {len(walk.failed)} of them without success.")
    if walk.failed:
        screen.say(f"  without success: {', '.join(walk.failed)}")
    if walk.waiting:
        screen.say(f"  waiting for a person: {', '.join(walk.waiting)}")
    if session.setting.keep:
        screen.say(f"  record: {session.setting.keep / 'playcall.db'}, incident {session.number}")
    if report:
        await _write_report(session, report)
        screen.say(f"  report: {report}")


async def _write_report(session: Session, report: Path) -> None:
    text = await session.report()
    await asyncio.to_thread(report.write_text, text, "utf-8")
