"""The process that holds the models: it alone imports TensorFlow.

The page talks to it through `pipeline.ui.what_if.models`; nothing here is imported there.
"""
