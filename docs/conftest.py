"""The examples of optional libraries are tested where these are installed; the extra `test` installs them."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("dask") else ["how-to/other-arrays.md"]
