"""The sections of the check, in the order in which they run."""

from benchmarks.gpu.section import Section
from benchmarks.gpu.sections import (
    deterministic,
    environment,
    epochs,
    gradients,
    maps,
    memory,
    record,
    speed,
    worker,
)
from cifar_core.registry import Registry

SECTIONS = Registry(
    "section",
    [
        Section(
            key="environment",
            title="Environment",
            summary="What computes here, and that a probe could.",
            share=0.1,
            least=5,
            run=environment.run,
            is_needed=True,
        ),
        Section(
            key="worker",
            title="Worker",
            summary="Runs through executor and trainer; kill -9 and exact resume.",
            share=0.25,
            least=30,
            run=worker.run,
            alone=False,
        ),
        Section(
            key="gradients",
            title="Gradients",
            summary="Compiled or not, whole or in pieces: equal gradients.",
            share=0.25,
            least=20,
            run=gradients.run,
            alone=False,
        ),
        Section(
            key="maps",
            title="Saliency maps",
            summary="Every method beside the same one on the CPU.",
            share=0.25,
            least=10,
            run=maps.run,
            alone=False,
        ),
        Section(
            key="deterministic",
            title="Deterministic runs",
            summary="Two of them are equal bit for bit.",
            share=0.25,
            least=10,
            run=deterministic.run,
            alone=False,
        ),
        Section(
            key="record",
            title="Record",
            summary="Preset record_94 over several seeds, beside the author's script.",
            share=0.45,
            least=20,
            run=record.run,
        ),
        Section(
            key="speed",
            title="Speed",
            summary="Every way to compute a step, beside a plain script.",
            share=0.2,
            least=15,
            run=speed.run,
        ),
        Section(
            key="epochs",
            title="Epochs",
            summary="What a checkpoint costs an epoch, and how busy the GPU is.",
            share=0.12,
            least=15,
            run=epochs.run,
        ),
        Section(
            key="memory",
            title="Memory",
            summary="Real want of memory: how it is called, and the halving.",
            share=0.12,
            least=15,
            run=memory.run,
        ),
    ],
)
