"""The command `verify`: tests claims without a window and prints the ledger."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from engine import checks
from engine.console import DONE, FAILED, as_target, command, number, reading_input, write

if TYPE_CHECKING:  # numpy and numba come with it
    from engine.claims.claim import Claim, Verdict
    from engine.progress import Progress

_SHARES: Final = 1000  # the progress bar counts thousandths of a claim


@command
def verify(
    claim_ids: Sequence[str] = (),
    seed: str = "0",
    all_seeds: str | None = None,
    json: str | None = None,
) -> int:
    """Test claims and print a ledger.

    Args:
        claim_ids: which claims; none means all.
        seed: seed of the first start, as text.
        all_seeds: from how many seeds each claim is tested, as text; None for one.
        json: file for the verdicts, written whole or not at all.

    Returns:
        1 when a verdict is not the expected one, else 0.
    """
    from engine import outputs
    from engine.claims import ledger
    from engine.claims.registry import CLAIM_IDS, load_claim
    from engine.progress import Progress

    with reading_input():
        first = checks.whole_number("--seed", number(seed), at_least=0)
        n_seeds = (
            1 if all_seeds is None else checks.whole_number("--all-seeds", number(all_seeds), at_least=1)
        )
        target = None if json is None else as_target("json", json)
        outputs.check_targets(**({} if target is None else {"json": target}))
        claims = [load_claim(claim_id) for claim_id in claim_ids or CLAIM_IDS]
    verdicts: list[Verdict] = []
    progress = Progress(len(claims) * n_seeds * _SHARES, "", sys.stderr)
    for claim in claims:
        mine = []
        for i in range(n_seeds):
            with reading_input():
                mine.append(_verdict(claim, first + i, progress, len(verdicts) + i))
        progress.close()
        print(ledger.entry(mine[0]) if n_seeds == 1 else ledger.standing(claim.claim_id, mine), flush=True)
        verdicts += mine
    print(ledger.total(verdicts))
    if target is not None:
        write(target, outputs.as_json([verdict.as_dict() for verdict in verdicts]))
    return DONE if all(verdict.is_as_expected for verdict in verdicts) else FAILED


def _verdict(claim: Claim, seed: int, progress: Progress, n_before: int) -> Verdict:
    """Test one claim, showing how far all of them are; n_before are done."""
    from engine.claims.verification import verifying

    newest = None
    for done, newest in verifying(claim, seed):  # noqa: B007 -- the last one is wanted
        progress.show(round((n_before + done) * _SHARES), claim.claim_id)
    assert newest is not None
    return newest
