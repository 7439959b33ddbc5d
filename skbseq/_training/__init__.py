"""Training and prediction of built networks: batches, compiled graphs, devices."""

from skbseq._training._augment import AugmentationPlan
from skbseq._training._compiled import have_room
from skbseq._training._devices import choose_device, choose_precision
from skbseq._training._loop import train
from skbseq._training._losses import Loss
from skbseq._training._losses_table import make_loss
from skbseq._training._predict import predict
from skbseq._training._program import borrow_program

__all__ = [
    "AugmentationPlan",
    "Loss",
    "borrow_program",
    "choose_device",
    "choose_precision",
    "have_room",
    "make_loss",
    "predict",
    "train",
]
