"""The alerting rules of a Prometheus rule file, with their lines."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from playcall.core.alert_rule import Rule


class BadRuleFile(Exception):
    """A message for a person, with the line of the mistake."""


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Raises BadRuleFile."""
    try:
        root = yaml.compose(path.read_bytes().decode("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise BadRuleFile(f"{path}: {error.strerror}. Name a rule file of Prometheus.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRuleFile(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    return tuple(_rules(root))


def _rules(root: "yaml.Node | None") -> Iterator[Rule]:
    for group in _items(_value(root, "groups")):
        for rule in _items(_value(group, "rules")):
            alert = _value(rule, "alert")
            if isinstance(alert, yaml.ScalarNode):
                yield Rule(
                    alert=alert.value,
                    expr=_text(_value(rule, "expr")),
                    labels=tuple(_pairs(_value(rule, "labels"))),
                    line=alert.start_mark.line + 1,
                )


def _value(node: "yaml.Node | None", key: str) -> "yaml.Node | None":
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if _text(name) == key), None)


def _items(node: "yaml.Node | None") -> list["yaml.Node"]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _pairs(node: "yaml.Node | None") -> list[tuple[str, str]]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [(_text(name), _text(value)) for name, value in pairs]


def _text(node: "yaml.Node | None") -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
