"""The words of the desk in a terminal, in Chinese and in English. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from db.agent import State
from db.customer import PHONE_STATES, STATUSES, TIERS

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words. Those with braces are filled by name."""

    language: Language
    welcome: str
    help: str
    away: str
    back: str
    not_kept: str
    states: Mapping[str, str]
    no_seat: str
    seat: str
    campaign: str
    inbound: str
    customer: str
    unknown: str
    unproven: str
    account: str
    branch: str
    manager: str
    phones: str
    dialled: str
    attempts: str
    promised: str
    preview: str
    do_not_call: str
    history: str
    nothing_before: str
    tickets: str
    said_last_time: str
    say: str
    colon: str  # without a blank where words have none: a long line is then broken at its end
    hint: str
    yes_no: str
    mark: str
    number: str
    date: str
    text: str
    optional: str
    answered: str
    the_end: str
    no_question: str
    dispositions: str
    proposed: str
    needs_time: str
    may_time: str
    ask_disposition: str
    ask_time: str
    ask_time_or_none: str
    ask_note: str
    settled: str
    at: str
    no_such: str
    no_call: str
    nothing_to_correct: str
    tiers: Mapping[str, str]
    statuses: Mapping[str, str]
    phone_states: Mapping[str, str]
    answers: Mapping[str, str]
    faults: Mapping[str, str]


_STATES: Final[tuple[State, ...]] = (
    "logged_out",
    "idle",
    "reserved",
    "ringing",
    "talking",
    "wrap_up",
    "paused",
    "gone",
)

ZH: Final = Words(
    language="zh",
    welcome="金线座席工作台，{name}（{agent}）。输入 :h 查看命令，:q 退出。",
    help="直接输入回答；:d 选择处理结果　:c 序号 新回答 更正　:s 重新显示　:accept 接受　:skip 跳过　"
    ":ready 示闲　:more 延长话后处理　:pause 原因 示忙　:resume 示闲　:q 退出",
    away="控制器没有应答，正在重新连接……已提交的内容均已保存。",
    back="控制器已恢复。",
    not_kept="未保存，请重试：{message}",
    states=dict(
        zip(_STATES, ("未签入", "空闲", "即将来电", "振铃", "通话中", "话后处理", "示忙", "话机离线"), strict=True)
    ),
    no_seat="请在话机上拨 *11 签入座席。",
    seat="座席",
    campaign="外呼",
    inbound="来电",
    customer="客户",
    unknown="未知来电者",
    unproven="按来电号码识别，未经身份验证",
    account="账号",
    branch="营业部",
    manager="客户经理",
    phones="电话",
    dialled="本次拨打",
    attempts="第{count}次",
    promised="约定回电",
    preview="尚未拨号：:accept 接受并拨打，:skip 跳过",
    do_not_call="已要求不再致电",
    history="最近联系",
    nothing_before="没有联系记录",
    tickets="未办结工单",
    said_last_time="上次回答",
    say="请说",
    colon="：",
    hint="提示",
    yes_no="y 是 / n 否",
    mark="1 到 5 分，5 为最好",
    number="数字{span}",
    date="日期，如 2026-11-28",
    text="文字",
    optional="可直接回车跳过",
    answered="已答",
    the_end="话术结束，建议结果：{words}",
    no_question="没有待答问题",
    dispositions="处理结果",
    proposed="建议",
    needs_time="须约时间",
    may_time="可约时间",
    ask_disposition="结果序号",
    ask_time="回电时间（15:30、12-01 15:30、+2h；末尾加“我”表示由本人回电）",
    ask_time_or_none="回电时间（可直接回车不约）",
    ask_note="备注（可直接回车）",
    settled="已保存：{words}{at}",
    at="，回电时间 {at}",
    no_such="没有这一项，输入 :h 查看命令。",
    no_call="现在没有外呼通话。",
    nothing_to_correct="没有这个序号的回答。",
    tiers=dict(zip(TIERS, ("铂金", "黄金", "白银", "普通"), strict=True)),
    statuses=dict(zip(STATUSES, ("新客户", "正常", "休眠", "已销户", "已流失"), strict=True)),
    phone_states=dict(zip(PHONE_STATES, ("正常", "空号", "停机", "关机", "非本人"), strict=True)),
    answers={"yes": "是", "no": "否", "": "未答"},
    faults={
        "needed": "此题必须回答。",
        "no_answer": "没有这个选项。",
        "no_mark": "请输入 1 到 5。",
        "no_number": "请输入数字。",
        "too_small": "数字太小。",
        "too_large": "数字太大。",
        "no_date": "请输入日期，如 2026-11-28。",
        "too_long": "文字太长。",
        "bad_text": "含有无法显示的字符。",
        "not-your-call": "这通电话不是您的，请看最新的客户卡片。",
        "no-script": "这通电话没有话术，或还没有问到这一题。",
        "cannot-settle": "该结果与问卷或时间不符：{message}",
        "bad-appointment": "该时间不能回电：{message}",
        "no-preview": "现在没有可接受或跳过的客户。",
    },
)

EN: Final = Words(
    language="en",
    welcome="Goldline agent's desk, {name} ({agent}). Type :h for help, :q to leave.",
    help="Type an answer; :d dispositions  :c NUMBER ANSWER correct  :s show again  :accept  :skip  "
    ":ready  :more time  :pause REASON  :resume  :q leave",
    away="The controller does not answer; connecting again. All that was sent is kept.",
    back="The controller is back.",
    not_kept="Not kept, try again: {message}",
    states=dict(
        zip(
            _STATES,
            ("logged out", "idle", "reserved", "ringing", "talking", "wrap-up", "paused", "seat gone"),
            strict=True,
        )
    ),
    no_seat="Dial *11 at your telephone to sit down.",
    seat="seat",
    campaign="campaign",
    inbound="caller",
    customer="customer",
    unknown="unknown caller",
    unproven="by the caller ID, not proven",
    account="account",
    branch="branch",
    manager="manager",
    phones="telephones",
    dialled="dialled",
    attempts="try {count}",
    promised="promised",
    preview="not dialled yet: :accept dials, :skip leaves it to somebody else",
    do_not_call="wants no calls",
    history="before",
    nothing_before="nothing before",
    tickets="open tickets",
    said_last_time="said last time",
    say="say",
    colon=": ",
    hint="hint",
    yes_no="y / n",
    mark="1 to 5, 5 is best",
    number="a number{span}",
    date="a date, as 2026-11-28",
    text="words",
    optional="Enter to leave it out",
    answered="answered",
    the_end="end of the script, proposed: {words}",
    no_question="no question is open",
    dispositions="dispositions",
    proposed="proposed",
    needs_time="needs a time",
    may_time="may have a time",
    ask_disposition="number",
    ask_time='when (15:30, 12-01 15:30, +2h; "me" at the end: by you)',
    ask_time_or_none="when (Enter for no time)",
    ask_note="note (or Enter)",
    settled="kept: {words}{at}",
    at=", call back at {at}",
    no_such="There is no such thing; :h for help.",
    no_call="There is no campaign call now.",
    nothing_to_correct="There is no answer of that number.",
    tiers={tier: tier for tier in TIERS},
    statuses={status: status for status in STATUSES},
    phone_states={state: state.replace("_", " ") for state in PHONE_STATES},
    answers={"yes": "yes", "no": "no", "": "left out"},
    faults={},
)

WORDS: Final[Mapping[str, Words]] = {"zh": ZH, "en": EN}
