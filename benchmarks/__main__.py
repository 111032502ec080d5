"""`python -m benchmarks` measures the gateway."""

import sys

from benchmarks.gateway import main

sys.exit(main())
