"""The frame of the ledger: every claim is there, options are checked, answers follow from findings."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine.claims import ledger, verification
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.command import verify
from engine.claims.registry import BY_SOURCE, CLAIM_IDS, load_claim
from engine.claims.verification import plain, verifying
from engine.lessons import all_lessons
from engine.sources import SOURCES

MET, UNMET = Assumption("It is so.", True), Assumption("It is not so.", False)


def made(finding: Finding | None = None, expected: Answer = Answer.HOLDS) -> Claim:
    def measure(seed: int = 0, width: int = 1) -> Generator[tuple[float, Finding | None], None, None]:
        yield 0.5, None
        yield (
            1.0,
            finding or Finding(True, 2.5, f"Seed {seed}, width {width}.", {"numbers": np.arange(2)}, (MET,)),
        )

    return Claim("descent", "exam", "It falls.", "there", expected, measure, "sometimes")


def test_every_id_has_its_claim_with_a_lesson() -> None:
    assert engine.CLAIMS == CLAIM_IDS and len(set(CLAIM_IDS)) == len(CLAIM_IDS)
    shown = {claim_id for lesson in all_lessons() for claim_id in lesson.claims}
    for source, ids in BY_SOURCE.items():
        assert source in SOURCES
        for claim_id in ids:
            claim = load_claim(claim_id)
            assert (claim.claim_id, claim.source_key) == (claim_id, source)
            assert claim.statement.endswith((".", "?", ".)")) and claim.cited
            assert claim_id in shown or claim_id == "self-play-tuning"


def test_an_unknown_claim_or_option_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match="'nope' is no claim; the claims are symmetry-stays, "):
        engine.verify("nope")
    with pytest.raises(ValueError, match="depth is no option of the claim descent; it takes seed, width"):
        list(verifying(made(), depth=3))
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0"):
        list(verifying(made(), seed=-1))


@pytest.mark.parametrize(
    ("stands", "assumptions", "answer"),
    [
        (True, (), Answer.HOLDS),
        (False, (MET,), Answer.VIOLATED),
        (None, (MET,), Answer.UNDECIDED),
        (True, (MET, UNMET), Answer.NOT_APPLICABLE),
        (None, (UNMET,), Answer.NOT_APPLICABLE),
    ],
)
def test_the_answer_follows_from_the_finding(stands: bool | None, assumptions: Any, answer: Answer) -> None:
    assert Finding(stands, 0.0, "", {}, assumptions).answer is answer


def test_a_verdict_holds_what_is_promised() -> None:
    *_, (done, verdict) = verifying(made(), seed=3, width=2)
    assert done == 1.0 and verdict is not None
    table = verdict.as_dict()
    assert list(table) == [
        *(
            "claim",
            "statement",
            "source",
            "verdict",
            "expected",
            "margin",
            "assumptions",
            "evidence",
            "seconds",
        ),
    ]
    assert table["assumptions"] == [{"text": "It is so.", "met": True}]
    assert table["evidence"] == {
        "summary": "Seed 3, width 2.",
        "seed": 3,
        "options": {"width": 2},
        "condition": "sometimes",
        "numbers": [0, 1],
    }
    assert json.loads(json.dumps(table)) == table


def test_evidence_is_plain() -> None:
    given = {"a": (np.float64(1.5), [np.int64(2)]), "b": np.array([[True]]), 3: None}
    assert plain(given) == {"a": [1.5, [2]], "b": [[True]], "3": None}
    with pytest.raises(TypeError, match="evidence must be texts, numbers, lists and tables, not set"):
        plain({1, 2})


def test_an_experiment_without_a_finding_fails() -> None:
    def measure(seed: int = 0) -> Generator[tuple[float, Finding | None], None, None]:
        yield 1.0, None

    claim = Claim("descent", "exam", "It falls.", "there", Answer.HOLDS, measure)
    with pytest.raises(RuntimeError, match="without a finding"):
        list(verifying(claim))


def test_the_ledger_says_what_is_unexpected_and_what_is_not_met() -> None:
    finding = Finding(True, 0.5, "Seen.", {}, (MET, UNMET))
    *_, (_, verdict) = verifying(made(finding))
    assert verdict is not None
    text = ledger.entry(verdict)
    assert text.startswith("NOT APPLICABLE  descent; expected was holds\n")
    assert "Not met: It is not so." in text and "It does hold: sometimes" in text and "It is so." not in text
    assert ledger.total([verdict]).endswith("otherwise than expected: descent.")
    assert ledger.standing("descent", [verdict]) == "descent: 0 of 1 seeds gave holds; seed 0 not applicable"


def use(monkeypatch: pytest.MonkeyPatch, claim: Claim) -> None:
    monkeypatch.setattr("engine.claims.registry.load_claim", lambda claim_id: claim)
    monkeypatch.setattr(verification, "load_claim", lambda claim_id: claim)


def test_the_command_prints_writes_and_returns_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    use(monkeypatch, made())
    assert verify(["descent"], json=str(tmp_path / "v.json")) == 0
    assert "HOLDS" in capsys.readouterr().out
    assert json.loads((tmp_path / "v.json").read_text())[0]["verdict"] == "holds"


def test_the_command_returns_1_for_another_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, made(expected=Answer.VIOLATED))
    assert verify(["descent"]) == 1
    assert verify(["descent"], all_seeds="3") == 1
    assert "0 of 3 seeds gave violated" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"claim_ids": ["nope"]}, "'nope' is no claim"),
        ({"seed": "x"}, "--seed must be a whole number of at least 0, not 'x'"),
        ({"all_seeds": "0"}, "--all-seeds must be a whole number of at least 1, not 0"),
        ({"json": "/nowhere/at/all.json"}, "--json must name a file that can be written"),
    ],
)
def test_the_command_refuses_in_one_line(
    given: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(**given) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
