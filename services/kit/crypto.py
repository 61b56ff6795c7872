"""Keys and sealed bytes (D28): AES-256-GCM envelopes under data keys, and all that is derived from one root.

The root never changes: database passwords, block-list hashes and signatures are made from it. What
rotates are the data keys (docs/decisions/0019).
"""

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

from services.kit.data_keys import SHORTEST, DataKeys
from services.kit.errors import AppError
from services.kit.ids import new_token
from services.kit.settings import Settings

_VERSION = b"\x01"
LEAST = 1 + 4 + 12 + 16
"""Bytes of a sealed nothing: version, the key's id, nonce, tag."""


class SealBroken(AppError):
    """Ciphertext was altered, or was sealed under another key or for another place."""

    code = "seal_broken"
    status = 500


class KeysWrong(AppError):
    """The keys that were given cannot be worked with; the message says what to do."""

    code = "keys_wrong"
    status = 503


@dataclass(frozen=True, slots=True)
class Keyring:
    """Derives one key a purpose from the root, and seals bytes for one place.

    The key's id travels with the ciphertext, so that older data keys stay readable while new writes
    use the newest. Without a data key the root's own is used, which always stays readable.
    """

    root: bytes = field(repr=False)
    data: DataKeys = field(default_factory=DataKeys, repr=False, compare=False)

    def derive(self, purpose: str, length: int = 32) -> bytes:
        return _derive(self.root, purpose, length)

    @property
    def lasting(self) -> "Keyring":
        """Seals under the root's own key, which does not rotate: for the bundled neighbours, whose rows are not
        Campaign Manager's to re-seal (docs/decisions/0019)."""
        return Keyring(self.root)

    def password(self, role: str) -> str:
        """The database password of one of our roles."""
        return base64.urlsafe_b64encode(self.derive(f"db/{role}", 24)).decode()

    def sign(self, purpose: str, message: bytes) -> str:
        return hmac.new(self.derive(purpose), message, hashlib.sha256).hexdigest()

    @property
    def newest(self) -> bytes:
        """Id of the key that new writes use."""
        return key_id(self._readable()[0])

    @property
    def known(self) -> list[bytes]:
        """Ids of all keys that can be opened with, newest first, the root's last."""
        return [key_id(key) for key in self._readable()]

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Encrypt for `place` (table, column and row): bytes moved elsewhere do not open."""
        key, nonce = self._readable()[0], os.urandom(12)
        box = AESGCM(_derive(key, "data")).encrypt(nonce, plain, place.encode())
        return _VERSION + key_id(key) + nonce + box

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Decrypt what `seal` made for `place`. Raises SealBroken."""
        version, wanted, nonce, box = sealed[:1], sealed[1:5], sealed[5:17], sealed[17:]
        key = next((key for key in self._readable() if key_id(key) == wanted), None)
        if version != _VERSION or key is None:
            raise SealBroken(
                f"It was sealed under the key {wanted.hex()}, which this machine does not have. Put that key back:"
                " into CM_DATA_KEYS after the newest, or data.keys in the home folder from its backup."
                " `cm keys status` shows which keys are needed."
            )
        try:
            return AESGCM(_derive(key, "data")).decrypt(nonce, box, place.encode())
        except InvalidTag as error:
            raise SealBroken("This record was altered after it was sealed.") from error

    def _readable(self) -> tuple[bytes, ...]:
        return (*self.data.all(), self.root)


def key_id(key: bytes) -> bytes:
    """What is written beside the ciphertext; tells nothing about the key."""
    return hashlib.sha256(b"cm/key-id" + key).digest()[:4]


def _derive(key: bytes, purpose: str, length: int = 32) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"cm/{purpose}".encode()).derive(key)


def wrong_with_root(settings: Settings) -> tuple[str, str] | None:
    """What is wrong with CM_SECRET_KEY, and its cure; None when all is well."""
    roots = _parts(settings, "secret_key")
    if any(len(root) < SHORTEST for root in roots):
        return "CM_SECRET_KEY is too short.", f"Give at least {SHORTEST} characters."
    if len(roots) > 1:
        return (
            "CM_SECRET_KEY holds several keys, but the root never changes: passwords, block lists and links"
            " are made from it.",
            "Leave in it the one that this system was started with first, and move the others to CM_DATA_KEYS,"
            " newest first: they still open what they sealed, and new ones go there.",
        )
    return None


def wrong_with_data_keys(settings: Settings) -> tuple[str, str] | None:
    """The same for the data keys, of CM_DATA_KEYS and of the private file."""
    if any(len(key) < SHORTEST for key in _parts(settings, "data_keys")):
        return "A key in CM_DATA_KEYS is too short.", f"Give at least {SHORTEST} characters each."
    if any(len(key) < SHORTEST for key in DataKeys(file=file_of(settings)).all()):
        return (
            f"A line of {file_of(settings)} is no key: it is shorter than {SHORTEST} characters.",
            "Bring the file back from its backup.",
        )
    return None


def file_of(settings: Settings) -> Path:
    """Where a system that makes its own keys keeps its data keys."""
    return settings.home / "data.keys"


def load_keyring(settings: Settings) -> Keyring:
    """The root secret: from `CM_SECRET_KEY`, else from a private file made once in home; with it the
    data keys of `CM_DATA_KEYS` and of home. Raises KeysWrong."""
    if wrong := wrong_with_root(settings) or wrong_with_data_keys(settings):
        raise KeysWrong(" ".join(wrong))
    data = DataKeys(_parts(settings, "data_keys"), file_of(settings))
    if settings.secret_key is not None:
        return Keyring(_parts(settings, "secret_key")[0], data)
    path = settings.home / "secret.key"
    if not path.exists():
        _write_secret(path)
    return Keyring(path.read_bytes().strip(), data)


def _parts(settings: Settings, name: str) -> tuple[bytes, ...]:
    value = getattr(settings, name)
    return tuple(part.encode() for part in value.get_secret_value().split(",")) if value is not None else ()


def _write_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except FileExistsError:
        return  # another process of the same start made it first
    with os.fdopen(handle, "wb") as file:
        file.write(new_token(48).encode())
