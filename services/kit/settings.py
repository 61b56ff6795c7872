"""Every setting of the product, read from `CM_*` variables or a `.env` file.

Only two of them change where the product runs: `CM_DATABASE_URL` and `CM_REDIS_URL` (D5).
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Times are in seconds, sizes in bytes unless a name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="CM_", env_file=".env", extra="ignore")

    environment: Literal["development", "production"] = "development"
    home: Path = Field(Path(".cm"), description="Where embedded servers, keys and logs live.")
    database_url: SecretStr | None = Field(
        None, description="postgresql://… of an owner that may create roles. Empty: embedded."
    )
    redis_url: SecretStr | None = Field(None, description="redis://… Empty: embedded Valkey.")
    secret_key: SecretStr | None = Field(
        None,
        description="Root of all derived keys, 32 characters or more; never changes. Empty: made once in home.",
    )
    data_keys: SecretStr | None = Field(
        None,
        description="Keys that data is sealed under, newest first, commas between, 32 characters or more each."
        " Empty: data.keys in home, else the root's.",
    )

    host: str = "127.0.0.1"
    port: int = Field(3000, ge=1, le=65535, description="Portal, API and websocket.")
    hub_port: int = Field(0, ge=0, le=65535, description="Bundled hub: links, opt-out. 0: port + 1.")
    platform_port: int = Field(0, ge=0, le=65535, description="Bundled platform: import. 0: port + 2.")
    public_url: str = Field("", description="Address people use for the portal. Empty: host:port.")
    hub_public_url: str = Field("", description="Address in messages' links. Empty: host:hub_port.")
    hub_url: str = Field("", description="Hub's status API. Empty: the bundled one; external: not asked.")
    hub_token: SecretStr | None = Field(
        None, description="Bearer token of the Hub's status API. Empty: derived."
    )
    platform_url: str = Field("", description="Practice Platform API. Empty: host:platform_port.")

    hub: Literal["bundled", "external"] = "bundled"
    platform: Literal["bundled", "external"] = "bundled"
    smtp_url: SecretStr | None = Field(
        None, description="smtp://user:pass@host:port of the mail server. Empty: console adapter."
    )
    mail_from: str = "hello@practice.example"
    bounce_address: str = Field(
        "",
        pattern=r"^([^@\s+]+@[^@\s]+)?$",
        description="bounces@… of a domain that takes bounces+anything@…: each email comes back to an"
        " address of its own. Empty: mail_from.",
    )
    hub_adapter: Literal["auto", "console", "null", "journal"] = Field(
        "auto",
        description="auto: each channel's configured transport, console where there is none. "
        "journal: nothing leaves, every hand-over is written down (cm chaos).",
    )
    sms_gateway_url: str = Field("", description="HTTP gateway for SMS. Empty: console adapter.")
    whatsapp_gateway_url: str = Field("", description="HTTP gateway for WhatsApp. Empty: console adapter.")
    gateway_token: SecretStr | None = Field(
        None, description="Bearer token of the gateways, sent to them and expected from them."
    )
    hub_hourly: int = Field(10_000, ge=1, description="Messages a practice hands to providers an hour.")
    hub_hourly_sms: int = Field(1_000, ge=1, description="The same for SMS alone, and for WhatsApp alone.")
    demo_engagement: bool | None = Field(
        None, description="Simulated opens and clicks of console messages. Empty: in development, not in QA."
    )

    api_per_caller: int = Field(6_000, ge=1, description="Requests a minute of one person or API key.")
    api_per_practice: int = Field(24_000, ge=1, description="Requests a minute of one practice in all.")
    api_per_stranger: int = Field(
        120, ge=1, description="Sign-ins and refused credentials a minute from one address."
    )

    otlp_endpoint: str | None = Field(
        None,
        description="OTLP/HTTP collector that traces go to, as `http://host:4318`. Empty: none are made.",
    )
    oidc_issuer: str = Field("", description="OpenID provider people may sign in with. Empty: none.")
    oidc_client_id: str = Field("", description="What the provider calls this installation.")
    oidc_client_secret: SecretStr | None = Field(None, description="Empty: a public client, PKCE alone.")
    oidc_scopes: str = "openid email profile"
    oidc_label: str = Field("your organisation", max_length=40, description="“Sign in with …”.")

    metrics_token: SecretStr | None = Field(
        None, description="Bearer token that `/metrics` asks for. Empty: it answers this machine only."
    )
    webhook_private: bool = Field(
        False, description="Webhooks may go to loopback and private addresses, unencrypted. Never production."
    )

    contacts: int = Field(5_000, ge=1, description="Size of the generated practice.")
    seed: int = 20_260_401
    ambient_per_minute: float = Field(
        0, ge=0, le=600, description="Bundled platform: invented events a minute. 0: none."
    )
    qa: bool = Field(False, description="QA mode: movable clock, seeded worlds. Never production.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _ports_in_a_row(self) -> Self:
        self.hub_port = self.hub_port or self.port + 1
        self.platform_port = self.platform_port or self.port + 2
        return self

    def address(self) -> str:
        """Portal address without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def hub_address(self) -> str:
        return (self.hub_public_url or f"http://{self.host}:{self.hub_port}").rstrip("/")

    def hub_api_address(self) -> str:
        """Where the Hub is asked what became of messages."""
        return (self.hub_url or f"http://{self.host}:{self.hub_port}").rstrip("/")

    def platform_address(self) -> str:
        return (self.platform_url or f"http://{self.host}:{self.platform_port}").rstrip("/")

    @property
    def simulates_engagement(self) -> bool:
        """Never in production, whatever is set."""
        wanted = not self.qa if self.demo_engagement is None else self.demo_engagement
        return wanted and self.environment == "development"

    @property
    def webhooks_reach_private(self) -> bool:
        """Never in production, whatever is set."""
        return self.webhook_private and self.environment == "development"

    @property
    def allowed_origins(self) -> list[str]:
        """Origins that may open the portal's websocket (house rule 16)."""
        origins = [self.address()]
        if self.host == "127.0.0.1":
            origins.append(f"http://localhost:{self.port}")
        return list(dict.fromkeys(origins))


@lru_cache
def settings() -> Settings:
    return Settings()
