"""A real OpenID provider beside the tests: the certified one of the Node world, in a process of its own."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx

from cm_app.portal_build import environment

SOURCE = Path(__file__).with_name("sign_in_provider")
CLIENT, SECRET = "campaign-manager", "a secret of the tests"


@dataclass(frozen=True)
class SignInProvider:
    issuer: str

    def sign_in(self, address: str, login: str) -> str:
        """What a person does there; returns the address they are sent back to."""
        with httpx.Client(follow_redirects=False) as browser:
            for _ in range(20):
                answer = browser.get(address)
                while "/interaction/" in str(answer.url) and answer.status_code == 200:
                    kind = re.search(r'name="prompt" value="(\w+)"', answer.text)
                    assert kind, answer.text
                    form = {"prompt": kind[1], "login": login, "password": "any"}
                    answer = browser.post(str(answer.url), data=form)
                address = urljoin(str(answer.url), answer.headers["location"])
                if not address.startswith(self.issuer):
                    return address
        raise AssertionError("The provider sent nobody back.")

    def new_keys(self) -> None:
        """It signs with another key from now on, and knows the old one no longer."""
        httpx.get(f"{self.issuer}/test/new-keys").raise_for_status()


@contextmanager
def sign_in_provider(
    folder: Path, ours: str, port: int | None = None, *, ahead: int = 0
) -> Iterator[SignInProvider]:
    """Install it into `folder` and run it for a portal at `ours`, on a free port unless one is named, with a clock
    that is `ahead` seconds."""
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    env = environment()
    npm = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    subprocess.run(npm, cwd=folder, env=env, check=True, timeout=120)
    with socket.socket() as free:
        free.bind(("127.0.0.1", port or 0))
        port = free.getsockname()[1]
    command = [
        "node",
        "provider.mjs",
        str(port),
        f"{ours}/api/session/oidc/back",
        f"{ours}/login",
        str(ahead),
    ]
    running = subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert running.stdout
        assert any("ready" in line for line in running.stdout), "The provider did not start."
        yield SignInProvider(f"http://127.0.0.1:{port}")
    finally:
        running.terminate()
        running.wait(10)
        if running.stdout:
            running.stdout.close()
