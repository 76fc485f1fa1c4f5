"""A trained network for other programs: safetensors with a loader, ONNX, or torch.export.

exports/<checkpoint>-<format>.<ending> in the run's folder is the file that the page offers, made by
a background job; a JSON file beside it holds the result of the check.

In every format, the input is images [N, 3, side, side] in [0, 1] with any N, where `side` is the
size of the run's images, and the output logits [N, K]. ONNX and torch.export are checked against
the network itself on images of the run's data, and the largest difference is reported.
"""

import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.background.jobs import Report, beside
from cifar_core.disk import files, output
from cifar_core.errors import RunError
from cifar_core.installation import ROOT
from cifar_core.registry import Registry
from cifar_core.runs.exchange.export_words import input_words, readme
from cifar_core.runs.record.checkpoints import MODEL, verify
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.run_job import RunJob, job_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from cifar_core.inference import Classifier

CHECKED = 64  # images that an exported network is compared on
PACKAGE = ROOT / "cifar_core"
CODE = (
    "__init__.py",
    "errors.py",
    "registry.py",
    "timm_names.py",
)  # what the models need from the package
NEEDED = "requirements-export.txt"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An exported network, and how it compares with the original."""

    path: Path
    images: int = 0  # compared with the original on this many; 0 if the weights are the original's
    difference: float = 0.0  # the largest difference between two logits
    agreeing: int = 0  # images with the same prediction

    @property
    def sentence(self) -> str:
        """The result of the check, as a sentence."""
        if not self.images:
            return "The weights are those of the checkpoint, byte for byte."
        return (
            f"Checked on {self.images} test images of the run: logits differ by at most "
            f"{self.difference:.2g}, and {self.agreeing} of {self.images} predictions are the same."
        )


@dataclass(frozen=True, kw_only=True)
class ModelFormat:
    """One format that a network can be exported in."""

    key: str
    title: str
    summary: str
    ending: str  # of the file's name
    write: Callable[[Run, str, Path], Exported]  # run, checkpoint in full, target
    needs: tuple[str, ...] = ()  # packages that are not always installed

    @property
    def missing(self) -> str:
        """The packages that are not installed, as a sentence with the remedy; empty if none."""
        lacking = [name for name in self.needs if find_spec(name) is None]
        if not lacking:
            return ""
        return f"{self.title} needs {', '.join(lacking)}: pip install -r {NEEDED}"


def export_model(run: Run, key: str, target: Path, checkpoint: str = "best") -> Exported:
    """Write a run's network in a format of MODEL_FORMATS; the file appears when it is complete."""
    fmt, info = MODEL_FORMATS[key], run.checkpoint(checkpoint)
    if fmt.missing:
        raise RunError(fmt.missing)
    output.make_folder(target.parent)
    with output.replacing(target, fmt.ending) as draft:
        exported = fmt.write(run, info.name, draft)
    return Exported(**{**vars(exported), "path": target})


def as_safetensors(run: Run, checkpoint: str, target: Path) -> Exported:
    """Write a zip of the weights, a description, a loader and the code of the networks."""
    info = run.checkpoint(checkpoint)
    verify(info.path)
    code = [PACKAGE / name for name in CODE] + sorted((PACKAGE / "models").glob("*.py"))
    loader = Path(__file__).with_name("export_loader.py")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(info.path / MODEL, MODEL, zipfile.ZIP_STORED)
        archive.writestr("model.json", json.dumps(description(run, checkpoint), indent=2))
        archive.writestr("README.md", readme(run))
        archive.write(loader, "load_model.py")
        for path in code:
            archive.write(path, f"cifar_core/{path.relative_to(PACKAGE)}")
    return Exported(path=target)


def description(run: Run, checkpoint: str) -> dict[str, Any]:
    """Return what a loader and a reader need to know, in plain values."""
    info, config = run.checkpoint(checkpoint), run.config
    return {
        "model": config.model,
        "build": config.build_options,
        "classes": run.environment.data.classes,
        "input": input_words(run),
        "preprocessing": asdict(run.sizing),
        "output": "logits [N, K]",
        "epoch": info.epoch,
        "weights_sha256": info.manifest["files"][MODEL]["sha256"],
        "test_accuracy": run.summary.test_accuracy,
        "test_balanced_accuracy": run.summary.test_balanced_accuracy,
        "test_macro_f1": run.summary.test_macro_f1,
        "data_fingerprint": run.environment.data.fingerprint or None,
        "run": run.id,
    }


