"""The kinds that the pocket cluster knows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`short` are the names that kubectl takes for it."""

    name: str
    plural: str
    group: str = ""  # "" for the core group
    short: tuple[str, ...] = ()
    namespaced: bool = True
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/v1" if self.group else "v1"


ALL = ("all",)  # what `kubectl get all` shows
KINDS = {
    kind.plural: kind
    for kind in (
        Kind(name="Namespace", plural="namespaces", short=("ns",), namespaced=False),
        Kind(name="Pod", plural="pods", short=("po",), categories=ALL),
        Kind(name="Service", plural="services", short=("svc",), categories=ALL),
        Kind(name="Endpoints", plural="endpoints", short=("ep",)),
        Kind(name="EndpointSlice", plural="endpointslices", group="discovery.k8s.io"),
        Kind(name="ConfigMap", plural="configmaps", short=("cm",)),
        Kind(name="Event", plural="events", short=("ev",)),
        Kind(
            name="Deployment", plural="deployments", group="apps", short=("deploy",), categories=ALL
        ),
        Kind(name="ReplicaSet", plural="replicasets", group="apps", short=("rs",), categories=ALL),
    )
}
PLURALS = {kind.name: kind.plural for kind in KINDS.values()}
METRICS = "metrics.k8s.io"
