"""The language model and torch: shape, text to tokens, training, gradients, projection, representations.

May import: errors, config, storage, arrays, instructions.
"""
