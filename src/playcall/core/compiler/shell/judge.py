"""Judges a syntax tree: every simple command, redirection and expansion in it. Runs nothing.

Only node types listed here are understood; any other is a change.
"""

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from playcall.core.compiler.shell import loops, programs, variables
from playcall.core.compiler.shell.findings import Context, Findings
from playcall.core.compiler.shell.knowledge import stand_ins
from playcall.core.compiler.shell.standins import MARKS, NAMES, WILD
from playcall.core.compiler.shell.syntax import MAX_DEPTH, Spans, Word, Words, parse, text_of, walk
from playcall.core.plan import EffectClass

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_STAGES = 200  # commands and bars of one pipeline
MAX_NESTED = 6  # texts within texts: sh -c "sh -c '...'"

_PLAIN = frozenset(
    [
        "program",
        "list",
        "pipeline",
        "command_name",
        "word",
        "number",
        "string",
        "string_content",
        "raw_string",
        "ansi_c_string",
        "concatenation",
        "simple_expansion",
        "process_substitution",
        "subshell",
        "if_statement",
        "elif_clause",
        "else_clause",
        "for_statement",
        "do_group",
        "case_statement",
        "case_item",
        "redirected_statement",
        "heredoc_start",
        "heredoc_body",
        "heredoc_content",
        "heredoc_end",
        "herestring_redirect",
        "negated_command",
        "variable_name",
        "special_variable_name",
        "variable_assignments",
        "binary_expression",
        "unary_expression",
        "parenthesized_expression",
        "postfix_expression",
        "test_operator",
        "regex",
        "extglob_pattern",
        "brace_expression",
        "file_descriptor",
        "array",
    ]
)
_EXPANSION = re.compile(
    r"\$\{(?:#?\w+|[?#$!@*]|\w+(?:\[[@*0-9]\])?"
    r"(?:(?::?[-=?+]|##?|%%?|//?|\^\^?|,,?).*|:\d+(?::\d+)?)?|#\w+\[[@*]\])\}",
    re.DOTALL,
)
_ARITHMETIC = re.compile(r"[\w\s+*/%()<>=!&|;,$#{}-]*")
_NUMERIC_TEST = frozenset(["-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v", "-R"])
_REDIRECT = re.compile(r"(?:\d+|\{\w+\})?(&>>?|>>|>\||>&|<&|<>|>|<)")
_ESCAPED_SPACE = re.compile(rb"(?:^|[\s;&|()<>=])\\[ \t]")
_IN_BRACKETS = frozenset(("[", "]", "=", "==", "!=", "!", "-a", "-o", "$"))
_JOINED = re.compile(rb"(?:^|\n)[ \t]*\\\n|[^ \t|&;(\n]\\\n")
_NO_WORDS = frozenset(
    ["variable_assignment", "file_redirect", "herestring_redirect", "heredoc_redirect"]
)
_UNBROKEN = frozenset(
    ["concatenation", "variable_assignment", "command_name", "subscript", "simple_expansion"]
)
_ARGUMENTS = frozenset(
    ["word", "string", "raw_string", "concatenation", "number", "simple_expansion"]
)


class Judge:
    """Judges one text, and the texts inside it, into shared findings."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def text(self, source: str, context: Context) -> None:
        """Judge shell text handed to another shell; its positions are its word's."""
        if WILD in source or NAMES in source:
            self.findings.change("runs text put together at run time")
        elif context.depth >= MAX_NESTED:
            self.findings.change("commands nested too deeply")
        else:
            _Text(self, source.encode(), context).judge()

    def argv(self, words: list[Word], context: Context) -> None:
        programs.judge_call(self, words, context)

    def top(self, data: bytes) -> "variables.Scope":
        return _Text(self, data, Context()).judge()


