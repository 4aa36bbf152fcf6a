"""The pipeline's components: one room each, all of the same shape."""

from components import library_mends

library_mends.apply()
