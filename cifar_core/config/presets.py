"""The presets: named starting points, each the settings in which it differs from the defaults."""

from dataclasses import dataclass
from typing import Any

from cifar_core.config.train_config import TrainConfig
from cifar_core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A named starting point: the settings in which it differs from the defaults."""

    key: str
    title: str
    summary: str
    values: dict[str, Any]

    @property
    def config(self) -> TrainConfig:
        """Return the whole settings."""
        return TrainConfig(**self.values)


FINE_TUNED: dict[str, Any] = {  # a recipe that suits most pretrained networks
    "plan": "gradual",
    "head_epochs": 1,
    "backbone_rate": 0.1,
    "optimizer": "adamw",
    "learning_rate": 0.002,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "batch_size": 64,
    "epochs": 10,
}
RECORD: dict[str, Any] = {  # what the speed networks have in common, after airbench94
    "val_fraction": 0.01,
    "crop_padding": 2,
    "padding_mode": "reflect",
    "flip_mode": "alternate",
    "optimizer": "muon",
    "learning_rate": 0.24,
    "momentum": 0.6,
    "schedule": "polynomial",
    "warmup_epochs": 0.0,
    "label_smoothing": 0.2,
}
AIRBENCH: dict[str, Any] = {  # and the rest of airbench94_muon, with the mean loss for the sum
    **RECORD,
    "model": "speed_net",
    "whitening_epochs": 3,
    "newton_schulz_steps": 3,
    "normalized_weights": True,
    "rest_optimizer": "sgd",
    "bias_share": 440.0,
    "head_share": 5600.0,
    "weight_decay": 0.0167,
    "decay_biases": True,
    "batch_size": 1980,  # 25 steps an epoch, as with 2,000 of all images
    "epochs": 8,
    "test_views": "mirror_shift_unsure",
}
PRESETS = Registry(
    "preset",
    [
        Preset(
            key="lab_cnn",
            title="Lab CNN",
            summary="The course's first network. The course reported 66.71 % on the test images of "
            "CIFAR-10.",
            values={"model": "simple_cnn"},
        ),
        Preset(
            key="lab_cnn_dropout",
            title="Lab CNN with dropout",
            summary="The same with dropout: learns a little more slowly, overfits a little less.",
            values={"model": "simple_cnn_dropout", "dropout": 0.3},
        ),
        Preset(
            key="lab_cnn_modern",
            title="Lab CNN, modern twin",
            summary="ResNet-9: residual, normalized and still small. Best with a GPU.",
            values={"model": "resnet9", "label_smoothing": 0.1, "epochs": 20},
        ),
        Preset(
            key="lab_cnn_dropout_modern",
            title="Lab CNN with dropout, modern twin",
            summary="A Wide ResNet, regularized by label smoothing instead of dropout. For a GPU.",
            values={"model": "wide_resnet16_4", "label_smoothing": 0.1, "epochs": 30},
        ),
        Preset(
            key="lab_vgg16",
            title="Lab VGG16",
            summary="The course's pretrained VGG16; only the last layer is trained.",
            values={
                "model": "vgg16_imagenet",
                "plan": "head",
                "learning_rate": 0.01,
                "batch_size": 64,
                "epochs": 20,
            },
        ),
        Preset(
            key="lab_vgg16_modern",
            title="Lab VGG16, modern twin",
            summary="VGG16 with batch norm: first its head, then all of it, the pretrained layers "
            "at a tenth of the rate. For a GPU.",
            values={**FINE_TUNED, "model": "vgg16_bn_imagenet"},
        ),
        Preset(
            key="lab_resnet",
            title="Lab ResNet",
            summary="The course's pretrained ResNet, rate, batch size and epochs; head only. "
            "The course reported 90.27 % on the test images of CIFAR-10.",
            values={
                "model": "resnet18_imagenet",
                "plan": "head",
                "learning_rate": 0.01,
                "batch_size": 64,
                "epochs": 20,
            },
        ),
        Preset(
            key="lab_resnet_fine_tuned",
            title="Lab ResNet, fine-tuned",
            summary="The same settings, but every layer is trained, the pretrained ones at a tenth "
            "of the rate. For a GPU.",
            values={
                "model": "resnet18_imagenet",
                "plan": "full",
                "learning_rate": 0.01,
                "batch_size": 64,
                "epochs": 20,
            },
        ),
        Preset(
            key="lab_resnet_modern",
            title="Lab ResNet, modern twin",
            summary="First the head, then everything, with AdamW and label smoothing, in half the "
            "epochs. For a GPU.",
            values={**FINE_TUNED, "model": "resnet18_imagenet"},
        ),
        Preset(
            key="lab_vig",
            title="Lab Vision GNN",
            summary="A tiny Vision GNN, from scratch; learns slowly. Best with a GPU.",
            values={
                "model": "vig_tiny",
                "optimizer": "adamw",
                "learning_rate": 0.002,
                "weight_decay": 0.05,
                "label_smoothing": 0.1,
                "clip_norm": 1.0,
                "epochs": 30,
            },
        ),
        Preset(
            key="lab_vig_modern",
            title="Lab Vision GNN, modern twin",
            summary="The published Pyramid ViG-Ti with its ImageNet weights, fine-tuned. For a "
            "GPU.",
            values={**FINE_TUNED, "model": "pvig_ti_imagenet", "clip_norm": 1.0},
        ),
        Preset(
            key="record_94",
            title="Fastest to 94 %",
            summary="After a published record of a few seconds on a large GPU; not measured here "
            "yet. Without a GPU, use 'Fast on a CPU'.",
            values=AIRBENCH,
        ),
        Preset(
            key="record_cpu",
            title="Fast on a CPU",
            summary="The record's recipe on a smaller network. A run of just under one epoch, 45 "
            "seconds on one AVX2 core, reached 73 % on test; this one has three epochs.",
            values={
                **RECORD,
                "model": "speed_net_strided",
                "weight_decay": 0.1,
                "batch_size": 250,
                "epochs": 3,
            },
        ),
        Preset(
            key="resnet_modern",
            title="ResNet, modern recipe",
            summary="A ResNet-18 from scratch with what is usual today: TrivialAugment, random "
            "erasing, label smoothing, a cosine and averaged weights. Takes many epochs; for a "
            "GPU. Not measured here yet.",
            values={
                "model": "resnet18",
                "policy": "trivial_augment",
                "erasing": 0.1,
                "label_smoothing": 0.1,
                "schedule": "cosine",
                "ema_epochs": 1.0,
                "epochs": 100,
            },
        ),
        Preset(
            key="few_images",
            title="Few images",
            summary="For a few hundred images: a ResNet-18 that knows ImageNet, and images that "
            "are turned, zoomed, recolored and partly blanked out, differently in every epoch, so "
            "that they are harder to memorize. Best with a GPU. Not measured here yet.",
            values={
                **FINE_TUNED,
                "model": "resnet18_imagenet",
                "batch_size": 32,
                "epochs": 30,
                "rotation": 15.0,
                "zoom": 0.2,
                "color_jitter": 0.3,
                "erasing": 0.25,
            },
        ),
        Preset(
            key="transfer_quick",
            title="Transfer on a laptop",
            summary="A frozen MobileNetV2 whose features are computed once, in minutes without a "
            "GPU; training another head then takes seconds.",
            values={
                "model": "mobilenet_v2_imagenet",
                "plan": "head",
                "cached_views": 1,
                "optimizer": "adamw",
                "learning_rate": 0.002,
                "weight_decay": 0.01,
                "batch_size": 512,
                "epochs": 20,
            },
        ),
        Preset(
            key="smoke",
            title="Smoke test",
            summary="15 % of the images for five epochs, to see that everything works. On the "
            "program's own shapes it reaches about 95 %.",
            values={
                **RECORD,
                "model": "speed_net_strided",
                "train_fraction": 0.15,
                "val_fraction": 0.1,
                "weight_decay": 0.1,
                "label_smoothing": 0.0,
                "batch_size": 100,
                "epochs": 5,
                "startup": "fast_start",
            },
        ),
    ],
)
