"""An email as it goes over the wire (RFC 5322, RFC 8058)."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from services.neighbours.hub.contracts import Outgoing


class BadAddress(ValueError):
    """The recipient's address cannot be put on an envelope."""


def envelope_address(address: str) -> str:
    """ASCII form: the domain by IDNA. Raises BadAddress."""
    local, at, domain = address.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
        local.encode("ascii")
    except UnicodeError as error:
        raise BadAddress("The email address has characters that mail servers refuse.") from error
    if not (at and local and "." in ascii_domain) or any(c in address for c in " \r\n<>,"):
        raise BadAddress("The email address is not complete.")
    return f"{local}@{ascii_domain}"


def build(message: Outgoing, mail_from: str) -> EmailMessage:
    """Text first, HTML as its alternative, opt-out by one click. Raises BadAddress.

    The Message-ID is made of the dispatch, so a provider can recognise a repetition.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(message.sender, addr_spec=mail_from)
    mail["To"] = envelope_address(message.to)
    mail["Subject"] = message.subject
    mail["Message-ID"] = f"<{message.dispatch_id}@{mail_from.rpartition('@')[2]}>"
    if message.reply_to:
        mail["Reply-To"] = message.reply_to
    if message.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail
