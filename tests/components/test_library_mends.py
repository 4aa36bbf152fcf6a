"""The mends do what they are for, and nothing to anybody else."""

import subprocess
import sys


def _python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().splitlines()[-1]


def test_a_run_imports_no_stock_component_and_no_second_keras():
    found = _python(
        """
import sys
from components.library_mends import without_stock_components
with without_stock_components():
    from pipeline import compilation, runner
    compilation.import_components()
heavy = ("tfx.components", "keras", "keras_tuner", "kubernetes", "tensorflow_model_analysis")
present = [name for name in heavy if name in sys.modules]
import tensorflow
print(present, tensorflow.keras.layers.Dense.__module__.split(".")[0])
"""
    )
    assert found == "[] tf_keras"


def test_stock_components_can_be_used_after_a_run_has_imported_its_own():
    found = _python(
        """
from components.library_mends import without_stock_components
with without_stock_components():
    from pipeline import compilation, runner
    compilation.import_components()
import tfx.v1 as tfx
print(tfx.components.Evaluator.__name__, tfx.components.CsvExampleGen.__name__)
"""
    )
    assert found == "Evaluator CsvExampleGen"


def test_tfdv_can_be_imported_before_tfx():
    code = (
        "import components, tensorflow_data_validation as tfdv; print(tfdv.infer_schema.__name__)"
    )
    assert _python(code) == "infer_schema"
