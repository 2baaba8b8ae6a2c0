"""The examples of optional libraries are tested where these are installed, and always where CI is set: the extra `test` installs them."""

import os
from importlib.util import find_spec

collect_ignore = [] if find_spec("dask") or os.environ.get("CI") else ["how-to/other-arrays.md"]
