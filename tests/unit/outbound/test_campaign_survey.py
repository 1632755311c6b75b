"""A campaign may ask for a mark after the talk with an agent, and only then."""

from __future__ import annotations

from outbound import campaign_file
from tests.unit.outbound.campaign_texts import TEXT, campaign, rules

WHAT = "what: {call: agent, script: new_account_revisit}"


def test_it_is_asked_for_when_the_file_says_so() -> None:
    assert not campaign().what.survey
    assert campaign(TEXT.replace(WHAT, WHAT.replace("}", ", survey: yes}"))).what.survey


def test_there_is_nothing_to_be_marked_after_an_automatic_call() -> None:
    text = TEXT.replace(WHAT, "what: {call: notice, script: rights_issue, survey: yes}")
    _, problems = campaign_file.load(text, "revisit.yaml", "revisit", rules())
    assert any("no talk with an agent" in str(problem) for problem in problems)
