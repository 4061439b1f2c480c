"""`python -m benches`: what `make bench` calls."""

import sys

from benches.run import main

if __name__ == "__main__":
    sys.exit(main())
