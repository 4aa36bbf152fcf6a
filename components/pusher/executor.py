"""Executor of Pusher."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import ClassVar

from components import base, files
from components.models.served import served_directory
from components.pusher import card, push
from components.pusher.config import PusherConfig
from components.settings import Settings


class Executor(base.Executor):
    """Push the model if its blessing allows it; without a blessing input, always."""

    CONFIG: ClassVar[type[Settings]] = PusherConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: PusherConfig) -> None:
        [model], [pushed] = inputs["model"], outputs["pushed_model"]
        blessings = inputs.get("blessing")
        record = Path(pushed.uri) / card.RECORD_FILE
        if blessings and blessings[0].get_int_custom_property("blessed") != 1:
            reason = base.refusal(blessings[0]) or "The model is not blessed."
            logging.warning("Nothing is pushed: %s", reason)
            pushed.set_int_custom_property("pushed", 0)
            files.write_json(record, {"pushed": False, "reason": reason})
            # A run of the Pusher alone is refused like that in which the Evaluator did.
            base.refuse(pushed, reason)
            return
        assert config.directory is not None  # the DAG fills it in
        version = push.push(served_directory(model.uri), config.directory)
        pushed.set_int_custom_property("pushed", 1)
        pushed.set_string_custom_property("pushed_destination", str(version))
        pushed.set_string_custom_property("pushed_version", version.name)
        files.write_json(
            record,
            {
                "pushed": True,
                "destination": str(version),
                "model": model.id,
                "candidate": model.get_string_custom_property("candidate") or None,
            },
        )
