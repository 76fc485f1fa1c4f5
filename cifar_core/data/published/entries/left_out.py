"""The data sets of torchvision that are not offered here, each with the reason."""

NO_SET = "reads a person's own folder, which is opened by its path"
BOXES = "marks things in an image, and gives the image itself no class"
SEVERAL = "gives an image several labels at once"
WORDS = "describes an image in sentences"
PAIRS = "is about pairs of images"
FILMS = "holds films"

LEFT_OUT = {  # by the name of the class in torchvision.datasets
    "CREStereo": PAIRS,
    "CarlaStereo": PAIRS,
    "CelebA": SEVERAL,
    "Cityscapes": BOXES,
    "CocoCaptions": WORDS,
    "CocoDetection": BOXES,
    "DatasetFolder": NO_SET,
    "ETH3DStereo": PAIRS,
    "FakeData": "draws noise, which nothing can be learned from",
    "FallingThingsStereo": PAIRS,
    "Flickr30k": WORDS,
    "Flickr8k": WORDS,
    "FlyingChairs": PAIRS,
    "FlyingThings3D": PAIRS,
    "HD1K": PAIRS,
    "HMDB51": FILMS,
    "ImageFolder": NO_SET,
    "InStereo2k": PAIRS,
    "Kinetics": FILMS,
    "Kitti": BOXES,
    "Kitti2012Stereo": PAIRS,
    "Kitti2015Stereo": PAIRS,
    "KittiFlow": PAIRS,
    "LFWPairs": PAIRS,
    "LFWPeople": "has other people in its test images than in its training images",
    "LSUN": "comes in databases (LMDB), which torchvision does not download",
    "LSUNClass": "comes in databases (LMDB), which torchvision does not download",
    "Middlebury2014Stereo": PAIRS,
    "MovingMNIST": FILMS,
    "PhotoTour": PAIRS,
    "SBDataset": BOXES,
    "SBU": WORDS,
    "SceneFlowStereo": PAIRS,
    "Sintel": PAIRS,
    "SintelStereo": PAIRS,
    "UCF101": FILMS,
    "VOCDetection": BOXES,
    "VOCSegmentation": BOXES,
    "VisionDataset": "is what the others are made from",
    "WIDERFace": BOXES,
}
