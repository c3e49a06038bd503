"""The research buckets of the emulated account: where a catalog's versions are promoted from."""
