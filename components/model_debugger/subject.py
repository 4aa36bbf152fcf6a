from components.models.subject import *  # noqa: F403