def as_torch_export(run: Run, checkpoint: str, target: Path) -> Exported:
    """Write a program that torch.export.load reads, without any code of this package."""
    import torch

    from cifar_core.runs.results.classifier import load_classifier

    classifier = load_classifier(run, checkpoint)
    batch = torch.export.Dim("batch")
    with torch.no_grad():
        program = torch.export.export(
            classifier.model, (example(classifier),), dynamic_shapes=({0: batch},)
        )
    extra = {f"{name}.json": text for name, text in facts(run, classifier).items()}
    torch.export.save(program, target, extra_files=extra)
    loaded = torch.export.load(target).module()
    return checked(run, classifier, target, lambda images: loaded(images).numpy())


def as_onnx(run: Run, checkpoint: str, target: Path) -> Exported:
    """Write an ONNX file; the classes and the preprocessing are in its metadata."""
    import onnx
    import onnxruntime
    import torch

    from cifar_core.runs.results.classifier import load_classifier

    classifier = load_classifier(run, checkpoint)
    with torch.no_grad():
        program = torch.onnx.export(
            classifier.model, (example(classifier),), dynamo=True, verbose=False,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=["images"], output_names=["logits"],
        )  # fmt: skip
    assert program is not None
    proto = program.model_proto
    onnx.helper.set_model_props(proto, facts(run, classifier))
    onnx.save(proto, target)
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])

    def logits(images: "Tensor") -> "NDArray[np.float32]":
        return session.run(["logits"], {"images": images.numpy()})[0]

    return checked(run, classifier, target, logits)


def facts(run: Run, classifier: "Classifier") -> dict[str, str]:
    """Return what goes with a network without a description of its own, each as JSON."""
    return {
        "classes": json.dumps(list(classifier.classes)),
        "preprocessing": json.dumps(asdict(run.sizing)),
    }


def example(classifier: "Classifier") -> "Tensor":
    """Return two images to trace the network with."""
    import torch

    return torch.rand(2, 3, classifier.side, classifier.side)


def checked(
    run: Run, original: "Classifier", path: Path, logits: "Callable[[Tensor], NDArray[np.float32]]"
) -> Exported:
    """Compare an exported network with the original on images of the run, in two batch sizes."""
    import numpy as np
    import torch

    images = sample_images(run)
    with torch.inference_mode():
        # one image, then the others, so that batch sizes other than the example's are tried too
        batches = [images[:1], *images[1:].split(original.at_once)]
        expected = np.concatenate([original.model(batch).numpy() for batch in batches])
        exported = np.concatenate([logits(batch) for batch in batches])
    same = exported.argmax(axis=1) == expected.argmax(axis=1)
    difference = float(np.abs(exported - expected).max())
    return Exported(path=path, images=len(images), difference=difference, agreeing=int(same.sum()))


def sample_images(run: Run) -> "Tensor":
    """Return some of the run's test images [N, 3, side, side] in [0, 1], evenly spaced."""
    import numpy as np
    import torch

    from cifar_core import data

    images = data.load(run.source, run.store_root, run.sizing).test
    indexes = np.linspace(0, len(images) - 1, min(CHECKED, len(images))).astype(int)
    return torch.tensor(images.pixels[indexes]).permute(0, 3, 1, 2) / 255


MODEL_FORMATS = Registry(
    "format of a model",
    [
        ModelFormat(
            key="safetensors", title="Safetensors", ending=".zip", write=as_safetensors,
            summary="Weights, a small loader and the network's code, in a zip.",
        ),
        ModelFormat(
            key="onnx", title="ONNX", ending=".onnx", write=as_onnx,
            needs=("onnx", "onnxscript", "onnxruntime"),
            summary="For other programs, phones and browsers; checked on the run's images.",
        ),
        ModelFormat(
            key="torch_export", title="torch.export", ending=".pt2", write=as_torch_export,
            summary="For PyTorch without this program's code; checked on the run's images.",
        ),
    ],
)  # fmt: skip


def job(run: Run, key: str, checkpoint: str = "best") -> RunJob:
    """Return the background job that exports a checkpoint into the run's folder."""
    name = run.checkpoint(checkpoint).name
    return job_of(
        run,
        what=f"an export as {MODEL_FORMATS[key].title}",
        path=run.path / "exports" / f"{name}-{key}{MODEL_FORMATS[key].ending}",
        work=do_job,
        request={"run": str(run.path), "format": key, "checkpoint": name},
    )


def kept(run: Run, key: str, checkpoint: str = "best") -> Exported | None:
    """Return what the background job exported; None if it has not finished."""
    work = job(run, key, checkpoint)
    if not work.is_done:
        return None
    return Exported(path=work.path, **files.read_json(beside(work.path, ".json")))


def do_job(request: dict[str, Any], report: Report) -> None:
    """Export what a request asks for."""
    target = Path(request["path"])
    draft = target.with_name(f"draft-{target.name}")
    made = export_model(Run(Path(request["run"])), request["format"], draft, request["checkpoint"])
    values = {name: value for name, value in vars(made).items() if name != "path"}
    files.write_json(beside(target, ".json"), values)
    draft.replace(target)
