"""What earlier output offers for a placeholder: found, ranked, and said where."""

from playcall.core.offers import MOST, Offer, Printed, offers
from playcall.core.parameters import Kind


def printed(output: str, text: str = "x", command: str = "1.2") -> Printed:
    return Printed(command=command, text=text, output=output)


def values(kind: Kind, *outputs: Printed, name: str = "x") -> list[str]:
    return [offer.value for offer in offers(kind, name, outputs)]


def test_the_address_that_is_printed_most_comes_first_and_its_place_is_said() -> None:
    log = "error from 10.0.0.9:41: bad\n" + "error from 10.0.0.7:4711: bad frame\n" * 11
    more = "at 12:34:56.789 ERROR [2001:db8::7]:443 v10.0.0.8.1 1.2.3 10.0.0.300 10.0.0.7."
    found = offers(Kind.IP, "PROBLEM_IP", [printed(log), printed(more, command="1.3")])
    assert found[0] == Offer(value="10.0.0.7", found="12 times in the output of 1.2, 1.3")
    assert [one.value for one in found[1:]] == ["10.0.0.9", "2001:db8::7"]
    assert found[1].found == "once in the output of 1.2"


def test_of_connections_the_peers_are_offered_and_not_ones_own_address() -> None:
    netstat = (
        "Active Internet connections\nProto Recv-Q Send-Q Local Address Foreign Address State\n"
        "tcp        0      0 10.0.0.5:8080   10.0.0.7:51234   ESTABLISHED\n"
        "tcp6       0      0 10.0.0.5:8080   2001:db8::9:5123 SYN_RECV\n"
        "tcp        0      0 127.0.0.1:22    0.0.0.0:*        LISTEN\n"
    )
    sockets = (
        "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
        "ESTAB 0      0      10.0.0.5:8080      10.0.0.7:51235\n"
        "tcp   ESTAB 0 0 10.0.0.5:8080 [2001:db8::8]:51235\n"
    )
    found = values(Kind.IP, printed(netstat), printed(sockets))
    assert found[0] == "10.0.0.7"
    assert "10.0.0.5" not in found
    assert "2001:db8::8" in found


def test_pods_are_read_from_kubectl_and_those_of_the_name_come_first() -> None:
    table = (
        "NAME READY STATUS RESTARTS AGE IP NODE\n"
        "web-1 1/1 Running 2 (3d ago) 5d 10.0.0.1 node-1\n"
        "dwcp-v3-7c9f-x2x1z 1/1 Running 0 5d 10.0.0.2 node-2\n"
    )
    pods = printed(table, "kubectl get pods -o wide")
    assert values(Kind.WORKLOAD, pods, name="dwcp-v3-pod") == ["dwcp-v3-7c9f-x2x1z", "web-1"]
    assert values(Kind.POD, pods) == ["web-1", "dwcp-v3-7c9f-x2x1z"]
    assert values(Kind.POD, printed("pod/web-2\nnode/n\n", "kubectl get pods -o name")) == ["web-2"]
    assert values(Kind.POD, printed(table, "kubectl get services")) == []


def test_namespaces_and_nodes_are_read_from_their_columns() -> None:
    everywhere = printed("NAMESPACE NAME READY\nshop web-1 1/1\n", "kubectl get pods -A")
    assert values(Kind.NAMESPACE, everywhere) == ["shop"]
    assert values(Kind.POD, everywhere) == ["web-1"]
    assert values(Kind.NAMESPACE, printed("NAME STATUS\nshop Active\n", "kubectl get ns")) == [
        "shop"
    ]
    nodes = printed("NAME STATUS\nnode-1 Ready\n", "kubectl get nodes")
    assert values(Kind.HOST, nodes) == ["node-1"]


def test_what_could_not_be_given_is_not_offered_and_offers_are_few() -> None:
    hostile = "NAME READY\n$(boom) 1/1\n-rf 1/1\nWEB;boom 1/1\n<img/src=x> 1/1\n"
    assert values(Kind.POD, printed(hostile, "kubectl get pods")) == []
    many = printed("\n".join(f"from 10.0.0.{n}" for n in range(1, 100)))
    assert len(values(Kind.IP, many)) == MOST
    assert values(Kind.TEXT, many) == []
    assert values(Kind.IP, printed("::::" * 60_000 + "1.1." * 60_000)) == []
