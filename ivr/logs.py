"""How the log is written: one line per happening, the call id on every line of a call, never a secret digit.

Lines from structlog and from the standard ``logging`` module come out alike. The call id comes from a context variable
that the session binds, so that nobody has to remember it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

# Names whose values are what somebody keyed in or a password. The journal has its own rules; a log never needs these.
HIDDEN_NAMES = frozenset({"digits", "keys", "key", "pin", "password", "secret", "token"})


def hide_secrets(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take out values that must never be in a log, whoever put them there."""
    for name in HIDDEN_NAMES & line.keys():
        line[name] = "(hidden)"
    return line


def configure(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["text", "json"] = "text",
    stream: TextIO | None = None,
) -> None:
    """Set up logging for this process. May be called again."""
    stream = stream or sys.stderr
    threshold = getattr(logging, level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    renderer: structlog.typing.Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    elif stream.isatty():
        renderer = structlog.dev.ConsoleRenderer(pad_event_to=0, sort_keys=False)
    else:
        renderer = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        # Straight to the stream: a line through the standard library costs a call five times as much.
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    # These tell every statement and every request; what matters of them we say ourselves.
    for noisy in ("sqlalchemy", "alembic", "aiosqlite", "aiohttp.access", "panoramisk", "asyncio"):
        logging.getLogger(noisy).setLevel(max(threshold, logging.WARNING))
