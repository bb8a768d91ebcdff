"""Leads a person through a play: results first, then phase by phase what is to be decided."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from playcall.cli.console import harmless, harmless_lines, paint
from playcall.cli.rehearsed import LEADS, command_rows, heading
from playcall.cli.terminal.screen import Screen
from playcall.cli.terminal.session import Session
from playcall.core.access import Access
from playcall.core.decision import Asked, Lead, walk
from playcall.core.effects import Refused
from playcall.core.events import Event, NoteAdded, QuestionAnswered, Resolved, RunApproved
from playcall.core.events import RunDeclined as Declined
from playcall.core.incident import Run, RunStatus
from playcall.core.plan import EffectClass, Step
from playcall.core.rehearsal import CommandPreview, PhasePreview, Rehearsal, Start, StepPreview
from playcall.core.verification import doubts, measurable
from playcall.core.wording import say_duration, say_judgement
from playcall.engine.ports import Dossier

SHOWN = 40  # lines of a command's output; the record has all of it
PATIENCE = 2.0  # seconds until a command that goes on is spoken of
MEASURING = 15.0  # seconds that a first reading may take
SETTLING = 10.0  # seconds that the end of the incident may take
NOBODY = "not run: nobody is at the terminal"
_COLOUR = {RunStatus.SUCCEEDED: "green", RunStatus.DECLINED: "dim"}


@dataclass(slots=True, kw_only=True)
class Walk:
    session: Session
    screen: Screen
    rehearsal: Rehearsal
    waiting: list[str] = field(default_factory=list)  # commands that want a person who is not here
    failed: list[str] = field(default_factory=list)

    async def look(self) -> None:
        """The diagnostics in the order of the document, each as soon as it is its turn."""
        self.screen.say(f"\n{paint('Diagnostics', 'bold')}, all at once")
        for command in self._commands():
            if command.start is Start.ITSELF:
                await self._show(command)

    async def go(self) -> None:
        """Phase by phase. Raises Stopped."""
        steps = iter([s for phase in self.session.setting.play.phases for s in phase.steps])
        for phase in self.rehearsal.phases:
            self.screen.say(heading(phase))
            for step in phase.steps:
                await self._step(step, next(steps))

    async def finish(self) -> None:
        """Measure, and end the incident if the person says so. Raises Stopped."""
        self.screen.say(f"\n{paint('Is it over?', 'bold')}")
        while True:
            found = await self._measured()
            against = doubts(found.incident, found.plan)
            for doubt in against:
                self.screen.say(f"    not proven: {harmless(doubt)}")
            if not self.screen.attended:
                return
            answer = await self.screen.ask("y: resolve it; m: measure again; Enter: leave it open")
            if answer.lower() in ("y", "yes"):
                cause = await self.screen.ask("What was the cause? For the report:")
                await self._submit(
                    Resolved(
                        at=self.session.now(),
                        by=self.session.who,
                        cause=cause,
                        unverified=bool(against),
                    )
                )
                await self.session.until(lambda one: one.incident.status == "closed", SETTLING)
                return
            if answer.lower() != "m":
                return

    # --- steps

    def _commands(self) -> Iterable[CommandPreview]:
        return (c for phase in self.rehearsal.phases for s in phase.steps for c in s.commands)

    async def _step(self, shown: StepPreview, step: Step) -> None:
        self.screen.say(f"  {shown.number}. {harmless(shown.title)}  (line {shown.line})")
        for guard, commands in groupby(shown.commands, key=lambda c: (c.guard, c.option)):
            if await self._applies(*guard):
                for command in commands:
                    await self._command(command)
        for material in step.materials:
            rows = harmless_lines(material.text)
            self.screen.say(*(f"      | {row}" for row in rows))
        await self._checks(shown)
        if shown.decision is not None:
            await self._decide(step)

    async def _applies(self, guard: str | None, option: bool) -> bool:
        """Without anybody to ask, what stands under a condition is listed all the same."""
        if guard is None:
            return True
        name = paint(harmless(guard), "yellow")
        if not self.screen.attended:
            self.screen.say(f"    {name}")
            return True
        question = "Take this way?" if option else "Does this apply?"
        return await self.screen.agrees(f"    {name}: {question}")

    async def _checks(self, step: StepPreview) -> None:
        self.screen.say(*(f"    [ ] {harmless(check)}" for check in step.checks))
        if step.checks and self.screen.attended:
            await self._note("    Enter when done, or a note for the record:")

    async def _note(self, question: str) -> None:
        text = await self.screen.ask(question)
        if text:
            await self._submit(NoteAdded(at=self.session.now(), by=self.session.who, text=text))

    # --- commands

    async def _command(self, command: CommandPreview) -> None:
        if command.start is Start.ITSELF:
            title = harmless(command.title)
            self.screen.say(f"    {command.effect.value:<8}{command.id:<5} {title}: see above")
            return
        self.screen.say(*command_rows(command))
        if command.refused or command.missing:
            why = command.refused or f"no value for {', '.join(command.missing)}"
            self.screen.say(f"    {paint('not run', 'yellow')}: {harmless(why)}")
            self.waiting.append(command.id)
        elif not self.screen.attended:
            self.screen.say(f"    {paint(NOBODY, 'yellow')}")
            self.waiting.append(command.id)
        elif command.start is Start.PERSON:
            await self._note("    Enter when done, or what came of it, for the record:")
        elif await self.screen.agrees(f"    Run {command.id}?"):
            await self._run(command)
        elif command.effect is EffectClass.CHANGE:
            now, who = self.session.now(), self.session.who
            reason = "skipped at the terminal"
            await self._submit(Declined(at=now, by=who, command=command.id, reason=reason))

    async def _run(self, command: CommandPreview) -> None:
        """The person at the terminal could as well type the command, so has every access here."""
        approval = RunApproved(
            at=self.session.now(),
            by=self.session.who,
            command=command.id,
            access=Access.ADMINISTRATOR,
        )
        if await self._submit(approval):
            await self._show(command)
        else:
            self.waiting.append(command.id)

    async def _submit(self, event: Event) -> bool:
        outcome = await self.session.submit(event)
        if isinstance(outcome, Refused):
            self.screen.say(f"    {paint('refused', 'red')}: {harmless(outcome.reason)}")
            return False
        return True

    async def _show(self, command: CommandPreview) -> None:
        def over(found: Dossier) -> bool:
            run = found.incident.runs.get(command.id)
            return run is None or not run.status.active

        found = await self.session.until(over, PATIENCE)
        if not over(found):
            self.screen.say(f"    {command.id} is running; Ctrl-C ends it ...")
            found = await self.session.until(over)
        run = found.incident.runs.get(command.id)
        if run is None:
            self.screen.say(f"    {command.id} has not run")
            return
        if run.status is not RunStatus.SUCCEEDED:
            self.failed.append(command.id)
        await self._show_run(command, run)

    async def _show_run(self, command: CommandPreview, run: Run) -> None:
        stored = await self.session.output(run.id)
        status = paint(run.status, _COLOUR.get(run.status, "red"))
        took = ""
        if stored and stored.begun_at and stored.ended_at:
            took = f" in {say_duration(stored.ended_at - stored.begun_at)}"
        title = f"{command.id:<5} {harmless(command.title)}  (line {command.line})"
        self.screen.say(f"    {title}: {status}{took}: {harmless(run.summary)}")
        lines = harmless_lines(stored.output.decode("utf-8", "replace")) if stored else []
        if len(lines) > SHOWN:
            self.screen.say(f"      | ... {len(lines) - SHOWN} lines before these")
        self.screen.say(*(f"      | {line}" for line in lines[-SHOWN:]))

    # --- the decision tree

    async def _decide(self, step: Step) -> None:
        told = 0
        while True:
            found = await self.session.dossier()
            at = walk(step, self.session.setting.play, found.incident.answers)
            for reached in at.reached[told:]:
                ids = f": {', '.join(reached.commands)}" if reached.commands else ""
                outcome = f"{harmless(reached.outcome)} ({LEADS[reached.lead]}{ids})"
                self.screen.say(f"    {paint('decided', 'green')}: {outcome}")
                if reached.lead is Lead.DIAGNOSE:
                    await self.look()
            told = len(at.reached)
            if at.asked is None:
                return
            if not self.screen.attended:
                self.screen.say(f"    {harmless(at.asked.question.text)} (nobody answers)")
                self.waiting.append(f"question {at.asked.id}")
                return
            if not await self._answer(at.asked):
                return

    async def _answer(self, asked: Asked) -> bool:
        labels = " / ".join(answer.label for answer in asked.question.answers)
        text = harmless(f"{asked.question.text} [{labels}; Enter: leave it open]")
        answer = await self.screen.ask(f"    {text}")
        if not answer:
            return False
        now, who = self.session.now(), self.session.who
        await self._submit(QuestionAnswered(at=now, by=who, question=asked.id, answer=answer))
        return True

    # --- the end

    async def _measured(self) -> Dossier:
        wanted = measurable(self.session.setting.play)
        found = await self.session.until(
            lambda one: all(c.id in one.readings for c in wanted), MEASURING
        )
        for criterion in wanted:
            read = found.readings.get(criterion.id)
            said = say_judgement(criterion, read[1], read[0]) if read else f"{criterion.id}: unread"
            self.screen.say(f"    {harmless(said)}")
        return found


def left_open(phases: Iterable[PhasePreview]) -> dict[str, tuple[CommandPreview, ...]]:
    """Placeholders that nothing fills yet, each with the commands that want it."""
    found: dict[str, tuple[CommandPreview, ...]] = {}
    for phase in phases:
        for step in phase.steps:
            for command in step.commands:
                if command.start is not Start.PERSON:
                    for name in command.missing:
                        found[name] = (*found.get(name, ()), command)
    return found
