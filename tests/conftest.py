"""Settings of the tests that draw their cases."""

from hypothesis import settings

# Machines are noisy: how long a case takes says nothing of it. The same cases each time, so that a run can be repeated.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
