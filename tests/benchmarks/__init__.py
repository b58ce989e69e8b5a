"""Measures of p2pchat beside controls that do the same work on the same machine."""
