"""The artifact types that TFX has not."""

from __future__ import annotations

from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact, Property, PropertyType
from tfx.types.component_spec import ChannelParameter

from components.models.candidates import SEVERAL, SINGLE, TRAINED


class Projection(Artifact):
    """A projection of features to fewer dimensions; see `components.models.projection`.

    Attributes
    ----------
    method : str
        Name of the method, or ``none``.
    components : int
        Numeric features that come out.
    input_width : int
        Columns that go in, indicators of categories included.
    """

    TYPE_NAME = "Projection"
    PROPERTIES = {  # noqa: RUF012 (the field is TFX's)
        "method": Property(type=PropertyType.STRING),
        "components": Property(type=PropertyType.INT),
        "input_width": Property(type=PropertyType.INT),
    }


class Candidates(Artifact):
    """Compressed forms of a model, measured; see `components.compressor.report`.

    Attributes
    ----------
    chosen : str
        Recipes of the one that was taken.
    count : int
        How many there are, the model as it is among them.
    """

    TYPE_NAME = "Candidates"
    PROPERTIES = {  # noqa: RUF012
        "chosen": Property(type=PropertyType.STRING),
        "count": Property(type=PropertyType.INT),
    }


class ModelCollection(Artifact):
    """Models that are candidates beside the trained one; see `components.models.candidates`.

    Attributes
    ----------
    count : int
        How many there are.
    """

    TYPE_NAME = "ModelCollection"
    PROPERTIES = {"count": Property(type=PropertyType.INT)}  # noqa: RUF012


class ModelAnalysis(Artifact):
    """What was found in looking into a model: as JSON, and as a page for people."""

    TYPE_NAME = "ModelAnalysis"


class MonitoringHistory(Artifact):
    """What was seen of data that came after training; see `components.drift_monitor.history`.

    Attributes
    ----------
    spans : int
        How many were monitored.
    alarms : int
        How many there were in all of them.
    """

    TYPE_NAME = "MonitoringHistory"
    PROPERTIES = {  # noqa: RUF012
        "spans": Property(type=PropertyType.INT),
        "alarms": Property(type=PropertyType.INT),
    }


def candidate_channels() -> dict[str, ChannelParameter]:
    """Return the inputs of a component that takes all candidates; none but the trained one must be.

    See `components.models.candidates`.
    """
    return {
        channel: ChannelParameter(type=standard_artifacts.Model, optional=name != TRAINED)
        for channel, name in SINGLE.items()
    } | {channel: ChannelParameter(type=ModelCollection, optional=True) for channel in SEVERAL}
