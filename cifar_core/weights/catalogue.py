"""The published weights that this lab knows: their files, sizes, checksums and origin.

Those of timm's networks are described when their key is asked for, by timm itself.
"""

from cifar_core.registry import OnDemand, Registry
from cifar_core.timm_names import is_name
from cifar_core.weights import timm_files
from cifar_core.weights.spec import WeightsSpec

TORCHVISION = (
    "https://download.pytorch.org/models/",
    "Published with torchvision (BSD-3-Clause), trained on ImageNet-1k, "
    "whose images are for research and teaching.",
)
VIG_RELEASES = "https://github.com/huawei-noah/Efficient-AI-Backbones/releases/download/"
VIG_SOURCE = (
    "Published by the authors of Vision GNN in huawei-noah/Efficient-AI-Backbones, trained on "
    "ImageNet-1k, whose images are for research and teaching."
)


def torchvision(key: str, title: str, file: str, megabytes: float, top1: float) -> WeightsSpec:
    """Return the entry of a torchvision file, which carries its checksum in its name."""
    base, source = TORCHVISION
    return WeightsSpec(
        key=key,
        title=title,
        summary=f"{top1:.1f} % top-1 accuracy on ImageNet at 224 pixels.",
        file=file,
        url=base + file,
        megabytes=megabytes,
        sha256=file.rsplit("-", 1)[1].removesuffix(".pth"),
        source=source,
    )


def vig(
    key: str, title: str, path: str, *, sha256: str, megabytes: float, top1: float
) -> WeightsSpec:
    """Return the entry of one of the official Vision GNN files."""
    return WeightsSpec(
        key=key,
        title=title,
        summary=f"{top1:.1f} % top-1 accuracy on ImageNet at 224 pixels.",
        file=path.split("/")[1],
        url=VIG_RELEASES + path,
        megabytes=megabytes,
        sha256=sha256,
        source=VIG_SOURCE,
    )


WEIGHTS = Registry(
    "weights",
    [
        torchvision("resnet18_imagenet", "ResNet-18", "resnet18-f37072fd.pth", 46.8, 69.8),
        torchvision("resnet34_imagenet", "ResNet-34", "resnet34-b627a593.pth", 87.3, 73.3),
        torchvision("resnet50_imagenet", "ResNet-50", "resnet50-0676ba61.pth", 102.5, 76.1),
        torchvision("vgg16_imagenet", "VGG16", "vgg16-397923af.pth", 553.4, 71.6),
        torchvision(
            "vgg16_bn_imagenet", "VGG16 with batch norm", "vgg16_bn-6c64b313.pth", 553.5, 73.4
        ),
        torchvision(
            "mobilenet_v2_imagenet", "MobileNetV2", "mobilenet_v2-b0353104.pth", 14.2, 71.9
        ),
        torchvision(
            "mobilenet_v3_large_imagenet",
            "MobileNetV3 large",
            "mobilenet_v3_large-8738ca79.pth",
            22.1,
            74.0,
        ),
        torchvision(
            "efficientnet_b0_imagenet",
            "EfficientNet-B0",
            "efficientnet_b0_rwightman-7f5810bc.pth",
            21.4,
            77.7,
        ),
        torchvision(
            "convnext_tiny_imagenet", "ConvNeXt-Tiny", "convnext_tiny-983f1562.pth", 114.4, 82.5
        ),
        torchvision("densenet121_imagenet", "DenseNet-121", "densenet121-a639ec97.pth", 32.3, 74.4),
        torchvision("vit_b_16_imagenet", "ViT-B/16", "vit_b_16-c867db91.pth", 346.3, 81.1),
        vig("vig_ti_imagenet", "ViG-Ti", "vig/vig_ti_74.5.pth",
            sha256="61872146", megabytes=29, top1=74.5),
        vig("vig_s_imagenet", "ViG-S", "vig/vig_s_80.6.pth",
            sha256="081bb44c", megabytes=91, top1=80.6),
        vig("vig_b_imagenet", "ViG-B", "vig/vig_b_82.6.pth",
            sha256="40b0685d", megabytes=348, top1=82.6),
        vig("pvig_ti_imagenet", "Pyramid ViG-Ti", "pyramid-vig/pvig_ti_78.5.pth.tar",
            sha256="06c49bda", megabytes=50, top1=78.5),
        vig("pvig_s_imagenet", "Pyramid ViG-S", "pyramid-vig/pvig_s_82.1.pth.tar",
            sha256="03455330", megabytes=116, top1=82.1),
        vig("pvig_m_imagenet", "Pyramid ViG-M", "pyramid-vig/pvig_m_83.1.pth.tar",
            sha256="5a5ce0c0", megabytes=207, top1=83.1),
        vig("pvig_b_imagenet", "Pyramid ViG-B", "pyramid-vig/pvig_b_83.66.pth.tar",
            sha256="aafa414a", megabytes=381, top1=83.7),
    ],
    OnDemand(is_name, timm_files.spec_of),
)  # fmt: skip
