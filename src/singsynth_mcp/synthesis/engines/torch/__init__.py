"""The shipped nets as plain torch modules: what training fits and exports to ONNX.

Module constructors take fixed tables (bands, templates) as arguments or build them from closed
formulas, so that the nets know nothing of training. Every forward takes and returns tensors in the
layout of the DiffSinger voicebank format, batch first, time second, channels last.
"""
