"""The commands that the documents on campaigns show are commands that there are; the sample units are right."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from ivr.cli.outbound import outbound
from outbound.campaign_file import CAMPAIGNS

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGES = ("outbound.md", "outbound-cron.md")
READY = {path.stem for path in CAMPAIGNS.glob("*.yaml")}


def shown() -> list[tuple[str, list[str]]]:
    """Every command line of the pages: where it stands, and its words after ``ivr outbound``."""
    found = []
    for page in PAGES:
        for number, line in enumerate((DOCS / page).read_text("utf-8").splitlines(), 1):
            for match in re.finditer(r"ivr outbound ([a-z][^;&|`]*)", line):
                words = re.split(r"\s{2,}", match[1].strip())[0]
                found.append((f"{page}:{number}", shlex.split(words.replace("…", ""))))
    return found


def test_the_pages_show_commands() -> None:
    assert len(shown()) > 20


@pytest.mark.parametrize(("where", "words"), shown(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_that_is_shown(where: str, words: list[str]) -> None:
    command = outbound.commands.get(words[0])
    assert command is not None, f"{where}: there is no command {words[0]!r}"
    options = {name for one in command.params if isinstance(one, click.Option) for name in one.opts}
    for word in words[1:]:
        assert not word.startswith("--") or word in options or word == "--help", f"{where}: no option {word}"


def test_the_table_names_every_ready_made_campaign() -> None:
    text = (DOCS / "outbound.md").read_text("utf-8")
    assert {name for name in READY if f"| `{name}` |" in text} == READY


@pytest.mark.parametrize("kind", ["service", "timer"])
def test_the_units(tmp_path: Path, kind: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not there")
    blocks = re.findall(r"```ini\n(.*?)```", (DOCS / "outbound-cron.md").read_text("utf-8"), re.DOTALL)
    service, timer = (block.replace("/opt/goldline/.venv/bin/ivr", "/bin/true") for block in blocks)
    (tmp_path / "goldline-campaign@.service").write_text(service.replace("/opt/goldline", "/"), "utf-8")
    (tmp_path / "goldline-campaign@.timer").write_text(timer, "utf-8")
    unit = tmp_path / f"goldline-campaign@dormant.{kind}"
    unit.symlink_to(tmp_path / f"goldline-campaign@.{kind}")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "goldline-campaign" in line and "User" not in line]
    assert ours == []


def test_the_crontab() -> None:
    (text,) = re.findall(r"```cron\n(.*?)```", (DOCS / "outbound-cron.md").read_text("utf-8"), re.DOTALL)
    lines = [line for line in text.splitlines() if line and line[0] not in "#MG"]
    assert len(lines) > 7
    field = r"(\*|\d+|\d+-\d+)(/\d+)?"
    for line in lines:
        assert re.match(rf"({field}\s+){{5}}cd \$GOLDLINE && ", line), line
        assert "%" not in line, "cron takes it for the end of the line"
        subprocess.run(["sh", "-n", "-c", re.split(r"\s+", line, maxsplit=5)[5]], check=True)
