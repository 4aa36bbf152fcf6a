"""The process that holds the models may refuse, fail, hang or die; whoever asks is told."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from components.errors import InputError
from pipeline.ui.what_if.models import Models, ModelsError
from tests.pipeline.ui.what_if.made import materials

RUN = materials()


@pytest.fixture
def models():
    made = Models(patience=20, module="tests.pipeline.ui.what_if.stand_in")
    yield made
    made.close()


def test_nothing_runs_before_the_first_question(models):
    assert models.state == {"running": False, "waiting": 0, "fraction": 0, "text": "not started"}


def test_an_answer_comes_back_with_what_was_asked(models):
    answer = models.ask("echo", RUN, values={"x": 1.5, "group": "ä\n\u2028"})
    assert answer["values"] == {"x": 1.5, "group": "ä\n\u2028"}
    assert answer["run"] == "run-1"
    assert models.state == {"running": True, "waiting": 0, "fraction": 0.5, "text": "half way"}


def test_one_process_answers_all_questions_each_to_who_asked(models):
    found = {}

    def ask(number):
        found[number] = models.ask("echo", RUN, number=number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number]["number"] for number in range(12)] == list(range(12))
    assert len({answer["pid"] for answer in found.values()}) == 1


def test_a_refusal_comes_back_as_it_was_made(models):
    with pytest.raises(InputError, match="No") as caught:
        models.ask("refuse", RUN)
    assert caught.value.details == {"expected": "yes"}


def test_a_failure_ends_nothing(models):
    first = models.ask("echo", RUN)
    with pytest.raises(ModelsError, match="ValueError: odd"):
        models.ask("fail", RUN)
    assert models.ask("echo", RUN)["pid"] == first["pid"]


def test_after_a_death_the_next_question_starts_anew(models):
    first = models.ask("echo", RUN)
    with pytest.raises(ModelsError, match="exit code 7"):
        models.ask("die", RUN)
    assert models.ask("echo", RUN)["pid"] != first["pid"]


def test_whoever_waits_when_the_process_is_killed_is_told(models):
    pid = models.ask("echo", RUN)["pid"]
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(ModelsError, match="has ended"):
        models.ask("sleep", RUN, seconds=30)


def test_a_question_that_takes_too_long_is_given_up():
    models = Models(patience=1.0, module="tests.pipeline.ui.what_if.stand_in")
    started = time.monotonic()
    with pytest.raises(ModelsError, match="no answer in 1 s"):
        models.ask("sleep", RUN, seconds=60)
    assert time.monotonic() - started < 5
    models.close()


def test_no_number_that_json_does_not_know_is_sent(models):
    with pytest.raises(ValueError, match="JSON"):
        models.ask("echo", RUN, value=float("nan"))


def test_the_process_ends_with_whoever_started_it():
    program = (
        "import os\n"
        "from pipeline.ui.what_if.models import Models\n"
        "from tests.pipeline.ui.what_if.made import materials\n"
        "models = Models(module='tests.pipeline.ui.what_if.stand_in')\n"
        "print(models.ask('echo', materials())['pid'], flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    pid = int(done.stdout)
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    raise AssertionError("the process is still there")


def test_asking_imports_no_tensorflow():
    program = (
        "import sys\n"
        "import pipeline.ui.what_if.routes\n"
        "heavy = {'tensorflow', 'tf_keras', 'tfx', 'apache_beam', 'sklearn', 'altair'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