class _Text:
    """One parsed text."""

    def __init__(self, judge: Judge, data: bytes, context: Context) -> None:
        self.judge_all = judge
        self.findings = judge.findings
        self.data = data
        self.context = context
        self.root = parse(data).root_node

    def judge(self) -> "variables.Scope":
        empty = variables.Scope()
        if self.root.has_error:
            self._syntax_error()
            return empty
        if _ESCAPED_SPACE.search(self.data):
            self.findings.change("begins a word with an escaped space")
        if _JOINED.search(self.data):
            self.findings.change("continues a line in the middle of a word, or on an empty line")
        nodes: list[Node] = []
        for node, depth in walk(self.root):
            if depth > MAX_DEPTH or (node.type == "pipeline" and node.child_count > MAX_STAGES):
                self.findings.change("nested too deeply to be judged")
                return empty
            nodes.append(node)
        self.scope = variables.find_scope(nodes, self.data)
        self.words = Words(self.data, {**self.scope.tame, **self._to_be_bound()}, self.scope.named)
        for name in sorted(self.scope.given):
            written = self.scope.assigned.get(name, ("",))
            if any(stand_ins().changes(name, one, seen=False) for one in written):
                self.findings.change(f'sets "{name}", which changes what later words do')
        for node in nodes:
            if node.is_named:
                self._node(node)
            elif node.type == "$":
                self._lonely_dollar(node)
        return self.scope

    def _to_be_bound(self) -> dict[str, Spans]:
        """Variables never set are placeholders: what comes in their place is one quoted word."""
        if not self.context.top:
            return {}
        known = stand_ins().environment | self.scope.given
        everywhere = ((0, len(self.data) + 1),)
        return {use.name: everywhere for use in self.scope.used if use.name not in known}

    def _syntax_error(self) -> None:
        at = next(
            (n.start_byte for n, _ in walk(self.root) if n.type == "ERROR" or n.is_missing), 0
        )
        at = self.context.origin[0] if self.context.origin else at
        self.findings.change("does not parse as shell")
        self.findings.fault(
            "PC201",
            programs.ERROR,
            "This is not a complete shell command.",
            'Check quotes, brackets and "do"/"done"; run it through "bash -n".',
            at,
        )

    def _lonely_dollar(self, node: "Node") -> None:
        """A "$" that expands nothing: parsers and shells disagree on what it is joined to."""
        parent = node.parent.type if node.parent is not None else ""
        if parent not in ("simple_expansion", "string", "heredoc_body"):
            self.findings.change('has a "$" that names nothing')

    def _node(self, node: "Node") -> None:
        if node.type in _UNBROKEN and _is_broken(node):
            self.findings.change("has a word that is broken by a space or a line end")
        if node.type in _PLAIN:
            if node.type == "case_statement":
                return
            self._anonymous(node)
            return
        handler = getattr(self, f"_on_{node.type}", None)
        if handler is None:
            self.findings.change(f"uses a shell construct that is not judged ({node.type})")
        else:
            handler(node)

    def _anonymous(self, node: "Node") -> None:
        if node.type == "for_statement" and node.children[0].type == "select":
            self.findings.say(EffectClass.MANUAL, '"select" asks at a terminal')

    # -- commands ---------------------------------------------------------------------------

    def _on_command(self, node: "Node") -> None:
        words: list[Word] = []
        for child in node.children:
            if child.type in _NO_WORDS:
                continue
            if not child.is_named:
                self.findings.change(f'"{child.type}" stands where a word was expected')
                return
            words.append(self.words.word(child))
        if any(one.end == other.start for one, other in pairwise(words)):
            self.findings.change("has words that touch: to bash they are one")
        if words and words[0].literal:
            defined = self.scope.functions.get(words[0].text)
            if defined is not None and defined <= node.start_byte:
                self.findings.leaves.append(words[0].text)
                return  # its body is judged where it stands
        if words:
            self.judge_all.argv(words, self._context_of(node))

    def _context_of(self, node: "Node") -> Context:
        piped = self.context.piped or any("redirect" in c.type for c in _feeds(node))
        at: Node | None = node
        while at is not None and not piped:
            parent = at.parent
            if parent is None:
                break
            if parent.type == "pipeline" and parent.named_children[0] != at:
                piped = True
            if parent.type == "heredoc_redirect":
                piped = True
            if parent.type == "redirected_statement" and any(_feeds(parent)):
                piped = True
            at = parent
        return Context(
            top=self.context.top,
            remote=self.context.remote,
            piped=piped,
            names=self._is_fed_names(node),
            depth=self.context.depth,
            origin=self.context.origin,
        )

    def _is_fed_names(self, node: "Node") -> bool:
        """Whether a pipe hands it names of Kubernetes objects, whole and one a line."""
        if node.parent is None or node.parent.type != "pipeline" or any(_feeds(node)):
            return False
        stages = node.parent.named_children
        before = stages[: stages.index(node)]
        between = all(text_of(stage, self.data) in ("sort", "head", "tail") for stage in before[1:])
        return bool(before) and between and self.words.names_command(before[0])

    def _on_function_definition(self, node: "Node") -> None:
        name = node.child_by_field_name("name")
        if name is not None and programs.is_known(text_of(name, self.data)):
            self.findings.change(f'gives "{text_of(name, self.data)}" another meaning')

    def _on_compound_statement(self, node: "Node") -> None:
        if node.children[0].type == "((":
            self._arithmetic(node)

    def _on_while_statement(self, node: "Node") -> None:
        if loops.never_ends(node, self.data):
            bare = Context(top=False, origin=self.context.origin)
            self.findings.endless(bare, node.start_byte, "This loop", [])

    # -- redirections -----------------------------------------------------------------------

    def _on_redirects(self, node: "Node") -> None:
        """Nothing of its own: its parts are judged one by one."""

    def _on_file_redirect(self, node: "Node") -> None:
        match = _REDIRECT.match(text_of(node, self.data))
        targets = [c for c in node.named_children if c.type != "file_descriptor"]
        if match is None or len(targets) > 1:
            self.findings.change("has a redirection that is not understood")
            return
        target = self.words.word(targets[0]) if targets else None
        self._redirect(match[1], target)

    def _redirect(self, operator: str, target: Word | None) -> None:
        if target is None or target.text in ("/dev/null", "/dev/stdout", "/dev/stderr"):
            return
        if operator in (">&", "<&") and re.fullmatch(r"\d+-?|-", target.text):
            return
        if operator == "<" and not target.text.startswith(("/dev/tcp", "/dev/udp")):
            return
        at_home = self.context.top and not self.context.remote and operator in (">", ">>", "&>")
        if at_home and target.literal and stand_ins().scratch.match(target.text):
            self.findings.scratch.append(target.text)
            return
        shown = "".join("?" if char in MARKS else char for char in target.text)
        self.findings.change(f'writes the file "{shown}"')

    def _on_heredoc_redirect(self, node: "Node") -> None:
        start = next((c for c in node.children if c.type == "heredoc_start"), None)
        if any(c.type in _ARGUMENTS for c in node.named_children) or start is None:
            self.findings.change("has words behind a here-document")
            return
        lines = self._lines_behind(start, node)
        word = text_of(start, self.data)
        quoted = re.search(r"['\"\\]", word) is not None
        joined = not quoted and any(line.endswith("\\") for line in lines)
        if joined or not self._ends_surely(lines, re.sub(r"['\"\\]", "", word), node):
            self.findings.change("has a here-document whose end is not sure")
        if not quoted and re.search(r"\$\(|`", "\n".join(lines)):
            self.findings.change("runs commands inside a here-document")

    def _lines_behind(self, start: "Node", node: "Node") -> list[str]:
        """The here-document's lines, its end among them, as bash would compare them."""
        tabs = "\t" if node.children[0].type == "<<-" else ""
        rest = self.data[start.end_byte : node.end_byte].decode(errors="replace")
        return [line.lstrip(tabs) if tabs else line for line in rest.split("\n")[1:]]

    def _ends_surely(self, lines: list[str], word: str, node: "Node") -> bool:
        """Whether the first line that is the word is where the parser, too, saw the end."""
        ended = lines[-1:] == [word] and word not in lines[:-1]
        return ended and self.data[node.end_byte : node.end_byte + 1] in (b"", b"\n")

    # -- expansions -------------------------------------------------------------------------

    def _on_command_substitution(self, node: "Node") -> None:
        source = text_of(node, self.data)
        if source.startswith("`") and "\\" in source:
            self.findings.change("escapes inside backticks are not judged")

    def _on_expansion(self, node: "Node") -> None:
        source = text_of(node, self.data)
        hidden = "`" in source and not any(n.type == "command_substitution" for n, _ in walk(node))
        if hidden or _EXPANSION.fullmatch(source) is None:
            self.findings.change("uses an expansion that may run code")

    def _on_arithmetic_expansion(self, node: "Node") -> None:
        self._arithmetic(node)

    def _on_c_style_for_statement(self, node: "Node") -> None:
        self._on_while_statement(node)
        source = text_of(node, self.data)
        self._numbers(source[: source.find("))") + 2].removeprefix("for"))

    def _on_subscript(self, node: "Node") -> None:
        if not re.fullmatch(r"\w+\[[@*0-9]+\]", text_of(node, self.data)):
            self.findings.change("uses a computed subscript")

    def _arithmetic(self, node: "Node") -> None:
        self._numbers(text_of(node, self.data).removeprefix("$"))

    def _numbers(self, source: str) -> None:
        names = re.findall(r"[A-Za-z_]\w*", source)
        if _ARITHMETIC.fullmatch(source) is None or "$(" in source:
            self.findings.change("computes with text known only at run time")
        elif not all(name in self.scope.numeric for name in names):
            self.findings.change("computes with a variable that may hold code")

    def _on_test_command(self, node: "Node") -> None:
        double = node.children[0].type == "[["
        if node.children[0].type == "((":
            self._arithmetic(node)
            return
        if not double and not _only_compares(node):
            self.findings.change('has an operator inside "[ ]" that the shell reads otherwise')
        operators = {text_of(n, self.data) for n, _ in walk(node) if n.type == "test_operator"}
        source = text_of(node, self.data)
        if re.search(r"(?<!\S)-[vR](?!\S)", source):
            self.findings.change("tests a variable by a name that may hold code")
        for part, _ in walk(node):
            if part.type in ("simple_expansion", "expansion", "command_substitution"):
                self._tested(part, double and bool(operators & _NUMERIC_TEST), double)

    def _tested(self, part: "Node", numeric: bool, double: bool) -> None:
        known = not self.words.word(part).text.startswith(WILD)
        inside = part.parent is not None and part.parent.type == "string"
        if not known and (numeric or not (double or inside)):
            self.findings.change("tests a value known only at run time that may hold code")

    def _on_comment(self, node: "Node") -> None:
        """A comment begins only where a word would begin, and not behind an escaped space."""
        before = self.data[: node.start_byte].decode(errors="replace")
        if before and (
            before[-1] not in " \t\n;&|()" or re.search(r"(?<!\\)(?:\\\\)*\\\s$", before)
        ):
            self.findings.change('has a "#" that is not surely a comment')

    # -- variables --------------------------------------------------------------------------

    def _on_variable_assignment(self, node: "Node") -> None:
        name = text_of(node.named_children[0], self.data)
        if name == "IFS" and _is_for_read(node, self.data):
            return
        parent = node.parent.type if node.parent is not None else ""
        seen = parent in ("command", "declaration_command")
        if stand_ins().changes(name, text_of(node, self.data), seen=seen):
            self.findings.change(f'sets "{name}", which changes what later words do')

    def _on_declaration_command(self, node: "Node") -> None:
        for child in node.children[1:]:
            source = text_of(child, self.data)
            allowed = child.type in ("variable_assignment", "variable_name")
            option = child.type == "word" and re.fullmatch(r"[-+][xrgaAlup]+", source)
            if child.type == "variable_name" and stand_ins().changes(source, source, seen=True):
                allowed = False
            if not (allowed or option) and "redirect" not in child.type:
                self.findings.change(f'declares variables by "{source}"')

    def _on_unset_command(self, node: "Node") -> None:
        for child in node.children[1:]:
            source = text_of(child, self.data)
            if not re.fullmatch(r"[A-Za-z_]\w*", source) or stand_ins().dangerous.match(source):
                self.findings.change(f'unsets "{source}"')


