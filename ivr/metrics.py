"""The figures Prometheus reads. One registry per controller, so that two in one process (tests) do not meet."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

Cells = Callable[[], Iterable[tuple[Sequence[str], float]]]  # labels and figure
LAG_INTERVAL = 0.25  # seconds between looks at the event loop
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)


class Durations(Collector):
    """A histogram of seconds. A tenth of the cost of the library's own, and a call observes twenty times."""

    def __init__(self, name: str, description: str, bounds: Sequence[float] = SECONDS_BUCKETS) -> None:
        self._name, self._description, self._bounds = name, description, tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def collect(self) -> Iterable[Metric]:
        """For the registry."""
        total, buckets = 0, []
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            buckets.append((bound, total))
        family = HistogramMetricFamily(self._name, self._description)
        family.add_metric([], buckets, self._sum)
        return [family]


class Table(Collector):
    """A figure for each of several things, read when asked for."""

    def __init__(self, name: str, description: str, labels: Sequence[str], read: Cells) -> None:
        self._name, self._description, self._labels, self._read = name, description, tuple(labels), read

    def collect(self) -> Iterable[Metric]:
        """For the registry."""
        family = GaugeMetricFamily(self._name, self._description, labels=self._labels)
        for labels, value in self._read():
            family.add_metric(labels, value)
        return [family]


class Metrics:
    """Everything that is counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls_ended = Counter(
            "goldline_calls_ended", "Sessions by flow and how they ended", ["flow", "how"], registry=self.registry
        )
        self.lines_refused = Counter(
            "goldline_lines_refused",
            "Calls that got no line, by the rule that says so",
            ["trunks", "class", "rule"],
            registry=self.registry,
        )
        self._ended: dict[tuple[str, str], Counter] = {}
        self.commands = self._durations(
            "goldline_agi_command_seconds", "Asterisk's time to answer a command that waits for nobody"
        )
        self.turns = self._durations(
            "goldline_agi_turn_seconds", "Our time from an answer of Asterisk to our next command: what a caller waits"
        )
        self.loop_lag = self._durations("goldline_loop_lag_seconds", "How late the event loop is")
        self.loop_lag_now = Gauge("goldline_loop_lag_now_seconds", "How late it was last", registry=self.registry)

    def _durations(self, name: str, description: str) -> Durations:
        durations = Durations(name, description)
        self.registry.register(durations)
        return durations

    def follow(self, name: str, description: str, read: Callable[[], float]) -> None:
        """A figure that is read when asked for."""
        Gauge(name, description, registry=self.registry).set_function(read)

    def follow_table(self, name: str, description: str, labels: Sequence[str], read: Cells) -> None:
        """The same for figures with labels."""
        self.registry.register(Table(name, description, labels, read))

    def line_refused(self, trunks: str, call_class: str, rule: str) -> None:
        """A call got no line."""
        self.lines_refused.labels(trunks, call_class, rule).inc()

    def command_answered(self, seconds: float | None, turn: float | None) -> None:
        """One AGI command was answered (``ivr.agi.session.Observe``)."""
        if seconds is not None:
            self.commands.observe(seconds)
        if turn is not None:
            self.turns.observe(turn)

    def call_ended(self, flow: str, how: str) -> None:
        """One session ended."""
        counter = self._ended.get((flow, how))
        if counter is None:
            counter = self._ended[flow, how] = self.calls_ended.labels(flow, how)
        counter.inc()

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
