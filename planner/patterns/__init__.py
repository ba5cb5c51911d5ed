"""Packing by patterns: the cheapest new nodes for pods of which amounts are all there is to know, put by hand.

``packing`` is the way in. Below it: ``dives`` makes whole nodes, ``columns`` is the program over patterns, ``knapsack``
fills nodes for it, ``stock`` is what is packed and onto what.
"""
