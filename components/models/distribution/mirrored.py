"""Data parallel training on several devices of this machine."""

from __future__ import annotations

import tensorflow as tf

from components.models.distribution import config, devices
from components.models.distribution.replicas import Replicas


class Mirrored(Replicas[config.Mirrored]):
    """See `components.models.distribution.config.Mirrored`."""

    def __init__(self, settings: config.Mirrored) -> None:
        names = devices.set_up(settings.devices)
        # TensorFlow's own way for CPUs is one for processes: each sum takes twice as long.
        on_cpu = all(name.startswith("CPU") for name in names)
        reduction = tf.distribute.ReductionToOneDevice() if on_cpu else None
        super().__init__(
            settings, tf.distribute.MirroredStrategy(names, cross_device_ops=reduction), names
        )
