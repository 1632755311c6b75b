"""The figures Prometheus reads. One registry per controller, so that two in one process (tests) do not meet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LAG_INTERVAL = 0.25  # seconds between looks at the event loop
COMMAND_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
# Commands that play or wait for a key take as long as the caller likes: their time says nothing about us or Asterisk.
WAITING_VERBS = frozenset({"STREAM FILE", "GET OPTION", "GET DATA", "WAIT FOR DIGIT", "EXEC", "RECORD FILE"})


class Metrics:
    """Everything that is counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls_ended = Counter(
            "goldline_calls_ended", "Sessions by flow and how they ended", ["flow", "how"], registry=self.registry
        )
        self.commands = Histogram(
            "goldline_agi_command_seconds",
            "Asterisk's time to answer a command that waits for nobody",
            buckets=COMMAND_BUCKETS,
            registry=self.registry,
        )
        self.turns = Histogram(
            "goldline_agi_turn_seconds",
            "Our time from an answer of Asterisk to our next command: what a caller waits for us",
            buckets=COMMAND_BUCKETS,
            registry=self.registry,
        )
        self.loop_lag = Histogram(
            "goldline_loop_lag_seconds", "How late the event loop is", buckets=LAG_BUCKETS, registry=self.registry
        )
        self.loop_lag_now = Gauge("goldline_loop_lag_now_seconds", "How late it was last", registry=self.registry)

    def follow(self, name: str, description: str, read: Callable[[], float]) -> None:
        """A figure that is read when asked for."""
        Gauge(name, description, registry=self.registry).set_function(read)

    def command_answered(self, verb: str, seconds: float) -> None:
        """One AGI command was answered."""
        if verb not in WAITING_VERBS:
            self.commands.observe(seconds)

    def call_ended(self, flow: str, how: str) -> None:
        """One session ended."""
        self.calls_ended.labels(flow, how).inc()

    async def watch_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        while True:
            due = time.monotonic() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            lag = max(0.0, time.monotonic() - due)
            self.loop_lag.observe(lag)
            self.loop_lag_now.set(lag)

    def text(self) -> bytes:
        """In Prometheus' own format."""
        return generate_latest(self.registry)
