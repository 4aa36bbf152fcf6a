"""What pruning and clustering have made of a kernel, held while training goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras


class Pattern(tf_keras.constraints.Constraint):
    """Keeps zeros where they are, and equal weights equal: a constraint of a kernel.

    After each step of a training the weights of a cluster become their mean, which is the
    nearest point at which they are equal; zeros become zeros. With plain gradient descent that
    is the step of a shared weight, whose gradient is the sum of theirs [Han et al. 2016, "Deep
    Compression", section 3], but for the number of its members.

    Parameters
    ----------
    members : int array
        Of the kernel's shape: 0 where it is zero, else the number of the weight's cluster from
        1 on; if nothing is shared, 1 where it is not zero.
    clusters : int
        Number of clusters; 0 if nothing is shared.
    """

    def __init__(self, members: np.ndarray, clusters: int) -> None:
        self.members = members
        self.clusters = clusters

    @classmethod
    def of(cls, kernel: np.ndarray, largest: int) -> Pattern | None:
        """Return the pattern of a kernel, or None if it has none.

        Parameters
        ----------
        kernel : array
        largest : int
            A kernel with at most so many distinct values, that of 0 among them, is a clustered
            one, if weights share any but that of 0.
        """
        values, members = np.unique(kernel, return_inverse=True)
        if len(values) <= largest and np.count_nonzero(values) < np.count_nonzero(kernel):
            numbers = np.cumsum(values != 0) * (values != 0)
            return cls(numbers[members].reshape(kernel.shape), int(numbers.max()))
        if (kernel == 0).any():
            return cls((kernel != 0).astype(np.int64), 0)
        return None

    @property
    def sparse(self) -> bool:
        """Whether there are zeros to keep."""
        return bool((self.members == 0).any())

    def __call__(self, kernel: tf.Tensor) -> tf.Tensor:
        """Return the nearest kernel with the pattern."""
        mask = tf.constant(self.members != 0, kernel.dtype)
        if not self.clusters:
            return kernel * mask
        members = tf.constant(self.members, tf.int32)
        means = tf.math.unsorted_segment_mean(
            tf.reshape(kernel, [-1]), tf.reshape(members, [-1]), self.clusters + 1
        )
        return tf.gather(means, members) * mask

    def get_config(self) -> dict[str, Any]:
        return {"members": self.members.tolist(), "clusters": self.clusters}


def clustered(kernel: np.ndarray, clusters: int) -> np.ndarray:
    """Return a kernel with few distinct values: k-means, by Lloyd's algorithm.

    Parameters
    ----------
    kernel : array
    clusters : int
        Distinct values at most. If there are zeros they remain the same ones, and count.

    Notes
    -----
    The centroids start evenly spaced over the range of the weights, which keeps some for the
    few large weights that matter most [Han et al. 2016, section 3.2]. In one dimension the
    weights that are nearest to a centroid are those between two midpoints.
    """
    free = np.sort(kernel[kernel != 0].astype(np.float64))
    number = clusters - bool((kernel == 0).any())
    if len(np.unique(free)) <= number:
        return kernel
    centroids = np.linspace(free[0], free[-1], number)
    sums = np.concatenate([[0.0], np.cumsum(free)])
    edges = np.zeros(0)
    while True:
        middles = (centroids[1:] + centroids[:-1]) / 2
        found = np.concatenate([[0], np.searchsorted(free, middles), [len(free)]])
        counts = np.diff(found)
        if not counts.all():
            # Nearest to no weight: the next one is the weight that is farthest from its own.
            own = np.repeat(centroids, counts)
            centroids[np.argmin(counts)] = free[np.argmax(np.abs(free - own))]
            centroids.sort()
        elif np.array_equal(found, edges):
            break
        else:
            edges = found
            centroids = np.diff(sums[edges]) / counts
    nearest = centroids[np.searchsorted((centroids[1:] + centroids[:-1]) / 2, kernel)]
    return np.where(kernel == 0, 0, nearest).astype(kernel.dtype)
