"""python -m agent -> the command `hallwatch`."""

import sys

from agent.cli.main import main

sys.exit(main())
