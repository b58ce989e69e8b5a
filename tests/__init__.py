"""Tests of p2pchat, a mirror of its source tree."""
