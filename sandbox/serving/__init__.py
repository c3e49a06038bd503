"""Runs one pod of the sandbox for real, as processes of this machine: TorchServe and its agent, on the CPU."""
