"""Many cores on a virtual clock: for tests and for `p2pchat simulate`."""
