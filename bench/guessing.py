"""10,000 wrong PINs against a live hotline: do the limits hold, and does anybody else notice?

    python bench/guessing.py [--guesses 10000] [--seed 1] [--json]

Starts a hotline of its own (``lines_parts/hotline.py``: real Asterisk, the real controller, SQLite, the real limits)
and tries PINs through the controller's FastAGI port, 20 calls at once, five tries a call: by telephone it would be
days. One call of five withholds its caller ID, one account of four does not exist. Meanwhile two customers ask for
prices without a pause. At the end right PINs are tried: of accounts that wait, that are locked, that nobody attacked.

What is judged (exit code 1 when one fails): no wrong PIN proves anybody; no account has more checks than its limit
allows in the time, nor the callers together than theirs; a right PIN proves nothing while its account waits or is
locked, and everything for others; the controller's log names no account; its memory grows by no more than
``MOST_GROWTH_MB``. *checks* are tries that came as far as argon2: the audit trail has them as ``wrong``.
The customers' p99 (key to next command) is told, not judged: this program shares two cores with the hotline.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.guessing_parts.siege import AT_ONCE, Besieged, Siege, quantile
from bench.lines_parts.hotline import running

MOST_GROWTH_MB = 60  # two hashes at once have 38 MB; the rest is calls


def main() -> int:
    options = _options()
    return asyncio.run(_run(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="guessing PINs on a live hotline")
    parser.add_argument("--guesses", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> int:
    async with running(AT_ONCE + 10) as hotline:
        siege = Siege(
            Besieged(hotline.settings, hotline.secrets.identity_key, hotline.controller), options.guesses, options.seed
        )
        await siege.prepare()
        outcome = await siege.run()
        log = hotline.controller_log.read_text("utf-8", "replace")
    faults = outcome.faults(siege.victims)
    if any(account in log for account in siege.victims.accounts):
        faults.append("the controller's log names an account")
    growth = (outcome.rss_most - outcome.rss_before) / 1024
    if growth > MOST_GROWTH_MB:
        faults.append(f"the controller grew by {growth:.0f} MB")
    figures = {
        "guesses": outcome.guesses,
        "accounts": len(siege.victims.accounts),
        "caller_ids": len(siege.victims.callers),
        "seconds": round(outcome.seconds, 1),
        "guesses_per_second": round(outcome.guesses / outcome.seconds, 1),
        "told_wrong": outcome.told["wrong"],
        "told_wait": outcome.told["wait"],
        "told_locked": outcome.told["locked"],
        "checks": outcome.checks,
        "checks_allowed_to_callers": outcome.allowed_by_callers,
        "most_checks_of_an_account": max(outcome.checked.values(), default=0),
        "checks_allowed_to_an_account": outcome.allowed_per_account,
        "right_while_waiting": dict(outcome.right_while_waiting),
        "right_while_locked": dict(outcome.right_while_locked),
        "right_of_others": dict(outcome.right_of_others),
        "quote_keys": len(outcome.quote_waits),
        "quote_p50_ms": round(quantile(outcome.quote_waits, 50), 1),
        "quote_p99_ms": round(quantile(outcome.quote_waits, 99), 1),
        "guess_p99_ms": round(quantile(outcome.guess_waits, 99), 1),
        "rss_before_mb": round(outcome.rss_before / 1024),
        "rss_most_mb": round(outcome.rss_most / 1024),
    }
    if not options.json:
        for name, value in figures.items():
            print(f"{name.replace('_', ' '):<32} {value}")
        for fault in faults:
            print(f"FAULT: {fault}", file=sys.stderr)
    print(json.dumps({"bench": "guessing", **figures, "faults": faults}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
