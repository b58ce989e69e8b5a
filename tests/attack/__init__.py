"""Puts real nodes under attack, and measures what honest people notice of it."""
