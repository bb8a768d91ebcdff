"""Matches a program's arguments against what is known of it, strictly. Guesses nothing."""

import re
from dataclasses import dataclass, field

from playcall.core.compiler.shell.knowledge import Program
from playcall.core.compiler.shell.standins import MARKS
from playcall.core.compiler.shell.syntax import Word

# What an option that nobody listed may not be called, where all others count as harmless.
_ACTS = re.compile(
    r"-(?:out|output|outfile|file|files|dest|destination|dir|directory|save|write|dump|exec|plugin"
    r"|command|cmd|script|hook|kubeconfig|config|force|fix|repair|delete|remove|purge|reset|create"
    r"|set|apply|execute|refresh|edit|update|install|auto-create|web|open|browser)(?:-|$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    name: str
    value: Word | None
    word: Word  # the argument it stands in


@dataclass(slots=True, kw_only=True)
class Arguments:
    """Options and operands, in order. `refusals`: why these arguments are not trusted."""

    options: list[Option] = field(default_factory=list)
    operands: list[Word] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    rest: list[Word] = field(default_factory=list)  # where reading stopped, if it was told to

    def get(self, *names: str) -> Option | None:
        """The last option of these names."""
        return next((o for o in reversed(self.options) if o.name in names), None)

    def has(self, *names: str) -> bool:
        return self.get(*names) is not None


def read_arguments(program: Program, words: list[Word], stop_after: int | None = None) -> Arguments:
    """Sort the words after a program's name. With `stop_after`, reading ends with that many
    operands, and the words behind them are `rest`."""
    return _Reader(program, words).read(stop_after)


class _Reader:
    def __init__(self, program: Program, words: list[Word]) -> None:
        self.program = program
        self.words = words
        self.at = 0
        self.found = Arguments()
        self.counts = False  # whether how many operands there are decides what runs

    def read(self, stop_after: int | None) -> Arguments:
        only_operands = False
        self.counts = stop_after is not None
        while self.at < len(self.words):
            word = self.words[self.at]
            is_option = not only_operands and self._is_option(word)
            full = stop_after is not None and len(self.found.operands) >= stop_after
            if full and not is_option:
                break
            self.at += 1
            if not only_operands and word.text == "--" and word.literal:
                only_operands = True
            elif is_option:
                self._option(word)
            else:
                self._operand(word, only_operands)
        self.found.rest = self.words[self.at :]
        return self.found

    def _is_option(self, word: Word) -> bool:
        return len(word.text) > 1 and word.text.startswith("-") and word.text != "--"

    def _operand(self, word: Word, safe: bool) -> None:
        if word.may_be_option and not safe and not self.program.loose:
            self._refuse(f'a value known only at run time may become an option of "{self._name}"')
        elif self.counts and (word.splits or word.globs):
            self._refuse(f'how many words "{self._name}" gets here is known only at run time')
        self.found.operands.append(word)

    @property
    def _name(self) -> str:
        return self.program.name

    def _refuse(self, why: str) -> None:
        self.found.refusals.append(why)

    def _option(self, word: Word) -> None:
        if word.splits and not self.program.loose:
            self._refuse(f'a value known only at run time may add options to "{self._name}"')
        if self.program.number and re.fullmatch(r"-\d+", word.text):
            self.found.options.append(Option(name="-N", value=word, word=word))
        elif self.program.single_dash or word.text.startswith("--"):
            self._long(word)
        elif not self._exact(word):
            self._cluster(word)

    def _exact(self, word: Word) -> bool:
        """A short program's option that is written as a whole: '-p', or '-name'."""
        if word.text in self.program.changes:
            self._refuse(f"{self._name} {word.text}: {self.program.changes[word.text]}")
            return True
        if word.text in self.program.values:
            self._add(word.text, self._next(word.text), word)
            return True
        if word.text in self.program.flags or word.text in self.program.maybe:
            self._add(word.text, None, word)
            return True
        return False

    def _long(self, word: Word) -> None:
        name, equals, _ = word.text.partition("=")
        if any(mark in name for mark in MARKS):
            self._refuse(f'an option of "{self._name}" is known only at run time')
        elif not equals and self._exact(word):
            pass
        elif name in self.program.changes:
            self._refuse(f"{self._name} {name}: {self.program.changes[name]}")
        elif equals and (name in self.program.values or name in self.program.maybe):
            self._add(name, _tail(word, len(name) + 1), word)
        elif self.program.open and word.text.startswith("--") and not _ACTS.search(name):
            self._add(name, _tail(word, len(name) + 1) if equals else None, word)
        else:
            self._refuse(f'unknown option "{_shown(name)}" of "{self._name}"')

    def _cluster(self, word: Word) -> None:
        """Combined short options: '-sSf', '-n5', '-itc name'."""
        letters = word.text[1:]
        for index, letter in enumerate(letters):
            name = f"-{letter}"
            if name in self.program.changes:
                self._refuse(f"{self._name} {name}: {self.program.changes[name]}")
                return
            if name in self.program.attached:
                self._add(name, _tail(word, index + 2), word)
                return
            if name in self.program.values:
                rest = _tail(word, index + 2) if index + 1 < len(letters) else self._next(name)
                self._add(name, rest, word)
                return
            if name not in self.program.flags:
                self._refuse(f'unknown option "{_shown(word.text)}" of "{self._name}"')
                return
            self._add(name, None, word)

    def _add(self, name: str, value: Word | None, word: Word) -> None:
        allowed = self.program.allows.get(name)
        if allowed is not None and not (
            value is not None and value.literal and allowed.fullmatch(value.text)
        ):
            shown = _shown(value.text) if value is not None else ""
            self._refuse(f'"{self._name} {name} {shown}" is not known to only look')
        self.found.options.append(Option(name=name, value=value, word=word))

    def _next(self, name: str) -> Word | None:
        if self.at >= len(self.words):
            self._refuse(f'option "{name}" of "{self._name}" has no value')
            return None
        word = self.words[self.at]
        self.at += 1
        if word.splits and not self.program.loose:
            self._refuse(f'the value of "{name}" may become several words')
        if self._is_option(word) and not re.fullmatch(r"-\d+[a-zA-Z]?", word.text):
            self._refuse(f'option "{name}" of "{self._name}" has no value before "{word.text}"')
        return word


def _tail(word: Word, start: int) -> Word:
    return Word(
        text=word.text[start:],
        start=word.start,
        end=word.end,
        globs=word.globs,
        splits=word.splits,
        quoted=word.quoted,
    )


def _shown(text: str) -> str:
    return "".join("?" if char in MARKS else char for char in text)[:60]
