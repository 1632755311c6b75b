"""The settings: one typed tree, read from ``goldline.toml`` and the environment.

``goldline.toml`` stands in the checkout (or where ``GOLDLINE_CONFIG`` says). An environment variable
``GOLDLINE_PORTS__SIP=5070`` overrides ``[ports] sip``: two underscores go one level down. A setting that is unknown or
wrong is refused with its name, where it came from, and a hint.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ivr import contract
from ivr.errors import GoldlineError
from ivr.speech.manner import Manner

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENT_PREFIX = "GOLDLINE_"
ENVIRONMENT_OWN = frozenset({"GOLDLINE_CONFIG", "GOLDLINE_TEST_WITHOUT"})  # names that are not settings

Port = Annotated[int, Field(ge=1, le=65535)]
PortName = Literal["sip", "sips", "ws", "wss", "agi", "ami", "http", "rtp_first", "rtp_last"]
HOST_PATTERN = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
Host = Annotated[str, Field(pattern=rf"^{HOST_PATTERN}(/[0-9]{{1,2}})?$")]  # a name, an address or a network
IPv4 = Annotated[str, Field(pattern=r"^([0-9]{1,3}\.){3}[0-9]{1,3}$")]

# A phone that moves from one Wi-Fi station to the next may say nothing for three seconds; a customer who hears nothing
# hangs up after some ten.
SEAT_SILENCE = 6


class ConfigError(GoldlineError):
    """A setting is unknown or wrong."""

    error_id: ClassVar[str] = "config-error"


class Section(BaseModel):
    """A part of the settings: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ports(Section):
    """Where everything listens. ``offset`` shifts all of them, so that two checkouts can run side by side."""

    offset: int = Field(0, ge=0, le=20000, description="added to every port below")
    sip: Port = 5060
    sips: Port = Field(5061, description="SIP over TLS")
    ws: Port = Field(8088, description="telephones in browsers, over WebSocket")
    wss: Port = Field(8089, description="the same over TLS")
    agi: Port = 4573
    ami: Port = 5038
    http: Port = Field(9180, description="health, metrics and the live journal, loopback only")
    rtp_first: Port = 10000
    rtp_last: Port = 12999

    @model_validator(mode="after")
    def _in_range(self) -> Ports:
        for name in get_args(PortName):
            if getattr(self, name) + self.offset > 65535:
                raise ValueError(f"{name} plus the offset is over 65535")
        if self.rtp_last - self.rtp_first < 3:
            raise ValueError("rtp_last must be at least 3 above rtp_first: a call needs two ports")
        return self

    def at(self, name: PortName) -> int:
        """The port in use: the setting plus the offset."""
        return int(getattr(self, name)) + self.offset


