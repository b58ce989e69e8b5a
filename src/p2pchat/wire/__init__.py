"""Bytes to values and back: framing, the codec of frames, plain lines."""
