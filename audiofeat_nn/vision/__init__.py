"""Networks of the ImageNet contest under torchvision's key names, and their transfer to spectrograms."""

from audiofeat_nn.vision.alexnet import AlexNet, AlexNetFeatures
from audiofeat_nn.vision.backbone import Backbone
from audiofeat_nn.vision.picture import Picture
from audiofeat_nn.vision.resnet import ResNet, ResNetFeatures
from audiofeat_nn.vision.transfer import VGG16, ResNet34, Transfer
from audiofeat_nn.vision.vgg import VGG, VGGFeatures
from audiofeat_nn.vision.weights import load_weights, read_weights

__all__ = [
    "VGG",
    "VGG16",
    "AlexNet",
    "AlexNetFeatures",
    "Backbone",
    "Picture",
    "ResNet",
    "ResNet34",
    "ResNetFeatures",
    "Transfer",
    "VGGFeatures",
    "load_weights",
    "read_weights",
]
