"""Weight clustering: the weights of each kernel share few values.

K-means chooses the values and which weight has which; then the values are trained on, and the
assignments stay [Han et al. 2016, "Deep Compression", section 3]; the best epoch on the
validation rows is kept. Zeros of a pruned kernel stay
zeros and are one of the values. Kernels of dense layers, convolutions and tables of embeddings are
clustered, batch normalizations being folded into them first: their factors would tear the
clusters apart.

Notes
-----
TensorFlow Model Optimization assigns the weights anew in each step, in memory of weights times
clusters, refuses networks with layers that it does not know, and keeps zeros in a mode that it
calls experimental.
"""

from __future__ import annotations

import numpy as np

from components.compressor import fine_tuning, folding, kernels, rewriting
from components.compressor.best_epoch import BestEpoch
from components.compressor.patterns import Pattern, clustered
from components.compressor.recipes.base import CLUSTER, Draft, Recipe, Work, unsupported
from components.errors import ModelworksError

NAME = "clustering"


def apply(draft: Draft, work: Work) -> Draft:
    """Cluster, and train the values on."""
    clusters = work.config.clustering.clusters
    model = folding.fold(draft.model)
    found = [layer for layer in model.layers if type(layer) in kernels.ATTRIBUTES]
    if not found:
        raise unsupported(model.layers[-1], NAME)
    patterns = {}
    for layer in found:
        kernel = kernels.kernel(layer)
        kernel.assign(clustered(kernel.numpy(), clusters))
        patterns[layer.name] = Pattern.of(kernel.numpy(), clusters)
    trained = rewriting.constrained(model, patterns)
    fine_tuning.fit(trained, work, [BestEpoch(work)], each_step=False)
    model = rewriting.constrained(trained, dict.fromkeys(patterns))
    for name in patterns:
        kernel = kernels.kernel(model.get_layer(name)).numpy()
        values = len(np.unique(kernel))
        if kernel.size > clusters < values:
            raise ModelworksError(
                f"The layer {name!r} has {values} distinct weights, not at most {clusters}."
            )
    return draft.after(NAME, model)


RECIPE = Recipe(CLUSTER, apply, "Weight clustering")
