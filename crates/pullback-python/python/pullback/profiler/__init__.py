"""What is computed, how often, how long, and in how much memory: a table, and a trace that Chrome's `about:tracing` shows."""

from ._events import EventList, FunctionEvent
from ._profile import ExecutionTraceObserver, ProfilerAction, ProfilerActivity, profile, record_function, schedule, tensorboard_trace_handler
