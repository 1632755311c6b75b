"""Settings and secrets in, Asterisk's files out.

All files are rendered before the first is written, so a broken template leaves the last good configuration in place.
It must not know how Asterisk is started.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from agent_routing import feature_codes, seat_times
from ivr import contract
from ivr.asterisk.certificate import provide
from ivr.asterisk.errors import AsteriskError, TemplateFault
from ivr.asterisk.layout import Layout
from ivr.asterisk.locate import Installation
from ivr.asterisk.secrets_file import Secrets, write_private
from ivr.config import CHECKOUT, Settings, Trunk
from ivr.speech.beep import write_beep
from ivr.speech.hold_music import write_hold_music

TEMPLATES = CHECKOUT / "asterisk-conf"
SUFFIX = ".j2"

MUSIC_CLASS = "goldline"
LONGEST_NUMBER = 20  # as in lines.yaml: E.164 has 15 digits at most; trunks put prefixes before them
CALLBACK_TRIES = 5  # so often a leg that is to call a customer looks for a controller
CALLBACK_RING_SECONDS = 30  # that a customer's telephone rings: six times
AWAY_PAUSE = 2  # seconds of music before the dialplan asks for a controller again
OPEN_LEG_PAUSE = 0.2  # seconds between two talks on a leg that is kept on the line
AWAY_MENU_SECONDS = 4  # for a key; who says nothing gets a person all the same
AWAY_QUEUE_SECONDS = 120  # in Asterisk's own queue, until the controller is asked for once more
AWAY_ANSWER_SECONDS = 25  # for the whisper and the key, once a seat has answered
# The rank in Asterisk's own queue is one number below 2**31: tier * AWAY_RANK + (AWAY_YEARS_END - when joined).
AWAY_RANK = 500_000_000  # seconds: more than any two joining times are apart
AWAY_YEARS_END = 2_200_000_000  # the year 2039, in seconds since 1970
CALLS_ABOVE_LIMIT = 100  # calls that may still come in to hear that all lines are busy
RTP_SILENT_SECONDS = 120  # no packet for so long: the line is dead; longer than any phone's silence suppression pauses
RTP_HELD_SECONDS = 900  # the same while a phone has put us on hold
QUALIFY_SECONDS = 15  # between two questions to a seat whether it is there: a thousand seats are 70 a second
QUALIFY_TIMEOUT = 3  # seconds for its answer: longer than any mobile network takes
TRUNK_QUALIFY_TIMEOUT = 10  # … for a gateway's: taken for silent wrongly, it would take all its seats away
LONGEST_REGISTRATION = 300  # seconds: a phone that was moved or renamed is forgotten soon
BROWSER_SESSIONS = 2000  # open connections of telephones in browsers: twice the seats of the largest hotline

HOLD_LOOK = 5  # seconds of music on hold between two looks whether the agent is still there: a controller looks sooner
FETCH_SECONDS = 5  # for a caller to be fetched; it takes milliseconds
LEFT_BEHIND = 41  # Q.850: temporary failure. A caller whose agent went away in the middle is put in front of the queue
VERIFY_TRIES = 10  # so often a caller who proves who it is waits for a controller: about 20 s, then back to the agent

# What no value may hold, because it ends or changes a line in Asterisk's files.
FORBIDDEN_IN_VALUES = re.compile(r"[\x00-\x1f\x7f;\[\]]")


def variables(settings: Settings, secrets: Secrets, installation: Installation) -> dict[str, Any]:
    """Everything that a template may name."""
    layout = Layout(settings.run_dir)
    times = seat_times.read()
    sip = settings.sip
    talk_codes = [code for code in feature_codes.read().codes if code.in_talk]
    every_address = sip.bind == "0.0.0.0"  # noqa: S104 - compared, not bound
    values: dict[str, Any] = {
        **contract.names(),
        "etc_dir": str(layout.etc_dir),
        "module_dir": str(installation.module_dir),
        "data_dir": str(installation.root / "usr/share/asterisk"),
        "var_dir": str(layout.var_dir),
        "control_dir": str(layout.control_socket.parent),
        "control_socket": layout.control_socket.name,
        "log_dir": str(layout.log_dir),
        "log_messages": layout.messages_log.name,
        "log_security": layout.security_log.name,
        "music_dir": str(layout.music_dir),
        "fixed_sounds_dir": str(layout.fixed_sounds_dir),
        "system_name": secrets.system_name,
        "language": settings.language,
        "longest_number": LONGEST_NUMBER,
        "max_calls": settings.limits.live_calls + CALLS_ABOVE_LIMIT,
        "call_seconds": settings.limits.call_seconds,
        "music_class": MUSIC_CLASS,
        "away_pause": AWAY_PAUSE,
        "callback_tries": CALLBACK_TRIES,
        "callback_ring_seconds": CALLBACK_RING_SECONDS,
        "away_tries": math.ceil(settings.limits.away_seconds / AWAY_PAUSE),
        "open_leg_pause": OPEN_LEG_PAUSE,
        "away_menu_seconds": AWAY_MENU_SECONDS,
        "away_queue_seconds": AWAY_QUEUE_SECONDS,
        "away_answer_seconds": AWAY_ANSWER_SECONDS,
        "away_rank": AWAY_RANK,
        "away_years_end": AWAY_YEARS_END,
        "away_flow": settings.person.partition("/")[0],
        "away_node": settings.person.partition("/")[2],
        "ring_seconds": round(times.longest["ringing"].total_seconds()),
        "wrap_up_seconds": round(times.wrap_up.total_seconds()),
        "hold_look": HOLD_LOOK,
        "fetch_seconds": FETCH_SECONDS,
        "left_behind": LEFT_BEHIND,
        "verify_tries": VERIFY_TRIES,
        "talk_codes": talk_codes,
        "talk_features": "#".join(f"{contract.FEATURE}{code.act}" for code in talk_codes),
        "rtp_timeout": RTP_SILENT_SECONDS,
        "rtp_timeout_hold": RTP_HELD_SECONDS,
        "sip_bind": sip.bind,
        "sip_port": settings.ports.at("sip"),
        "sips_port": settings.ports.at("sips"),
        "ws_port": settings.ports.at("ws"),
        "wss_port": settings.ports.at("wss"),
        "browser_bind": sip.browser_bind,
        "browser_sessions": BROWSER_SESSIONS,
        "certificate": str(layout.certificate),
        "certificate_key": str(layout.certificate_key),
        "seats_file": layout.seats_file.name,
        "seat_silence": sip.seat_silence,
        "qualify_seconds": QUALIFY_SECONDS,
        "qualify_timeout": QUALIFY_TIMEOUT,
        "trunk_qualify_timeout": TRUNK_QUALIFY_TIMEOUT,
        "longest_registration": LONGEST_REGISTRATION,
        "telephones": [],
        "media_address": "" if every_address else sip.bind,
        "self_host": "127.0.0.1" if every_address else sip.bind,
        "trunk_hosts": list(sip.trunk_hosts),
        "trunks": [_trunk(trunk, sip.number) for trunk in sip.trunks],
        "external_address": sip.external_address,
        "agi_port": settings.ports.at("agi"),
        "ami_port": settings.ports.at("ami"),
        "rtp_first": settings.ports.at("rtp_first"),
        "rtp_last": settings.ports.at("rtp_last"),
        "secrets": secrets,
        "var": lambda name: f"${{{name}}}",
    }
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and FORBIDDEN_IN_VALUES.search(one):
                raise AsteriskError(
                    f"{name} is {one!r}, and a control character, ';', '[' or ']' cannot stand in Asterisk's files.",
                    remedy="Change that setting.",
                )
    return values


def _trunk(trunk: Trunk, number: str) -> dict[str, Any]:
    """A trunk's settings as the template wants them."""
    road = "" if trunk.transport == "udp" else f";transport={trunk.transport}"
    return {
        **trunk.model_dump(),
        "uri": f"sip:{trunk.host}:{trunk.port}{road}",
        "caller_id": trunk.caller_id or number,
        "codecs": ",".join(trunk.codecs),
    }


