"""Training and prediction of built networks: batches, compiled graphs, devices."""

from skbseq._training._augment import Changes
from skbseq._training._compiled import have_room
from skbseq._training._contrast import ContrastLoss
from skbseq._training._devices import choose_device, choose_precision
from skbseq._training._events import EventLoss
from skbseq._training._loop import train
from skbseq._training._losses import Loss
from skbseq._training._predict import predict
from skbseq._training._pretraining import PretrainingLoss
from skbseq._training._program import borrow_program

__all__ = [
    "Changes",
    "ContrastLoss",
    "EventLoss",
    "Loss",
    "PretrainingLoss",
    "borrow_program",
    "choose_device",
    "choose_precision",
    "have_room",
    "predict",
    "train",
]
