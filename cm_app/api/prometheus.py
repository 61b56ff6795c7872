"""`/metrics`: what every process counts, for Prometheus (OPS-1)."""

import hmac
import ipaddress

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from cm_app.api.routing import Route
from cm_app.api.security import Running
from services.bootstrap import App
from services.kit.errors import NotSignedIn
from services.kit.vitals import exposition, queues, signs

router = APIRouter(tags=["Health"], route_class=Route)
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, app: Running) -> Response:
    """Read the metrics in Prometheus' text form. From this machine, or with the token of `CM_METRICS_TOKEN` as bearer; where
    a token is set, only with it."""
    if not _may(request, app):
        raise NotSignedIn("Metrics are for this machine, or for whoever sends the token of CM_METRICS_TOKEN.")
    return Response(exposition(await signs(app.bus), await queues(app.bus)), media_type=CONTENT_TYPE_LATEST)


def _may(request: Request, app: App) -> bool:
    if app.settings.metrics_token is not None:
        wanted = f"Bearer {app.settings.metrics_token.get_secret_value()}"
        return hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted.encode())
    # What a proxy passes on seems to come from here too: it says so in a header.
    return not any(name in request.headers for name in FORWARDED) and _here(request)


def _here(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
