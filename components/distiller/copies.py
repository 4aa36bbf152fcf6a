"""Augmented images of which there is a fixed set, so that a teacher's outputs can be kept."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from components.models.augmentation import Augmentation


@dataclass(frozen=True)
class Copies(Augmentation):
    """An augmentation that begins anew after some epochs.

    In epoch e each image is its copy ``e mod copies``; that is the very image which the
    plain augmentation makes in that epoch.

    Attributes
    ----------
    copies : int
        Changed versions of each image.
    """

    copies: int = 1

    @classmethod
    def of(cls, augmentation: Augmentation, copies: int) -> Copies:
        """Return `augmentation` with so many copies."""
        return cls(
            augmentation.seed,
            augmentation.shift,
            augmentation.rotation,
            augmentation.flip,
            copies,
        )

    def draw(self, epoch: tf.Tensor, rows: int) -> tf.Tensor:
        return super().draw(epoch % self.copies, rows)
