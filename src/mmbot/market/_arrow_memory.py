"""Where Arrow's memory comes from: the system's allocator, unless the environment says otherwise.

Arrow's own allocators keep what they free, the more the longer the data are. The decoder of Parquet
pages takes its memory from the pool that is chosen when pyarrow is loaded, and only the environment
can choose that one: this module is imported before pyarrow. A program that loaded pyarrow before
reads the same rows and keeps more memory.
"""

import os

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