def render(values: Mapping[str, Any], templates: Path = TEMPLATES) -> dict[str, str]:
    """File name to text. Raises TemplateFault with the template's file and line."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Asterisk's files are no HTML; values are checked in variables()
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    names = sorted(path.name for path in templates.glob(f"*{SUFFIX}"))
    if not names:
        raise TemplateFault(f"There are no templates in {templates}.", remedy="Restore asterisk-conf/ from git.")
    texts: dict[str, str] = {}
    for name in names:
        try:
            texts[name.removesuffix(SUFFIX)] = environment.get_template(name).render(values)
        except jinja2.TemplateSyntaxError as error:
            raise _fault(templates / (error.name or name), error.lineno, str(error.message)) from error
        except Exception as error:  # a template may raise anything that Python can
            raise _fault(templates / name, _line_in(name, templates, error), str(error)) from error
    return texts


def write(texts: Mapping[str, str], directory: Path) -> None:
    """Put the files in place (0600), each in one step, and remove those that no template makes any more."""
    for name, text in texts.items():
        write_private(directory / name, text)
    for file in directory.glob("*.conf"):
        if file.name not in texts:
            file.unlink()


def prepare(settings: Settings, secrets: Secrets, installation: Installation, templates: Path = TEMPLATES) -> Layout:
    """Directories, configuration and music for one start of Asterisk.

    Raises AsteriskError (a bad run directory or setting, a module or certificate that is missing) and TemplateFault;
    then the last good configuration is untouched.
    """
    layout = Layout(settings.run_dir)
    layout.check()
    texts = render(variables(settings, secrets, installation), templates)
    if missing := missing_modules(texts.get("modules.conf", ""), installation):
        raise AsteriskError(
            f"Asterisk {installation.version} in {installation.root} lacks {', '.join(missing)}.",
            remedy="Install the package asterisk-modules, or take the lines out of asterisk-conf/modules.conf.j2.",
        )
    layout.create()
    if layout.seats_file.exists():  # of the store, which may have more to say than this start knows (ivr.telephones)
        texts[layout.seats_file.name] = layout.seats_file.read_text("utf-8")
    provide(settings.sip, layout)
    write(texts, layout.etc_dir)
    write_hold_music(layout.music_dir)
    write_beep(layout.beep)
    return layout


def missing_modules(modules_conf: str, installation: Installation) -> list[str]:
    """Modules that the configuration loads and this Asterisk does not have."""
    wanted = re.findall(r"^load\s*=>?\s*(\S+)", modules_conf, re.MULTILINE)
    return [name for name in wanted if not (installation.module_dir / name).exists()]


def _fault(file: Path, line: int | None, reason: str) -> TemplateFault:
    where = f"{file}:{line}" if line else str(file)
    return TemplateFault(
        f"{where}: {reason}.", remedy="Mend that template; the configuration rendered before stays in place."
    )


def _line_in(name: str, templates: Path, error: BaseException) -> int | None:
    """The template's line: jinja2 rewrites tracebacks so that template frames carry the template's file name."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(templates / name):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
