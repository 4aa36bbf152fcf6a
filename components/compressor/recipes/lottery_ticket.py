"""The lottery ticket: round by round, the smallest weights go and the others begin again.

Unlike magnitude pruning, which trains on, each round trains from the weights that the model
started from, or from those after one of its first epochs; see
`components.compressor.lottery_ticket`. That takes one whole training for each round.
"""

from __future__ import annotations

import numpy as np
import tf_keras

from components.compressor import kernels, lottery_ticket
from components.compressor.recipes.base import SPARSIFY, Draft, Recipe, Work, copy_model
from components.errors import InputError, ModelworksError
from components.models import augmentation, fitting, training
from components.models.hyperparameters import ImageHyperParameters
from components.models.specification import Member
from components.models.transformed import LABEL

NAME = "lottery_ticket"

Weights = list[np.ndarray]


def initial(model: tf_keras.Model, work: Work) -> Weights:
    """Return the weights that a model's training started from.

    Raises
    ------
    InputError
        If the model is not one that `work.hp` describes.
    """
    tf_keras.utils.set_random_seed(work.training.seed)
    built = fitting.build(Member(model=work.hp), work.features, work.train[LABEL])
    if _layout(built) != _layout(model):
        raise InputError(
            "The model does not have the layers that it started with.",
            setting="compressor.recipes",
            expected="a model as its hyperparameters describe it, whose initial weights are known",
            got=f"{model.count_params()} parameters instead of {built.count_params()}",
            remedy=f"Put no recipe that removes units before {NAME}, or leave {NAME} out.",
        )
    return built.get_weights()


def apply(draft: Draft, work: Work) -> Draft:
    """Find a ticket and train it.

    The draft's model counts as what the first training led to, unless the weights of one of
    its epochs are needed.
    """
    config = work.config.lottery_ticket
    start = initial(draft.model, work)
    layers = list(kernels.prunable(draft.model, NAME))
    shares = lottery_ticket.shares(draft.model, layers, config.share)
    masks = lottery_ticket.whole(draft.model, layers)
    model = lottery_ticket.maskable(draft.model, layers)
    for number in range(config.rounds):
        if number > 0:
            lottery_ticket.start(model, start, masks)
            _train(model, work)
        elif config.rewind_epoch > 0:
            lottery_ticket.start(model, start, masks)
            start = _train(model, work, config.rewind_epoch)
        masks = lottery_ticket.pruned(model, masks, shares)
        print(
            f"{NAME}: {lottery_ticket.remaining(masks):.1%} of the weights remain "
            f"after {number + 1} of {config.rounds} rounds"
        )
    lottery_ticket.start(model, start, masks)
    _train(model, work)
    result = copy_model(draft.model)
    result.set_weights(model.get_weights())
    for name, mask in masks.items():
        if np.any(kernels.kernel(result.get_layer(name)).numpy()[~mask]):
            raise ModelworksError(f"The mask of the layer {name!r} did not hold.")
    return draft.after(NAME, result)


def _layout(model: tf_keras.Model) -> list[tuple[str, type, list[tuple[int, ...]]]]:
    return [
        (layer.name, type(layer), [weight.shape for weight in layer.get_weights()])
        for layer in model.layers
    ]


def _train(model: tf_keras.Model, work: Work, kept_epoch: int = 0) -> Weights:
    """Train a model as it was trained, and return its weights at the end of an epoch, from 1."""
    config, hp = work.training, work.hp
    labels = work.train[LABEL]
    kept: Weights = []

    def keep(epoch: int, loss: float) -> bool:
        if epoch + 1 == kept_epoch:
            kept.extend(model.get_weights())
        return False

    class_weights = None
    if config.class_weights == "balanced" and not work.features.regression:
        class_weights = training.balanced_class_weights(labels, len(work.features.classes))
    images = isinstance(hp, ImageHyperParameters)
    history = training.train(
        model,
        work.train,
        work.validation,
        label=LABEL,
        task=work.features.task,
        hp=hp,
        epochs=config.epochs,
        patience=config.patience,
        seed=config.seed,
        class_weights=class_weights,
        augmentation=augmentation.make(hp, config.seed) if images else None,
        on_epoch=keep,
    )
    if kept_epoch and not kept:
        raise InputError(
            "The training ended before the epoch to which the weights are rewound.",
            setting="compressor.lottery_ticket.rewind_epoch",
            expected=f"at most {len(history.epochs)}, the epochs of the training",
            got=kept_epoch,
        )
    return kept


RECIPE = Recipe(SPARSIFY, apply, "Lottery ticket")
