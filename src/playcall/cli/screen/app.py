"""The screen itself: draws the picture, follows the server, and does what the keys say. It shows
what it knows while the server is away, and says so."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from playcall.cli import remote
from playcall.cli.console import harmless
from playcall.cli.screen import lines
from playcall.cli.screen.dialogs import Choose, Confirm, Help, Write
from playcall.cli.screen.picture import Known, Picture, Server

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # seconds before a server that is away is asked again
HELP = """\
up, down   choose an incident       tab   go to the other side, to scroll it
a   acknowledge                     d   answer what the document asks
p   approve a command: shows what   e   escalate to the next rung
    would run, and asks first       R   resolve
r   refuse a command                /   filter; Escape ends it
n   add a note                      q   quit

Escape closes this.
"""
STYLE = """
#top { height: 1; background: $primary; color: $text; padding: 0 1; }
#trouble { height: auto; max-height: 3; background: $error; color: $text; padding: 0 1;
    display: none; }
#both { height: 1fr; }
#board { width: 34; border-right: solid $primary; }
#incidents { height: 1fr; border: none; padding: 0; }
#incidents > .option-list--option-highlighted,
.dialog OptionList > .option-list--option-highlighted {
    background: $primary-muted; color: $text; }
#filter { display: none; border: none; height: 1; }
#incident { width: 1fr; padding: 0 1; }
.-wide #both { layout: horizontal; }
.-narrow #board { width: 100%; height: 40%; border: none; border-bottom: solid $primary; }
ModalScreen { align: center middle; }
.dialog { width: 90%; max-width: 100; height: auto; max-height: 90%; background: $surface;
    border: round $primary; padding: 0 1; }
