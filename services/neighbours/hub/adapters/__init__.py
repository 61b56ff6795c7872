"""The ways out, and which of them each channel takes."""

from services.kit.settings import Settings
from services.kit.uow import UnitOfWork
from services.neighbours.hub.adapters.console import ConsoleAdapter, NullAdapter
from services.neighbours.hub.adapters.gateway import GatewayAdapter
from services.neighbours.hub.adapters.in_app import InAppAdapter
from services.neighbours.hub.adapters.journal import JournalAdapter
from services.neighbours.hub.adapters.smtp import SmtpAdapter
from services.neighbours.hub.contracts import Adapter, Adapters


def adapters_for(settings: Settings, uow: UnitOfWork) -> Adapters:
    """Each channel's configured transport; the console where none is configured."""
    console = ConsoleAdapter(settings.home / "hub", settings.mail_from)
    if settings.hub_adapter == "journal":
        # Email as an SMTP server would take it, the others as gateways that know a repetition.
        path = settings.home / "hub" / "journal.jsonl"
        once, again = (JournalAdapter(path, uow.clock, idempotent) for idempotent in (False, True))
        return {"email": once, "sms": again, "whatsapp": again, "in_app": again}
    if settings.hub_adapter != "auto":
        one: Adapter = console if settings.hub_adapter == "console" else NullAdapter()
        return {"email": one, "sms": one, "whatsapp": one, "in_app": one}
    token = settings.gateway_token.get_secret_value() if settings.gateway_token else ""
    email: Adapter = console
    if settings.smtp_url is not None:
        email = SmtpAdapter(settings.smtp_url.get_secret_value(), settings.mail_from)
    return {
        "email": email,
        "sms": GatewayAdapter(settings.sms_gateway_url, token) if settings.sms_gateway_url else console,
        "whatsapp": GatewayAdapter(settings.whatsapp_gateway_url, token)
        if settings.whatsapp_gateway_url
        else console,
        "in_app": InAppAdapter(uow),
    }


def transports(adapters: Adapters) -> dict[str, str]:
    """Channel → name of its adapter, for logs and pages."""
    return {channel: adapter.name for channel, adapter in adapters.items()}
