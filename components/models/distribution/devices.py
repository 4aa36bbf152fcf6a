"""The devices of this machine, by the names that settings give them."""

from __future__ import annotations

import tensorflow as tf

from components.models.distribution.config import Devices, no_such_device


def set_up(devices: Devices) -> list[str]:
    """Make logical devices where settings ask for them, and return the names of all.

    Parameters
    ----------
    devices : int or sequence of str
        A number stands for so many GPUs if the machine has them, and else for logical devices
        of its CPU.

    Raises
    ------
    InputError
        If there is no such device.

    Notes
    -----
    TensorFlow must not have worked yet in this process.
    """
    if isinstance(devices, int):
        gpus = tf.config.list_physical_devices("GPU")
        kind = "GPU" if len(gpus) >= devices else "CPU"
        names = [f"{kind}:{number}" for number in range(devices)]
    else:
        names = list(devices)
    cpus = [int(name.partition(":")[2]) for name in names if name.startswith("CPU:")]
    if cpus:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * (max(cpus) + 1),
        )
    found = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]
    for name in names:
        if name not in found:
            raise no_such_device(name, "some of " + ", ".join(found))
    return names
