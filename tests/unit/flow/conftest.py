"""A small house for flow tests: a few prompts, a few services, flows written as text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ivr.datafile.problem import Problem
from ivr.flow.check import check_flow
from ivr.flow.load import read_text
from ivr.flow.model import Flow
from ivr.flow.service import Caller, Result, Service
from ivr.speech.catalogue import Catalogue
from ivr.speech.values import Code, Name, Value

TEXTS = {
    "zh": {
        "hello": "您好。",
        "menu": "请按键。",
        "wrong_key": "按键有误。",
        "no_key": "没有听到按键。",
        "enter": "请输入号码。",
        "too_few": "位数不对。",
        "about": "{who:name}，号码{code:code}。",
        "bye": "再见。",
    },
    "en": {
        "hello": "Hello.",
        "menu": "Press a key.",
        "wrong_key": "That key means nothing.",
        "no_key": "I did not hear a key.",
        "enter": "Enter the number.",
        "too_few": "That has the wrong length.",
        "about": "{who:name}, number {code:code}.",
        "bye": "Goodbye.",
    },
}


@pytest.fixture(scope="session")
def make_prompts(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Catalogue]:
    """The catalogue above, with more texts."""

    def make(**more: str) -> Catalogue:
        directory = tmp_path_factory.mktemp("prompts")
        for language, texts in TEXTS.items():
            (directory / language).mkdir()
            lines = [f'{prompt}: "{text}"' for prompt, text in {**texts, **more}.items()]
            (directory / language / "catalogue.yaml").write_text("\n".join(lines) + "\n", "utf-8")
        return Catalogue.load(directory)

    return make


@pytest.fixture(scope="session")
def prompts(make_prompts: Callable[..., Catalogue]) -> Catalogue:
    return make_prompts()


async def _find(_caller: Caller, inputs: Mapping[str, Value]) -> Result:
    code = inputs["code"]
    assert isinstance(code, Code)
    if code.digits == "4444":
        raise ConnectionError("the back office is away")
    if code.digits == "1234":
        return Result("found", {"who": Name({"zh": "张三", "en": "Zhang San"}), "code": code})
    return Result("nobody")


@pytest.fixture
def services() -> dict[str, Service]:
    find = Service(
        "people.find",
        exits={"found": {"who": "name", "code": "code"}, "nobody": {}},
        run=_find,
        inputs={"code": "code"},
    )
    return {find.name: find}


Checked = tuple[Flow | None, list[Problem]]


@pytest.fixture
def check(prompts: Catalogue, services: dict[str, Service]) -> Callable[..., Checked]:
    """Read and check one flow given as text."""

    def run(text: str, name: str = "main", others: Mapping[str, Flow] | None = None) -> Checked:
        flow, problems = read_text(textwrap.dedent(text), f"{name}.yaml", name)
        if flow is None or problems:
            return flow, problems
        return check_flow(flow, {**(others or {}), name: flow}, prompts, services)

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a flow file."""

    def run(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    return run