class Trunk(Section):
    """A trunk by which we call out: seats behind it (kind ``mobile`` and ``trunk``) name it."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$", description="as seats name it")
    host: str = Field(pattern=rf"^{HOST_PATTERN}$", description="the gateway's address")
    port: Port = 5060
    transport: Literal["udp", "tcp", "tls"] = "udp"
    username: str = Field("", pattern=r"^[A-Za-z0-9_.+@-]{0,64}$", description="when the gateway asks who we are")
    password: str = Field("", repr=False, max_length=128, pattern=r"^[^\x00-\x1f\x7f;\[\]]*$")
    registers: bool = Field(False, description="log in there, so that the gateway knows where we are")
    caller_id: str = Field(
        "", pattern=r"^\+?[0-9]{0,20}$", description="the number that is shown; empty: the hotline's (sip.number)"
    )
    codecs: tuple[Literal["alaw", "ulaw", "g722"], ...] = Field(("alaw", "ulaw"), min_length=1)
    calls_per_second: float = Field(
        2.0, gt=0, le=100, description="how many calls of campaigns begin in a second: what the carrier takes"
    )
    channels: int = Field(30, ge=1, le=10_000, description="how many calls of campaigns there are at once")

    @model_validator(mode="after")
    def _consistent(self) -> Trunk:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together: give both, or none")
        if self.registers and not self.username:
            raise ValueError("to register takes a username and a password")
        if self.name in (contract.ENDPOINT_SELF, contract.ENDPOINT_TRUNK):
            raise ValueError(f"{self.name} is a name of Goldline's own")
        return self


class Sip(Section):
    """Who may reach our SIP port."""

    bind: IPv4 = Field("127.0.0.1", description="address SIP and RTP listen on; 0.0.0.0 for phones on the network")
    trunk_hosts: tuple[Host, ...] = Field(
        (), description="addresses (or networks: 192.0.2.0/28) of the trunk's gateways"
    )
    trunks: tuple[Trunk, ...] = Field((), description="trunks by which we call out")
    external_address: Annotated[str, Field(pattern=rf"^({HOST_PATTERN})?$")] = Field(
        "", description="our public address, when phones reach us through NAT"
    )
    number: str = Field("95500", pattern=r"^[0-9]{2,15}$", description="the hotline's number")
    browser_bind: IPv4 = Field("127.0.0.1", description="address on which telephones in browsers are served (ws, wss)")
    certificate: str = Field("", description="PEM file with the chain for TLS and WSS; empty: Goldline makes its own")
    certificate_key: str = Field("", description="PEM file with its key")
    seat_silence: int = Field(
        SEAT_SILENCE, ge=2, le=120, description="a seat's line is dead after so many seconds without a packet in a talk"
    )

    @model_validator(mode="after")
    def _both(self) -> Sip:
        if bool(self.certificate) != bool(self.certificate_key):
            raise ValueError("certificate and certificate_key go together: give both, or none")
        names = [trunk.name for trunk in self.trunks]
        if len(set(names)) < len(names):
            raise ValueError("two trunks have the same name")
        return self


class Database(Section):
    """Where the store is. Empty: SQLite in the run directory."""

    url: str = Field("", description="e.g. postgresql+psycopg://user:password@host/name")


class Limits(Section):
    """What we refuse rather than suffer."""

    live_calls: int = Field(600, ge=1, description="above this a new caller hears the busy prompt at once")
    command_seconds: float = Field(30.0, gt=0, description="an AGI command may take this long beyond its own duration")
    away_seconds: int = Field(
        60, ge=2, le=600, description="without a controller for so long, callers are offered Asterisk's own queue"
    )
    call_seconds: int = Field(7200, ge=60, description="a call is ended after this long, whatever happens")


class Speech(Section):
    """The voice."""

    engine: Literal["pyttsx3", "espeak"] = "pyttsx3"
    workers: int = Field(1, ge=1, le=8, description="processes that render speech")
    natural: bool = Field(
        True, description="the natural voice says what was rendered ahead; without it the engine says everything"
    )
    learns: bool = Field(
        True, description="what the natural voice lacks is rendered in the background (needs the extra voice)"
    )
    sounds_mb: int = Field(
        512, ge=16, description="composed sounds kept, in megabytes; then the least used are forgotten"
    )
    clips_mb: int = Field(2048, ge=64, description="the same for rendered clips in the cache directory")

    def manner(self, learns: bool = False) -> Manner:
        """As ``ivr.speech`` takes it."""
        return Manner(self.engine, self.workers, self.natural, learns, self.sounds_mb << 20, self.clips_mb << 20)


class Quotes(Section):
    """Where quotes come from (docs/quotes.md). The demonstration makes them up and tells every caller so."""

    provider: Literal["demo", "tencent", "sina", "json", "csv", "sql"] = "demo"
    url: str = Field(
        "", repr=False, description="of the feed, or of the database: postgresql://user:password@host/name"
    )
    file: str = Field("", description="json: the mapping; csv: the file with the quotes")
    query: str = Field("", description="sql: a SELECT of code, market, last, previous_close, at …")
    every: float = Field(3.0, ge=0.5, le=60, description="seconds between refreshes while there is trading")
    seconds: float = Field(2.5, gt=0, le=10, description="one batch may take so long")
    batch: int = Field(0, ge=0, description="instruments asked for at once; 0: as many as the format allows")
    connections: int = Field(4, ge=1, le=32, description="batches asked for at the same time")

    def source(self) -> dict[str, Any]:
        """What makes a provider of it (``ivr.services.quotes.choice.Source``)."""
        return {
            "kind": self.provider,
            "url": self.url,
            "file": Path(self.file) if self.file else None,
            "query": self.query,
            "batch": self.batch or None,
            "seconds": self.seconds,
            "connections": self.connections,
        }

    @model_validator(mode="after")
    def _complete(self) -> Quotes:
        wanted = {
            "tencent": ("url",),
            "sina": ("url",),
            "json": ("url", "file"),
            "csv": ("file",),
            "sql": ("url", "query"),
        }
        missing = [name for name in wanted.get(self.provider, ()) if not getattr(self, name)]
        if missing:
            raise ValueError(f"the provider {self.provider} also needs {' and '.join(missing)}")
        if self.provider in ("tencent", "sina", "json") and not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        return self


class Sms(Section):
    """The gateway for text messages: ``POST url`` with JSON ``{"to", "text"}``. Without a URL, codes by SMS are off."""

    url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = Field(
        "", description="e.g. https://sms.example.com/send"
    )
    token: str = Field("", repr=False, description="sent as `Authorization: Bearer …`; better in the environment")
    brokerage: str = Field("Goldline", min_length=1, max_length=20, description="who the text says it is from")


class Log(Section):
    """What is written about what happens."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Settings(Section):
    """Everything that can be set."""

    run_dir: Path = Field(CHECKOUT / ".run", description="database, rendered configuration, secrets, sounds, logs")
    cache_dir: Path = Field(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "goldline",
        description="the private Asterisk and rendered speech; may be deleted at any time",
    )
    dialplans: Path = CHECKOUT / "dialplans"
    prompts: Path = CHECKOUT / "prompts"
    routing: Path = Field(
        CHECKOUT / "agent_routing", description="where policy.yaml, seat_times.yaml and reasons.yaml stand"
    )
    outbound: Path = Field(
        CHECKOUT / "outbound",
        description="where scripts/, dispositions.yaml, causes.yaml and announcements/references/ stand",
    )
    language: str = Field("zh", description="the language a call begins in")
    start_flow: str = Field("main", description="the flow a call begins with")
    person: str = Field(
        "person/others",
        pattern=r"^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$",
        description="flow/node where callers go on who asked for a person while there was no controller",
    )
    ports: Ports = Ports()
    sip: Sip = Sip()
    database: Database = Database()
    limits: Limits = Limits()
    speech: Speech = Speech()
    quotes: Quotes = Quotes()
    sms: Sms = Sms()
    log: Log = Log()

    @property
    def database_url(self) -> str:
        """The store's SQLAlchemy URL."""
        return self.database.url or f"sqlite+aiosqlite:///{self.run_dir / 'goldline.db'}"

    @property
    def sounds_dir(self) -> Path:
        """Where composed sounds stand; Asterisk reads them under the same path."""
        return self.run_dir / "sounds"


