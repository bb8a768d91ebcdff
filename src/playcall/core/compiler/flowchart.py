"""Decision trees drawn as Mermaid flowcharts (mermaid.js.org/syntax/flowchart.html).

Nodes whose text asks are questions, labels on their edges the answers; what stands between two
questions is an outcome on the way. Styles, classes and subgraphs only change the looks.
"""

import re
from dataclasses import dataclass, field, replace

from playcall.core.compiler.blocks import Block
from playcall.core.compiler.ledger import Ledger
from playcall.core.compiler.tree import Unreadable, tell_unreadable
from playcall.core.plan import Answer, Question

_HEAD = re.compile(r"^\s*(?:graph|flowchart)\b", re.IGNORECASE)
_LOOKS = re.compile(
    r"^(?:graph|flowchart|subgraph|end|style|linkStyle|class|classDef|click|direction)\b|^%%|^---$"
)
_ID = re.compile(r"[\w.-]*\w")
_SHAPES = (("(((", ")))"), ("((", "))"), ("([", "])"), ("[[", "]]"), ("[(", ")]"), ("{{", "}}"))
_SINGLE = (("[", "]"), ("(", ")"), ("{", "}"), (">", "]"))
_EDGE = re.compile(
    r"\s*(?:[<xo]?(?:--|==|-\.)\s+(?P<inside>[^-=|>]+?)\s+(?:--+>?|==+>?|\.-+>?)"
    r"|[<xo]?(?:-{2,}|={2,}|-\.+-)[>xo]?)\s*(?:\|(?P<label>[^|]*)\|)?\s*"
)
_MOST_VISITS = 200


@dataclass(slots=True)
class _Node:
    text: str
    line: int
    edges: list[tuple[str, str]] = field(default_factory=list)  # label, the other node's id
    led_to: bool = False


def is_flowchart(block: Block) -> bool:
    """A Mermaid flowchart in which something is asked."""
    if not block.is_code or block.info not in ("mermaid", ""):
        return False
    lines = [line for line in block.text.split("\n") if line.strip() and "%%" not in line]
    return bool(lines) and _HEAD.match(lines[0]) is not None and "?" in block.text


def read_flowchart(block: Block, ledger: Ledger) -> Question | None:
    """The chart's first question; None, and a problem, when the chart cannot be read."""
    try:
        question = _Chart(block).question()
    except Unreadable as unreadable:
        tell_unreadable(unreadable, ledger)
        return None
    ledger.take(block.first, block.last, "decision tree")
    return question


class _Chart:
    def __init__(self, block: Block) -> None:
        self.first = block.first
        self.nodes: dict[str, _Node] = {}
        self.visits = 0
        for line, text in enumerate(block.text.split("\n"), block.body_line):
            for statement in text.split(";"):
                if statement.strip() and not _LOOKS.match(statement.strip()):
                    self._statement(statement.strip(), line)

    def question(self) -> Question:
        starts = [node for node in self.nodes.values() if not node.led_to]
        for start in starts or list(self.nodes.values())[:1]:
            found = self._follow(start, ())
            if found.questions:
                return found.questions[0]
        raise Unreadable(self.first, "no question stands at a start of the chart")

    def _statement(self, text: str, line: int) -> None:
        """'A[Text] & B -->|label| C --> D'."""
        at, before, label = 0, list[str](), ""
        while True:
            here, at = self._group(text, at, line)
            for one in before:
                for other in here:
                    self.nodes[one].edges.append((label, other))
                    self.nodes[other].led_to = True
            edge = _EDGE.match(text, at)
            if edge is None or not edge[0].strip():
                break
            before, at = here, edge.end()
            label = _words(edge["inside"] or edge["label"] or "")
        if text[at:].strip():
            raise Unreadable(line, f"{text[at:].strip()[:40]!r} is not understood")

    def _group(self, text: str, at: int, line: int) -> tuple[list[str], int]:
        found = list[str]()
        while True:
            name, at = self._node(text, at, line)
            found.append(name)
            also = re.compile(r"\s+&\s+").match(text, at)
            if also is None:
                return found, at
            at = also.end()

    def _node(self, text: str, at: int, line: int) -> tuple[str, int]:
        name = _ID.match(text, at)
        if name is None:
            raise Unreadable(line, f"{text[at:][:40]!r} is not understood")
        # an id never swallows the line that follows it: 'A---B'
        bare = re.split(r"--|-\.", name[0])[0]
        at += len(bare)
        words, at = _shape(text, at, line)
        node = self.nodes.setdefault(bare, _Node(text=bare, line=line))
        if words is not None:
            node.text, node.line = words, line
        styled = re.compile(r":::\w+").match(text, at)
        return bare, styled.end() if styled else at

    def _follow(self, node: _Node, path: tuple[int, ...]) -> Answer:
        """What comes of reaching a node: things to do, then further questions."""
        self.visits += 1
        if self.visits > _MOST_VISITS:
            raise Unreadable(node.line, f"it has more than {_MOST_VISITS} ways through")
        done, questions = list[str](), tuple[Question, ...]()
        while not _asks(node):
            done.append(node.text)
            if len(node.edges) != 1 or id(node) in path:
                break
            path = (*path, id(node))
            node = self.nodes[node.edges[0][1]]
        if id(node) in path:
            done.append(f"back to: {node.text}")
        elif _asks(node):
            questions = (self._question(node, (*path, id(node))),)
        elif node.edges:
            ways = [self._follow(self.nodes[e[1]], (*path, id(node))) for e in node.edges]
            done.append(" + ".join(way.outcome for way in ways if way.outcome))
            questions = tuple(question for way in ways for question in way.questions)
        outcome = " → ".join(text for text in done if text)
        return Answer(label="", outcome=outcome or None, questions=questions, line=node.line)

    def _question(self, node: _Node, path: tuple[int, ...]) -> Question:
        if not node.edges:
            raise Unreadable(node.line, f"{node.text!r} has no answers")
        answers = list[Answer]()
        for label, other in node.edges:
            if not label:
                raise Unreadable(node.line, f"an answer to {node.text!r} has no label")
            answers.append(replace(self._follow(self.nodes[other], path), label=label))
        return Question(text=node.text, answers=tuple(answers), line=node.line)


def _asks(node: _Node) -> bool:
    return node.text.endswith("?") or (len(node.edges) > 1 and all(e[0] for e in node.edges))


def _shape(text: str, at: int, line: int) -> tuple[str | None, int]:
    """The words in a node's brackets, and where they end."""
    for opens, closes in (*_SHAPES, *_SINGLE):
        if text.startswith(opens, at):
            begin = at + len(opens)
            quoted = text.startswith('"', begin)
            end = text.find('"' + closes if quoted else closes, begin + quoted)
            if end < 0:
                raise Unreadable(line, f"{text[at:][:40]!r} is not closed")
            return _words(text[begin + quoted : end]), end + quoted + len(closes)
    return None, at


def _words(text: str) -> str:
    text = re.sub(r"<br\s*/?>|\\n", " ", text).replace("#quot;", '"')
    return " ".join(text.strip().strip('"`').split())
