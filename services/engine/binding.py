"""What a statement is given beside its text: bound parameters, collected while the text is put together."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Binding:
    """Names of one statement never collide; a value never becomes text."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any) -> str:
        """Keep `value`; returns how the text names it."""
        name = f"b{len(self.values)}"
        self.values[name] = value
        return f":{name}"
