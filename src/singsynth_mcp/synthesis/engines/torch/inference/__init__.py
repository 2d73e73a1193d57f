"""The shipped nets at work: their weights out of the voicebank's ONNX files, and what runs them.

A package of its own beside the nets, because a fit of the nets is named by their code and not by how they are run.
"""
