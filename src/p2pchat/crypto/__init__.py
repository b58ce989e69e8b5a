"""Identity and the secure channel; every primitive comes from a library."""
