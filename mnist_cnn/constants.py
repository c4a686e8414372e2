"""Numbers that every part of the package relies on."""

IMAGE_SIZE = 28  # side of an MNIST image, in pixels
DIGIT_SIZE = 20  # longer side of the digit inside it, in pixels
NUM_CLASSES = 10

# Of the pixels of MNIST's training images, from 0 to 1.
MNIST_MEAN = 0.1307
MNIST_STD = 0.3081
