"""Small ONNX models, sound ones and those that point outside their file."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def make_onnx(external: bool = False, nested: bool = False) -> bytes:
    """One matrix product; its weight outside the file, or in a constant node."""
    weight = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    if external:
        weight.data_location = TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", "../../etc/passwd"
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    nodes, initializers = [node], [weight]
    if nested:
        nodes, initializers = [helper.make_node("Constant", [], ["w"], value=weight), node], []
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], initializers)
    data: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    return data
