"""Whatever started the tests: the programs that they start heed Ctrl-C and a closed terminal."""

import signal

# A shell's background job ignores SIGINT, `nohup` makes it ignore SIGHUP, and whoever is ignored
# at the start is so in every child: tests that send these signals would only fail there.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
