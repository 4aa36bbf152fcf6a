"""ONNX copies: inputs, outputs, and parity for every architecture."""

import numpy as np
import onnx as onnx_format
import onnxruntime
import pytest

from components.compressor.exports import export, onnx
from components.models.architectures import ARCHITECTURES
from tests.components.compressor.exports import subjects


def test_the_copy_takes_features_by_name_and_any_number_of_rows(tmp_path):
    subject = subjects.table()
    [written] = export("onnx", subject, tmp_path)
    onnx_format.checker.check_model(str(written.path), full_check=True)
    session = onnxruntime.InferenceSession(str(written.path))
    assert {each.name: each.type for each in session.get_inputs()} == {
        "numeric": "tensor(float)",
        "categorical": "tensor(int64)",
    }
    assert [each.name for each in session.get_outputs()] == ["scores"]
    for count in (1, 3, 100):
        rows = subject.rows(count)
        [found] = session.run(["scores"], rows)
        np.testing.assert_allclose(found, subject.scores(rows), atol=1e-5)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_keeps_its_scores(architecture, normalization):
    subject = subjects.table(architecture, normalization=normalization, activation="gelu", epochs=0)
    rows = subject.rows()
    np.testing.assert_allclose(
        onnx.run(onnx.convert(subject), rows), subject.scores(rows), atol=1e-5
    )
