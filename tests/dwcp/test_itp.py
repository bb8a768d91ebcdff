"""Where machines are placed, and what is said when they cannot be."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dwcp.errors import Errors
from dwcp.itp import BadNodes, Node, Placement, choose, efficiency, parse_nodes, place

MIB = 1 << 20
NAMES = ("a", "b", "c", "d")
nodes = st.lists(
    st.builds(
        lambda name, capacity, used, healthy: Node(
            name=name,
            address=("127.0.0.1", 9),
            capacity=capacity,
            free=capacity - used % (capacity + 1),
            healthy=healthy,
        ),
        st.sampled_from(NAMES),
        st.integers(1, 1 << 40),
        st.integers(0, 1 << 40),
        st.booleans(),
    ),
    unique_by=lambda node: node.name,
)
bandwidths = st.dictionaries(st.sampled_from(NAMES), st.floats(0, 1e10))


def a_node(name: str, capacity: int = 100, free: int = 50, *, healthy: bool = True) -> Node:
    address = ("127.0.0.1", 7001)
    return Node(name=name, address=address, capacity=capacity, free=free, healthy=healthy)


def named(node: Node | None) -> str | None:
    return node.name if node else None


def test_the_freer_node_is_chosen_when_links_are_alike() -> None:
    full, free = a_node("a", free=10), a_node("b", free=90)
    assert place(5, [full, free], {}) == free
    assert place(5, [full, free], {"a": 2e9, "b": 2e9}) == free


def test_a_much_faster_link_outweighs_free_room() -> None:
    assert (
        named(place(5, [a_node("a", free=40), a_node("b", free=90)], {"a": 9e9, "b": 1e9})) == "a"
    )


def test_a_link_that_is_not_known_counts_as_the_mean_of_the_others() -> None:
    three = [a_node("a"), a_node("b"), a_node("c")]
    assert named(place(5, three, {"a": 1e9, "b": 3e9})) == "b"
    assert named(place(5, [*three[:1], a_node("c", free=60)], {"a": 1e9})) == "c"


def test_equals_are_chosen_by_name_and_not_by_order() -> None:
    assert named(place(5, [a_node("b"), a_node("a")], {})) == "a"


@pytest.mark.parametrize(
    ("unfit", "avoid"),
    [
        (a_node("a", healthy=False), ()),
        (a_node("a", free=4), ()),
        (a_node("a"), ("a",)),
    ],
    ids=["not healthy", "full", "avoided"],
)
def test_a_node_that_does_not_fit_is_never_chosen(unfit: Node, avoid: tuple[str, ...]) -> None:
    assert place(5, [unfit], {"a": 9e9}, avoid) is None
    assert named(place(5, [unfit, a_node("b", free=5)], {"a": 9e9}, avoid)) == "b"


@given(st.integers(1, 1 << 40), nodes, bandwidths, st.sets(st.sampled_from(NAMES)))
def test_a_node_is_found_exactly_when_one_fits(
    size: int, given_nodes: list[Node], predicted: dict[str, float], avoid: set[str]
) -> None:
    found = place(size, given_nodes, predicted, avoid)
    fits = [n for n in given_nodes if n.healthy and n.free >= size and n.name not in avoid]
    assert found in fits if fits else found is None
    assert found == place(size, given_nodes[::-1], predicted, avoid)


@given(st.integers(1, 1 << 40), nodes, bandwidths, bandwidths)
def test_efficiency_is_a_share(
    size: int, given_nodes: list[Node], predicted: dict[str, float], measured: dict[str, float]
) -> None:
    if choice := choose(size, given_nodes, predicted):
        assert 0 <= efficiency(choice, measured) <= 1
        assert efficiency(choice, {}) == 1


class Fixture:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.placement = Placement(self.registry, Errors(self.registry))

    def efficiency(self) -> float | None:
        return self.registry.get_sample_value("dwcp_v3_itp_efficiency")

    def no_capacity(self) -> float | None:
        labels = {"component": "itp", "error_type": "no_capacity", "severity": "warning"}
        return self.registry.get_sample_value("dwcp_v3_errors_total", labels)


def test_efficiency_is_told_by_what_the_links_did_and_absent_before() -> None:
    itp = Fixture()
    assert itp.efficiency() is None
    two = [a_node("a"), a_node("b")]
    assert named(itp.placement.place("vm-1", 5, two, {"a": 2e9, "b": 1e9})) == "a"
    itp.placement.moved("vm-1", 2e9)
    assert itp.efficiency() == 1.0
    itp.placement.place("vm-2", 5, two, {"a": 2e9, "b": 1e9})
    itp.placement.moved("vm-2", 0.5e9)
    assert itp.efficiency() == pytest.approx((1.0 + 0.5) / 2)


def test_a_placement_that_failed_or_was_never_made_says_nothing_of_efficiency() -> None:
    itp = Fixture()
    itp.placement.place("vm", 5, [a_node("a")], {})
    itp.placement.failed("vm")
    itp.placement.moved("vm", 1e9)
    assert itp.efficiency() is None


def test_nothing_that_fits_is_an_error_that_says_why_until_something_does() -> None:
    itp = Fixture()
    assert itp.no_capacity() == 0
    three = [a_node("a", healthy=False), a_node("b"), a_node("c")]
    assert itp.placement.place("vm", 51, three, {}, {"b"}) is None
    assert itp.no_capacity() == 1
    detail = "vm: no node takes 51 bytes: a is not healthy, b is to be avoided, "
    assert itp.placement.status() == {
        "status": "unhealthy",
        "detail": detail + "c has 50 of 100 bytes free",
        "efficiency": None,
    }
    itp.placement.place("vm", 50, three, {})
    assert itp.placement.status()["status"] == "healthy"


def test_a_node_that_refuses_what_the_table_promised_is_counted() -> None:
    itp = Fixture()
    itp.placement.place("vm", 5, [a_node("a")], {})
    itp.placement.refused("vm", "no room for 5 bytes")
    assert itp.no_capacity() == 1
    told = itp.placement.status()["detail"]
    assert told == "vm: a has less room than the table says: no room for 5 bytes"


def test_the_node_table_is_read() -> None:
    text = " dwcp-v3-destination=4096MiB, dwcp-v3-destination-2 = 512KiB,\n\nc.d=2GiB\n"
    assert parse_nodes(text) == {
        "dwcp-v3-destination": 4096 * MIB,
        "dwcp-v3-destination-2": 512 << 10,
        "c.d": 2 << 30,
    }


UNITS = "Use a whole number above 0 and one of KiB, MiB, GiB, TiB."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nodes:1:1: no node. Name at least one, such as node-1=4096MiB."),
        ("a", 'nodes:1:1: "a" has no "=". Write NAME=CAPACITY, such as node-1=4096MiB.'),
        ("a=1MiB, b=512M", f'nodes:1:9: "512M" is no capacity. {UNITS}'),
        ("a=0MiB", f'nodes:1:1: "0MiB" is no capacity. {UNITS}'),
        ("a=-1MiB", f'nodes:1:1: "-1MiB" is no capacity. {UNITS}'),
        ("a=1.5GiB", f'nodes:1:1: "1.5GiB" is no capacity. {UNITS}'),
        ("a=٤MiB", f'nodes:1:1: "٤MiB" is no capacity. {UNITS}'),
        ("a=1MiB\n  a=2MiB", 'nodes:2:3: "a" is there twice. Remove one of them.'),
        ("a=1MiB,,b=1MiB", "nodes:1:8: nothing between two commas. Remove one of them."),
        (
            "A b=1MiB",
            'nodes:1:1: "A b" is no name of a node. Use small letters, digits, "-" and ".".',
        ),
    ],
)
def test_a_bad_node_table_is_refused_with_the_place(text: str, told: str) -> None:
    with pytest.raises(BadNodes) as refused:
        parse_nodes(text)
    assert str(refused.value) == told


def test_every_mistake_of_a_node_table_is_told_at_once() -> None:
    with pytest.raises(BadNodes) as refused:
        parse_nodes("a, b=1\nc=1MiB, c=2MiB")
    assert [line.split(" ")[0] for line in str(refused.value).split("\n")] == [
        "nodes:1:1:",
        "nodes:1:4:",
        "nodes:2:9:",
    ]


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadNodes):
        capacities = parse_nodes(text)
        assert capacities
        assert all(capacity > 0 for capacity in capacities.values())
