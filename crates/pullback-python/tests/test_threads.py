"""The interpreter is free during heavy work, signals are heard, and threads have modes of their own."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import pullback as torch


def test_another_thread_runs_during_a_heavy_product():
    a = torch.rand(500, 500)
    beats, done = [], threading.Event()

    def beat():
        while not done.is_set():
            beats.append(time.perf_counter())
            time.sleep(0.0005)

    threading.Thread(target=beat, daemon=True).start()
    inside, calls = 0, 0
    end = time.monotonic() + 30
    # A busy machine may give the other thread no turn during one product, but not during many.
    while inside < 3 and calls < 400 and time.monotonic() < end:
        start = time.perf_counter()
        b = a @ a
        stop = time.perf_counter()
        calls += 1
        inside += any(start < t < stop for t in list(beats[-50:]))
    done.set()
    assert b.shape == (500, 500)
    assert inside >= 3, f"{inside} of {calls} products let another thread run"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_interrupts_a_long_backward():
    program = """
import sys
import pullback as torch
x = torch.rand(300, 300, requires_grad=True)
y = x
for _ in range(3000):
    y = (y @ x).tanh()
print("ready", flush=True)
try:
    for _ in range(100):
        y.sum().backward(retain_graph=True)
    print("finished")
except KeyboardInterrupt:
    z = torch.ones(1, requires_grad=True)
    (z * 2).sum().backward()
    print("interrupted", z.grad.item())
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    assert out == "interrupted 2.0\n"


def test_modes_belong_to_their_thread():
    seen = []
    with torch.no_grad():
        t = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        t.start()
        t.join()
    assert seen == [True]


def test_one_tensor_in_many_threads():
    x = torch.ones(1000, requires_grad=True)
    errors = []

    def work(n):
        try:
            for _ in range(20):
                y = (x * n).sum()
                (g,) = torch.autograd.grad(y, x)
                assert g[0].item() == n
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors


def test_exceptions_stay_in_their_thread():
    caught = {}

    def work(n):
        x = torch.ones(1, requires_grad=True)
        y = x * 2

        def hook(g):
            time.sleep(0.01)
            raise KeyError(n)

        y.register_hook(hook)
        try:
            y.backward()
        except KeyError as e:
            caught[n] = e.args[0]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert caught == {n: n for n in range(8)}


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(
    "work",
    [
        "x.sum()",
        "torch.ones((), dtype=torch.int64).expand(2**55).sum()",
        "torch.ones(3, 1).expand(3, 2**50).sum(1)",
        "torch.ones(3, 1).expand(3, 2**50).t().sum((0, 1))",
        "x.prod()",
        "x.var()",
        "x @ x",
    ],
)
def test_ctrl_c_interrupts_work_over_repeated_elements(work):
    program = f"""
import pullback as torch
x = torch.ones(()).expand(2**55)
print("ready", flush=True)
try:
    {work}
except KeyboardInterrupt:
    print("interrupted", x.max().item(), torch.ones(100000).sum().item())
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    assert out == "interrupted 1.0 100000.0\n"


@pytest.mark.parametrize(("names", "threads"), [({"OMP_NUM_THREADS": "1"}, 1), ({"PULLBACK_NUM_THREADS": "1", "OMP_NUM_THREADS": "2"}, 1), ({"OMP_NUM_THREADS": "none"}, None)])
def test_the_environment_says_how_many_threads(names, threads):
    program = "import pullback as torch; a = torch.get_num_threads(); torch.set_num_threads(1); b = torch.get_num_threads(); print(a, b)"
    env = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    plain, told = (
        subprocess.run([sys.executable, "-c", program], env=e, capture_output=True, text=True, check=True).stdout.split() for e in (env, env | names)
    )
    assert told == [str(threads or plain[0]), "1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_children_compute_while_their_parent_does():
    program = """
import os, signal, threading
import pullback as torch

def work():
    x = torch.arange(300000.0)
    return (x.sqrt().sum() + torch.softmax(x.reshape(300, 1000) / 3e5, 1).sum() + (x[:90000].reshape(300, 300) @ torch.eye(300)).sum()).item() + 0 * torch.rand(5).sum().item()

expected, done = work(), threading.Event()
def go_on():
    while not done.is_set():
        work()
threads = [threading.Thread(target=go_on) for _ in range(2)]
[t.start() for t in threads]
for _ in range(10):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(0 if work() == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
done.set()
[t.join() for t in threads]
assert work() == expected
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=120)


@pytest.mark.parametrize(
    "write",
    [lambda x: x.add_(1.0), lambda x: x.mul_(1.5), lambda x: x[1:].zero_(), lambda x: x.copy_(torch.ones_like(x)), lambda x: x.t_(), lambda x: x.resize_(x.numel()), lambda x: x.index_add_(0, torch.tensor([0]), x[:1] * 0)],
)
def test_writes_of_several_threads_at_once_are_errors_or_writes(write):
    for requires_grad in (False, True):
        x = torch.ones(64, 64)
        if requires_grad:
            x = x * torch.ones(1, requires_grad=True)
        wrong, start = [], threading.Barrier(4)

        def work():
            start.wait()
            for _ in range(60):
                try:
                    write(x)
                    (x.detach() * 2).sum().item()
                except RuntimeError:
                    pass  # another thread was writing, or changed the shape
                except BaseException as e:
                    wrong.append(repr(e))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not wrong, wrong[:3]
        assert x.numel() == 64 * 64 and x.detach().isnan().sum().item() == 0
