"""Measurements of symnb beside its peers; `make bench` or `python -m bench`."""
