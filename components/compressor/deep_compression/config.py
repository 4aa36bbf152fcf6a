"""Settings of deep compression."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class DeepCompressionConfig(Settings):
    """How a model is pruned and its weights come to share values.

    Attributes
    ----------
    sparsity : float
        Share of the kernels' weights that pruning makes zero, in (0, 1). Each kernel's own share
        follows from what its weights matter.
    price : float
        What a bit of the file may cost in accuracy, as a share of what an average weight that
        is left matters: the larger, the fewer values are shared and the more weights become zero.
    clusters : int
        Values that the weights of a tensor share at most, in [2, 256].
    pruning_epochs, sharing_epochs : int
        Of gradual pruning, and of the training of shared values.
    learning_rate : float
        Of Adam at the start of both; it falls along a cosine.
    temperature : float
        Of the original model's outputs, which are a part of what is taught.
    """

    sparsity: float = Field(default=0.9, gt=0, lt=1)
    price: float = Field(default=0.005, ge=0)
    clusters: int = Field(default=16, ge=2, le=256)
    pruning_epochs: int = Field(default=12, ge=1)
    sharing_epochs: int = Field(default=6, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    temperature: float = Field(default=3.0, gt=0)
