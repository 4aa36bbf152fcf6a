"""Train a model as the settings say: here, or in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import tf_keras

from components import progress
from components.models import fitting, training, transformed
from components.models.distribution import job as jobs
from components.models.distribution.config import (
    CLUSTER_VARIABLE,
    Distribution,
    MultiWorkerMirrored,
    ParameterServer,
    Supervised,
    given_cluster,
)
from components.models.distribution.supervision import (
    Crew,
    Role,
    WorkerLostError,
    free_addresses,
    heartbeat_seconds,
)
from components.models.hyperparameters import TreesHyperParameters
from components.models.specification import Member
from components.models.training_config import TrainingConfig

#: Directory of the files of a training beside its checkpoint.
JOB_DIRECTORY = "job"


def fit(
    member: Member,
    features: transformed.Features,
    train: fitting.Arrays,
    validation: fitting.Arrays,
    config: TrainingConfig,
    *,
    distribution: Distribution,
    checkpoints: Path,
    checkpoint_seconds: float = 5.0,
    logs: Path | None = None,
) -> tuple[tf_keras.Model, training.History]:
    """Return a trained model.

    Parameters
    ----------
    member, features, train, validation, config
        As of `fitting.fit`.
    distribution : Distribution
        Trees are grown in this process whatever it says.
    checkpoints : Path
        Directory of the checkpoint; one that is there is resumed from.
    checkpoint_seconds : float
        Least time between two checkpoints.
    logs : Path, optional
        Directory of the TensorBoard logs.

    Raises
    ------
    WorkerLostError
        If a process did not come, died or did not get on, more often than
        ``distribution.restarts`` allows.
    InputError
        For devices that are not there, and a model that cannot be cut as it should be.
    """
    if not isinstance(distribution, Supervised) or isinstance(member.model, TreesHyperParameters):
        watch = fitting.Watch(
            checkpoints=checkpoints, checkpoint_seconds=checkpoint_seconds, logs=logs
        )
        return fitting.fit(member, features, train, validation, config, watch=watch)
    member.check(features)
    with _directory(checkpoints) as directory:
        jobs.write_arrays(directory / jobs.TRAIN, train)
        jobs.write_arrays(directory / jobs.EVAL, validation)
        job = jobs.Job(
            directory=str(directory),
            distribution=distribution,
            member=member,
            training=TrainingConfig(**config.model_dump(include=set(TrainingConfig.model_fields))),
            features=features,
            checkpoints=str(checkpoints),
            checkpoint_seconds=checkpoint_seconds,
            logs=None if logs is None else str(logs),
            heartbeat=heartbeat_seconds(distribution.deadline),
            alone=given_cluster() is not None,
        )
        history = _run(job)
        weights = jobs.read_weights(directory)
    model = fitting.build(member, features, train[transformed.LABEL])
    model.set_weights(weights)
    return model, history


def roles(distribution: Distribution) -> list[Role]:
    """Return the processes that this machine runs, the chief first."""
    if not isinstance(distribution, MultiWorkerMirrored | ParameterServer):
        return [Role("the training's process")]
    given = given_cluster()
    if given is not None:
        task = given["task"]
        return [Role(f"{task['type']} {task['index']}")]
    if isinstance(distribution, MultiWorkerMirrored):
        counts = {"worker": distribution.workers}
    else:
        counts = {"chief": 1, "worker": distribution.workers, "ps": distribution.servers}
    cluster = {kind: free_addresses(count) for kind, count in counts.items()}
    threads = str(max((os.cpu_count() or 1) // distribution.workers, 1))
    limits = {} if "TF_NUM_INTRAOP_THREADS" in os.environ else {"TF_NUM_INTRAOP_THREADS": threads}
    return [
        Role(
            {"chief": "the chief", "ps": f"server {number}"}.get(kind, f"worker {number}"),
            {
                **limits,
                CLUSTER_VARIABLE: json.dumps(
                    {"cluster": cluster, "task": {"type": kind, "index": number}}
                ),
            },
            trains=kind == "chief" or isinstance(distribution, MultiWorkerMirrored),
        )
        for kind, count in counts.items()
        for number in range(count)
    ]


def _run(job: jobs.Job) -> training.History:
    """Run the processes, again if one is lost, and return what happened."""
    distribution = job.distribution
    assert isinstance(distribution, Supervised)
    restarts = getattr(distribution, "restarts", 0)
    restarted = 0
    while True:
        crew = Crew(
            roles(distribution),
            job.model_dump_json(),
            deadline=distribution.deadline,
            on_progress=progress.report,
        )
        try:
            with crew:
                done = crew.run()
        except WorkerLostError as lost:
            if not lost.began or restarted == restarts:
                raise
            restarted += 1
            epochs = training.checkpoint_epochs(Path(job.checkpoints))
            start = f"the checkpoint after epoch {epochs}" if epochs else "the first epoch"
            print(
                f"{lost} All its processes are started again, from {start} "
                f"(restart {restarted} of at most {restarts}).",
                file=sys.stderr,
                flush=True,
            )
            continue
        history = training.History(**done["history"])
        history.restarts = restarted
        return history


@contextlib.contextmanager
def _directory(checkpoints: Path) -> Iterator[Path]:
    """Yield an empty directory for the job, where what a killed process left is found again."""
    directory = checkpoints / JOB_DIRECTORY
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
