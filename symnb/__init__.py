"""symnb: array mathematics compiled to C while you watch."""

__version__ = "0.1.0"
