"""Serverless chat for the terminal: every node is equal, messages flood to everybody."""

__version__ = "0.1.0"
