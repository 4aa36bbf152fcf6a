"""A small web app over the metadata store and the artifacts, for one person on one machine.

It imports neither TFX nor TensorFlow; What-If asks models in a process of its own.
"""
