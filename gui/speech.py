"""Speech: texts with formulas and signs as a voice can read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the claims come with numba and scipy
    from engine.claims.claim import Claim, Verdict
    from engine.monitors.monitor import Reading

_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_WORDS: Final = {
    "‖": " norm ",
    "∞": "infinity",
    "λ_max": "the largest eigenvalue",
    "λ_min": "the smallest eigenvalue",
    "λ": "lambda",
    "δ": "delta",
    "ε": "epsilon",
    "′": " prime",
    "θ": "theta",
    "η": "the rate",
    "σ": "sigma",
    "Σ": "the sum of ",
    "∇": "the gradient of ",
    "ψ": "psi",
    "φ": "phi",
    "·": " times ",
    "×": " times ",
    "±": " plus or minus ",
    "÷": " divided by ",
    "√": " the square root of ",
    "≤": " at most ",
    "<=": " at most ",
    "≥": " at least ",
    ">=": " at least ",
    "≠": " is not ",
    "!=": " is not ",
    "≈": " about ",
    "→": " to ",
    "∘": " times, entry by entry, ",
    "½": "one half",
    "¼": "one quarter",
    "¾": "three quarters",
    "%": " percent",
    "°": " degrees",
    "…": " and so on ",
    "...": " and so on ",
    "ᵀ": " transposed",
    "₀": " zero",
    "₁": " one",
    "₂": " two",
    "₃": " three",
    "&": " and ",
    "#": " number ",
    "|": " ",
    "*": " times ",
    "_": " ",
    '"': "",
    "~": " about ",
    "{": "",
    "}": "",
}
_ANSWERS: Final = {
    "holds": "Tested, it holds.",
    "violated": "Tested, it is violated.",
    "not_applicable": "Tested, it does not apply.",
    "undecided": "Tested, it stays undecided.",
}
_PATTERNS: Final = (
    (r"‖([^‖]+)‖", r"the norm of \1"),
    (r"\|([^|]+)\|", r"the size of \1"),
    (r"\bN (?=L\b)", "N times "),
    (r"\bfloor ?\(", "the whole part of ("),
    (r"\bln 2\b", "the logarithm of two"),
    (r"\b(?:ln|log)(?= ?\(| [\w(])", "the logarithm of "),
    (r"(\d),(?=\d{3}(?!\d))", r"\1"),
    (r"(?<![\w.])[-−](?=[\d.]|[a-z]\b)", "minus "),
    (
        r"(?<=[\d.])e([-−+]?)0*(\d+)",
        lambda m: f" times ten to the {'minus ' if m[1] in ('-', '−') else ''}{m[2]}",
    ),
    (r"10(?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", lambda m: f"ten to the {_power(m[1])}"),
    (r"²", " squared"),
    (r"³", " cubed"),
    (r"([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", lambda m: f" to the power {_power(m[1])}"),
    (r"\^ ?(?=\()", " to the power "),
    (r"= ?\(", " is "),
    (r"\^ ?([-−]?[\w.]+)", r" to the power \1"),
    (r" [-−] ", " minus "),
    (r"−", " minus "),
    (r"(?<=[\w)]) ?\+ ?(?=[\w(])", " plus "),
    (r" ?= ?", " is "),
    (r" ?<(?!=) ?", " is below "),
    (r" ?(?<!-)>(?!=) ?", " is above "),
    (r"(?<=[\w)]) ?/ ?(?=[\w(])", " over "),
    (r"[()\[\]]", ", "),
)


def spoken(text: str) -> str:
    """Return a text in words only: no sign that a voice would leave out or garble is left.

    "errors ≤ N L / ln 2" becomes "errors at most N L over the logarithm of two".
    """
    for sign in ("<=", ">=", "!=", "..."):
        text = text.replace(sign, _WORDS[sign])
    for pattern, words in _PATTERNS:
        text = re.sub(pattern, words, text)
    for sign, words in _WORDS.items():
        text = text.replace(sign, words)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"([.;:?!])\s*,", r"\1", re.sub(r"(?:\s*,)+\s*(?=[.;:,])", "", text))
    return re.sub(r"\s+([,.;:?!])", r"\1", re.sub(r",(\s*,)+", ",", text)).strip(" ,")


def verdict_words(claim: Claim, verdict: Verdict | None, reading: Reading | None = None) -> str:
    """Return what a claim says and what came of it, in words that can be read aloud."""
    parts = [
        f"The claim {claim.claim_id.replace('-', ' ')}, from the source {claim.source.title}: {claim.statement}"
    ]
    if reading is not None and reading.answer is not None:
        verb = "it holds" if reading.answer.value == "holds" else f"it is {reading.answer.words}"
        parts.append(f"On this run {verb}: {reading.line}")
    if verdict is None:
        return spoken(" ".join([*parts, "It has not been tested here yet."]))
    parts.append(f"{_ANSWERS[verdict.verdict.value]} {verdict.summary}")
    parts += [f"An assumption is not met: {one.text}" for one in verdict.assumptions if not one.met]
    if claim.condition:
        parts.append(f"It does hold under a condition: {claim.condition}")
    what = verdict.evidence.get("margin_is", "how far the verdict is from turning")
    return spoken(" ".join([*parts, f"The margin is {verdict.margin:.3g}: {what}."]))


def _power(digits: str) -> str:
    return digits.translate(_SUPERSCRIPTS).replace("-", "minus ")