.about { height: auto; max-height: 15; }
.question { text-style: bold; margin-top: 1; }
.dialog OptionList { height: auto; max-height: 15; }
"""


class Watch(App[None]):
    TITLE = "Playcall"
    CSS = STYLE
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - the base class declares it so
        (0, "-narrow"),
        (70, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "acknowledge", "Ack"),
        Binding("p", "approve", "Approve"),
        Binding("r", "refuse", "Refuse"),
        Binding("n", "note", "Note"),
        Binding("d", "decide", "Decide"),
        Binding("e", "escalate", "Escalate"),
        Binding("R", "resolve", "Resolve"),
        Binding("slash", "filter", "Filter", show=False),
        Binding("escape", "unfilter", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self._picture = Picture(server)
        self._chosen: int | None = None
        self._lost_at: datetime | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="top", markup=False)
        yield Static(id="trouble", markup=False)
        with Container(id="both"):
            with Vertical(id="board"):
                yield OptionList(id="incidents", markup=False)
                yield Input(id="filter", placeholder="filter")
            with VerticalScroll(id="incident"):
                yield Static("Asking the server …", id="shown", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    @property
    def _view(self) -> Screen[object]:
        """What lies below the dialogs."""
        return self.screen_stack[0]

    def on_mount(self) -> None:
        self._view.query_one("#incidents").focus()
        self._follow()
        self.set_interval(1, self._draw)  # durations move on

    async def on_unmount(self) -> None:
        self.workers.cancel_all()
        await self._server.close()

    # --- following the server --------------------------------------------------------------------

    @work(exclusive=True, group="follow")
    async def _follow(self) -> None:
        pause = 0.0
        while True:
            try:
                await self._picture.refresh(self._chosen)
                pause = 0.0
                self._say_trouble("")
                self._draw()
                await self._picture.wait()
            except remote.Declined as error:
                self._say_trouble(str(error))
                pause = min(max(FIRST_PAUSE, pause * 2), LONGEST_PAUSE)
                await asyncio.sleep(pause)

    @work(exclusive=True, group="look")
    async def _look(self, incident: int) -> None:
        try:
            await self._picture.look(incident)
        except remote.Declined as error:
            self._say_trouble(str(error))
        self._draw()

    def _say_trouble(self, said: str) -> None:
        trouble = self._view.query_one("#trouble", Static)
        trouble.display = bool(said)
        if not said:
            self._lost_at = None
            return
        self._lost_at = self._lost_at or self._server.now()
        trouble.update(Text(f"Not live since {self._lost_at:%H:%M:%S} UTC. {harmless(said)}"))

    # --- drawing ---------------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self.is_running:
            return
        now, listed = self._server.now(), self._listed()
        if listed and self._chosen not in (one["id"] for one in listed):
            self._chosen = listed[0]["id"]  # none was, or the filter hides it
        self._draw_board(listed, now)
        open_ones = sum(not lines.over(one) for one in self._picture.incidents)
        top = f"Playcall  {harmless(self._server.url)}  {open_ones} open  {now:%H:%M:%S} UTC"
        self._view.query_one("#top", Static).update(Text(top))
        found = self._picture.details.get(self._chosen or 0)
        if found:
            update = self._picture.updates.get(found["id"])
            shown = lines.incident(found, update, now)
        elif self._lost_at is None and not self._picture.incidents:
            shown = Text("No open incidents.")
        else:
            return
        self._view.query_one("#shown", Static).update(shown)

    def _draw_board(self, listed: list[Known], now: datetime) -> None:
        board = self._view.query_one("#incidents", OptionList)
        width = max(10, (board.size.width or 32) - 2)
        picture = self._picture
        rows = {
            str(one["id"]): lines.row(
                one, picture.details.get(one["id"]), picture.updates.get(one["id"]), now, width
            )
            for one in listed
        }
        if [option.id for option in board.options] == list(rows):
            for key, text in rows.items():
                board.replace_option_prompt(key, text)
        else:
            board.set_options([Option(text, id=key) for key, text in rows.items()])
            if rows:
                board.highlighted = list(rows).index(str(self._chosen))

    def _listed(self) -> list[Known]:
        wanted = self._view.query_one("#filter", Input).value.strip().lower()
        return [one for one in self._picture.incidents if wanted in _searched(one)]

    # --- keys ------------------------------------------------------------------------------------

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """By where the board stands now: it may have moved on since the event."""
        option = event.option_list.highlighted_option
        if event.option_list.id != "incidents" or option is None:
            return
        number = int(option.id or 0)
        if number != self._chosen:
            self._chosen = number
            self._view.query_one("#incident").scroll_home(animate=False)
            self._draw()
            self._look(number)

    def action_filter(self) -> None:
        box = self._view.query_one("#filter", Input)
        box.display = True
        box.focus()

    def action_unfilter(self) -> None:
        box = self._view.query_one("#filter", Input)
        box.value = ""
        box.display = False
        self._view.query_one("#incidents").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter":
            self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "filter":
            self._view.query_one("#incidents").focus()

    def action_help(self) -> None:
        self.push_screen(Help(HELP))

    @work
    async def action_acknowledge(self) -> None:
        if found := self._current():
            await self._act(found, "acknowledge", {})

    @work
    async def action_note(self) -> None:
        if found := self._current():
            about = Text(f"A note for incident {found['id']}: {harmless(found['title'])}")
            text = await self.push_screen_wait(Write(about, needed=True))
            if text:
                await self._act(found, "notes", {"text": text})

    @work
    async def action_approve(self) -> None:
        found = self._current()
        command = await self._command(found, "Approve which command?") if found else None
        if not found or not command:
            return
        if command["missing"]:
            names = " ".join(f"{name}=VALUE" for name in command["missing"])
            self._say(f"Values are missing: playcall set {found['id']} {names}", failed=True)
            return
        asked = command["ask"]
        ask_first = asked["ask_first"]
        wish = "Ask others to approve this?" if ask_first else "Let this run once?"
        if await self.push_screen_wait(Confirm(lines.what_runs(command, found["id"]), wish)):
            body = {"command": command["id"], "digest": asked["digest"]}
            await self._act(found, "ask" if ask_first else "approve", body)

    @work
    async def action_refuse(self) -> None:
        found = self._current()
        command = await self._command(found, "Refuse which command?") if found else None
        if found and command:
            about = Text("Refuse this. Why?\n").append_text(lines.what_runs(command, found["id"]))
            reason = await self.push_screen_wait(Write(about))
            if reason is not None:
                await self._act(found, "decline", {"command": command["id"], "reason": reason})

    @work
    async def action_decide(self) -> None:
        found = self._current()
        asked = lines.question(found) if found else None
        if not found or not asked:
            self._say("The document asks nothing now.")
            return
        offers = [(str(n), Text(harmless(label))) for n, label in enumerate(asked["answers"])]
        title = f"Incident {found['id']}: {harmless(asked['text'])}"
        taken = await self.push_screen_wait(Choose(title, offers))
        if taken is not None:
            answer = asked["answers"][int(taken)]
            await self._act(found, "answer", {"question": asked["question"], "answer": answer})

    @work
    async def action_escalate(self) -> None:
        if not (found := self._current()):
            return
        rungs = found["rungs"]
        number = max((n for n, rung in enumerate(rungs) if rung["climbed"]), default=-1) + 1
        whom = " and ".join(rungs[number]["roles"]) if number < len(rungs) else "the next rung"
        about = Text(f"Incident {found['id']}: call {harmless(whom)}. What should they read first?")
        reason = await self.push_screen_wait(Write(about))
        if reason is not None:
            await self._act(found, "escalate", {"whom": "next", "rung": number, "reason": reason})

    @work
    async def action_resolve(self) -> None:
        if not (found := self._current()):
            return
        about = Text(f"Call incident {found['id']} over: {harmless(found['title'])}")
        for doubt in found["doubts"]:
            about.append(f"\nNot proven: {harmless(doubt)}", "yellow")
        about.append("\nThe cause: ")
        cause = await self.push_screen_wait(Write(about))
        if cause is None:
            return
        about.append(harmless(cause))
        doubted = bool(found["doubts"])
        if doubted and not await self.push_screen_wait(Confirm(about, "Over, although unproven?")):
            return
        await self._act(found, "resolve", {"cause": cause, "unverified": doubted})

    # --- acting ----------------------------------------------------------------------------------

    def _current(self) -> Known | None:
        """The incident that is looked at."""
        found = self._picture.details.get(self._chosen or 0)
        if found is None:
            self._say("No incident is chosen.")
        return found

    async def _command(self, found: Known, title: str) -> Known | None:
        """One of those that wait, as it is now."""
        waiting = {one["id"]: one for one in lines.waiting(found)}
        if not waiting:
            self._say(f"Nothing of incident {found['id']} waits for an approval.")
            return None
        if len(waiting) == 1:
            return next(iter(waiting.values()))
        offers = [(key, lines.approval(one)) for key, one in waiting.items()]
        taken = await self.push_screen_wait(Choose(f"Incident {found['id']}. {title}", offers))
        return waiting[taken] if taken else None

    async def _act(self, found: Known, what: str, body: Mapping[str, Any]) -> None:
        number = found["id"]
        try:
            answer = await self._server.post(f"/incidents/{number}/{what}", body)
        except remote.Declined as error:
            self._say(f"Incident {number}: {error}", failed=True)
            return
        self._say(f"Incident {number}: {answer['status']}")
        self._look(number)

    def _say(self, text: str, *, failed: bool = False) -> None:
        self.notify(
            harmless(text),
            severity="error" if failed else "information",
            timeout=10 if failed else 5,
            markup=False,
        )


def _searched(one: Known) -> str:
    words = (one["id"], one["title"], one["severity"], one["status"], one["play"] or "")
    return " ".join(str(word) for word in words).lower()
