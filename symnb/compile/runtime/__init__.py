"""Calls of compiled functions: binary interface, C dispatcher and its cffi twin.

`spec.py` says what a call looks like, `abi.h` how compiled code is entered, `call.py`
picks the class `Call` (`dispatch.c`, or `foreign.py` where C Python headers lack).
"""
