"""The A-law codec of ITU-T G.711, by two tables. Pure.

Asterisk's ``.alaw`` files are these bytes at 8 kHz with no header; the trunk carries the same bytes, so that playing
one costs no transcoding.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int16 = npt.NDArray[np.int16]

SILENCE = 0xD5  # what digital zero encodes to: the smallest positive code, with the even bits inverted
_INVERTED = 0x55  # G.711 sends the even bits inverted
_SIGN = 0x80  # set for positive values


def _decode_table() -> Int16:
    codes = np.arange(256, dtype=np.int32) ^ _INVERTED
    segment = (codes >> 4) & 0x7
    step = codes & 0xF
    # Segment 0 is linear from zero; from segment 1 on, the width doubles with each. Values are interval middles.
    magnitude = np.where(segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0))
    table: Int16 = np.where(codes & _SIGN, magnitude, -magnitude).astype(np.int16)
    return table


def _encode_table() -> npt.NDArray[np.uint8]:
    # Index: the sample's bits read as unsigned, so that a whole array is encoded by one look-up.
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    # A negative value falls in the interval of its one's complement (ITU-T G.191, alaw_compress).
    magnitude = np.where(samples < 0, ~samples, samples) >> 4
    # 16 (2^4) is the first magnitude of segment 1, and each further segment begins at twice the one before.
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 3, 0)
    step = (magnitude >> np.maximum(segment - 1, 0)) & 0xF
    code = (segment << 4) | step
    table: npt.NDArray[np.uint8] = ((code | np.where(samples >= 0, _SIGN, 0)) ^ _INVERTED).astype(np.uint8)
    return table


_DECODE = _decode_table()
_ENCODE = _encode_table()


def encode(samples: Int16) -> bytes:
    """16-bit linear samples as A-law bytes, one each."""
    return _ENCODE[np.ascontiguousarray(samples, dtype=np.int16).view(np.uint16)].tobytes()


def decode(data: bytes) -> Int16:
    """A-law bytes as 16-bit linear samples."""
    return _DECODE[np.frombuffer(data, dtype=np.uint8)]
