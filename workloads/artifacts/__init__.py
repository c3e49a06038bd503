"""Artifacts as programs in pods read them: fetched from a bucket by digest, checked, whole on a volume or not there.

The agent beside TorchServe and the fetch of a language model's weights share it. docs/artifacts.md defines what lies in
the bucket.
"""
