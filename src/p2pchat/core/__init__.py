"""The pure core: events and the time in, effects out; no I/O, no clock, no chance of its own."""
