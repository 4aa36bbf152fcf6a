"""Hyperband: successive halving at several rates, by KerasTuner."""

from __future__ import annotations

from keras_tuner.oracles import HyperbandOracle as KerasTunerHyperband

from components.strategies.oracle import SearchOracle


class HyperbandOracle(SearchOracle, KerasTunerHyperband):
    """KerasTuner's oracle; its own settings are `max_epochs`, `factor`, `hyperband_iterations`.

    Notes
    -----
    A trial's values hold its epochs (``tuner/epochs``) and, where it goes on with an earlier
    trial, that trial (``tuner/trial_id``) and its epochs (``tuner/initial_epoch``). It learns
    nothing from earlier searches' scores, which need not be of the same epochs, but does not
    begin with their points again.
    """
