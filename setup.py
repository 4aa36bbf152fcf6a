"""Install the packages `pipeline`, `components` and `schemas`, and the `modelworks` command.

The environment itself is pinned in requirements.lock; this file adds no requirement,
so that installing it can never change a pinned version.
"""

from setuptools import find_packages, setup

setup(
    name="modelworks",
    version="0.1.0",
    description="An orchestrated ML pipeline in TFX style: raw data to a monitored model.",
    python_requires=">=3.11,<3.12",
    packages=find_packages(
        include=["pipeline", "pipeline.*", "components", "components.*", "schemas"]
    ),
    py_modules=["local_runner"],
    package_data={
        "pipeline": ["configs/*.yaml"],
        "pipeline.ui": ["static/*", "templates/*"],
        "pipeline.ui.what_if": ["static/*", "templates/*"],
        "schemas": ["*.pbtxt"],
    },
    entry_points={"console_scripts": ["modelworks=pipeline.cli:main"]},
)
