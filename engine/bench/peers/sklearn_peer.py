"""scikit-learn: `MLPClassifier` by plain full-batch gradient descent, started from our theta.

`fit` with `warm_start` goes on from the weights that stand in `coefs_` and `intercepts_`. It does not count
errors, so it does a little less than the others. It has no float32, no softmax for two classes (one logistic
output instead), no slices and no second derivatives.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine.bench.contestant import Contestant, Result
from engine.bench.problem import Problem


def make(problem: Problem, way: str, n_threads: int) -> Contestant:
    """Return scikit-learn's contestant; the number of threads is BLAS's own, from the environment."""
    return _Steps(problem)


class _Steps(Contestant):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        from sklearn.neural_network import MLPClassifier

        self._net: Any = MLPClassifier(
            hidden_layer_sizes=problem.layer_sizes[1:-1],
            activation=problem.activation,
            solver="sgd",
            alpha=0.0,
            batch_size=len(problem.y),
            learning_rate_init=problem.learning_rate,
            max_iter=problem.n_repeats,
            shuffle=False,
            tol=0.0,
            n_iter_no_change=problem.n_repeats + 1,
            momentum=0.0,
            nesterovs_momentum=False,
            warm_start=True,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._net.set_params(max_iter=1).fit(problem.x, problem.y)
        self._net.set_params(max_iter=problem.n_repeats)

    def prepare(self) -> None:
        layers = self.problem.layers(self.problem.theta.copy())
        self._net.coefs_ = [weights.copy() for weights, _ in layers]
        self._net.intercepts_ = [bias.copy() for _, bias in layers]
        self._net.loss_curve_ = []
        self._net.n_iter_ = self._net.t_ = 0
        self._net.best_loss_, self._net._no_improvement_count = np.inf, 0

    def run(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            self._net.fit(self.problem.x, self.problem.y)

    def result(self) -> Result:
        theta = self.problem.flat(zip(self._net.coefs_, self._net.intercepts_, strict=True))
        return {"loss": np.array(self._net.loss_curve_[-self.problem.n_repeats :]), "theta": theta}
