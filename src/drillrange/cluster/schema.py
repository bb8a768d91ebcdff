"""The fields that objects may have, so that a misspelt one is refused and not passed over.

Only where the pocket cluster acts on fields or a slip is likely; deeper down anything goes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from drillrange.cluster.kinds import Kind
from drillrange.cluster.objects import Object, Refused

Fields = Mapping[str, Any]  # by name: None for anything, a type, Fields, or [Fields] for a list


def _any(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split())


_META: Fields = {
    "name": str,
    "namespace": str,
    "labels": {"*": str},
    "annotations": {"*": str},
    **_any(
        "generateName uid resourceVersion generation creationTimestamp deletionTimestamp selfLink "
        "deletionGracePeriodSeconds ownerReferences finalizers managedFields"
    ),
}
_HTTP_GET = _any("path port host scheme httpHeaders")
_PROBE: Fields = {
    "httpGet": _HTTP_GET,
    "tcpSocket": _any("port host"),
    **_any(
        "exec grpc initialDelaySeconds timeoutSeconds periodSeconds successThreshold "
        "failureThreshold terminationGracePeriodSeconds"
    ),
}
_ENV: Fields = {
    "name": str,
    "value": str,
    "valueFrom": _any("configMapKeyRef fieldRef resourceFieldRef secretKeyRef fileKeyRef"),
}
_MOUNT: Fields = {
    "name": str,
    "mountPath": str,
    **_any("readOnly recursiveReadOnly mountPropagation subPath subPathExpr"),
}
_CONTAINER: Fields = {
    "name": str,
    "image": str,
    "command": [str],
    "args": [str],
    "env": [_ENV],
    "readinessProbe": _PROBE,
    "livenessProbe": _PROBE,
    "startupProbe": _PROBE,
    "ports": [_any("name containerPort hostPort hostIP protocol")],
    "resources": _any("limits requests claims"),
    **_any(
        "workingDir envFrom imagePullPolicy lifecycle resizePolicy restartPolicy securityContext "
        "restartPolicyRules stdin stdinOnce terminationMessagePath terminationMessagePolicy tty "
        "volumeDevices"
    ),
    "volumeMounts": [_MOUNT],
}
_POD: Fields = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    **_any(
        "activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy "
        "enableServiceLinks ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers "
        "hostname hostnameOverride imagePullSecrets nodeName nodeSelector os overhead "
        "preemptionPolicy priority priorityClassName readinessGates resourceClaims resources "
        "restartPolicy runtimeClassName schedulerName schedulingGates securityContext "
        "serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain "
        "terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes workloadRef"
    ),
}
_TEMPLATE: Fields = {"metadata": _META, "spec": _POD}
_SELECTOR: Fields = {"matchLabels": {"*": str}, "matchExpressions": None}
_SPECS: Mapping[str, Fields] = {
    "Deployment": {
        "replicas": int,
        "selector": _SELECTOR,
        "template": _TEMPLATE,
        "strategy": {"type": str, "rollingUpdate": _any("maxSurge maxUnavailable")},
        **_any("minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds"),
    },
    "ReplicaSet": {
        "replicas": int,
        "selector": _SELECTOR,
        "template": _TEMPLATE,
        "minReadySeconds": None,
    },
    "Pod": _POD,
    "Service": {
        "selector": {"*": str},
        "ports": [_any("name port targetPort protocol nodePort appProtocol")],
        **_any(
            "allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalName "
            "externalTrafficPolicy healthCheckNodePort internalTrafficPolicy ipFamilies "
            "ipFamilyPolicy loadBalancerClass loadBalancerIP loadBalancerSourceRanges "
            "publishNotReadyAddresses sessionAffinity sessionAffinityConfig "
            "trafficDistribution type"
        ),
    },
    "Scale": {"replicas": int},
}
_GO = {str: "string", int: "int32"}


def check_fields(kind: Kind, made: Object, strict: bool) -> None:
    """Raises Refused (400) for a value of the wrong type and, when `strict`, for unknown fields."""
    fields: dict[str, Any] = {"apiVersion": str, "kind": str, "metadata": _META, "status": None}
    if kind.name in _SPECS:
        fields["spec"] = _SPECS[kind.name]
    elif kind.name == "ConfigMap":
        fields |= {"data": {"*": str}, "binaryData": None, "immutable": None}
    else:
        fields["*"] = None
    wrong = list(_wrong("", made, fields))
    mistyped = [told for known, told in wrong if known]
    unknown = [told for known, told in wrong if not known]
    which = f'{kind.name} in version "{kind.api_version}" cannot be handled as a {kind.name}: '
    if mistyped:
        raise Refused(400, "BadRequest", which + mistyped[0])
    if unknown and strict:
        raise Refused(400, "BadRequest", f"{which}strict decoding error: {', '.join(unknown)}")


def _wrong(where: str, value: Any, wanted: Any) -> Iterator[tuple[bool, str]]:
    """Pairs: whether the field itself is known, and what is wrong."""
    if wanted is None or value is None:
        return
    if isinstance(wanted, type):
        if not isinstance(value, wanted) or isinstance(value, bool):
            given = _json_name(value)
            yield True, f"json: cannot unmarshal {given} into field {where} of type {_GO[wanted]}"
    elif isinstance(wanted, list):
        if not isinstance(value, list):
            yield True, f"json: cannot unmarshal {_json_name(value)} into field {where} of a list"
            return
        for number, one in enumerate(value):
            yield from _wrong(f"{where}[{number}]", one, wanted[0])
    elif not isinstance(value, dict):
        yield True, f"json: cannot unmarshal {_json_name(value)} into field {where} of an object"
    else:
        for name, one in value.items():
            there = f"{where}.{name}" if where else str(name)
            if name not in wanted and "*" not in wanted:
                yield False, f'unknown field "{there}"'
            else:
                yield from _wrong(there, one, wanted.get(name, wanted.get("*")))


def _json_name(value: Any) -> str:
    names = {bool: "bool", str: "string", dict: "object", list: "array"}
    return names.get(type(value), "number")
