"""Theano's `compile.io`: names only; defined in `symnb.compile.arguments`."""

from symnb.compile.arguments import In as In
from symnb.compile.arguments import Out as Out
from symnb.compile.arguments import Param as Param

SymbolicInput = In
SymbolicOutput = Out
