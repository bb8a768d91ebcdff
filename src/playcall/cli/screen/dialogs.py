"""What the screen asks a person: which one, whether really, in what words. Escape is always no."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option


class Choose(ModalScreen[str | None]):
    """One of several; its id."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Back")]

    def __init__(self, title: str, offers: Sequence[tuple[str, Text]]) -> None:
        super().__init__()
        self._title = title
        self._offers = offers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(f"{self._title}\nEnter takes one, Escape none.", markup=False)
            yield OptionList(*(Option(text, id=key) for key, text in self._offers), markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


class Confirm(ModalScreen[bool]):
    """Only `y` is a yes: a key that was meant for something else is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "dismiss(True)", "Yes"),
        ("n,escape", "dismiss(False)", "No"),
    ]

    def __init__(self, about: Text, question: str) -> None:
        super().__init__()
        self._about = about
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            with VerticalScroll(classes="about"):
                yield Static(self._about, markup=False)
            yield Static(f"{self._question}  y: yes, n: no", classes="question", markup=False)


class Write(ModalScreen[str | None]):
    """Some words; None: nothing is to be done."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Back")]

    def __init__(self, about: Text, *, needed: bool = False) -> None:
        super().__init__()
        self._about = about
        self._needed = needed

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            with VerticalScroll(classes="about"):
                yield Static(self._about, markup=False)
            yield Input(max_length=2000)
            yield Static("Enter: do it, Escape: do nothing", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() or not self._needed:
            self.dismiss(event.value.strip())


class Help(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,enter", "dismiss", "Back")]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static(self._text, markup=False)
