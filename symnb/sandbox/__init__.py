"""Theano's `sandbox`: names only."""
