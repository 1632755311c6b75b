"""What README.md and docs/flows.md show is true: their flow passes the checks, their words are the ones we have."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from ivr.config import CHECKOUT, Settings
from ivr.flow.library import read_all
from ivr.flow.nodes import NODE_TYPES
from ivr.services.offline import offline_services
from ivr.speech.catalogue import Catalogue


def test_the_readmes_flow_would_be_served(tmp_path: Path) -> None:
    shown = re.search(r"```yaml\n(flow: hello\n.*?)```", (CHECKOUT / "README.md").read_text("utf-8"), re.DOTALL)
    assert shown
    (tmp_path / "hello.yaml").write_text(shown[1], "utf-8")
    flows, problems, _ = read_all(tmp_path, Catalogue.load(CHECKOUT / "prompts"), asyncio.run(offline_services()))
    assert not problems, "\n".join(str(problem) for problem in problems)
    assert "hello" in flows


def test_every_node_type_and_service_is_explained() -> None:
    text = (CHECKOUT / "docs" / "flows.md").read_text("utf-8")
    assert [kind for kind in NODE_TYPES if f"**{kind}**" not in text] == []
    assert [name for name in asyncio.run(offline_services()) if f"`{name}`" not in text] == []


def test_the_settings_in_the_readme_exist() -> None:
    text = (CHECKOUT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| ((?:`[a-z_.]+`(?:, )?)+) \|", text, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([a-z_.]+)`", row)]
    assert len(names) > 5
    for name in names:
        settings: object = Settings()
        for step in name.split("."):
            assert hasattr(settings, step), name
            settings = getattr(settings, step)


def test_every_dependency_stands_in_the_table_with_its_reason() -> None:
    import tomllib

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.split(r"[\[<>=]", line)[0] for line in named} - {"types-PyYAML"}
    table = (CHECKOUT / "README.md").read_text("utf-8").split("| dependency |")[1].split("From the system")[0]
    assert [name for name in sorted(names) if name not in table] == []
