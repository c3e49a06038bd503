"""The emulated AWS provider: the program's own resources, on a moto server and the local control plane."""
