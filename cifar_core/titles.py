"""Titles of networks, optimizers and schedules by their keys, for pages that must not load torch.

The table is written by `make docs` from the registries, which alone decide what a title is.
"""

TITLES = {
    "simple_cnn": "Simple CNN",
    "simple_cnn_dropout": "Simple CNN with dropout",
    "vgg16": "VGG16",
    "vgg16_bn": "VGG16 with batch norm",
    "convmixer_256_8": "ConvMixer-256/8",
    "speed_net": "Speed network",
    "speed_net_small": "Speed network, half as wide",
    "speed_net_strided": "Speed network for a CPU",
    "speed_net_strided_wide": "Speed network for a CPU, wider",
    "resnet9": "ResNet-9",
    "resnet18": "ResNet-18",
    "resnet34": "ResNet-34",
    "resnet50": "ResNet-50",
    "wide_resnet16_4": "Wide ResNet 16-4",
    "densenet121": "DenseNet-121",
    "mobilenet_v2": "MobileNetV2",
    "efficientnet_b0": "EfficientNet-B0",
    "vit_small": "Small Vision Transformer",
    "vig_nano": "ViG nano",
    "vig_tiny": "ViG tiny",
    "vig_small": "ViG small",
    "vig_pyramid": "Pyramid ViG",
    "vig_ti": "ViG-Ti",
    "vig_s": "ViG-S",
    "vig_b": "ViG-B",
    "pvig_ti": "Pyramid ViG-Ti",
    "pvig_s": "Pyramid ViG-S",
    "pvig_m": "Pyramid ViG-M",
    "pvig_b": "Pyramid ViG-B",
    "resnet18_imagenet": "ResNet-18, pretrained",
    "resnet34_imagenet": "ResNet-34, pretrained",
    "resnet50_imagenet": "ResNet-50, pretrained",
    "vgg16_imagenet": "VGG16, pretrained",
    "vgg16_bn_imagenet": "VGG16 with batch norm, pretrained",
    "mobilenet_v2_imagenet": "MobileNetV2, pretrained",
    "mobilenet_v3_large_imagenet": "MobileNetV3 large, pretrained",
    "efficientnet_b0_imagenet": "EfficientNet-B0, pretrained",
    "convnext_tiny_imagenet": "ConvNeXt-Tiny, pretrained",
    "densenet121_imagenet": "DenseNet-121, pretrained",
    "vit_b_16_imagenet": "ViT-B/16, pretrained",
    "vig_ti_imagenet": "ViG-Ti, pretrained",
    "vig_s_imagenet": "ViG-S, pretrained",
    "vig_b_imagenet": "ViG-B, pretrained",
    "pvig_ti_imagenet": "Pyramid ViG-Ti, pretrained",
    "pvig_s_imagenet": "Pyramid ViG-S, pretrained",
    "pvig_m_imagenet": "Pyramid ViG-M, pretrained",
    "pvig_b_imagenet": "Pyramid ViG-B, pretrained",
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "yogi": "Yogi",
    "nadam": "NAdam",
    "radam": "RAdam",
    "adamax": "Adamax",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
    "adafactor": "Adafactor",
    "muon": "Muon",
    "accsgd": "AccSGD",
    "adabelief": "AdaBelief",
    "adabound": "AdaBound",
    "adamod": "AdaMod",
    "apollo": "Apollo",
    "diffgrad": "DiffGrad",
    "aggmo": "AggMo",
    "lamb": "LAMB",
    "lars": "LARS",
    "madgrad": "MADGRAD",
    "novograd": "NovoGrad",
    "pid": "PID",
    "qhadam": "QHAdam",
    "qhm": "QHM",
    "ranger": "Ranger",
    "one_cycle": "One cycle",
    "cosine": "Cosine with warm-up",
    "step": "Step",
    "constant": "Constant",
    "polynomial": "Polynomial or linear with warm-up",
    "multi_step": "Multi-step with warm-up",
    "plateau": "On a plateau",
    "warm_restarts": "Cosine with warm restarts",
    "triangular": "Triangular cycles",
    "triangular2": "Triangular cycles, halved",
    "exp_range": "Triangular cycles, fading",
}
WORDS = {"cnn": "CNN", "sgd": "SGD", "adamw": "AdamW", "cifar10": "CIFAR-10", "gpu": "GPU",
         "cuda": "CUDA", "hip": "HIP", "cudnn": "cuDNN"}  # fmt: skip


def title(key: str) -> str:
    """Return the title of a registry's entry; any other key, such as a setting's, in words.

    An entry that is made on demand, such as timm:NAME, has its name for a title.
    """
    if key in TITLES:
        return TITLES[key]
    if ":" in key:
        return key.partition(":")[2]
    first, *rest = key.split("_")
    words = [WORDS.get(word, word) for word in rest]
    return " ".join([WORDS.get(first, first[:1].upper() + first[1:]), *words])
