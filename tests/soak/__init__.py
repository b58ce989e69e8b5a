"""Lets real nodes run for a long time, while some restart and the network splits."""
