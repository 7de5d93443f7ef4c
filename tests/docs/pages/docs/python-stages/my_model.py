"""Stands in for a model."""


class Model:
    def __init__(self, weights):
        self.weights = weights

    def caption(self, images):
        return [f"{bytes(image).decode().strip()} by {self.weights}" for image in images]


load = Model
