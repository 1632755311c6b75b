"""A made-up market, and how Tencent, Sina and a licensed JSON feed write it. Pure: one seed, one market."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

ZONE = datetime.timezone(datetime.timedelta(hours=8))
SYLLABLES = "中国金石化学银行海天科技电力长江东方药业重工航空股份能源控股材料智能光电生物医疗环保建设"


@dataclass
class Share:
    """One line of the market, in cents; ``fields`` goes over what is written at a place of Tencent's or Sina's line."""

    symbol: str
    name: str
    before: int
    opened: int
    last: int
    high: int
    low: int
    lots: int
    turnover: int  # yuan
    at: datetime.datetime
    state: str = ""  # Tencent's
    sina_state: str = "00"
    bids: bool = True
    limits: tuple[str, str] | None = None  # up and down; None: ten percent

    def trade(self, chance: random.Random, at: datetime.datetime) -> None:
        """A tick up or down within ten percent, some lots more."""
        self.last = min(
            max(self.last + chance.choice((-2, -1, 1, 2)), self.before * 9 // 10 + 1), self.before * 11 // 10
        )
        self.high, self.low = max(self.high, self.last), min(self.low, self.last)
        lots = chance.randint(1, 500)
        self.lots += lots
        self.turnover += lots * self.last
        self.at = at


def yuan(cents: int) -> str:
    """``178850`` → ``1788.50``."""
    return f"{Decimal(cents) / 100:.2f}"


def tencent_line(share: Share) -> str:
    """As ``qt`` lines look: 53 fields."""
    near = yuan(share.last - 1) if share.bids else "0.00"
    far = yuan(share.last + 1) if share.bids else "0.00"
    book_b = [text for step in range(5) for text in (near, str(100 + step) if share.bids else "0")]
    book_a = [text for step in range(5) for text in (far, str(90 + step) if share.bids else "0")]
    change = share.last - share.before
    percent = f"{change / share.before * 100:.2f}" if share.before else "0.00"
    turnover = f"{share.turnover / 10_000:.0f}"
    limits = share.limits or (yuan(share.before * 11 // 10), yuan(share.before * 9 // 10))
    fields = [
        "1", share.name, share.symbol[2:], yuan(share.last), yuan(share.before), yuan(share.opened), str(share.lots),
        str(share.lots // 2), str(share.lots - share.lots // 2), *book_b, *book_a, "", f"{share.at:%Y%m%d%H%M%S}",
        yuan(change), percent, yuan(share.high), yuan(share.low),
        f"{yuan(share.last)}/{share.lots}/{share.turnover}", str(share.lots), turnover, "0.52", "21.3", share.state,
        yuan(share.high), yuan(share.low), "1.90", "22467.1", "22467.1", "8.45", *limits, "0.94", "-12",
        yuan(share.last), "20.1", "22.4",
    ]  # fmt: skip
    return f'v_{share.symbol}="{"~".join(fields)}";\n'


def sina_line(share: Share) -> str:
    """As ``hq_str`` lines look: 33 fields."""
    near = yuan(share.last - 1) if share.bids else "0.00"
    far = yuan(share.last + 1) if share.bids else "0.00"
    book_b = [text for step in range(5) for text in (str(10_000 + step) if share.bids else "0", near)]
    book_a = [text for step in range(5) for text in (str(9_000 + step) if share.bids else "0", far)]
    fields = [
        share.name, yuan(share.opened), yuan(share.before), yuan(share.last), yuan(share.high), yuan(share.low),
        near, far, str(share.lots * 100), f"{share.turnover}.00", *book_b, *book_a,
        f"{share.at:%Y-%m-%d}", f"{share.at:%H:%M:%S}", share.sina_state,
    ]  # fmt: skip
    return f'var hq_str_{share.symbol}="{",".join(fields)}";\n'


def json_item(share: Share) -> dict[str, object]:
    """As a licensed feed may write it."""
    return {
        "sec": f"{share.symbol[2:]}.{share.symbol[:2].upper()}",
        "px": {"last": float(yuan(share.last)), "pre": float(yuan(share.before)), "open": float(yuan(share.opened))},
        "hi": yuan(share.high),
        "lo": yuan(share.low),
        "vol_lots": share.lots,
        "amt": share.turnover,
        "ts": int(share.at.timestamp() * 1000),
        "st": "HALT" if share.state == "S" else "T",
    }


@dataclass
class Market:
    """All shares, and the clock of the exchange."""

    shares: dict[str, Share] = field(default_factory=dict)
    now: datetime.datetime = datetime.datetime(2026, 11, 20, 10, 30, tzinfo=ZONE)

    @classmethod
    def of(cls, symbols: Iterable[str], seed: int = 1, now: datetime.datetime | None = None) -> Market:
        """A market with these symbols, all trading."""
        market = cls(now=now or cls.now)
        chance = random.Random(seed)
        for symbol in symbols:
            before = chance.randint(300, 200_000)
            name = "".join(chance.sample(SYLLABLES, 4))
            share = Share(symbol, name, before, before, before, before, before, 0, 0, market.now)
            share.trade(chance, market.now)
            market.shares[symbol] = share
        return market

    def trade(self, seed: int, part: float = 1.0) -> None:
        """Three seconds later, a part of the shares has traded."""
        chance = random.Random(seed)
        self.now += datetime.timedelta(seconds=3)
        for share in self.shares.values():
            if chance.random() < part:
                share.trade(chance, self.now)

    def answer(self, form: str, symbols: Iterable[str]) -> bytes:
        """What the server of this form answers when asked for these symbols."""
        known = [(symbol, self.shares.get(symbol)) for symbol in symbols]
        if form == "json":
            return json.dumps({"data": {"items": [json_item(share) for _, share in known if share]}}).encode()
        if form == "tencent":
            lines = [tencent_line(share) for _, share in known if share]
            return "".join(lines or ['v_pv_none_match="1";\n']).encode("gbk")
        return "".join(sina_line(share) if share else f'var hq_str_{symbol}="";\n' for symbol, share in known).encode(
            "gbk"
        )
