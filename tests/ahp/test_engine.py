from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deocclude.ahp.engine import Engine
from deocclude.errors import DeoccludeError

_started = 0


def start() -> None:
    global _started
    _started += 1


def square(number: int) -> tuple[int, int]:
    """The square, and how often this process was started."""
    time.sleep(0.01 * (number % 3))
    return number**2, _started


def refuse(number: int) -> int:
    if number == 3:
        raise DeoccludeError(f"{number}: refused; give another")
    return number


def die(number: int) -> int:
    if number == 1:
        os._exit(9)
    return number


def _ray() -> Engine:
    """Ray whose workers can import this file."""
    ray = pytest.importorskip("ray", reason="Ray is an optional extra and is not installed")
    if not ray.is_initialized() or ray.get_runtime_context().namespace != "test_engine":
        ray.shutdown()
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            namespace="test_engine",
            runtime_env={"env_vars": {"PYTHONPATH": path}},
        )
    return Engine("ray", 2)


ENGINES = {
    "serial": lambda: Engine("serial", 4),
    "one process": lambda: Engine("processes", 1),
    "processes": lambda: Engine("processes", 2),
    "ray": _ray,
}


@pytest.mark.parametrize("name", ENGINES)
def test_results_come_in_the_order_of_the_jobs_from_started_processes(name: str) -> None:
    global _started
    _started = 0
    results = list(ENGINES[name]().spread(square, iter(range(11)), start))
    assert results == [(number**2, 1) for number in range(11)]


@pytest.mark.parametrize("name", ENGINES)
def test_what_a_job_raises_is_raised_as_it_is(name: str) -> None:
    done = []
    with pytest.raises(DeoccludeError) as caught:
        done.extend(map(int, ENGINES[name]().spread(refuse, range(9), start)))
    assert str(caught.value) == "3: refused; give another"
    assert done == [0, 1, 2]


@pytest.mark.parametrize(("name", "most"), [("serial", 1), ("processes", 4)])
def test_jobs_are_taken_a_few_at_a_time(name: str, most: int) -> None:
    taken = []
    jobs = (taken.append(number) or number for number in range(1000))
    results = ENGINES[name]().spread(square, jobs, start)
    assert next(results)[0] == 0
    assert len(taken) <= most
    results.close()


def test_a_dead_worker_is_one_line() -> None:
    with pytest.raises(DeoccludeError, match=r"^a worker process died.*run again[^\n]*$"):
        list(Engine("processes", 2).spread(die, range(4), start))


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "sleepers.py").write_text(
        textwrap.dedent("""
        import os, sys, time
        from pathlib import Path
        from deocclude.ahp.engine import Engine

        def start():
            pass

        def sleep(folder):
            Path(folder, str(os.getpid())).touch()
            time.sleep(60)

        if __name__ == "__main__":
            list(Engine("processes", 2).spread(sleep, [sys.argv[1]] * 2, start))
        """)
    )
    pids = tmp_path / "pids"
    pids.mkdir()
    parent = subprocess.Popen([sys.executable, str(tmp_path / "sleepers.py"), str(pids)], cwd=tmp_path)
    _wait_for(lambda: len(list(pids.iterdir())) == 2)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    workers = [int(path.name) for path in pids.iterdir()]
    _wait_for(lambda: not any(_runs(worker) for worker in workers))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "workers", "words"), [("threads", 1, "serial, processes, ray"), ("serial", 0, "1 or more")]
)
def test_settings_are_checked(name: str, workers: int, words: str) -> None:
    with pytest.raises(DeoccludeError, match=words):
        Engine(name, workers)


def test_without_ray_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DeoccludeError, match=r"pip install 'deocclude\[ray\]'"):
        Engine("ray", 1)
