"""Training and prediction of built networks: batches, compiled graphs, devices."""

from skbseq._training._devices import choose_device
from skbseq._training._loop import predict_logits, train
from skbseq._training._program import Program, get_program

__all__ = ["Program", "choose_device", "get_program", "predict_logits", "train"]
