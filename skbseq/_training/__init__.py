"""Training and prediction of built networks: batches, compiled graphs, devices."""

from skbseq._training._attribution import Readout, integrated_gradients
from skbseq._training._augment import AugmentationPlan
from skbseq._training._callbacks import EarlyStopping, EpochReporter, check_callbacks
from skbseq._training._compiled import have_room
from skbseq._training._contract import check_function
from skbseq._training._devices import choose_device, choose_precision
from skbseq._training._hold_out import hold_out, with_mean_weight_one
from skbseq._training._loop import train
from skbseq._training._losses import Loss
from skbseq._training._losses_table import make_loss
from skbseq._training._optimizers import check_optimizer, optimizer_class, optimizer_key
from skbseq._training._predict import predict, predict_each
from skbseq._training._program import borrow_program

__all__ = [
    "AugmentationPlan",
    "EarlyStopping",
    "EpochReporter",
    "Loss",
    "Readout",
    "borrow_program",
    "check_callbacks",
    "check_function",
    "check_optimizer",
    "choose_device",
    "choose_precision",
    "have_room",
    "hold_out",
    "integrated_gradients",
    "make_loss",
    "optimizer_class",
    "optimizer_key",
    "predict",
    "predict_each",
    "train",
    "with_mean_weight_one",
]
