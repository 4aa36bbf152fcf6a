"""Settings of a training on several devices or processes, told apart by their strategy."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from components.errors import InputError
from components.models.hyperparameters import ModelHyperParameters, TreesHyperParameters
from components.naming import nearest
from components.settings import Settings

#: Dotted key of the config that holds these settings.
SETTING = "trainer.distribution"
#: Devices of one machine, and processes of one training.
MOST_DEVICES, MOST_PROCESSES = 64, 64
#: Environment variable in which TensorFlow is told of a cluster.
CLUSTER_VARIABLE = "TF_CONFIG"
#: Files of which at least one is there where the driver of a GPU is loaded.
_GPU_FILES = ("/dev/nvidia0", "/dev/kfd", "/dev/dxg")

Devices = int | tuple[str, ...]


class OneDevice(Settings):
    """Training in the Trainer's process, on TensorFlow's default device."""

    strategy: Literal["one_device"] = "one_device"


class Supervised(Settings):
    """What all trainings outside the Trainer's process have in common.

    Attributes
    ----------
    deadline : float
        Seconds after which a process that gives no sign of life, or a training that does not
        get on, counts as lost. A call of `components.models.stepping.STEPS_PER_CALL` steps
        must take less.
    """

    deadline: float = Field(default=120.0, ge=1)

    @property
    def pieces(self) -> int:
        """Into how many equal pieces each batch is cut."""
        return 1


class _OnDevices(Supervised):
    devices: Devices = 2

    @field_validator("devices", mode="plain")
    @classmethod
    def _are_devices(cls, devices: Any) -> Devices:
        if isinstance(devices, int) and 2 <= devices <= MOST_DEVICES:
            return devices
        if isinstance(devices, list | tuple) and 2 <= len(set(devices)) == len(devices):
            found = [re.fullmatch(r"(CPU|GPU|TPU):(\d+)", str(name)) for name in devices]
            if all(each is not None and int(each[2]) < MOST_DEVICES for each in found):
                return tuple(devices)
        raise ValueError(
            f"a number from 2 to {MOST_DEVICES}, or at least 2 different devices such as CPU:0 "
            f"and GPU:{MOST_DEVICES - 1}"
        )


class Mirrored(_OnDevices):
    """Data parallel: each device has all variables and works on its piece of each batch.

    Attributes
    ----------
    devices : int or tuple of str
        How many, or their names, such as ``GPU:0``. A number stands for so many GPUs if the
        machine has them, and else for logical devices of its CPU.
    """

    strategy: Literal["mirrored"]

    @property
    def pieces(self) -> int:
        return _count(self.devices)


class _Cluster(Supervised):
    """Several processes.

    Attributes
    ----------
    workers : int
    restarts : int
        How often the processes are started again from the last checkpoint, after one of
        them was lost.

    Notes
    -----
    They run on this machine, unless the environment variable ``TF_CONFIG`` describes a
    cluster (TensorFlow's format). Then the Trainer is the member of it that the variable
    says, and its numbers are those that count.
    """

    workers: int = Field(default=2, ge=1, le=MOST_PROCESSES)
    restarts: int = Field(default=1, ge=0, le=100)


class MultiWorkerMirrored(_Cluster):
    """Data parallel over processes, in step: see `Mirrored`.

    In a cluster given by ``TF_CONFIG`` the same command runs on each machine, with a root of
    its own.
    """

    strategy: Literal["multi_worker_mirrored"]
    workers: int = Field(default=2, ge=2, le=MOST_PROCESSES)

    @property
    def pieces(self) -> int:
        cluster = given_cluster()
        return self.workers if cluster is None else len(members(cluster))


class ParameterServer(_Cluster):
    """Workers take whole batches in turn, each at its own pace; servers hold the variables.

    Steps of several workers overlap, so that only one worker gives the same model each time.
    In a cluster given by ``TF_CONFIG`` the Trainer is its chief;
    ``python -m components.models.distribution.worker`` runs its workers and servers.

    Attributes
    ----------
    servers : int
    """

    strategy: Literal["parameter_server"]
    servers: int = Field(default=1, ge=1, le=MOST_PROCESSES)


class ModelParallel(_OnDevices):
    """Each layer on one of several devices, in order, with about as many parameters on each.

    Attributes
    ----------
    devices : int or tuple of str
        As of `Mirrored`.
    """

    strategy: Literal["model_parallel"]


class GPipe(Supervised):
    """Pipeline parallelism [Huang et al. 2019]: stages of the model on devices of their own.

    Attributes
    ----------
    partitions : int
        Stages; each is on a GPU if the machine has so many, or else on a logical device of its
        CPU.
    micro_batches : int
        Into which each batch is cut, to go through the stages one behind the other.
    rematerialize : bool
        Whether activations within a stage are computed anew on the way back, instead of kept.
    """

    strategy: Literal["gpipe"]
    partitions: int = Field(default=2, ge=2, le=MOST_DEVICES)
    micro_batches: int = Field(default=4, ge=1, le=1024)
    rematerialize: bool = True

    @property
    def pieces(self) -> int:
        return self.micro_batches


#: Tags of the strategies, which pydantic puts into the place of an error, and their settings.
TAGGED: dict[str, type[Settings]] = {
    f"<{settings.model_fields['strategy'].annotation.__args__[0]}>": settings
    for settings in (
        OneDevice,
        Mirrored,
        MultiWorkerMirrored,
        ParameterServer,
        ModelParallel,
        GPipe,
    )
}


def _tag(value: Any) -> str:
    """Return the tag of the strategy that settings, or their values, name."""
    if isinstance(value, Settings):
        value = value.model_dump()
    names = [tag.strip("<>") for tag in TAGGED]
    name = value.get("strategy") if isinstance(value, dict) else value
    if not isinstance(value, dict) or name not in names:
        raise InputError(
            f"There is no strategy {name!r}{nearest(str(name), names)}.",
            setting=f"{SETTING}.strategy",
            expected=", ".join(names),
            got=name,
            remedy=None if isinstance(value, dict) else f"Set {SETTING}: {{strategy: mirrored}}.",
        )
    return f"<{name}>"


#: The settings of any strategy.
Distribution = Annotated[
    Annotated[OneDevice, Tag("<one_device>")]
    | Annotated[Mirrored, Tag("<mirrored>")]
    | Annotated[MultiWorkerMirrored, Tag("<multi_worker_mirrored>")]
    | Annotated[ParameterServer, Tag("<parameter_server>")]
    | Annotated[ModelParallel, Tag("<model_parallel>")]
    | Annotated[GPipe, Tag("<gpipe>")],
    Discriminator(_tag),
]


def check(distribution: Distribution, model: ModelHyperParameters) -> None:
    """Raise an `InputError` if a configured model cannot be trained so on this machine.

    A batch must divide into equal pieces. The last of an epoch need not, nor, of replicas, one
    whose size a search has found: their pieces count by their rows.

    Parameters
    ----------
    distribution : Distribution
    model : HyperParameters, TreesHyperParameters or ImageHyperParameters
    """
    if not isinstance(distribution, Supervised):
        return
    if isinstance(model, TreesHyperParameters):
        raise InputError(
            "Trees are grown in one process.",
            setting=f"{SETTING}.strategy",
            expected=f"one_device with trainer.model.architecture: {model.architecture}",
            got=distribution.strategy,
        )
    pieces = distribution.pieces
    if model.batch_size % pieces:
        raise InputError(
            f"A batch of {model.batch_size} rows cannot be cut into {pieces} equal pieces.",
            setting="trainer.model.batch_size",
            expected=f"a multiple of {pieces}, which {SETTING} asks for",
            got=model.batch_size,
            remedy=f"Set {model.batch_size // pieces * pieces or pieces}.",
        )
    devices = getattr(distribution, "devices", 0)
    gpus = [] if isinstance(devices, int) else [d for d in devices if d.startswith("GPU")]
    if gpus and not any(Path(file).exists() for file in _GPU_FILES):
        raise no_such_device(gpus[0], "CPU:0 and further CPU devices, as there is no GPU")


def no_such_device(name: str, expected: str) -> InputError:
    """Return the error for a device that is not there."""
    return InputError(
        f"There is no device {name}.", setting=f"{SETTING}.devices", expected=expected, got=name
    )


def given_cluster() -> dict[str, Any] | None:
    """Return the cluster that the environment describes, or None.

    Returns
    -------
    dict or None
        ``cluster``, addresses by kind of task, and ``task`` with ``type`` and ``index``.

    Raises
    ------
    InputError
        If the variable does not hold that.
    """
    text = os.environ.get(CLUSTER_VARIABLE, "").strip()
    if text in ("", "{}"):
        return None
    try:
        found = json.loads(text)
        found["cluster"][found["task"]["type"]][int(found["task"]["index"])]
    except (ValueError, KeyError, IndexError, TypeError):
        raise InputError(
            f"The environment variable {CLUSTER_VARIABLE} describes no cluster.",
            expected='{"cluster": {"worker": ["host:port", ...]}, '
            '"task": {"type": "worker", "index": 0}}',
            got=text,
        ) from None
    return dict(found)


def members(given: dict[str, Any]) -> list[str]:
    """Return the addresses of the processes of a given cluster that train in step."""
    return [address for kind in ("chief", "worker") for address in given["cluster"].get(kind, [])]


def _count(devices: Devices) -> int:
    return devices if isinstance(devices, int) else len(devices)
