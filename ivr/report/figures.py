"""The catalogue of figures: what each is called, what it is a figure of, and its formula in words. Pure.

Each figure names the two numbers that it is made of, so that it can be had again by hand. A figure over nothing has no
value; it is not zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from db.customer import TIERS
from ivr.report.counts import Counts
from ivr.report.tally import DIMENSIONS, Dimension, Rules

Unit = Literal["calls", "talks", "offers", "marks", "share", "s", "h", "mark"]
Number = int | float
Worked = tuple[Number | None, Number | None, Number | None]  # value, numerator, denominator

SECOND: Final = 1_000_000  # microseconds
HOUR: Final = 3600 * SECOND
GOOD_MARK: Final = 4
# Idle, with an offer, in a talk or after it: what occupancy is a share of. A pause is the agent's own time, a seat that
# is gone nobody's.
AT_WORK: Final = ("idle", "reserved", "ringing", "talking", "wrap_up")
HANDLING: Final = ("talking", "wrap_up")
PAUSED: Final = ("paused",)

_CALLS: Final[frozenset[Dimension]] = frozenset(("all", "line", "hour", "day"))
_WAITS: Final[frozenset[Dimension]] = frozenset(("all", "line", "tier", "branch", "hour", "day"))
_TALKS: Final[frozenset[Dimension]] = frozenset(DIMENSIONS)
_TIME: Final[frozenset[Dimension]] = frozenset(("all", "branch", "agent", "hour", "day"))


@dataclass(frozen=True)
class FigureKind:
    """One figure. Texts may hold ``{short}`` (seconds) and ``{days}``, which the rules fill in."""

    name: str
    unit: Unit
    by: frozenset[Dimension]  # what it can be broken down by
    zh: str
    en: str
    formula_zh: str
    formula_en: str
    work: Callable[[Counts, Rules], Worked]

    def formula(self, language: str, rules: Rules) -> str:
        """The formula in words, with the rules' numbers."""
        text = self.formula_en if language == "en" else self.formula_zh
        return text.format(short=f"{rules.short_seconds:g}", days=rules.first_contact_days)

    def title(self, language: str) -> str:
        """What people call it."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True)
class Figure:
    """A figure with its value, or None where there was nothing to work it out of."""

    kind: FigureKind
    value: Number | None
    numerator: Number | None
    denominator: Number | None

    def told(self, rules: Rules) -> dict[str, Any]:
        """For machines."""
        kind = self.kind
        return {
            "name": kind.name,
            "title": {"zh": kind.zh, "en": kind.en},
            "value": self.value,
            "unit": kind.unit,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "formula": {language: kind.formula(language, rules) for language in ("zh", "en")},
        }


def figures_of(counts: Counts, dimension: Dimension, rules: Rules) -> list[Figure]:
    """All figures that make sense for a group of this dimension."""
    return [Figure(kind, *kind.work(counts, rules)) for kind in FIGURES if dimension in kind.by]


# --- how they are worked out ------------------------------------------------------------------------------------------


def _count(of: Callable[[Counts], int]) -> Callable[[Counts, Rules], Worked]:
    return lambda counts, _rules: (of(counts), of(counts), None)


def _share(of: Callable[[Counts], Number], among: Callable[[Counts], Number]) -> Callable[[Counts, Rules], Worked]:
    def work(counts: Counts, _rules: Rules) -> Worked:
        numerator, denominator = of(counts), among(counts)
        return (numerator / denominator if denominator else None), numerator, denominator

    return work


def _mean(of: Callable[[Counts], int], among: Callable[[Counts], int], unit: int) -> Callable[[Counts, Rules], Worked]:
    """A mean of what is counted in units of which ``unit`` make one of the figure's."""

    def work(counts: Counts, _rules: Rules) -> Worked:
        total, number = of(counts), among(counts)
        return (total / unit / number if number else None), total / unit, number

    return work


def _quantile(percent: int) -> Callable[[Counts, Rules], Worked]:
    def work(counts: Counts, _rules: Rules) -> Worked:
        found = counts.waits.quantile(percent)
        return (None, None, 0) if found is None else (found[0] / 10, found[1], counts.answered)

    return work


