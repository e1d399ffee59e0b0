"""``python -m audiofeat.cli``, the command without its script."""

import sys

from audiofeat.cli import main

sys.exit(main())
