"""The older place of `profiler.profile` and `record_function`."""

from ..profiler import EventList, FunctionEvent, record_function
from ..profiler import profile as _profile


class profile(_profile):
    """As `profiler.profile`, with `enabled`."""

    def __init__(self, enabled=True, **options):
        super().__init__(**{k: v for k, v in options.items() if k in ("record_shapes", "profile_memory", "with_stack", "with_flops", "with_modules")})
        self.enabled = enabled

    def __enter__(self):
        return super().__enter__() if self.enabled else self

    def __exit__(self, *error):
        if self.enabled:
            super().__exit__(*error)
