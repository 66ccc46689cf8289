"""`profile`: a context manager that notes every function of the list that its thread calls, and what `record_function` names."""

import enum
import os
import threading
import time

from .. import Tensor
from .._intercept import aside, installed
from ._events import EventList, FunctionEvent

_own = threading.local()


class ProfilerActivity(enum.Enum):
    """What is noted: here always the CPU."""

    CPU = 0
    CUDA = 2
    XPU = 1
    MTIA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(enum.Enum):
    """What is done in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """Steps to wait, to run without noting, and to note, again and again."""

    def action(step):
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait != 0:
            step += wait
        length = wait + warmup + active
        if repeat > 0 and step // length >= repeat:
            return ProfilerAction.NONE
        at = step % length
        if at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if at < length - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """For `on_trace_ready`: writes each trace into a folder."""

    def write(prof):
        os.makedirs(dir_name, exist_ok=True)
        name = worker_name or f"{os.uname().nodename}_{os.getpid()}" if hasattr(os, "uname") else worker_name or str(os.getpid())
        prof.export_chrome_trace(os.path.join(dir_name, f"{name}.{time.time_ns()}.pt.trace.json"))

    return write


def _bytes(x):
    if isinstance(x, Tensor):
        return 0 if x._is_view() else x.nbytes
    return sum(map(_bytes, x)) if isinstance(x, (list, tuple)) else 0


class profile:
    """Notes the functions that are called while it lasts.

        with profile(record_shapes=True, profile_memory=True) as prof:
            model(x)
        print(prof.key_averages().table(sort_by="cpu_time_total", row_limit=10))
    """

    def __init__(self, activities=None, *, schedule=None, on_trace_ready=None, record_shapes=False, profile_memory=False, with_stack=False, with_flops=False, with_modules=False,
                 experimental_config=None, execution_trace_observer=None, acc_events=False, use_cuda=None, **options):  # fmt: skip
        self.activities = set(activities or [ProfilerActivity.CPU])
        self.schedule, self.on_trace_ready, self.record_shapes, self.profile_memory = schedule, on_trace_ready, record_shapes, profile_memory
        self.step_num = 0
        self._events, self._open, self._context = [], [], None

    # what is noted

    def _begin(self, name, args=()):
        shapes = [tuple(t.shape) for t in args if isinstance(t, Tensor)] if self.record_shapes else ()
        event = FunctionEvent(name, time.perf_counter_ns() / 1e3, shapes, threading.get_ident())
        event._inside = 0.0
        self._events.append(event)
        self._open.append(event)
        return event

    def _end(self, event, result=None):
        self._open.remove(event)
        event.cpu_time_total = time.perf_counter_ns() / 1e3 - event.start
        event.self_cpu_time_total = event.cpu_time_total - event._inside
        event.self_cpu_memory_usage += _bytes(result) if self.profile_memory else 0
        event.cpu_memory_usage += event.self_cpu_memory_usage
        if self._open:
            self._open[-1]._inside += event.cpu_time_total
            self._open[-1].cpu_memory_usage += event.cpu_memory_usage

    def _handle(self, name, function, args, kwargs):
        with aside() as outer:
            event, result = self._begin(f"aten::{name}", args), None
            try:
                result = function(*args, **kwargs) if outer is None else outer(name, function, args, kwargs)
                return result
            finally:
                self._end(event, result)

    # the context

    def _action(self):
        return ProfilerAction.RECORD if self.schedule is None else self.schedule(self.step_num)

    def _notes(self, on):
        if on and self._context is None:
            self._context = installed(self._handle)
            self._context.__enter__()
        elif not on and self._context is not None:
            self._context.__exit__(None, None, None)
            self._context = None

    def start(self):
        """Begins to note."""
        self._profiles().append(self)
        self._notes(self._action() in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE))

    def stop(self):
        """Ends."""
        was = self._context is not None
        self._notes(False)
        self._profiles().remove(self)
        if was and self.on_trace_ready:
            self.on_trace_ready(self)

    @staticmethod
    def _profiles():
        if not hasattr(_own, "profiles"):
            _own.profiles = []
        return _own.profiles

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.stop()

    def step(self):
        """The next step of the schedule."""
        before = self._action()
        self.step_num += 1
        if self.schedule is None:
            return
        now = self._action()
        if before is ProfilerAction.RECORD_AND_SAVE:
            self._notes(False)
            if self.on_trace_ready:
                self.on_trace_ready(self)
        recording = now in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if recording and self._context is None:
            self._events.clear()
        self._notes(recording)

    # what was noted

    def events(self):
        """All events."""
        return EventList([e for e in self._events if e not in self._open], self.profile_memory, self.record_shapes)

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """One event for each name."""
        return self.events().key_averages(group_by_input_shape)

    def table(self, *args, **kwargs):
        """The table of all events by name."""
        return self.key_averages().table(*args, **kwargs)

    def export_chrome_trace(self, path):
        """Writes a trace for Chrome."""
        self.events().export_chrome_trace(path)

    def total_average(self):
        """The sum of all events."""
        return self.events().total_average()

    @property
    def self_cpu_time_total(self):
        """The time of all events."""
        return self.events().self_cpu_time_total

    def add_metadata(self, key, value):
        """Accepted; traces hold times alone."""

    add_metadata_json = add_metadata

    def __repr__(self):
        return str(self.key_averages()) if self._events else "<unfinished torch.autograd.profile>"


class record_function:
    """A context manager, or a decorator: what runs inside is one event of a name, in profiles under way."""

    def __init__(self, name, args=None):
        self.name, self._noted = name, []

    def __enter__(self):
        self._noted.append([(p, p._begin(self.name)) for p in profile._profiles() if p._context is not None])
        return self

    def __exit__(self, *error):
        for prof, event in self._noted.pop():
            prof._end(event)

    def __call__(self, function):
        import functools

        @functools.wraps(function)
        def called(*args, **kwargs):
            with record_function(self.name):
                return function(*args, **kwargs)

        return called


class ExecutionTraceObserver:
    """Accepted, and writes nothing."""

    def register_callback(self, output_file_path):
        """Itself."""
        return self

    def start(self):
        """Nothing to do."""

    def stop(self):
        """Nothing to do."""
