"""How good the explanations are, and whether the methods agree."""
