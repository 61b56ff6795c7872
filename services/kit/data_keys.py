"""The keys that data is sealed under and that rotate (D28, GOV-6): from the settings, or a private file.

The file holds a key a line, newest first. It is looked at again whenever a key is needed, so that
every running process seals under a new key from the moment it is there, and none under the one before.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.kit.errors import Conflict
from services.kit.ids import new_token

SHORTEST = 32
"""Characters of a key, at least."""
_UNFINISHED = b"# Re-sealing under the first key is not finished: run `cm keys rotate` again."


@dataclass(eq=False)
class DataKeys:
    """`given` by the settings come first; then those of `file`, which need not exist."""

    given: Sequence[bytes] = field(default=(), repr=False)
    file: Path | None = None
    _seen: tuple[int, int, int] | None = field(default=None, repr=False)
    _lines: tuple[bytes, ...] = field(default=(), repr=False)

    def all(self) -> tuple[bytes, ...]:
        """Every data key, newest first."""
        return (*self.given, *self.of_file())

    def of_file(self) -> tuple[bytes, ...]:
        return tuple(line for line in self._read() if not line.startswith(b"#"))

    @property
    def unfinished(self) -> bool:
        """A rotation made the file's first key and has not re-sealed everything under it yet."""
        return _UNFINISHED in self._read()

    def make(self) -> None:
        """Put a new key first; a rotation is under way from then on."""
        self._write((new_token(48).encode(), *self.of_file()), unfinished=True)

    def finished(self) -> None:
        """Everything that could be re-sealed has been."""
        if self.unfinished:
            self._write(self.of_file())

    def forget(self, key: bytes) -> None:
        """Take one key out of the file."""
        self._write(tuple(other for other in self.of_file() if other != key), unfinished=self.unfinished)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second command from changing the file meanwhile. Raises Conflict."""
        path = self._path()
        with path.with_name("data.keys.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict("Another `cm keys` command is at work. Try again when it has ended.") from None
            yield

    def _read(self) -> tuple[bytes, ...]:
        if self.file is None:
            return ()
        try:
            found = self.file.stat()
            mark = (found.st_ino, found.st_mtime_ns, found.st_size)
            if mark != self._seen:
                lines = tuple(line.strip() for line in self.file.read_bytes().splitlines())
                self._lines, self._seen = tuple(line for line in lines if line), mark
        except (FileNotFoundError, NotADirectoryError):
            self._lines, self._seen = (), None
        return self._lines

    def _write(self, keys: Sequence[bytes], *, unfinished: bool = False) -> None:
        """All or nothing: whoever reads meanwhile sees the file before or after."""
        path = self._path()
        fresh = path.with_name("data.keys.new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(b"".join(line + b"\n" for line in ([_UNFINISHED] if unfinished else []) + list(keys)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # data is about to be sealed under it: the name must outlive a crash too
        finally:
            os.close(folder)

    def _path(self) -> Path:
        if self.file is None:
            raise Conflict("There is no home folder to keep keys in.")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        return self.file
