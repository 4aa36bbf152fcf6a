"""Search strategies, one a file; `table` names them, and imports KerasTuner."""
