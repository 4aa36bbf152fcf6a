"""What-If: change an example of a run, and see what its models say of it, and why.

The page and its checks import no TensorFlow. What does is a process of its own,
`pipeline.ui.what_if.worker`, which starts with the first question about a model.
"""