def load(
    file: Path | None = None, environment: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Read the settings. ``overrides`` (from tests and the command line) win over the environment, that over the file.

    Raises ConfigError with the setting's name, its source and a hint.
    """
    environment = os.environ if environment is None else environment
    named = environment.get("GOLDLINE_CONFIG")
    file = file or (Path(named) if named else CHECKOUT / "goldline.toml")
    tree: dict[str, Any] = {}
    if file.is_file():
        try:
            tree = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} is not valid TOML: {error}.", remedy="Mend that line.") from error
    elif named:
        raise ConfigError(f"GOLDLINE_CONFIG names {file}, which is not there.", remedy="Create it or unset it.")
    sources: dict[str, str] = {}
    for name, value in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in ENVIRONMENT_OWN:
            path = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            _put(tree, path, value, source=name)
            sources[".".join(path)] = f"environment variable {name}"
    for dotted, value in (overrides or {}).items():
        _put(tree, dotted.split("."), value, source=dotted)
        sources[dotted] = "the command line"
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(item, sources, file) for item in error.errors())) from None


def _put(tree: dict[str, Any], path: list[str], value: Any, source: str) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"{source}: {step} is a single setting, not a section.")
    tree[path[-1]] = value


def _explain(item: Any, sources: Mapping[str, str], file: Path) -> str:
    path = [str(step) for step in item["loc"]]
    dotted = ".".join(path)
    source = sources.get(dotted, str(file))
    if item["type"] != "extra_forbidden":
        return f"{source}: setting {dotted}: {item['msg']} (got {item['input']!r})."
    known = _names_beside(path)
    close = difflib.get_close_matches(path[-1], known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}."
    return f"{source}: there is no setting {dotted}. {hint}"


def _names_beside(path: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for step in path[:-1]:
        annotation = model.model_fields[step].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return sorted(model.model_fields)
