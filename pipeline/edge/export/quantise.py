"""An exported model in int8: weights by channel, activations calibrated on training recordings."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipeline.edge.card import METADATA, Card, encode_card
from pipeline.edge.runtime.batch import Prepared, padded

_OPERATORS = ["Conv", "Gemm", "MatMul"]


class _Calibration:
    """Batches of one recording, as ONNX Runtime's quantisation reads them."""

    def __init__(self, recordings: Iterator[Prepared]) -> None:
        self._recordings = recordings

    def get_next(self) -> dict[str, Any] | None:
        recording = next(self._recordings, None)
        return None if recording is None else padded([recording])


def quantised(content: bytes, card: Card, network: Sequence[str], recordings: Iterator[Prepared]) -> bytes:
    """Return an exported model with its network in int8 (static, QDQ); all that makes its inputs stays as it is.

    Parameters
    ----------
    content, card
        The model in fp32.
    network
        Names of the nodes that are the network's.
    recordings
        Of the training side, to calibrate with.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    CalibrationDataReader.register(_Calibration)
    model = onnx.load_model_from_string(content)
    kept = {*network}
    others = [node.name for node in model.graph.node if node.name not in kept]
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        before.write_bytes(content)
        logging.disable(logging.WARNING)
        try:
            quantize_static(
                before, after, _Calibration(recordings), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, op_types_to_quantize=_OPERATORS,
                nodes_to_exclude=others, extra_options={"ActivationSymmetric": False},
            )  # fmt: skip
        finally:
            logging.disable(logging.NOTSET)
        made = onnx.load(after)
    own: Mapping[str, str] = {METADATA: encode_card(msgspec.structs.replace(card, precision="int8"))}
    del made.metadata_props[:]
    onnx.helper.set_model_props(made, dict(own))
    quantised_model: bytes = made.SerializeToString()
    return quantised_model
