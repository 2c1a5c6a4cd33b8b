"""Steps that behave well or badly in one way each; they stand in for ``app.steps`` in a worker."""

import errno
import sys
import time

from spatialmeta_core.errors import InvalidDataError


def quick(context):
    context.report(0.5, "Half way")
    context.store.commit(
        context.project, "st", lambda folder: (folder / "value.txt").write_text("quick")
    )
    with (context.folder / "runs.txt").open("a") as runs:
        runs.write("ran\n")
    return "All done"


def tell_limits(context):
    return f"{context.settings.max_unpacked_bytes} {context.settings.max_jobs}"


def sleep(context):
    for count in range(6000):
        context.report(count / 6000, f"Asleep {count}")
        time.sleep(0.05)
    return "Slept out"


def deaf(context):
    sys.modules["__main__"].CANCEL_GRACE_S = 0.5
    context.report(0.1, "Not listening")
    time.sleep(300)
    return "Never"


def train(context):
    for count in range(6000):
        context.report(count / 6000, f"Epoch {count}")
        if context.keep_best():
            context.store.commit(
                context.project, "sm", lambda folder: (folder / "value.txt").write_text("best")
            )
            return "Kept the best"
        time.sleep(0.05)
    return "Trained out"


def slow_write(context):
    def write(folder):
        (folder / "value.txt").write_text("half")
        context.report(0.5, "Writing")
        time.sleep(300)

    context.store.commit(context.project, "st", write)


def bad_data(context):
    raise InvalidDataError("Spot positions not found.", code="E-06", title="No positions.")


def open_question(context):
    columns, ids = ["left", "down"], ["s1", "s2"]
    raise InvalidDataError("2 ids.", choices={"columns": columns}, listing=ids)


def bug(context):
    return {}["secret detail"]


def no_memory(context):
    raise MemoryError


def no_space(context):
    raise OSError(errno.ENOSPC, "No space left on device")


STEPS = {
    step.__name__: step
    for step in (
        quick,
        tell_limits,
        sleep,
        deaf,
        train,
        slow_write,
        bad_data,
        open_question,
        bug,
        no_memory,
        no_space,
    )
}
