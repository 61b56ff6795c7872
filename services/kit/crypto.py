"""Keys and sealed bytes (D28): AES-256-GCM envelopes under keys derived from one root secret."""

import base64
import hashlib
import hmac
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.kit.errors import AppError
from services.kit.ids import new_token
from services.kit.settings import Settings

_VERSION = b"\x01"


class SealBroken(AppError):
    """Ciphertext was altered, or was sealed under another key or for another place."""

    code = "seal_broken"
    status = 500


@dataclass(frozen=True, slots=True)
class Keyring:
    """Derives one key a purpose from the root, and seals bytes for one place.

    The key's id travels with the ciphertext so that old roots can stay readable while new
    writes use the newest (`previous` holds the old roots).
    """

    root: bytes = field(repr=False)
    previous: tuple[bytes, ...] = field(default=(), repr=False)

    def derive(self, purpose: str, length: int = 32, root: bytes | None = None) -> bytes:
        kdf = HKDF(algorithm=SHA256(), length=length, salt=None, info=f"cm/{purpose}".encode())
        return kdf.derive(root or self.root)

    def password(self, role: str) -> str:
        """The database password of one of our roles."""
        return base64.urlsafe_b64encode(self.derive(f"db/{role}", 24)).decode()

    def sign(self, purpose: str, message: bytes) -> str:
        return hmac.new(self.derive(purpose), message, hashlib.sha256).hexdigest()

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Encrypt for `place` (table, column and row): bytes moved elsewhere do not open."""
        nonce = os.urandom(12)
        box = AESGCM(self.derive("data")).encrypt(nonce, plain, place.encode())
        return _VERSION + _key_id(self.root) + nonce + box

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Decrypt what `seal` made for `place`. Raises SealBroken."""
        version, key_id, nonce, box = sealed[:1], sealed[1:5], sealed[5:17], sealed[17:]
        root = next((r for r in (self.root, *self.previous) if _key_id(r) == key_id), None)
        if version != _VERSION or root is None:
            raise SealBroken("This record was sealed under a key this machine does not have.")
        try:
            return AESGCM(self.derive("data", root=root)).decrypt(nonce, box, place.encode())
        except InvalidTag as error:
            raise SealBroken("This record was altered after it was sealed.") from error


def _key_id(root: bytes) -> bytes:
    return hashlib.sha256(b"cm/key-id" + root).digest()[:4]


def load_keyring(settings: Settings) -> Keyring:
    """The root secret: from `CM_SECRET_KEY`, else from a private file made once in home."""
    if settings.secret_key is not None:
        roots = [part.encode() for part in settings.secret_key.get_secret_value().split(",")]
        if any(len(root) < 32 for root in roots):
            raise AppError("CM_SECRET_KEY is too short: give at least 32 characters.")
        return Keyring(roots[0], tuple(roots[1:]))
    path = settings.home / "secret.key"
    if not path.exists():
        _write_secret(path)
    return Keyring(path.read_bytes().strip())


def _write_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except FileExistsError:
        return  # another process of the same start made it first
    with os.fdopen(handle, "wb") as file:
        file.write(new_token(48).encode())
