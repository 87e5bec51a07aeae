"""Libraries that compiled functions call by address: BLAS today."""
