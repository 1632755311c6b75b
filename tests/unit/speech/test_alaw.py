"""Our A-law tables against sox, an implementation of its own."""

from __future__ import annotations

import subprocess

import numpy as np

from ivr.speech.audio import alaw

RAW = ["-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1"]
ALAW = ["-t", "al", "-r", "8000", "-c", "1"]


def sox(*arguments: str, data: bytes) -> bytes:
    return subprocess.run(["sox", "-D", *arguments], input=data, capture_output=True, check=True).stdout


def test_every_code_decodes_as_sox_decodes_it() -> None:
    codes = bytes(range(256))
    theirs = np.frombuffer(sox(*ALAW, "-", *RAW, "-", data=codes), dtype=np.int16)
    assert np.array_equal(alaw.decode(codes), theirs)


def test_every_sample_encodes_as_sox_encodes_it_or_its_neighbour() -> None:
    samples = np.arange(-32768, 32768, dtype=np.int16)
    theirs = np.frombuffer(sox(*RAW, "-", *ALAW, "-", data=samples.tobytes()), dtype=np.uint8)
    ours = np.frombuffer(alaw.encode(samples), dtype=np.uint8)
    # sox rounds to 13 bits where G.711 cuts: right at an edge between two codes its choice may be the other one.
    neighbours = [np.roll(ours, shift) for shift in range(-4, 5)]
    assert (ours != theirs).mean() < 0.02
    assert np.any([each == theirs for each in neighbours], axis=0).all()


def test_a_decoded_code_encodes_to_itself() -> None:
    codes = bytes(range(256))
    assert alaw.encode(alaw.decode(codes)) == codes


def test_digital_zero_is_the_code_of_silence() -> None:
    assert alaw.encode(np.zeros(4, dtype=np.int16)) == bytes([alaw.SILENCE]) * 4
