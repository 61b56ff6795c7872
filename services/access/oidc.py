"""OpenID Connect: asking a provider who somebody is, and believing only what is proved.

The authorization code flow with PKCE, state and nonce. Addresses and keys come from the provider's
own description; a key that is not known is looked for once more, because providers change theirs.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, InvalidKeyIdError, JoseError, MissingKeyError
from joserfc.jwk import KeySet

from services.access.errors import SignInRefused
from services.bootstrap import App
from services.kit.crypto import Keyring, SealBroken
from services.kit.errors import NotFound
from services.kit.settings import Settings

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signatures by a provider's private key only: nothing that the client's secret could make."""
SKEW = timedelta(seconds=60)
"""How far the provider's clock may be from ours."""
GOOD_FOR = timedelta(minutes=10)
"""How long somebody may take at the provider."""
REMEMBERED = timedelta(hours=1)
BACK = "/api/session/oidc/back"
PLACE = "cookie.oidc"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it must bring back (sealed: for a cookie)."""

    address: str
    carried: str


@dataclass(frozen=True, slots=True)
class Proved:
    """What the provider said about whoever came back, and where they wanted to go."""

    claims: dict[str, Any]
    onwards: str


@dataclass
class Provider:
    """One provider as one deployment uses it. `redirect` is our own address that it sends people to."""

    settings: Settings
    keyring: Keyring
    redirect: str
    _found: dict[str, Any] = field(default_factory=dict)
    _found_at: datetime | None = None
    _keys: KeySet | None = None

    async def begin(self, now: datetime, onwards: str) -> Begun:
        """A fresh request to sign in. Raises SignInRefused when the provider cannot be reached."""
        about = await self._about(now)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        address = prepare_grant_uri(
            about["authorization_endpoint"],
            client_id=self.settings.oidc_client_id,
            response_type="code",
            redirect_uri=self.redirect,
            scope=self.settings.oidc_scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        kept = {
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "onwards": onwards,
            "at": now.isoformat(),
        }
        return Begun(address, self.keyring.seal(orjson.dumps(kept), place=PLACE).hex())

    async def finish(self, now: datetime, carried: str, given: dict[str, str]) -> Proved:
        """Turn what the browser brought back into proved claims. Raises SignInRefused."""
        kept = self._kept(now, carried)
        if not secrets.compare_digest(kept["state"].encode(), given.get("state", "").encode()):
            raise SignInRefused("state")
        if "code" not in given:
            raise SignInRefused("declined" if given.get("error") == "access_denied" else "provider")
        token = await self._exchange(now, given["code"], kept["verifier"])
        return Proved(await self.verified(now, token, kept["nonce"]), kept["onwards"])

    async def verified(self, now: datetime, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an identity token that is for us, now, and for this request. Raises
        SignInRefused."""
        try:
            claims = await self._decoded(now, token)
            jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=int(SKEW.total_seconds()),
                iss={"essential": True, "value": (await self._about(now))["issuer"]},
                aud={"essential": True, "value": self.settings.oidc_client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except ExpiredTokenError as error:
            raise SignInRefused("expired") from error
        except InvalidClaimError as error:
            reason = {"aud": "audience", "nonce": "nonce"}.get(str(error.claim), "proof")
            raise SignInRefused(reason) from error
        except (JoseError, ValueError) as error:
            raise SignInRefused("proof") from error
        if claims.get("azp", self.settings.oidc_client_id) != self.settings.oidc_client_id:
            raise SignInRefused("audience")
        return claims

    async def goodbye(self, now: datetime, back_to: str) -> str:
        """Where a browser ends the provider's own session too; our page where it has no such place."""
        where = (await self._about(now)).get("end_session_endpoint")
        if not where:
            return back_to
        return str(
            httpx.URL(where).copy_merge_params(
                {"client_id": self.settings.oidc_client_id, "post_logout_redirect_uri": back_to}
            )
        )

    def _kept(self, now: datetime, carried: str) -> dict[str, str]:
        try:
            kept: dict[str, str] = orjson.loads(self.keyring.open(bytes.fromhex(carried), place=PLACE))
        except (ValueError, SealBroken) as error:
            raise SignInRefused("state") from error
        if not timedelta() <= now - datetime.fromisoformat(kept["at"]) <= GOOD_FOR:
            raise SignInRefused("late")
        return kept

    async def _exchange(self, now: datetime, code: str, verifier: str) -> str:
        about, secret = await self._about(now), self.settings.oidc_client_secret
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect,
            "code_verifier": verifier, "client_id": self.settings.oidc_client_id,
        }  # fmt: skip
        if secret is not None and "client_secret_post" in about.get(
            "token_endpoint_auth_methods_supported", ()
        ):
            form["client_secret"] = secret.get_secret_value()
        basic = None
        if secret is not None and "client_secret" not in form:
            basic = httpx.BasicAuth(self.settings.oidc_client_id, secret.get_secret_value())
        async with httpx.AsyncClient(timeout=10) as http:
            try:
                answer = await http.post(
                    about["token_endpoint"], data=form, auth=basic or httpx.USE_CLIENT_DEFAULT
                )
                said = answer.json()
            except (httpx.HTTPError, ValueError) as error:
                raise SignInRefused("provider") from error
        if answer.status_code == 400 and said.get("error") == "invalid_grant":
            raise SignInRefused("replayed")
        if answer.is_error or "id_token" not in said:
            raise SignInRefused("provider")
        return str(said["id_token"])

    async def _decoded(self, now: datetime, token: str) -> dict[str, Any]:
        keys = await self._key_set(now)
        try:
            return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
        except (InvalidKeyIdError, MissingKeyError, ValueError):
            keys = await self._key_set(now, again=True)
            return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)

    async def _key_set(self, now: datetime, *, again: bool = False) -> KeySet:
        if self._keys is None or again:
            self._keys = KeySet.import_key_set(await _read((await self._about(now))["jwks_uri"]))  # type: ignore[arg-type]
        return self._keys

    async def _about(self, now: datetime) -> dict[str, Any]:
        """The provider's description of itself, which must be by the issuer that is configured."""
        if self._found_at is None or not timedelta() <= now - self._found_at < REMEMBERED:
            issuer = self.settings.oidc_issuer
            found = await _read(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise SignInRefused("provider")
            self._found, self._found_at, self._keys = found, now, None
        return self._found


_providers: dict[int, Provider] = {}


def provider(app: App) -> Provider:
    """The provider of this process, which remembers its description and keys. Raises NotFound."""
    config = app.settings
    if not config.oidc_issuer or not config.oidc_client_id:
        raise NotFound("Signing in through a provider is not set up here.")
    known = _providers.get(id(app))
    if known is None or known.settings is not config:
        known = _providers[id(app)] = Provider(config, app.keyring, config.address() + BACK)
    return known


async def _read(address: str) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=10) as http:
        try:
            answer = await http.get(address)
            answer.raise_for_status()
            said: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignInRefused("provider") from error
    return said
