"""Starting a run by a click, once, however often the click comes."""

from collections.abc import Callable

from app import boundary
from app.navigation import go
from app.session import Key, remember, remembered, store
from cifar_core.runs import Run


def start_once(create: Callable[[], Run]) -> None:
    """Create a run, queue it and open it; the second click of a double click finds the same run.

    The page sets `Key.STARTED` to None whenever its button is drawn and was not pressed.
    """
    try:
        if (id_ := remembered(Key.STARTED)) is None:
            id_ = create().id
            remember(Key.STARTED, id_)
        run = store().run(id_)
        store().submit(run)
    except boundary.REFUSED as error:
        boundary.show(error)
    else:
        go("run", id=run.number)