def _longest(counts: Counts, _rules: Rules) -> Worked:
    longest = counts.waits.longest
    return (None, None, 0) if longest is None else (longest / 10, counts.answered, counts.answered)


def _target(counts: Counts, rules: Rules) -> Worked:
    number = _decided(counts)
    asked = sum(counts.decided[tier] * rules.targets[tier].share for tier in TIERS)
    return (asked / number if number else None), round(asked, 6), number


def _decided(counts: Counts) -> int:
    return sum(counts.decided.values())


def _served(counts: Counts) -> int:
    return counts.calls - counts.refused - counts.closed - counts.unallocated


def _marks(counts: Counts) -> int:
    return sum(counts.scores.values())


def _time(states: tuple[str, ...]) -> Callable[[Counts], int]:
    return lambda counts: sum(spent for state, spent in counts.time_us.items() if state in states)


def _hours(states: tuple[str, ...]) -> Callable[[Counts, Rules], Worked]:
    spent = _time(states)
    return lambda counts, _rules: (spent(counts) / HOUR, spent(counts) / SECOND, None)


# --- the catalogue ----------------------------------------------------------------------------------------------------

FIGURES: Final[tuple[FigureKind, ...]] = (
    FigureKind(
        "calls",
        "calls",
        _CALLS,
        "来电",
        "Calls",
        "本期内开始的来电数",
        "calls that began in the period",
        _count(lambda c: c.calls),
    ),
    FigureKind(
        "calls_refused",
        "calls",
        _CALLS,
        "占线未接入",
        "Turned away, lines busy",
        "因线路不足被谢绝的来电数（含随后留号的）",
        "calls that got no line (refused, busy), also those that then left a number",
        _count(lambda c: c.refused),
    ),
    FigureKind(
        "calls_closed",
        "calls",
        _CALLS,
        "非营业时间",
        "Turned away, line closed",
        "拨打时线路不在服务时间内的来电数",
        "calls to a line outside its opening hours that no flow served",
        _count(lambda c: c.closed),
    ),
    FigureKind(
        "calls_unallocated",
        "calls",
        _CALLS,
        "空号",
        "Unallocated number",
        "拨打的号码不属于任何线路的来电数",
        "calls to a number that is no line's",
        _count(lambda c: c.unallocated),
    ),
    FigureKind(
        "calls_with_person",
        "calls",
        _CALLS,
        "要求人工的来电",
        "Calls that wanted a person",
        "已接入的来电中至少一次要求人工的来电数",
        "of the calls that were served: those that wanted a person at least once",
        _count(lambda c: c.wanting),
    ),
    FigureKind(
        "calls_without_person",
        "calls",
        _CALLS,
        "自助完成的来电",
        "Calls served without a person",
        "已接入的来电 − 要求人工的来电",
        "calls served - calls that wanted a person",
        _count(lambda c: _served(c) - c.wanting),
    ),
    FigureKind(
        "self_service",
        "share",
        _CALLS,
        "自助率",
        "Self-service share",
        "自助完成的来电 ÷ 已接入的来电（来电 − 占线 − 非营业时间 − 空号）",
        "calls served without a person / calls served (calls - turned away - closed - unallocated)",
        _share(lambda c: _served(c) - c.wanting, _served),
    ),
    FigureKind(
        "offered",
        "calls",
        _WAITS,
        "请求人工",
        "Wanted a person",
        "本期内首次要求人工的来电数；中断、转接、重启后续接都只算一次",
        "calls that first wanted a person in the period; each once, however often cut, moved or resumed",
        _count(lambda c: c.offered),
    ),
    FigureKind(
        "answered",
        "calls",
        _WAITS,
        "人工接通",
        "Answered",
        "其中与座席（或 Asterisk 自带队列中的座席）通话的来电数",
        "of these: those that came to talk to an agent, or were answered from Asterisk's own queue",
        _count(lambda c: c.answered),
    ),
    FigureKind(
        "abandoned",
        "calls",
        _WAITS,
        "放弃",
        "Abandoned",
        "其中等待时挂断、从未与座席通话的来电数",
        "of these: those that hung up while waiting and never talked to an agent",
        _count(lambda c: c.abandoned),
    ),
    FigureKind(
        "short_abandoned",
        "calls",
        _WAITS,
        "短放弃",
        "Short abandons",
        "放弃的来电中等待不足 {short} 秒的",
        "abandoned calls that waited less than {short} s",
        _count(lambda c: c.short_abandoned),
    ),
    FigureKind(
        "callbacks",
        "calls",
        _WAITS,
        "选择回电",
        "Chose a callback",
        "请求人工的来电中改选回电的；既非接通也非放弃",
        "of those that wanted a person: those that chose to be called back; neither answered nor abandoned",
        _count(lambda c: c.callbacks),
    ),
    FigureKind(
        "left_by_key",
        "calls",
        _WAITS,
        "按键离队",
        "Left by a key",
        "请求人工的来电中按键离开队列、此后未再接通的",
        "of those that wanted a person: those that left the queue by a key and never talked to an agent",
        _count(lambda c: c.left_by_key),
    ),
    FigureKind(
        "unserved",
        "calls",
        _WAITS,
        "无人受理",
        "Nobody served",
        "请求人工的来电中因等待上限或无座席而结束等待的",
        "of those that wanted a person: those sent out of the queue (limit of waiting, nobody there)",
        _count(lambda c: c.unserved),
    ),
    FigureKind(
        "waiting",
        "calls",
        _WAITS,
        "仍在等待",
        "Still waiting",
        "请求人工的来电中出报表时仍在等待的",
        "of those that wanted a person: those that still waited when the report was made",
        _count(lambda c: c.waiting),
    ),
    FigureKind(
        "resumed",
        "calls",
        _WAITS,
        "重启后续接",
        "Resumed",
        "等待期间经历控制器重启而保住位置的来电数",
        "waiting calls that a restarted controller went on with",
        _count(lambda c: c.resumed),
    ),
    FigureKind(
        "by_asterisk",
        "calls",
        _WAITS,
        "备用队列受理",
        "In Asterisk's own queue",
        "控制器缺席时由 Asterisk 自带队列受理的来电数",
        "calls that Asterisk's own queue had while no controller was there",
        _count(lambda c: c.by_asterisk),
    ),
    FigureKind(
        "service_level",
        "share",
        _WAITS,
        "服务水平",
        "Service level",
        "在本等级目标秒数内接通的来电 ÷ 请求人工的来电（含放弃与回电；不含仍在目标秒数内等待的）",
        "answered within the tier's target seconds / wanted a person"
        " (abandoned calls and callbacks among them; not those that still wait within the target)",
        _share(lambda c: c.in_target, _decided),
    ),
    FigureKind(
        "service_level_target",
        "share",
        _WAITS,
        "服务水平目标",
        "Service level target",
        "各等级目标按其来电数的加权平均",
        "the tiers' targets, weighed by their calls",
        _target,
    ),
    FigureKind(
        "service_level_without_short",
        "share",
        _WAITS,
        "服务水平（不计短放弃）",
        "Service level without short abandons",
        "在本等级目标秒数内接通的来电 ÷（请求人工的来电 − 等待不足 {short} 秒的放弃）",
        "answered within the tier's target seconds / (wanted a person - abandoned in less than {short} s)",
        _share(lambda c: c.in_target, lambda c: _decided(c) - c.short_abandoned),
    ),
    FigureKind(
        "asa",
        "s",
        _WAITS,
        "平均应答速度",
        "Average speed of answer",
        "接通来电等待秒数之和 ÷ 接通来电数",
        "seconds waited until the first talk / answered calls",
        _mean(lambda c: c.waits.total, lambda c: c.answered, 10),
    ),
    FigureKind(
        "wait_median",
        "s",
        _WAITS,
        "等待中位数",
        "Median wait",
        "半数接通来电的等待不超过的秒数（最近秩）",
        "the least wait that half of the answered did not exceed (nearest rank)",
        _quantile(50),
    ),
    FigureKind(
        "wait_p90",
        "s",
        _WAITS,
        "等待 90 分位",
        "90 % of waits",
        "90% 接通来电的等待不超过的秒数（最近秩）",
        "the least wait that 90 % of the answered did not exceed (nearest rank)",
        _quantile(90),
    ),
    FigureKind(
        "wait_p99",
        "s",
        _WAITS,
        "等待 99 分位",
        "99 % of waits",
        "99% 接通来电的等待不超过的秒数（最近秩）",
        "the least wait that 99 % of the answered did not exceed (nearest rank)",
        _quantile(99),
    ),
    FigureKind(
        "wait_longest",
        "s",
        _WAITS,
        "最长等待",
        "Longest wait",
        "接通来电中最长的等待秒数",
        "the longest wait of the answered",
        _longest,
    ),
    FigureKind(
        "abandonment",
        "share",
        _WAITS,
        "放弃率",
        "Abandonment",
        "放弃的来电 ÷ 请求人工的来电",
        "abandoned / wanted a person",
        _share(lambda c: c.abandoned, lambda c: c.offered),
    ),
    FigureKind(
        "abandonment_without_short",
        "share",
        _WAITS,
        "放弃率（不计短放弃）",
        "Abandonment without short ones",
        "等待满 {short} 秒后放弃的来电 ÷（请求人工的来电 − 短放弃）",
        "abandoned after {short} s or more / (wanted a person - short abandons)",
        _share(lambda c: c.abandoned - c.short_abandoned, lambda c: c.offered - c.short_abandoned),
    ),
    FigureKind(
        "first_contact",
        "share",
        _WAITS | {"agent"},
        "首次解决率",
        "First-call resolution",
        "已满 {days} 天的接通来电中，同一客户（客户未知时按来电号码）{days} 天内未再要求人工的 ÷ 全部（不含隐藏号码）",
        "answered calls at least {days} days old whose customer (or number, when the customer is unknown) did not"
        " want a person again within {days} days / all of that age, but for withheld numbers",
        _share(lambda c: c.resolved, lambda c: c.resolved + c.repeated),
    ),
    FigureKind(
        "first_contact_open",
        "calls",
        _WAITS | {"agent"},
        "首次解决待判定",
        "Too early for first-call resolution",
        "接通未满 {days} 天的来电数",
        "answered calls of known callers, less than {days} days old",
        _count(lambda c: c.too_early),
    ),
    FigureKind(
        "offers",
        "offers",
        _TALKS,
        "振铃座席次数",
        "Offers",
        "向座席派送来电的次数",
        "times that a seat was rung for a caller",
        _count(lambda c: c.offers),
    ),
    FigureKind(
        "offers_not_answered",
        "share",
        _TALKS,
        "座席未接率",
        "Offers not answered",
        "座席超时未接的次数 ÷ 振铃座席次数",
        "offers that the agent let ring out / offers",
        _share(lambda c: c.not_answered, lambda c: c.offers),
    ),
    FigureKind(
        "offers_refused",
        "share",
        _TALKS,
        "座席拒接率",
        "Offers refused",
        "座席拒接或占线的次数 ÷ 振铃座席次数",
        "offers that the agent's phone refused (or was busy for) / offers",
        _share(lambda c: c.refused_offers, lambda c: c.offers),
    ),
    FigureKind(
        "talks",
        "talks",
        _TALKS,
        "通话",
        "Talks",
        "本期内开始的座席与来电者的通话数",
        "talks of an agent and a caller that began in the period",
        _count(lambda c: c.talks),
    ),
    FigureKind(
        "talks_going_on",
        "talks",
        _TALKS,
        "进行中的通话",
        "Talks going on",
        "出报表时尚未结束的通话数",
        "talks that went on when the report was made",
        _count(lambda c: c.going_on),
    ),
    FigureKind(
        "aht",
        "s",
        _TALKS,
        "平均处理时长",
        "Average handling time",
        "（通话秒数 + 话后整理秒数）÷ 已结束的通话数",
        "(seconds of talk + seconds of wrap-up) / talks that are over",
        _mean(lambda c: c.talk_us + c.wrap_up_us, lambda c: c.handled, SECOND),
    ),
    FigureKind(
        "talk_time",
        "s",
        _TALKS,
        "平均通话时长",
        "Average talk",
        "通话秒数（含保持）÷ 已结束的通话数",
        "seconds of talk, hold among it / talks that are over",
        _mean(lambda c: c.talk_us, lambda c: c.handled, SECOND),
    ),
    FigureKind(
        "wrap_up_time",
        "s",
        _TALKS,
        "平均话后整理",
        "Average wrap-up",
        "话后整理秒数 ÷ 已结束的通话数",
        "seconds of wrap-up / talks that are over",
        _mean(lambda c: c.wrap_up_us, lambda c: c.handled, SECOND),
    ),
    FigureKind(
        "transfers",
        "share",
        _TALKS,
        "转接率",
        "Transfers",
        "被转接的通话 ÷ 通话",
        "talks that were transferred / talks",
        _share(lambda c: c.transferred, lambda c: c.talks),
    ),
    FigureKind(
        "consults",
        "share",
        _TALKS,
        "咨询率",
        "Consults",
        "期间咨询过他人的通话 ÷ 通话",
        "talks in which somebody else was consulted / talks",
        _share(lambda c: c.consulted, lambda c: c.talks),
    ),
    FigureKind(
        "conferences",
        "share",
        _TALKS,
        "会议率",
        "Conferences",
        "变为会议的通话 ÷ 通话",
        "talks that became a conference / talks",
        _share(lambda c: c.conferenced, lambda c: c.talks),
    ),
    FigureKind(
        "taken_over",
        "share",
        _TALKS,
        "被接管率",
        "Taken over",
        "被主管接管的通话 ÷ 通话",
        "talks that a supervisor took over / talks",
        _share(lambda c: c.taken_over, lambda c: c.talks),
    ),
    FigureKind(
        "cut_talks",
        "share",
        _TALKS,
        "中断率",
        "Cut talks",
        "座席线路中断的通话 ÷ 通话",
        "talks whose seat's line dropped / talks",
        _share(lambda c: c.cut, lambda c: c.talks),
    ),
    FigureKind(
        "satisfaction",
        "mark",
        _TALKS,
        "满意度",
        "Satisfaction",
        "评分之和 ÷ 评分次数（1 差 至 5 好）",
        "sum of the marks / marks (1 bad to 5 good)",
        _mean(lambda c: sum(mark * times for mark, times in c.scores.items()), _marks, 1),
    ),
    FigureKind(
        "satisfied",
        "share",
        _TALKS,
        "满意率",
        "Satisfied",
        "4 分或 5 分 ÷ 评分次数",
        "marks of 4 or 5 / marks",
        _share(lambda c: sum(times for mark, times in c.scores.items() if mark >= GOOD_MARK), _marks),
    ),
    FigureKind(
        "survey_answers",
        "share",
        _TALKS,
        "参评率",
        "Survey answers",
        "有评分的通话 ÷ 通话",
        "talks with a mark / talks",
        _share(_marks, lambda c: c.talks),
    ),
    FigureKind(
        "occupancy",
        "share",
        _TIME,
        "座席占用率",
        "Occupancy",
        "通话与话后整理的时间 ÷ 在岗时间（登录而未小休、话机在线）",
        "time in talks and wrap-up / time at work (logged in, not paused, the seat not gone)",
        _share(lambda c: _time(HANDLING)(c) / SECOND, lambda c: _time(AT_WORK)(c) / SECOND),
    ),
    FigureKind(
        "time_at_work",
        "h",
        _TIME,
        "在岗时间",
        "Time at work",
        "登录、未小休且话机在线的时间",
        "time logged in, not paused, the seat not gone",
        _hours(AT_WORK),
    ),
    FigureKind(
        "time_paused",
        "h",
        _TIME,
        "小休时间",
        "Time paused",
        "小休状态的时间",
        "time in a pause",
        _hours(PAUSED),
    ),
)
