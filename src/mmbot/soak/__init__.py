"""Long unattended runs in measuring windows, and the parameter changes between them.

Everything that decides is pure: the tuner proposes (`tuner`, `rules`), the rails refuse or cut what
it proposed (`rails`), gates judge (`kpi`, `last8`, `run_gates`), and the books are kept by frozen
state (`state`, `settle`). `runner` is the only shell: it trades windows through a port (`source`),
writes files and waits for acknowledgements, and has no opinion about parameters.
"""
