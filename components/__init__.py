"""The pipeline's components: one room each, all of the same shape."""

import os

# Keras 2 (tf_keras) under everything: TFMOT, parameter servers and TF Lattice
# need it, and TensorFlow reads the switch once, when it is first imported.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
