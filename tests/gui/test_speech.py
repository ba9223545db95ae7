"""Texts that a voice can read: words in place of signs, for every claim and lesson."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from engine.claims.claim import Answer, Assumption, Verdict
from engine.claims.registry import CLAIM_IDS, load_claim
from engine.claims.verification import verify
from engine.lessons import all_lessons
from engine.monitors.monitor import Reading
from gui.speech import spoken, verdict_words

SIGNS = re.compile(r"[^A-Za-zé0-9 ,.;:?!'’-]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("errors ≤ N L / ln 2", "errors at most N times L over the logarithm of two"),
        ("½ ‖p − y‖²", "one half the norm of p minus y squared"),
        ("|λ| = 0.0028 at 2,260 steps", "the size of lambda is 0.0028 at 2260 steps"),
        ("spread 1e−17 and −2", "spread 1 times ten to the minus 17 and minus 2"),
        ("spread 1e-17, then 10⁻¹²", "spread 1 times ten to the minus 17, then ten to the minus 12"),
        ("-0.5 > -1", "minus 0.5 is above minus 1"),
        ("3.5 % (of x)", "3.5 percent, of x"),
        ("full-batch steps, 1,000,000 of them.", "full-batch steps, 1000000 of them."),
        ("a: b, c; d? e! f.", "a: b, c; d? e! f."),
        ("", ""),
    ],
)
def test_signs_become_words(text: str, words: str) -> None:
    assert spoken(text) == words
    assert spoken(words) == words


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_no_sign_is_left_of_a_claim(claim_id: str) -> None:
    claim = load_claim(claim_id)
    for text in (claim.statement, claim.condition, claim.cited):
        assert not SIGNS.findall(spoken(text)), spoken(text)


def test_no_sign_is_left_of_a_lesson() -> None:
    for lesson in all_lessons():
        for text in (lesson.predict, *lesson.choices, lesson.answer):
            assert not SIGNS.findall(spoken(text)), (lesson.lesson_id, spoken(text))


@pytest.mark.parametrize(
    "claim_id", ["error-ceiling", "linear-net-convex", "lemma-2-1", "exam-example", "descent"]
)
def test_a_real_verdict_can_be_read_aloud(claim_id: str) -> None:
    claim, verdict = load_claim(claim_id), verify(claim_id)
    words = verdict_words(claim, verdict)
    assert not SIGNS.findall(words), words
    assert {"holds": "Tested, it holds.", "violated": "Tested, it is violated."}[
        verdict.verdict.value
    ] in words
    assert spoken(claim.statement) in words and "The margin is" in words


def test_what_fails_and_what_is_unknown_is_told() -> None:
    claim = load_claim("error-ceiling")
    reading = Reading(Answer.VIOLATED, "2 of 9 steps.")
    assert verdict_words(claim, None, reading).endswith(
        "On this run it is violated: 2 of 9 steps. It has not been tested here yet."
    )
    assumptions = (Assumption("The loss is L.", False),)
    verdict = Verdict(
        "c", "s", "o", Answer.NOT_APPLICABLE, Answer.HOLDS, 1.0, assumptions, {"summary": "None."}, 1.0
    )
    words = verdict_words(claim, verdict)
    assert "Tested, it does not apply. None. An assumption is not met: The loss is L." in words
    assert "It does hold under a condition: It is small." in verdict_words(
        replace(claim, condition="It is small."), verdict
    )
