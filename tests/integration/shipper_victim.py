"""Forks shippers that are killed: reads orders from stdin, says what became of each.

An order is ``<url> <journal> <batch size>``. The child says ``step`` after every batch; when it is
dead or done the parent says ``dead`` or ``done``.
"""

import os
import sys
from pathlib import Path

from mmbot.store.sql.engine import open_engine
from mmbot.store.sql.shipper import SessionShipper


def say(line):
    os.write(1, f"{line}\n".encode())


def ship(url, journal, batch_size):
    engine = open_engine(url)
    with SessionShipper(engine, Path(journal), batch_size=int(batch_size)) as shipper:
        while shipper.step():
            say("step")
        shipper.finish()


def main():
    for line in sys.stdin:
        url, journal, batch_size = line.split()
        child = os.fork()
        if child == 0:
            ship(url, journal, batch_size)
            os._exit(0)
        say(f"pid {child}")
        _, status = os.waitpid(child, 0)
        say("dead" if os.WIFSIGNALED(status) else f"done {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
