"""Refusals as the Kubernetes API words them: Status objects."""

from starlette.responses import JSONResponse


def refusal(
    code: int, reason: str, message: str, details: dict[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details or {},
            "code": code,
        },
        code,
    )
