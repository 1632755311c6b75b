"""The words of the board, in Chinese and in English. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from agent_routing.seats import Finding
from db.agent import State
from db.customer import TIERS, Tier
from ivr.wallboard.rows import AlertKind
from ivr.wallboard.sights import Part

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words. Those with braces are filled by name."""

    language: Language
    title: str
    parts: Mapping[Part, str]
    up: str
    away: str
    not_asked: str
    tiers: Mapping[Tier, str]
    tier: str
    waiting: str
    longest: str
    target: str
    level_lately: str
    level_today: str
    abandoned: str
    offered: str
    caller: str
    waited: str
    urgency: str
    first: str
    put_in_front: str
    past_limit: str
    speaks: str
    line: str
    branch: str
    rung: str
    talks: str
    agent: str
    seat: str
    seconds: str
    seats: str
    unreachable: str
    head_office: str
    states: Mapping[State, str]
    nobody_waits: str
    nobody_talks: str
    more: str
    withheld: str
    languages: Mapping[str, str]
    alerts: Mapping[AlertKind, str]
    findings: Mapping[Finding, str]


ZH: Final = Words(
    language="zh",
    title="金线热线看板",
    parts={"asterisk": "Asterisk", "controller": "控制器", "database": "数据库"},
    up="正常",
    away="离线 {time}",
    not_asked="未知",
    tiers=dict(zip(TIERS, ("铂金", "黄金", "白银", "普通"), strict=True)),
    tier="等级",
    waiting="等待",
    longest="最长",
    target="目标",
    level_lately="服务水平 30分",
    level_today="服务水平 今日",
    abandoned="放弃率",
    offered="来电",
    caller="来电号码",
    waited="已等",
    urgency="紧急度",
    first="最先",
    put_in_front="队首",
    past_limit="超限",
    speaks="语言",
    line="线路",
    branch="营业部",
    rung="振铃席位",
    talks="通话",
    agent="座席",
    seat="席位",
    seconds="时长",
    seats="席位",
    unreachable="不可达",
    head_office="总部",
    states={
        "logged_out": "未签入",
        "idle": "空闲",
        "reserved": "已预留",
        "ringing": "振铃",
        "talking": "通话",
        "wrap_up": "话后",
        "paused": "暂停",
        "gone": "失联",
    },
    nobody_waits="无人等待",
    nobody_talks="没有通话",
    more="… 还有 {count} 个",
    withheld="未显示",
    languages={"zh": "中文", "en": "英语"},
    alerts={
        "asterisk_away": "Asterisk 离线 {time}。{text}",
        "controller_away": "控制器离线 {time}，来电者在音乐中等待。{text}",
        "database_away": "数据库离线 {time}。{text}",
        "waits_too_long": "{subject}客户等待过久：{count} 人，最长 {time}",
        "no_language": "没有已签入的座席会说{subject}：{count} 人等待，最长 {time}",
        "no_skill": "没有已签入的座席具备所需技能 {subject}：{count} 人等待，最长 {time}",
        "branch_offline": "{subject}离线：全部 {count} 个席位不可达，已 {time}",
        "below_target": "{subject}服务水平低于目标：最近 30 分钟 {share}（{count} 通）",
        "disagreement": "席位 {subject}：{text}",
    },
    findings={
        "answered": "Asterisk 显示已接听，系统尚未记录",
        "freed": "系统记录有呼叫，Asterisk 没有",
        "other_call": "在另一通电话中",
        "returned": "系统记录失联，电话已恢复",
        "rings": "已在振铃，系统尚未记录",
        "still_talking": "系统记录不在通话，Asterisk 显示在通话",
        "stuck": "状态停滞",
        "vanished": "系统记录在线，电话不可达",
    },
)

EN: Final = Words(
    language="en",
    title="Goldline wallboard",
    parts={"asterisk": "Asterisk", "controller": "controller", "database": "database"},
    up="up",
    away="AWAY {time}",
    not_asked="unknown",
    tiers={tier: tier for tier in TIERS},
    tier="tier",
    waiting="waiting",
    longest="longest",
    target="target",
    level_lately="level 30 min",
    level_today="level today",
    abandoned="abandoned",
    offered="offered",
    caller="caller",
    waited="waited",
    urgency="urgency",
    first="first",
    put_in_front="front",
    past_limit="past limit",
    speaks="speaks",
    line="line",
    branch="branch",
    rung="rings at",
    talks="talks",
    agent="agent",
    seat="seat",
    seconds="time",
    seats="seats",
    unreachable="unreachable",
    head_office="head office",
    states={
        "logged_out": "logged out",
        "idle": "idle",
        "reserved": "reserved",
        "ringing": "ringing",
        "talking": "talking",
        "wrap_up": "wrap-up",
        "paused": "paused",
        "gone": "gone",
    },
    nobody_waits="nobody waits",
    nobody_talks="no talks",
    more="… {count} more",
    withheld="withheld",
    languages={"zh": "Chinese", "en": "English"},
    alerts={
        "asterisk_away": "Asterisk is away for {time}. {text}",
        "controller_away": "The controller is away for {time}; callers wait in music. {text}",
        "database_away": "The database is away for {time}. {text}",
        "waits_too_long": "{subject} waits too long: {count}, the longest {time}",
        "no_language": "Nobody logged in speaks {subject}: {count} wait, the longest {time}",
        "no_skill": "Nobody logged in has the required skill {subject}: {count} wait, the longest {time}",
        "branch_offline": "{subject} is offline: all {count} seats unreachable for {time}",
        "below_target": "{subject} below its target: {share} in the last 30 min ({count} calls)",
        "disagreement": "Seat {subject}: {text}",
    },
    findings={
        "answered": "Asterisk says answered, the store does not yet",
        "freed": "the store has a call, Asterisk has none",
        "other_call": "talks in another call",
        "returned": "the store says gone, the telephone is back",
        "rings": "rings, the store does not say so yet",
        "still_talking": "the store says no talk, Asterisk says it talks",
        "stuck": "stuck",
        "vanished": "the store says it is there, Asterisk cannot reach it",
    },
)

WORDS: Final[Mapping[str, Words]] = {"zh": ZH, "en": EN}
