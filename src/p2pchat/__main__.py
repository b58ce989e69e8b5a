"""Makes `python -m p2pchat` the same as `p2pchat`."""

import sys

from p2pchat.start import main

sys.exit(main())
