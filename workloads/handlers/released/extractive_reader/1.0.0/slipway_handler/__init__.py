"""Inference code of the models that TorchServe serves: the same in production, in a notebook and in a test.

Each handler is a package: pure functions before and after, a port, and what stands behind the port. The modules here
are what handlers share. Everything imports relatively, since an archive holds a frozen copy under another name
(release.py), and runs on Python 3.9, which TorchServe's image has.
"""
