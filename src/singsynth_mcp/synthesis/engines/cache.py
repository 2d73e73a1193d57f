"""Open models, kept warm up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Model = TypeVar("Model")


class ModelCache(Generic[Model]):
    """The models used last; a model that somebody still runs lives on until that ends. Not safe for threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._models: OrderedDict[Hashable, tuple[Model, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._models)

    def get(self, key: Hashable) -> Model | None:
        """Return a model and count it as used now."""
        if key not in self._models:
            return None
        self._models.move_to_end(key)
        return self._models[key][0]

    def put(self, key: Hashable, model: Model, size: int) -> None:
        """Keep a model of `size` bytes; the least recently used go, the new one stays however large."""
        self._models[key] = (model, size)
        self.bytes += size
        while self.bytes > self.max_bytes and len(self._models) > 1:
            _, (_, freed) = self._models.popitem(last=False)
            self.bytes -= freed
