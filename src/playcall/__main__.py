"""`python -m playcall`: the same as the command `playcall`."""

import sys

from playcall.cli import main

sys.exit(main())