def _is_for_read(assignment: "Node", data: bytes) -> bool:
    """`IFS= read -r line`: only this one read sees it."""
    name = assignment.parent.child_by_field_name("name") if assignment.parent is not None else None
    return name is not None and text_of(name, data) == "read"


def _feeds(node: "Node") -> list["Node"]:
    """Redirections of this node that feed something to its input."""
    return [
        child
        for child in node.children
        if child.type in ("heredoc_redirect", "herestring_redirect")
        or (
            child.type == "file_redirect"
            and any(c.type in ("<", "<&", "<>") for c in child.children)
        )
    ]


def _is_broken(node: "Node") -> bool:
    """Whether the parts of one word do not touch."""
    parts = node.children
    return any(a.end_byte != b.start_byte for a, b in pairwise(parts))


def _only_compares(test: "Node") -> bool:
    """Whether "[ ]" holds plain comparisons: to a shell, "<", ">", "&&" there are operators."""
    waiting = list(test.children)
    while waiting:
        node = waiting.pop()
        if not node.is_named and node.type not in _IN_BRACKETS:
            return False
        if node.type in ("binary_expression", "unary_expression", "negated_command"):
            waiting += node.children
        elif node.type in ("parenthesized_expression", "postfix_expression", "ternary_expression"):
            return False
    return True
