"""Events of a profile: their sums by name, their table, and their trace file."""

import json

_COLUMNS = {"cpu_time_total": "cpu_time_total", "self_cpu_time_total": "self_cpu_time_total", "cpu_time": "cpu_time", "cpu_memory_usage": "cpu_memory_usage", "self_cpu_memory_usage": "self_cpu_memory_usage", "count": "count"}


class FunctionEvent:
    """One call, or the sum of the calls of one name. Times are in microseconds, memory in bytes."""

    def __init__(self, name, start, shapes=(), thread=0):
        self.name = self.key = name
        self.start, self.input_shapes, self.thread = start, shapes, thread
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.count = 1

    @property
    def cpu_time(self):
        """The mean of a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def _add(self, other):
        for name in ("cpu_time_total", "self_cpu_time_total", "cpu_memory_usage", "self_cpu_memory_usage", "count"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __repr__(self):
        return f"<FunctionEvent name={self.name} calls={self.count} cpu_time={_time(self.cpu_time)} self_cpu_time={_time(self.self_cpu_time_total)}>"


def _time(microseconds):
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    return f"{microseconds / 1e3:.3f}ms" if microseconds >= 1e3 else f"{microseconds:.3f}us"


def _memory(n):
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if abs(n) >= size:
            return f"{n / size:.2f} {unit}"
    return f"{n} B"


class EventList(list):
    """A list of events."""

    def __init__(self, events=(), with_memory=False, with_shapes=False):
        super().__init__(events)
        self._with_memory, self._with_shapes = with_memory, with_shapes

    @property
    def self_cpu_time_total(self):
        """The time of all events."""
        return sum(e.self_cpu_time_total for e in self)

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """One event for each name (and each shape of arguments)."""
        found = {}
        for e in self:
            key = (e.name, str(e.input_shapes) if group_by_input_shape else "")
            if key not in found:
                found[key] = FunctionEvent(e.name, e.start, e.input_shapes if group_by_input_shape else ())
                found[key].count = 0
            found[key]._add(e)
        return EventList(found.values(), self._with_memory, group_by_input_shape)

    def total_average(self):
        """The sum of all."""
        total = FunctionEvent("Total", 0.0)
        total.count = 0
        for e in self:
            total._add(e)
        return total

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55, max_shapes_column_width=80, header=None, top_level_events_only=False):
        """A table, the largest first by `sort_by` (`"cpu_time_total"`, `"self_cpu_time_total"`, `"cpu_memory_usage"`, `"count"`…)."""
        rows = list(self)
        if sort_by is not None:
            sort_by = sort_by.replace("cuda_", "cpu_").replace("device_", "cpu_")
            if sort_by not in _COLUMNS:
                raise AttributeError(f"'FunctionEvent' object has no attribute '{sort_by}'")
            rows.sort(key=lambda e: getattr(e, sort_by), reverse=True)
        total = self.self_cpu_time_total or 1.0
        names = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
        names += ["CPU Mem", "Self CPU Mem"] if self._with_memory else []
        names += ["# of Calls"] + (["Input Shapes"] if self._with_shapes else [])
        lines = []
        for e in rows[: row_limit if row_limit >= 0 else None]:
            name = e.name if len(e.name) <= max_name_column_width else e.name[: max_name_column_width - 3] + "..."
            line = [name, f"{100 * e.self_cpu_time_total / total:.2f}%", _time(e.self_cpu_time_total), f"{100 * e.cpu_time_total / total:.2f}%", _time(e.cpu_time_total), _time(e.cpu_time)]
            line += [_memory(e.cpu_memory_usage), _memory(e.self_cpu_memory_usage)] if self._with_memory else []
            lines.append(line + [str(e.count)] + ([str(e.input_shapes)[:max_shapes_column_width]] if self._with_shapes else []))
        widths = [max(len(row[i]) for row in [names, *lines]) for i in range(len(names))]
        rule = "  ".join("-" * w for w in widths)
        shown = [rule, "  ".join(n.rjust(w) for n, w in zip(names, widths)), rule, *("  ".join(c.rjust(w) for c, w in zip(line, widths)) for line in lines), rule]
        return "\n".join(([header] if header else []) + shown) + f"\nSelf CPU time total: {_time(self.self_cpu_time_total)}\n"

    def __str__(self):
        return self.table()

    def export_chrome_trace(self, path):
        """Writes the events as Chrome's trace events."""
        from .._files import write_text

        events = [{"ph": "X", "cat": "cpu_op", "name": e.name, "pid": 0, "tid": e.thread, "ts": round(e.start, 3), "dur": round(e.cpu_time_total, 3), "args": {"Input Dims": list(map(list, e.input_shapes))} if e.input_shapes else {}} for e in self]
        write_text(path, json.dumps({"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": events}))
