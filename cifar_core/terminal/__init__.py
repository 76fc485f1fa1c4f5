"""The commands of `python -m cifar_core`: one module per subject, each with add(commands)."""

from cifar_core.terminal import (
    archive,
    compare,
    data,
    doctor,
    evaluate,
    executor,
    explain,
    export_model,
    listing,
    log,
    notify,
    places,
    queue,
    rate,
    reading,
    report,
    reproduce,
    runs,
    search,
    settings,
    sweep,
    sweeps,
    tidy,
    train_on,
    weights,
)

MODULES = (
    *(
        runs,
        train_on,
        queue,
        places,
        executor,
        log,
        listing,
        archive,
        export_model,
        evaluate,
        compare,
        reading,
    ),
    *(report, reproduce, rate, sweep, sweeps, search, explain, data, weights, settings, notify),
    *(tidy, doctor),
)
COMMANDS = tuple(module.add for module in MODULES)
