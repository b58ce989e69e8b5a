"""What holds for all tests, whatever started them and however busy the machine is."""

import gc
import signal

from hypothesis import HealthCheck, settings

# A shell's background job ignores SIGINT, `nohup` makes it ignore SIGHUP, and whoever is ignored
# at the start is so in every child: tests that send these signals would only fail there.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Where many programs share two cores, an example may take any time: that is no finding.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from what lives to the end.

    Thousands of collected tests are half a million objects, and each test that looks for what
    nobody closed would have all of them looked at.
    """
    gc.collect()
    gc.freeze()
