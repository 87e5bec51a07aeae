"""The optimiser: rules as data, contracts, a driver with fuel, passes, trace. Floor 3.

`pipeline.optimise(graph, mode)` is what a compile calls, `pipeline.stabilise` what
differentiation calls, `pipeline.rewrite_graph` what a user calls.
"""
