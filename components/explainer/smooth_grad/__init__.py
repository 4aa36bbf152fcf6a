"""SmoothGrad: the mean gradient of an image and noisy copies of it."""
