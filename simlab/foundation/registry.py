"""Named generators, fitters and metrics: registered by a decorator, or by an entry point of an installed package."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from simlab.foundation.errors import InputError, UnknownNameError

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One registered thing: its name, the thing itself, one line about it and where it comes from."""

    name: str
    thing: T
    summary: str
    reference: str


@dataclass
class Registry(Generic[T]):
    """All things of one ``kind``. Packages add theirs under the entry point group ``simlab.<kind>s``."""

    kind: str
    _entries: dict[str, Entry[T]] = field(default_factory=dict)
    _looked: bool = False

    def register(self, name: str, *, summary: str, reference: str) -> Callable[[T], T]:
        """Return a decorator that registers a thing under ``name``; the same name twice is refused."""

        def add(thing: T) -> T:
            known = self._entries.get(name)
            if known is not None and not _same(known.thing, thing):
                raise InputError(f"{self.kind} {name!r} is registered twice: choose another name")
            self._entries[name] = Entry(name, thing, summary, reference)
            return thing

        return add

    def __getitem__(self, name: str) -> Entry[T]:
        """Return the entry called ``name``; UnknownNameError lists the known and the nearest."""
        self._load_entry_points()
        if name not in self._entries:
            raise UnknownNameError.among(self.kind, name, self._entries)
        return self._entries[name]

    def __iter__(self) -> Iterator[Entry[T]]:
        """Iterate over the entries in the order of registration."""
        self._load_entry_points()
        return iter(list(self._entries.values()))

    def __contains__(self, name: object) -> bool:
        """Say whether ``name`` is registered."""
        self._load_entry_points()
        return name in self._entries

    def names(self) -> list[str]:
        """Return the registered names."""
        return [entry.name for entry in self]

    def _load_entry_points(self) -> None:
        if self._looked:
            return
        self._looked = True
        for point in entry_points(group=f"simlab.{self.kind}s"):
            try:
                point.load()
            except Exception as error:  # somebody else's package must not break ours
                warnings.warn(f"{self.kind} {point.name!r} of another package cannot be loaded: {error}", stacklevel=3)


def _same(one: object, other: object) -> bool:
    """Say whether two things are one definition, imported twice (a script that is run and imported)."""
    names = [(getattr(t, "__qualname__", None), getattr(t, "__code__", None)) for t in (one, other)]
    return one is other or (names[0][0] is not None and names[0] == names[1])
