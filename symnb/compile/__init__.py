"""From an optimised graph to native code that runs: lower, fuse, render, build, call.

Stages, each with files of its own: graph -> loop nests -> kernels -> one C source
(`render/`), C source -> shared object (`build.py`, `cache.py`), shared object -> calls
with NumPy arrays (`runtime/`), and libraries called by address (`extern/`).
"""
