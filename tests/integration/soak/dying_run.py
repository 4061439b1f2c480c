"""A scripted soak that dies without a word at one stage: ROOT STAGE ITERATION."""

import os
import sys
from pathlib import Path

from tests.integration.soak.runs import FROZEN, run

from mmbot.soak.stages import Stage


def main() -> None:
    root, stage, iteration = Path(sys.argv[1]), Stage[sys.argv[2]], int(sys.argv[3])
    os.environ.update(FROZEN)

    def reached(at: Stage, number: int) -> None:
        if (at, number) == (stage, iteration):
            os._exit(9)

    run(root, reached=reached)


if __name__ == "__main__":
    main()
