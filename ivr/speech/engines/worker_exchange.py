"""A worker's side of the pipe: requests on standard input, clips on standard output.

Each message is four bytes of length, big-endian, then that much. A request is JSON ``{"language": …, "words": …}``. An
answer is a JSON message ``{"alaw": n, "sln16": n}`` followed by that many bytes, or ``{"error": …}``. The first message
is ``{"ready": true}`` or an error. The process ends when its input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ivr.speech.audio.clip import Clip

LENGTH = struct.Struct(">I")
LARGEST_MESSAGE = 1 << 26  # no request and no clip is near it: more is a stream out of step

Say = Callable[[str, str], Clip]  # language and words to a clip


def run(start: Callable[[], Say], niceness: int, then: Callable[[], None] = lambda: None) -> None:
    """Take standard output for the answers alone, then serve. ``then`` is done once the parent knows we are ready."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who then closes our input
    os.setpriority(os.PRIO_PROCESS, 0, niceness)  # absolute: the controller, whose child this is, may be above all
    sink = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        serve(sys.stdin.buffer, sink, start, then)


def serve(source: BinaryIO, sink: BinaryIO, start: Callable[[], Say], then: Callable[[], None]) -> None:
    """Answer requests until there are no more."""
    try:
        say = start()
    except Exception as error:  # an engine raises whatever it likes, and all of it is news for the parent
        _send(sink, {"error": f"{type(error).__name__}: {error}"})
        return
    _send(sink, {"ready": True})
    then()
    while request := _read(source):
        try:
            clip = say(request["language"], request["words"])
        except Exception as error:  # as above: the parent decides what to do
            _send(sink, {"error": f"{type(error).__name__}: {error}"})
            continue
        _send(sink, {"alaw": len(clip.alaw), "sln16": len(clip.sln16)}, clip.alaw, clip.sln16)


def _read(source: BinaryIO) -> dict[str, Any] | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    request: dict[str, Any] = json.loads(source.read(LENGTH.unpack(head)[0]))
    return request


def _send(sink: BinaryIO, head: dict[str, Any], *bodies: bytes) -> None:
    message = json.dumps(head).encode()
    sink.write(b"".join((LENGTH.pack(len(message)), message, *bodies)))
    sink.flush()
