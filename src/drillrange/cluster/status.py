"""Outcomes as the Kubernetes API words them: Status objects."""

from typing import Any

from starlette.responses import JSONResponse

from drillrange.cluster.kinds import KINDS
from drillrange.cluster.objects import Object, Refused


def refusal(error: Refused) -> JSONResponse:
    details: dict[str, Any] = {}
    if error.plural:
        kind = KINDS[error.plural]
        told = kind.name if error.causes else error.plural
        details = {"name": error.name, "kind": told}
        details |= {"group": kind.group} if kind.group else {}
        details |= {"causes": [_cause(one) for one in error.causes]} if error.causes else {}
    return _status("Failure", error.code, error.reason, str(error), details)


def deleted(plural: str, gone: Object) -> JSONResponse:
    meta, group = gone["metadata"], KINDS[plural].group
    details = {"name": meta["name"], "kind": plural, "uid": meta["uid"]}
    return _status("Success", 200, "", "", details | ({"group": group} if group else {}))


def _cause(told: str) -> dict[str, str]:
    field, _, message = told.partition(": ")
    return {"reason": "FieldValueInvalid", "message": message, "field": field}


def _status(
    outcome: str, code: int, reason: str, message: str, details: dict[str, Any]
) -> JSONResponse:
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": outcome,
        "details": details,
    }
    if outcome == "Failure":
        body |= {"message": message, "reason": reason, "code": code}
    return JSONResponse(body, code)
