"""The table of methods, in the order in which they are told."""

from __future__ import annotations

from components.explainer.ale.explanation import METHOD as ALE
from components.explainer.anchors.explanation import METHOD as ANCHORS
from components.explainer.counterfactuals.explanation import METHOD as COUNTERFACTUALS
from components.explainer.grad_cam.explanation import METHOD as GRAD_CAM
from components.explainer.integrated_gradients.explanation import METHOD as INTEGRATED_GRADIENTS
from components.explainer.lime.explanation import METHOD as LIME
from components.explainer.method import Method
from components.explainer.partial_dependence.explanation import METHOD as PARTIAL_DEPENDENCE
from components.explainer.permutation_importance.explanation import METHOD as PERMUTATION
from components.explainer.shapley.explanation import METHOD as SHAPLEY
from components.explainer.smooth_grad.explanation import METHOD as SMOOTH_GRAD
from components.explainer.surrogates.explanation import METHOD as SURROGATES
from components.explainer.tcav.explanation import METHOD as TCAV
from components.explainer.xrai.explanation import METHOD as XRAI

#: By the name of their settings.
METHODS: dict[str, Method] = {
    "permutation_importance": PERMUTATION,
    "shapley": SHAPLEY,
    "partial_dependence": PARTIAL_DEPENDENCE,
    "ale": ALE,
    "lime": LIME,
    "anchors": ANCHORS,
    "counterfactuals": COUNTERFACTUALS,
    "integrated_gradients": INTEGRATED_GRADIENTS,
    "smooth_grad": SMOOTH_GRAD,
    "xrai": XRAI,
    "grad_cam": GRAD_CAM,
    "tcav": TCAV,
    "surrogates": SURROGATES,
}
