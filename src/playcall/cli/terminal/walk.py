"""Leads a person through a play: results first, then phase by phase what is to be decided."""

from dataclasses import dataclass, field
from itertools import groupby

from playcall.cli.console import harmless, harmless_lines, paint
from playcall.cli.rehearsed import LEADS, command_rows, heading
from playcall.cli.terminal.screen import Screen
from playcall.cli.terminal.session import Session
from playcall.core.access import Access
from playcall.core.decision import Asked, Lead, walk
from playcall.core.effects import Refused
from playcall.core.events import (
    Event,
    NoteAdded,
    QuestionAnswered,
    Resolved,
    RunApproved,
    RunDeclined,
    ValueGiven,
)
from playcall.core.incident import Incident, Run, RunStatus, Whence
from playcall.core.offers import offers
from playcall.core.parameters import kind_of
from playcall.core.plan import Command, EffectClass, Guard, Step
from playcall.core.rehearsal import CommandPreview, Start, known_to, preview, say_guard
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
    waiting: list[str] = field(default_factory=list)  # commands that want a person who is not here
    failed: list[str] = field(default_factory=list)

    async def look(self) -> None:
        """The diagnostics in the order of the document, each as soon as it is its turn."""
        self.screen.say(f"\n{paint('Diagnostics', 'bold')}, all at once")
        runs = (await self.session.dossier()).incident.runs
        for command in self.session.setting.play.commands():
            if command.id in runs:
                await self._show(command.id)

    async def go(self) -> None:
        """Phase by phase. Raises Stopped."""
        for phase in self.session.setting.play.phases:
            self.screen.say(heading(phase))
            for step in phase.steps:
                await self._step(step)

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

    async def _step(self, step: Step) -> None:
        self.screen.say(f"  {step.number}. {harmless(step.title)}  (line {step.line})")
        for guard, commands in groupby(step.commands, key=lambda command: command.guard):
            if await self._applies(guard):
                for command in commands:
                    await self._command(command)
        for material in step.materials:
            rows = harmless_lines(material.text)
            self.screen.say(*(f"      | {row}" for row in rows))
        await self._checks(step)
        if step.decision is not None:
            await self._decide(step)

    async def _applies(self, guard: Guard | None) -> bool:
        """Without anybody to ask, what stands under a condition is listed all the same."""
        if guard is None:
            return True
        name = paint(harmless(say_guard(guard)), "yellow")
        if not self.screen.attended:
            self.screen.say(f"    {name}")
            return True
        question = "Does this apply?" if guard.kind == "if" else "Take this way?"
        return await self.screen.agrees(f"    {name}: {question}")

    async def _checks(self, step: Step) -> None:
        self.screen.say(*(f"    [ ] {harmless(check.text)}" for check in step.checks))
        if step.checks and self.screen.attended:
            await self._note("    Enter when done, or a note for the record:")

    async def _note(self, question: str) -> None:
        text = await self.screen.ask(question)
        if text:
            await self._submit(NoteAdded(at=self.session.now(), by=self.session.who, text=text))

    # --- commands

    async def _command(self, command: Command) -> None:
        incident = (await self.session.dossier()).incident
        if (run := incident.runs.get(command.id)) and run.after:
            await self._show(command.id)  # a change has ended since the diagnostics
            return
        if run:
            title = harmless(command.title)
            self.screen.say(f"    {command.effect:<8}{command.id:<5} {title}: see above")
            return
        shown = self._preview(command, incident)
        if shown.missing and shown.start is not Start.PERSON and self.screen.attended:
            shown = await self._fill(command, shown)
            if command.id in (await self.session.dossier()).incident.runs:
                await self._show(command.id)  # it only looks, and waited for nothing else
                return
        self.screen.say(*command_rows(shown))
        if shown.missing and self.screen.attended:
            names = harmless(", ".join(shown.missing))
            self.screen.say(f"    {paint('not run', 'yellow')}: no value for {names}")
            self.waiting.append(command.id)
        else:
            await self._offer(shown)

    def _preview(self, command: Command, incident: Incident) -> CommandPreview:
        play = self.session.setting.play
        return preview(command, known_to(incident), alone=False, play=play)

    async def _offer(self, command: CommandPreview) -> None:
        """To run it, to do it, or to leave it."""
        if command.refused:
            self.screen.say(f"    {paint('not run', 'yellow')}: {harmless(command.refused)}")
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
            await self._submit(RunDeclined(at=now, by=who, command=command.id, reason=reason))

    async def _fill(self, command: Command, shown: CommandPreview) -> CommandPreview:
        """Ask for the values that it lacks; what does not fit is refused, and asked for again."""
        for name in shown.missing:
            kind = kind_of(command, name)
            found = offers(kind, name, await self.session.printed())
            for number, offer in enumerate(found, start=1):
                said = f"{offer.value}  ({offer.found})"
                self.screen.say(f"      {number}: {harmless(said)}")
            choice = ", or the number of one above" if found else ""
            question = f"    {name}, a {kind} for {command.id}{choice}; Enter: leave it open:"
            while text := await self.screen.ask(harmless(question)):
                chosen = (
                    found[int(text) - 1] if text.isdigit() and 0 < int(text) <= len(found) else None
                )
                given = ValueGiven(
                    at=self.session.now(),
                    by=self.session.who,
                    name=name,
                    value=chosen.value if chosen else text,
                    command=command.id,
                    whence=Whence.OUTPUT if chosen else Whence.TYPED,
                    found=chosen.found if chosen else "",
                )
                if await self._submit(given):
                    break
        incident = (await self.session.dossier()).incident
        return self._preview(command, incident)

    async def _run(self, command: CommandPreview) -> None:
        """The person at the terminal could as well type the command, so has every access here."""
        approval = RunApproved(
            at=self.session.now(),
            by=self.session.who,
            command=command.id,
            access=Access.ADMINISTRATOR,
        )
        if not await self._submit(approval):
            self.waiting.append(command.id)
        elif not await self._show(command.id):
            self.screen.say(f"    {paint('not run', 'yellow')}: more people have to agree")
            self.waiting.append(command.id)

    async def _submit(self, event: Event) -> bool:
        outcome = await self.session.submit(event)
        if isinstance(outcome, Refused):
            self.screen.say(f"    {paint('refused', 'red')}: {harmless(outcome.reason)}")
            return False
        return True

    async def _show(self, command_id: str) -> bool:
        """Its end; False when nothing of it runs, since more people have to agree."""

        def over(found: Dossier) -> bool:
            run = found.incident.runs.get(command_id)
            return run is None or not run.status.active

        found = await self.session.until(over, PATIENCE)
        if not over(found):
            self.screen.say(f"    {command_id} is running; Ctrl-C ends it ...")
            found = await self.session.until(over)
        run = found.incident.runs.get(command_id)
        if run is None or run.status is RunStatus.DECLINED:
            return False
        if run.status is not RunStatus.SUCCEEDED:
            self.failed.append(command_id)
        await self._show_run(command_id, run)
        return True

    async def _show_run(self, command_id: str, run: Run) -> None:
        stored = await self.session.output(run.id)
        if stored is None:
            return
        status = paint(run.status, _COLOUR.get(run.status, "red"))
        took = ""
        if stored.begun_at and stored.ended_at:
            took = f" in {say_duration(stored.ended_at - stored.begun_at)}"
        title = f"{harmless(stored.execution.title)}  (line {stored.execution.line})"
        after = f" after {run.after}" if run.after else ""
        self.screen.say(
            f"    {command_id:<5} {title}{after}: {status}{took}: {harmless(run.summary)}"
        )
        lines = harmless_lines(stored.output.decode("utf-8", "replace"))
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
