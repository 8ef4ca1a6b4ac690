"""Feed-forward networks (an MLP, a small CNN) from ONNX files to integer graphs, and what it cost in quality.

onnx_file reads bytes, onnx_layers makes layers of nodes, integers makes a graph of layers, report says what was lost.
"""
