"""Flows are replaced while calls go on: a bad file keeps the last good version alone, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from good_flow import GOOD

from ivr.flow.errors import FlowInvalid
from ivr.flow.library import Library
from ivr.flow.service import Service
from ivr.speech.catalogue import Catalogue

OTHER = """\
    flow: other
    languages: [zh, en]
    start: hello
    nodes:
      hello: {type: say, say: hello, next: back}
      back: {type: goto, to: main/menu}
    """
Write = Callable[[str, str], Path]


@pytest.fixture
def library(tmp_path: Path, prompts: Catalogue, services: dict[str, Service], write: Write) -> Library:
    write("main", GOOD)
    write("other", OTHER)
    library = Library(tmp_path, prompts, services, "main")
    library.open()
    return library


def test_a_good_change_is_taken_in(library: Library, write: Write) -> None:
    before = library.current["main"].version
    assert not library.changed()
    write("main", GOOD.replace("say: hello, next", "say: bye, next"))
    assert library.changed()
    result = library.reload()
    assert (result.taken, result.kept, result.problems) == (["main"], [], [])
    assert library.current["main"].version != before
    assert not library.changed()


def test_a_bad_change_keeps_the_last_good_version(library: Library, write: Write) -> None:
    before = library.current["main"]
    write("main", GOOD.replace("next: menu}", "next: nowhere}"))
    result = library.reload()
    assert result.kept == ["main"]
    assert library.current["main"].version == before.version
    assert "tmp" not in str(result.problems[0]) or "main.yaml:" in str(result.problems[0])
    assert library.problems
    write("main", GOOD)
    library.reload()
    assert not library.problems


def test_the_other_flows_move_on(library: Library, write: Write) -> None:
    other = library.current["other"].version
    write("main", "flow: main\nnodes: [")
    write("other", OTHER.replace("say: hello, next", "say: bye, next"))
    result = library.reload()
    assert result.kept == ["main"]
    assert library.current["other"].version != other


def test_a_node_that_another_flow_leads_to_cannot_be_taken_away(library: Library, write: Write) -> None:
    gone = GOOD.replace("menu", "desk").replace("say: desk", "say: menu")
    write("main", gone)
    result = library.reload()
    assert "other" in result.kept or "main" in result.kept
    assert "main" in library.current


def test_a_flow_that_is_deleted_serves_on_when_calls_begin_with_it(library: Library, tmp_path: Path) -> None:
    (tmp_path / "main.yaml").unlink()
    result = library.reload()
    assert "main" in result.kept
    assert "main" in library.current


def test_half_a_file_is_never_served(library: Library, write: Write) -> None:
    """An editor that writes in pieces: every prefix of a flow is refused or a flow, and never an exception."""
    version = library.current["main"].version
    for length in range(0, len(GOOD), 37):
        write("main", GOOD[:length])
        library.reload()
        assert library.current["main"].nodes["menu"]
    assert version


def test_bytes_that_are_no_text_are_refused_with_their_line(library: Library, tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_bytes(b"flow: main\nstart: \xff\xfe\n")
    problem = library.reload().problems[0]
    assert problem.line == 2
    assert "UTF-8" in str(problem)


def test_a_file_that_cannot_be_read_is_named(library: Library, tmp_path: Path) -> None:
    (tmp_path / "main.yaml").unlink()
    (tmp_path / "main.yaml").symlink_to(tmp_path / "gone")
    problem = str(library.reload().problems[0])
    assert "main.yaml:1: cannot be read: No such file" in problem
    assert "main" in library.current


def test_the_first_start_refuses_to_serve_anything_wrong(
    tmp_path: Path, prompts: Catalogue, services: dict[str, Service], write: Write
) -> None:
    write("main", GOOD.replace("next: menu}", "next: nowhere}"))
    with pytest.raises(FlowInvalid) as caught:
        Library(tmp_path, prompts, services, "main").open()
    assert "main.yaml:7" in str(caught.value)


def test_no_flow_to_begin_with_is_said(tmp_path: Path, prompts: Catalogue, services: dict[str, Service]) -> None:
    with pytest.raises(FlowInvalid, match="no flow 'main'"):
        Library(tmp_path, prompts, services, "main").open()


def test_a_way_into_a_flow_with_faults_says_whose_fault_it_is(
    tmp_path: Path, prompts: Catalogue, services: dict[str, Service], write: Write
) -> None:
    write("main", GOOD.replace("say: menu", "say: menus"))
    write("other", OTHER)
    with pytest.raises(FlowInvalid) as caught:
        Library(tmp_path, prompts, services, "main").open()
    problems = [str(problem) for problem in caught.value.problems]
    assert len(problems) == 2
    assert "there is no prompt 'menus'" in problems[0]
    assert "flow 'main' does not serve: it has faults of its own. Mend that one first." in problems[1]
