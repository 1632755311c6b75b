"""A small script with nothing wrong, for tests to break."""

from __future__ import annotations

from ivr.datafile.problem import Problem
from outbound import dispositions
from outbound.script import Script
from outbound.script_file import load

GOOD = """\
script: small
title: {zh: 小回访, en: Small}
languages: [zh, en]
values: {share: text, deadline: date}
start: opening
steps:
  opening:
    say: {zh: "您好，请问是{name}吗？", en: "Are you {name}?"}
    ask: yes_no
    identity: yes
    go: {yes: told, no: wrong}
  wrong:
    say: {zh: "打扰了。", en: "Sorry."}
    end: wrong_person
  told:
    say: {zh: "{share}截止{deadline}。", en: "{share} until {deadline}."}
    next: content
  content:
    say: {zh: "您满意吗？", en: "Content?"}
    ask: mark
    go: {1-2: why}
    next: how
  why:
    say: {zh: "为什么？", en: "Why?"}
    ask: text
    required: no
    next: how
  how:
    say: {zh: "怎么办？", en: "How?"}
    ask: choice
    options: {app: {zh: 应用, en: app}, branch: {zh: 营业部, en: branch}}
    go: {app: amount}
    next: thanks
  amount:
    say: {zh: "多少？", en: "How much?"}
    ask: number
    least: 0
    most: 100
    go: {0-10: thanks}
    next: since
  since:
    say: {zh: "从何时？", en: "Since when?"}
    ask: date
    next: thanks
  thanks:
    say: {zh: "谢谢。", en: "Thank you."}
    end: completed
"""
KNOWN = dispositions.read()


def loaded(text: str = GOOD) -> tuple[Script | None, list[Problem]]:
    """The script in this text, and its problems."""
    return load(text, "small.yaml", "small", KNOWN)


def good() -> Script:
    """The script above."""
    script, problems = loaded()
    assert script is not None
    assert not problems, [str(one) for one in problems]
    return script
