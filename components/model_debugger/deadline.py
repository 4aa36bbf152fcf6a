from components.deadline import *  # noqa: F403
