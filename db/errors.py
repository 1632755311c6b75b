"""What can go wrong with the store, each with its remedy. Pure."""

from __future__ import annotations

from typing import ClassVar

from ivr.errors import GoldlineError


class StoreError(GoldlineError):
    """The database refused, or is away."""

    error_id: ClassVar[str] = "store-error"


class BadStoreUrl(StoreError):
    """The URL of the store names no database that Goldline can use."""

    error_id: ClassVar[str] = "bad-store-url"


class StoreAway(StoreError):
    """The database cannot be reached, or did not answer in time. Trying again later may help."""

    error_id: ClassVar[str] = "store-away"


class SchemaMismatch(StoreError):
    """The tables are not those that this version of Goldline knows."""

    error_id: ClassVar[str] = "schema-mismatch"


class AlreadyThere(StoreError):
    """A row with this key exists."""

    error_id: ClassVar[str] = "already-there"


class SpoolError(StoreError):
    """The journal's directory on disk cannot be used."""

    error_id: ClassVar[str] = "spool-error"


class SpoolHeld(SpoolError):
    """Another process writes to this spool."""

    error_id: ClassVar[str] = "spool-held"


class FollowerTooSlow(StoreError):
    """A live follower did not keep up with the journal and was dropped."""

    error_id: ClassVar[str] = "follower-too-slow"
