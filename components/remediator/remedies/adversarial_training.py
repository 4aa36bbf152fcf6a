"""Training on with attacked rows [Madry et al. 2018]; see `components.attacks`."""

from __future__ import annotations

from collections.abc import Iterator

from components.attacks import adversarial_training
from components.remediator import training_on
from components.remediator.candidate import Candidate
from components.remediator.config import AdversarialTrainingRemedy, Robustness
from components.remediator.problem import Problem

#: Longest step, in units of the budget [Wong et al. 2020].
LONGEST_STEP = 1.25


def candidates(
    problem: Problem, check: Robustness, settings: AdversarialTrainingRemedy
) -> Iterator[Candidate]:
    """Yield a network for each share; see `components.remediator.remedies.REMEDIES`."""
    hp = training_on.hyperparameters(problem)
    step = min(adversarial_training.REACH / settings.steps, LONGEST_STEP) * check.eps
    for share in settings.shares:
        model, _ = adversarial_training.train(
            problem.model,
            problem.train.arrays,
            problem.tuning.arrays,
            task=problem.task,
            eps=check.eps,
            step=step,
            steps=settings.steps,
            epochs=problem.epochs,
            learning_rate=hp.learning_rate,
            batch_size=min(hp.batch_size, len(problem.train)),
            seed=problem.seed,
            share=share,
        )
        yield Candidate(model, f"{share:.0%} of each batch attacked")
