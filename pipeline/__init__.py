"""What runs and how: the DAG, the commands and the metadata store's read side."""

# First of all, because it tells TensorFlow which Keras to use.
import components  # noqa: F401
