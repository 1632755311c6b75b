"""The manager protocol as bytes: what is read, what is written, and what is refused before it is written."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.ami.errors import LocalProtocolError, RemoteProtocolError
from ivr.ami.protocol import (
    MAX_BANNER_IN,
    MAX_HEADERS_OUT,
    MAX_LINE_OUT,
    MAX_MESSAGE_IN,
    Banner,
    Decoder,
    Event,
    Message,
    Response,
    encode_action,
    quote_variable,
)

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def decode(*pieces: bytes) -> list[Message]:
    decoder = Decoder()
    found: list[Message] = []
    for piece in pieces:
        decoder.feed(piece)
        while (message := decoder.next_message()) is not None:
            found.append(message)
    return found


def one(body: bytes) -> Message:
    banner, message = decode(BANNER + body)
    assert isinstance(banner, Banner)
    return message


# Reading


def test_the_banner_gives_the_protocol_version() -> None:
    [banner] = decode(BANNER)
    assert isinstance(banner, Banner)
    assert banner.version == "11.0.0"


def test_an_answer_and_an_event() -> None:
    banner, response, event = decode(
        BANNER + b"Response: Success\r\nActionID: 7\r\nMessage: fine\r\n\r\nEvent: Hangup\r\nCause: 16\r\n\r\n"
    )
    assert isinstance(banner, Banner)
    assert isinstance(response, Response)
    assert (response.status, response.action_id, response.text, response.is_error) == ("Success", "7", "fine", False)
    assert isinstance(event, Event)
    assert (event.name, event["cause"]) == ("Hangup", "16")


def test_an_originate_response_is_an_event_although_it_has_a_response_header() -> None:
    event = one(b"Event: OriginateResponse\r\nActionID: 7\r\nResponse: Failure\r\nReason: 0\r\n\r\n")
    assert isinstance(event, Event)
    assert event.get("Response") == "Failure"


def test_repeated_headers_are_all_kept() -> None:
    output = one(b"Response: Success\r\nOutput: one\r\nOutput:   two\r\nOutput: \r\nOutput: four: 4\r\n\r\n")
    assert output.all("output") == ["one", "  two", "", "four: 4"]
    event = one(b"Event: Newchannel\r\nChanVariable: A=1\r\nChanVariable: B=2\r\n\r\n")
    assert event.all("ChanVariable") == ["A=1", "B=2"]
    assert event["ChanVariable"] == "A=1"


def test_names_match_in_any_case_and_a_missing_one_is_empty() -> None:
    message = one(b"Response: Success\r\nUniqueID: 1.2\r\n\r\n")
    assert message.get("uniqueid") == message["UNIQUEID"] == "1.2"
    assert "uniqueId" in message
    assert message.get("nope") == ""
    with pytest.raises(KeyError):
        message["nope"]


def test_a_character_cut_in_two_comes_out_whole() -> None:
    data = BANNER + "Event: X\r\nName: café 贵州茅台\r\n\r\n".encode()
    for cut in range(len(data)):
        assert decode(data[:cut], data[cut:])[1]["Name"] == "café 贵州茅台"


def test_bytes_that_are_no_text_survive_and_can_be_sent_back() -> None:
    name = one(b"Event: X\r\nName: Jos\xe9\r\n\r\n")["Name"]
    assert name.encode("utf-8", "surrogateescape") == b"Jos\xe9"
    assert b"Jos\xe9" in encode_action("Setvar", "1", {"Value": name})


def test_a_bare_line_feed_in_a_value_stays_in_that_value() -> None:
    event = one(b"Event: UserEvent\r\nName: a\nEvent: Hangup\nb\r\n\r\n")
    assert event.headers == (("Event", "UserEvent"), ("Name", "a\nEvent: Hangup\nb"))


def test_other_separators_of_unicode_end_no_line() -> None:
    value = "a\x0b\x0c\x1c\x85\u2028b"
    assert one(f"Event: X\r\nName: {value}\r\n\r\n".encode())["Name"] == value


def test_a_line_without_a_colon_is_kept_and_harms_nothing() -> None:
    message = one(b"Response: Success\r\nwhat is this\r\nActionID: 9\r\n\r\n")
    assert message.action_id == "9"
    assert message.all("") == ["what is this"]


def test_whatever_is_no_manager_is_refused_at_its_first_line() -> None:
    with pytest.raises(RemoteProtocolError, match=r"SSH-2\.0-OpenSSH"):
        decode(b"SSH-2.0-OpenSSH_9.2\r\n")
    with pytest.raises(RemoteProtocolError, match="first line"):
        decode(b"x" * (MAX_BANNER_IN + 2))


def test_a_message_without_end_is_refused_and_its_memory_given_back() -> None:
    decoder = Decoder()
    decoder.feed(BANNER)
    assert decoder.next_message() is not None
    began = time.process_time()
    for _ in range(MAX_MESSAGE_IN // 1000):
        decoder.feed(b"y" * 1000)
        assert decoder.next_message() is None
    decoder.feed(b"y" * 2000)
    with pytest.raises(RemoteProtocolError, match="more than"):
        decoder.next_message()
    assert time.process_time() - began < 2, "reading a message without end must not take quadratic time"
    with pytest.raises(RemoteProtocolError):  # and nothing is read after that
        decoder.next_message()


def test_the_longest_message_is_read_however_it_is_cut() -> None:
    head = b"Event: X\r\nV: "
    data = BANNER + head + b"z" * (MAX_MESSAGE_IN - len(head)) + b"\r\n\r\n"
    for cut in range(len(data) - 5, len(data)):
        assert len(decode(data[:cut], data[cut:])) == 2
    with pytest.raises(RemoteProtocolError):
        decode(data[:-4] + b"z\r\n\r\n")


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"]), max_size=20)


@given(
    messages=st.lists(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=5), max_size=6),
    cuts=st.lists(st.integers(min_value=0, max_value=400), max_size=12),
)
def test_any_split_gives_the_same_messages(messages: list[list[tuple[str, str]]], cuts: list[int]) -> None:
    data = BANNER
    for headers in messages:
        data += b"".join(f"{name}: {value}\r\n".encode() for name, value in headers) + b"\r\n"
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    whole = decode(data)
    assert decode(*pieces) == whole
    assert decode(*(data[i : i + 1] for i in range(len(data)))) == whole
    assert [message.headers for message in whole[1:]] == [tuple(headers) for headers in messages]


@given(
    noise=st.lists(
        st.binary(max_size=40)
        | st.sampled_from([b"\r\n", b"\r\n\r\n", b"Event: ", b"Response: ", b"ActionID: 1", b":", b"\n", b"\0"])
    )
)
def test_noise_breaks_nothing(noise: list[bytes]) -> None:
    whole = decode(BANNER + b"".join(noise))
    assert decode(BANNER, *noise) == whole
    for message in whole[1:]:
        assert message.headers
        assert isinstance(message, Response | Event)


# Writing


def test_an_action_on_the_wire() -> None:
    assert (
        encode_action("Originate", "gl-1", {"Channel": "PJSIP/100@pstn", "Async": "true"}, {"A": "x,y", "B": "z"})
        == b"Action: Originate\r\nActionID: gl-1\r\nChannel: PJSIP/100@pstn\r\nAsync: true\r\n"
        b'Variable: A="x,y"\r\nVariable: B="z"\r\n\r\n'
    )


@pytest.mark.parametrize("bad", ["a\r\nAction: Originate", "a\nAction: Originate", "a\rb", "a\0b", "\n", "a\n"])
@pytest.mark.parametrize(
    "encode",
    [
        lambda bad: encode_action("Setvar", "1", {"Value": bad}),
        lambda bad: encode_action(bad, "1"),
        lambda bad: encode_action("Ping", bad),
        lambda bad: encode_action("Originate", "1", {}, {"A": bad}),
    ],
    ids=["value", "action", "action-id", "variable"],
)
def test_no_value_can_begin_another_action(bad: str, encode: Callable[[str], bytes]) -> None:
    with pytest.raises(LocalProtocolError, match=r"holds (CR|LF|NUL)"):
        encode(bad)


@pytest.mark.parametrize("bad", ["", "A B", "A:", "Ä", "A\r\nB", "A\n", "1"])
def test_no_name_can_be_anything_else_than_a_name(bad: str) -> None:
    with pytest.raises(LocalProtocolError, match="no name"):
        encode_action("Ping", "1", {bad: "x"})


@pytest.mark.parametrize("bad", ["", "A=1,B", 'A"', "A\\", "A(", "A)", "A B", "${A}", "A(x)y", "A(=)", "A\n"])
def test_no_variable_name_can_set_another_variable(bad: str) -> None:
    with pytest.raises(LocalProtocolError, match="no name"):
        quote_variable(bad, "x")


@pytest.mark.parametrize("good", ["A", "_A", "__GOLDLINE_ID", "PJSIP_HEADER(add,X-Call)", "CHANNEL(language)"])
def test_names_that_asterisk_knows_are_taken(good: str) -> None:
    assert quote_variable(good, "v") == f'{good}="v"'


def test_quotes_and_backslashes_are_escaped() -> None:
    assert quote_variable("A", 'a"b\\c,(d') == 'A="a\\"b\\\\c,(d"'


def test_the_longest_line_includes_its_end() -> None:
    room = MAX_LINE_OUT - len("X: \r\n")
    assert encode_action("Ping", "1", {"X": "v" * room})
    with pytest.raises(LocalProtocolError, match="1025 bytes; Asterisk reads 1024"):
        encode_action("Ping", "1", {"X": "v" * (room + 1)})
    with pytest.raises(LocalProtocolError, match="bytes"):
        encode_action("Ping", "1", {"X": "茅" * (room // 3 + 1)})  # bytes count, not characters


def test_the_most_headers() -> None:
    headers = [("X", "v")] * (MAX_HEADERS_OUT - 2)
    assert encode_action("Ping", "1", headers)
    with pytest.raises(LocalProtocolError, match="129 headers"):
        encode_action("Ping", "1", [*headers, ("X", "v")])
    with pytest.raises(LocalProtocolError, match="129 headers"):
        encode_action("Originate", "1", headers, {"A": "v"})


@pytest.mark.parametrize("own", ["Action", "ActionID", "actionid"])
def test_the_headers_of_the_client_cannot_be_given(own: str) -> None:
    with pytest.raises(LocalProtocolError, match="client's own"):
        encode_action("Ping", "1", {own: "x"})


def test_a_raw_variable_header_of_an_originate_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="split at commas"):
        encode_action("originate", "1", {"variable": "A=1,2"})
    assert b"Variable: A\r\n" in encode_action("Getvar", "1", {"Variable": "A"})


def test_half_a_surrogate_pair_is_refused_not_sent() -> None:
    with pytest.raises(LocalProtocolError, match="is no text"):
        encode_action("Ping", "1", {"X": "\ud83d"})


@given(headers=st.lists(st.tuples(st.text(max_size=12), st.text(max_size=30)), max_size=4))
def test_what_is_written_is_read_as_one_action_or_refused(headers: list[tuple[str, str]]) -> None:
    try:
        data = encode_action("Ping", "1", headers)
    except LocalProtocolError:
        return
    assert data.count(b"\n") == len(headers) + 3
    assert data.endswith(b"\r\n\r\n")
    assert all(0 < len(line) <= MAX_LINE_OUT - 2 for line in data[:-4].split(b"\r\n"))
