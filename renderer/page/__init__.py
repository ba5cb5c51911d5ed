"""The controller's web page: what is known of a cluster as one HTML document with inline SVG, without any script.

Everything in here is pure: values in (``facts``), text out (``whole``). Texts from the cluster become harmless in one
place, ``markup``.
"""
