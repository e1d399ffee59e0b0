"""``python -m audiofeat_nn.cli``, the command without its script."""

import sys

from audiofeat_nn.cli import main

sys.exit(main())
